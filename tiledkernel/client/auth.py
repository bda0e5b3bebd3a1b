"""Requests that carry a login's token; when it is refused, or about to expire, the login is renewed first.

Whoever finds that a token is refused first looks whether somebody else has renewed it: another thread, or, if the login
is remembered, another process. Only one of them asks for new tokens.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any

from tiledkernel.client.calls import call_form, call_writing
from tiledkernel.client.errors import ClientError, LoginError
from tiledkernel.client.file_locks import SharedLock
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.login_links import csrf, delegate, trusted
from tiledkernel.client.login_state import Login
from tiledkernel.client.messages import parse_detail
from tiledkernel.client.plans import Plan, ask_bare, pause
from tiledkernel.client.retries import surely_not_done
from tiledkernel.client.tokens import ACCESS, REFRESH

if TYPE_CHECKING:
    from tiledkernel.client.identity import Identity

_TRIES = 4  # of one request; others may renew the login again and again meanwhile
_LOOK_AGAIN = 0.03  # seconds until it is looked again whether another one has renewed the login
_LONGEST_WAIT = 90.0  # seconds; the network gives up sooner


class CannotRefreshAuthentication(LoginError):
    """The login has ended: the server gives no new tokens. Log in again."""


def refuse_key(connection: Identity) -> None:
    """LoginError if there is a key, which would be sent instead of a login's token."""
    if connection.api_key is not None:
        raise LoginError(
            "an API key is in use, perhaps from TILED_API_KEY: to log in instead, unset that, or begin with "
            "`context.api_key = None`"
        )


def renewing(connection: Identity, login: Login, refused: str | None, *, force: bool = False) -> Plan[bool]:
    """Have other tokens than the one that was refused; whether the server has just given them to us.

    `force`: also if somebody else has got some already.
    """
    yield from _taking(login.lock)
    try:
        if login.ended is not None:
            raise _ended(connection, login.ended)
        if login.adopt(refused) and not force:
            return False
        if REFRESH not in login.tokens:
            return True  # the refusal stands
        try:
            given = yield from _asking(connection, login.tokens[REFRESH])
            login.renew(given)
        except ClientError as error:
            if error.response.status_code not in (400, 401):
                raise
            if login.adopt(refused):
                return False  # a program that does not know our lock was faster
            login.end(_reason(error.response))
            raise _ended(connection, login.ended) from error
    finally:
        login.lock.release()
    return True


def _before_a_request(plan: Plan[bool]) -> Plan[bool]:
    """A renewal that a request needs; if it fails, the request has not been carried out."""
    try:
        return (yield from plan)
    except (httpx.HTTPError, LoginError) as error:
        surely_not_done(error)
        raise


def _taking(lock: SharedLock) -> Plan[None]:
    deadline = time.monotonic() + _LONGEST_WAIT
    while not lock.acquire():
        if time.monotonic() > deadline:
            raise LoginError("another program has been renewing this login for too long: end it, or log in again")
        yield from pause(_LOOK_AGAIN)


def _asking(connection: Identity, refresh_token: str) -> Plan[Any]:
    """What the server, or the provider that it relies on, gives for a refresh token."""
    links = connection.server_info.authentication.links or {}
    url = links.get("refresh_session", f"{connection.api_uri}auth/session/refresh")
    provider = delegate(connection)
    if provider is None:
        body = {"refresh_token": refresh_token}
        return (yield from ask_bare(call_writing("POST", url, json=body, headers=csrf(connection))))
    client_id = (provider.links or {})["client_id"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": client_id}
    return (yield from ask_bare(call_form(trusted(connection, url), form), abroad=True))


def _reason(response: httpx.Response) -> str:
    return parse_detail(response.headers.get("content-type", ""), response.content, response.reason_phrase)


def _ended(connection: Identity, reason: str | None) -> CannotRefreshAuthentication:
    return CannotRefreshAuthentication(
        f"the login at {connection.api_uri} has ended ({reason}): log in again, with `context.login()` in Python or "
        "`tiledkernel login` in a shell; or go on without, with `context.logout()`"
    )


class TokenAuth(httpx.Auth):
    """Puts the access token into each request, and renews it when that is needed."""

    def __init__(self, connection: Identity, login: Login) -> None:
        self._connection = weakref.ref(connection)  # which holds this one
        self._login = login

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For programs that wait."""
        if self._is_for_another(request):
            yield request
            return
        refused, is_new = self._login.overdue, False
        for left in reversed(range(_TRIES)):
            if refused is not None:
                is_new = self._run(refused)
            response = yield self._signed(request)
            refused = _refused(request, response)
            if refused is None or is_new or not left:
                return
            response.read()  # so that its connection can be used for the renewal

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For programs that do not."""
        if self._is_for_another(request):
            yield request
            return
        refused, is_new = self._login.overdue, False
        for left in reversed(range(_TRIES)):
            if refused is not None:
                is_new = await self._run(refused)
            response = yield self._signed(request)
            refused = _refused(request, response)
            if refused is None or is_new or not left:
                return
            await response.aread()

    def _is_for_another(self, request: httpx.Request) -> bool:
        """Whether a request goes to somebody else than the server, who gets no token of it."""
        home, goal = self._living().api_uri, request.url
        return (goal.scheme, goal.host, goal.port) != (home.scheme, home.host, home.port)

    def _run(self, refused: str) -> Any:
        connection = self._living()
        return connection.run_once(_before_a_request(renewing(connection, self._login, refused)))

    def _signed(self, request: httpx.Request) -> httpx.Request:
        token = self._login.tokens.get(ACCESS)
        if token is None:
            raise _ended(self._living(), self._login.ended)
        request.headers["authorization"] = f"Bearer {token}"
        return request

    def _living(self) -> Identity:
        connection = self._connection()
        if connection is None:
            raise RuntimeError("this connection is closed: make a new one")
        return connection


def _refused(request: httpx.Request, response: httpx.Response) -> str | None:
    """The token, if a server did not take it; not if it took it for somebody who may not do this."""
    asked_for = response.headers.get("www-authenticate", "")
    if response.status_code != 401 or 'error="insufficient_scope"' in asked_for:
        return None
    return request.headers["authorization"].removeprefix("Bearer ")
