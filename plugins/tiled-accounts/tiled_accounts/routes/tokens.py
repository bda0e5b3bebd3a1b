"""`POST /auth/provider/{provider}/token`: tokens for a password, or for a device whose user has logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tiled_accounts import attempts, devices, sessions
from tiled_accounts.logins import identity_of
from tiled_accounts.routes.replies import secret
from tiled_accounts.times import now
from tiledkernel.access.logins import BrowserLogin, PasswordLogin
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.errors import AuthorizationPending, NotFound, NotReady, Unauthorized, Unprocessable
from tiledkernel.records import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tiled_accounts.keeper import Keeper
    from tiled_accounts.sessions import Session
    from tiledkernel.access.logins import Identity
    from tiledkernel.access.settings import Provider
    from tiledkernel.server.answers import Reply
    from tiledkernel.server.request import Request

MAX_USERNAME = 256  # characters
MAX_PASSWORD = 1024
PASSWORD = "password"  # noqa: S105 - the name of a grant
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_HEX = frozenset("0123456789abcdef")


class TokenRequest(Struct):
    """The form, or the JSON; which of the fields are needed depends on the provider."""

    grant_type: str | None = None
    username: str | None = None
    password: str | None = None
    device_code: str | None = None

    def __repr__(self) -> str:
        return f"<TokenRequest {self.grant_type!r}>"


class TokenRoutes:
    """Gives out tokens."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def routes(self) -> Sequence[Route]:
        """The route."""
        path = "/auth/provider/{provider}/token"
        return [
            Route(
                path=path, methods=("POST",), handler=self.give_tokens, scopes=NO_SCOPES, body=TokenRequest, form=True,
                blocks=True, open=True, body_limit=16_384,
            )
        ]  # fmt: skip

    def give_tokens(self, request: Request) -> Reply:
        """Tokens for user name and password, or for the code of a device whose user has logged in."""
        provider = provider_of(self._keeper, request)
        asked = request.body or TokenRequest()
        if isinstance(provider.login, PasswordLogin) and asked.grant_type in (None, PASSWORD):
            return secret(self._for_password(provider, asked, request))
        if isinstance(provider.login, BrowserLogin) and asked.grant_type in (None, DEVICE):
            return secret(self._for_device(provider, asked.device_code))
        expected = PASSWORD if isinstance(provider.login, PasswordLogin) else DEVICE
        raise Unprocessable(f"expected the grant type {expected!r}", "body", "grant_type", value=asked.grant_type)

    def _for_password(self, provider: Provider, asked: TokenRequest, request: Request) -> dict[str, Any]:
        keeper = self._keeper
        username = _given(asked.username, "username", MAX_USERNAME)
        password = _given(asked.password, "password", MAX_PASSWORD)
        user, addresses = (
            attempts.of_user(provider.name, username),
            attempts.of_address(address_of(request), "password", 100),
        )
        attempts.begin(keeper.database, [user, *addresses])
        identity = self._authenticate(provider, username, password, [user, *addresses])
        state = sessions.encode_state(identity.state)

        def work(connection: Connection) -> Session:
            attempts.forget(connection, user)
            attempts.take_back(connection, addresses)
            return keeper.begin_session(connection, provider.name, identity, state)

        return keeper.grant(keeper.database.write(work))

    def _authenticate(
        self, provider: Provider, username: str, password: str, subjects: Sequence[attempts.Subject]
    ) -> Identity:
        """Who that is; what is no fault of the caller is no failed attempt."""
        try:
            found = self._keeper.calls.call(provider.name, provider.login.authenticate, username, password)
            return identity_of(found, provider.name)
        except NotReady:
            self._keeper.database.write(lambda connection: attempts.take_back(connection, subjects))
            raise

    def _for_device(self, provider: Provider, device_code: str | None) -> dict[str, Any]:
        keeper = self._keeper
        code = _given(device_code, "device_code", 1000)
        if not _HEX.issuperset(code.lower()):
            raise Unauthorized("a device code is made of hexadecimal digits: this one was never given out")
        moment = now()

        def work(connection: Connection) -> Session | None:
            waiting = devices.poll(connection, provider.name, code.lower(), moment)
            if waiting is None:
                raise NotFound("no such device code: it has expired, or its tokens were fetched before")
            if waiting.session is None:
                return None
            return sessions.fetch(connection, waiting.session)

        session = keeper.database.write(work)
        if session is None:
            raise AuthorizationPending("authorization_pending")
        return keeper.grant(session)


def provider_of(keeper: Keeper, request: Request) -> Provider:
    """The provider that the path names."""
    keeper.keep_house()
    found = keeper.providers.get(request.segments[0])
    if found is None:
        names = ", ".join(map(repr, keeper.providers))
        raise NotFound(f"no login provider {request.segments[0]!r}; there is: {names}")
    return found


def address_of(request: Request) -> str | None:
    """The address of the caller, if that is known."""
    client = request.scope.get("client")
    return client[0] if client else None


def _given(text: str | None, name: str, longest: int) -> str:
    """A field that has to be there; messages do not repeat it, as it may be a password in the wrong place."""
    if not text:
        raise Unprocessable(f"{name!r} is missing", "body", name, kind="missing")
    if len(text) > longest:
        raise Unprocessable(f"{name!r} has at most {longest} characters", "body", name, kind="string_too_long")
    if "\x00" in text:
        raise Unprocessable(f"{name!r} holds a NUL byte", "body", name)
    return text
