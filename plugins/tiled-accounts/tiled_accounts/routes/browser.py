"""`/auth/provider/{provider}/authorize`, `login` and `code`: a browser logs in at a provider.

What has to be known when it comes back (the state, and what the login wants remembered) is kept by the browser itself,
in a signed cookie, so that nobody can finish in one browser what another one began.
"""

from __future__ import annotations

import logging
import secrets
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tiled_accounts import pages, sessions, tickets
from tiled_accounts.logins import identity_of
from tiled_accounts.routes.replies import secret
from tiled_accounts.routes.tokens import provider_of
from tiled_accounts.tokens import Ticket
from tiledkernel.access.logins import BrowserLogin, Departure
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.errors import KernelError, NotFound, NotReady, Unauthorized, Unprocessable
from tiledkernel.records import Route
from tiledkernel.server.answers import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tiled_accounts.keeper import Keeper
    from tiled_accounts.sessions import Session
    from tiledkernel.access.settings import Provider
    from tiledkernel.server.request import Request

logger = logging.getLogger(__name__)

MAX_STATE = 512  # characters
MAX_FORM = 256 << 10  # bytes; assertions of SAML are long
RESUMED = "tiled_resumed"  # a field of the form that a browser sends on from our own page


class BrowserRoutes:
    """Sends browsers to providers, and takes them back."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def routes(self) -> Sequence[Route]:
        """The routes; providers send browsers back with a query or a form."""
        here = "/auth/provider/{provider}"
        plain: dict[str, Any] = {"scopes": NO_SCOPES, "blocks": True, "open": True, "free_query": True}
        form: dict[str, Any] = {"methods": ("POST",), "body": dict[str, str], "form": True, "body_limit": MAX_FORM}
        return [
            Route(path=f"{here}/authorize", handler=self.depart, **plain),
            Route(path=f"{here}/login", handler=self.depart, **plain),
            Route(path=f"{here}/code", handler=self.arrive, **plain),
            Route(path=f"{here}/code", handler=self.arrive_by_form, **plain, **form),
        ]

    def depart(self, request: Request) -> Reply:
        """Send a browser to a provider to log in."""
        provider = browser_provider(self._keeper, request)
        state = request.values.get("state", [""])[-1] or secrets.token_urlsafe(32)
        if len(state) > MAX_STATE:
            raise Unprocessable(f"a state has at most {MAX_STATE} characters", "query", "state")
        departure = departing(self._keeper, provider, _redirect_uri(request, provider), state)
        ticket = tickets.issue(self._keeper.tokens, provider.name, state, departure.remember)
        if len(ticket) > tickets.MAX_COOKIE:
            logger.error("the login %r wants more to be remembered than a cookie holds", provider.name)
            raise NotReady(f"the login {provider.name!r} cannot be asked at the moment", retry_after=5)
        _set_cookie(request, state, ticket, tickets.LIFETIME)
        return Reply(status=307, headers=((b"location", departure.url.encode()),))

    def arrive(self, request: Request) -> Reply:
        """Take a browser back from a provider, with a query."""
        return self._arrive(request, single_values(request))

    def arrive_by_form(self, request: Request) -> Reply:
        """Take a browser back from a provider, with a form.

        Browsers send no cookie with what another site makes them send: it comes again, from a page of ours.
        """
        fields: dict[str, str] = dict(request.body or {})
        resumed = fields.pop(RESUMED, None) is not None
        if not resumed and request.exchange.cookie(tickets.cookie_name(state_in(fields)).encode()) is None:
            login = browser_provider(self._keeper, request).login
            targets = [getattr(login, f"redirect_on_{outcome}", None) for outcome in ("success", "failure")]
            return pages.resume(fields | {RESUMED: "1"}, [target for target in targets if target])
        return self._arrive(request, fields)

    def _arrive(self, request: Request, parameters: Mapping[str, str]) -> Reply:
        provider = browser_provider(self._keeper, request)
        try:
            session = self._log_in(request, provider, parameters)
        except KernelError as error:
            target = getattr(provider.login, "redirect_on_failure", None)
            if not target:
                raise
            logger.info("a login at %r failed: %s", provider.name, type(error).__name__)
            return _redirect(target)
        granted = self._keeper.grant(session)
        target = getattr(provider.login, "redirect_on_success", None)
        if not target:
            return secret(granted)
        told = {name: granted[name] for name in ("access_token", "refresh_token", "principal")}
        told |= {f"identity.{name}": value for name, value in granted["identity"].items()}
        return _redirect(_with_query(target, told | {"state": state_in(parameters)}))

    def _log_in(self, request: Request, provider: Provider, parameters: Mapping[str, str]) -> Session:
        keeper, state = self._keeper, state_in(parameters)
        cookie = request.exchange.cookie(tickets.cookie_name(state).encode())
        _set_cookie(request, state, "", 0)
        if cookie is None:
            raise Unauthorized("this browser has not begun this login, or too long ago: begin again")
        ticket = keeper.tokens.verify(cookie, Ticket)
        if ticket.provider != provider.name or not secrets.compare_digest(ticket.state.encode(), state.encode()):
            raise Unauthorized("this browser has begun another login: begin again")
        keeper.database.write(lambda connection: tickets.spend(connection, ticket))
        arrive = provider.login.arrive
        found = keeper.calls.call(
            provider.name, arrive, _redirect_uri(request, provider), dict(parameters), dict(ticket.remember)
        )
        identity = identity_of(found, provider.name)
        kept = sessions.encode_state(identity.state)

        def work(connection: Connection) -> Session:
            return keeper.begin_session(connection, provider.name, identity, kept)

        return keeper.database.write(work)


def browser_provider(keeper: Keeper, request: Request) -> Provider:
    """The provider that the path names, if browsers can log in there."""
    provider = provider_of(keeper, request)
    if not isinstance(provider.login, BrowserLogin):
        raise NotFound(f"one does not log in at {provider.name!r} in a browser")
    return provider


def departing(keeper: Keeper, provider: Provider, redirect_uri: str, state: str) -> Departure:
    """Where a login sends browsers; NotReady, and a line in the log, if it does not say."""
    found = keeper.calls.call(provider.name, provider.login.depart, redirect_uri, state)
    url = found.url if isinstance(found, Departure) else ""
    if not url.startswith(("https://", "http://")) or not url.isascii() or not url.isprintable():
        logger.error("the login %r sends browsers to what is no URL", provider.name)
        raise NotReady(f"the login {provider.name!r} cannot be asked at the moment", retry_after=5)
    return found  # type: ignore[no-any-return]  # it is a Departure, or has no URL


def single_values(request: Request) -> dict[str, str]:
    """The parameters of a query; Unauthorized if one is there twice, so that nobody is asked about the other one."""
    if twice := [name for name, values in request.values.items() if len(values) > 1]:
        raise Unauthorized(f"the parameter {twice[0][:80]!r} is there more than once")
    return {name: values[0] for name, values in request.values.items()}


def state_in(parameters: Mapping[str, str]) -> str:
    """The state that the provider sends back; SAML has another word for it."""
    return parameters.get("state") or parameters.get("RelayState") or ""


def _redirect_uri(request: Request, provider: Provider) -> str:
    return f"{request.base}/auth/provider/{provider.name}/code"


def _set_cookie(request: Request, state: str, value: str, seconds: float) -> None:
    secure = "; Secure" if request.base.startswith("https:") else ""
    path = f"{request.root_path}/api/v1/auth"
    cookie = f"{tickets.cookie_name(state)}={value}; HttpOnly; SameSite=Lax; Path={path}; Max-Age={seconds:.0f}{secure}"
    request.exchange.set_cookies.append(cookie.encode())


def _with_query(url: str, values: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])).geturl()


def _redirect(url: str) -> Reply:
    return Reply(status=302, headers=((b"location", quote(url, safe=string.punctuation).encode()),))
