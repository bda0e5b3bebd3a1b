"""Requests that carry a login's token; when it is refused, or about to expire, the login is renewed first.

Whoever finds that a token is refused first looks whether somebody else has renewed it: another thread, or, if the login
is remembered, another process. Only one of them asks for new tokens.
"""

from __future__ import annotations

import time
import warnings
import weakref
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TYPE_CHECKING, Any

from tiledkernel.client.calls import call_form, call_writing
from tiledkernel.client.errors import ClientError, LoginError
from tiledkernel.client.file_locks import SharedLock
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.login_links import csrf, delegate, trusted
from tiledkernel.client.messages import parse_detail
from tiledkernel.client.plans import Plan, ask_bare, pause
from tiledkernel.client.tokens import ACCESS, PRINCIPAL, REFRESH, TokenFiles, Tokens, parse_tokens

if TYPE_CHECKING:
    from tiledkernel.client.identity import Identity

_TRIES = 4  # of one request; others may renew the login again and again meanwhile
_LOOK_AGAIN = 0.03  # seconds until it is looked again whether another one has renewed the login
_LONGEST_WAIT = 90.0  # seconds; the network gives up sooner
_EARLY = 10.0  # seconds before a token expires


class CannotRefreshAuthentication(LoginError):
    """The login has ended: the server gives no new tokens. Log in again."""


class LoginNotRemembered(UserWarning):
    """A login could not be kept on disk; it lasts as long as this connection."""


class Login:
    """The tokens of a connection, and where they are remembered, if they are."""

    def __init__(self, given: Mapping[str, Any], files: TokenFiles | None = None) -> None:
        self.tokens = parse_tokens(given)
        self.files = files
        self.lock = SharedLock(files.lock_file if files else None)
        self.ended: str | None = None  # why
        self._due = _due(given)

    @classmethod
    def remembered(cls, files: TokenFiles) -> Login | None:
        """The login that is kept in these files, if there is one that can be used."""
        found = files.read()
        return cls(found, files) if ACCESS in found else None

    def remember(self) -> None:
        """Keep the tokens in their files; where that is not possible, say so, and go on without."""
        if self.files is None:
            return
        try:
            self.files.write(self.tokens)
        except OSError as error:
            self.files = None
            text = f"this login is not remembered, since it cannot be kept in a file: {error}"
            warnings.warn(text, LoginNotRemembered, stacklevel=2)

    def belongs_to(self, principal: str) -> None:
        """Note whose login it is."""
        whose = principal.replace("-", "").lower()
        if self.tokens.get(PRINCIPAL) != whose:
            mine = self._still_mine()
            self.tokens = Tokens({**self.tokens, PRINCIPAL: whose})
            if mine:
                self.remember()

    @property
    def principal(self) -> str | None:
        """Whose login it is, if that is known."""
        found = self.tokens.get(PRINCIPAL)
        return None if found is None else found.replace("-", "").lower()

    @property
    def overdue(self) -> str | None:
        """The access token, if it is about to expire and can be renewed."""
        is_due = self._due is not None and time.monotonic() > self._due and REFRESH in self.tokens
        return self.tokens.get(ACCESS) if is_due else None

    def adopt(self, refused: str | None) -> bool:
        """Take what somebody else has got, if there is anything better than the token that was refused."""
        if self.tokens.get(ACCESS) != refused:
            return True
        found = self.files.read() if self.files is not None else Tokens({})
        if ACCESS not in found:
            return False
        if self._is_of_another(found):
            self.files = None  # somebody else has logged in here meanwhile; this connection goes on as who it was
            return False
        self.tokens, self._due = Tokens({**self.tokens, **found}), None
        return self.tokens[ACCESS] != refused

    def _is_of_another(self, found: Tokens) -> bool:
        whose = found.get(PRINCIPAL, self.principal)
        return self.principal is not None and whose is not None and whose.replace("-", "").lower() != self.principal

    def renew(self, given: Any) -> None:
        """Use new tokens, and remember them, unless another login has taken this one's place."""
        mine = self._still_mine()
        self.tokens, self._due = self.tokens.renewed(given), _due(given)
        if mine:
            self.remember()

    def end(self, reason: str) -> None:
        """The server gives no more tokens: forget these."""
        if self._still_mine() and self.files is not None:
            self.files.forget()
        self.tokens, self.ended, self._due = Tokens({}), reason, None

    def _still_mine(self) -> bool:
        if self.files is None:
            return False
        found = self.files.read()
        return not found or found.get(REFRESH) == self.tokens.get(REFRESH)

    def leave_to_parent(self) -> None:
        """After a fork: another thread of the parent may hold the lock for ever."""
        self.lock = SharedLock(self.files.lock_file if self.files else None)


def refuse_key(connection: Identity) -> None:
    """LoginError if there is a key, which would be sent instead of a login's token."""
    if connection.api_key is not None:
        raise LoginError(
            "an API key is in use, perhaps from TILED_API_KEY: to log in instead, unset that, or begin with "
            "`context.api_key = None`"
        )


def _due(given: Mapping[str, Any]) -> float | None:
    """When to renew tokens unasked; None if nothing is said about that."""
    seconds = given.get("expires_in")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        return None
    return time.monotonic() + max(seconds * 0.9, seconds - _EARLY)


def renewing(connection: Identity, login: Login, refused: str | None) -> Plan[bool]:
    """Have other tokens than the one that was refused; whether the server has just given them to us."""
    yield from _taking(login.lock)
    try:
        if login.ended is not None:
            raise _ended(connection, login.ended)
        if login.adopt(refused):
            return False
        if REFRESH not in login.tokens:
            return True  # the refusal stands
        try:
            given = yield from _asking(connection, login.tokens[REFRESH])
            login.renew(given)
        except ClientError as error:
            if error.response.status_code not in (400, 401):
                raise
            login.end(_reason(error.response))
            raise _ended(connection, login.ended) from error
    finally:
        login.lock.release()
    return True


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
        refused, is_new = self._login.overdue, False
        for left in reversed(range(_TRIES)):
            if refused is not None:
                is_new = await self._run(refused)
            response = yield self._signed(request)
            refused = _refused(request, response)
            if refused is None or is_new or not left:
                return
            await response.aread()

    def _run(self, refused: str) -> Any:
        connection = self._living()
        return connection.run_once(renewing(connection, self._login, refused))

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
