"""`/auth/session/...` and `/auth/logout`: refresh and end sessions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tiled_accounts import sessions
from tiled_accounts.routes.replies import DONE, secret
from tiled_accounts.times import now
from tiled_accounts.tokens import Refresh
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.errors import NotFound, Unauthorized, Unprocessable
from tiledkernel.records import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tiled_accounts.keeper import Keeper
    from tiledkernel.server.answers import Reply
    from tiledkernel.server.request import Request


class RefreshToken(Struct):
    """The body of requests about the session of a refresh token."""

    refresh_token: str

    def __repr__(self) -> str:
        return "<RefreshToken>"


class SessionRoutes:
    """Refreshes and ends sessions."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def routes(self) -> Sequence[Route]:
        """The routes; those that take a refresh token need no other credential."""
        own: dict[str, Any] = {"scopes": NO_SCOPES, "blocks": True}
        bare: dict[str, Any] = own | {"methods": ("POST",), "open": True}
        told: dict[str, Any] = bare | {"body": RefreshToken, "form": True, "body_limit": 32_768}
        return [
            Route(path="/auth/session/refresh", handler=self.refresh, **told),
            Route(path="/auth/session/revoke", handler=self.revoke, **told),
            Route(path="/auth/session/revoke/{session}", handler=self.revoke_own, methods=("DELETE",), **own),
            Route(path="/auth/logout", handler=self.log_out, methods=("POST",), scopes=NO_SCOPES, open=True),
        ]

    def refresh(self, request: Request) -> Reply:
        """New tokens for a refresh token, which is replaced."""
        keeper, claims = self._keeper, self._claims(request)
        moment = now()
        session = keeper.database.write(
            lambda connection: sessions.refresh(connection, claims.sid, claims.gen, keeper.ages, moment)
        )
        if session is None:
            raise Unauthorized(
                "this refresh token was replaced a while ago: as somebody else may have it, the session is ended; "
                "log in again"
            )
        tokens = keeper.tokens_of(session)
        whole = {name: round(tokens[name]) for name in ("expires_in", "refresh_token_expires_in")}
        return secret(tokens | whole)

    def revoke(self, request: Request) -> Reply:
        """End the session of a refresh token."""
        claims = self._claims(request)
        self._keeper.database.write(lambda connection: sessions.revoke(connection, claims.sid))
        return DONE

    def revoke_own(self, request: Request) -> Reply:
        """End a session of one's own, by the uuid that `whoami` shows."""
        keeper = self._keeper
        try:
            wanted = uuid.UUID(request.segments[0]).hex
        except ValueError:
            raise NotFound("you have no such session") from None

        def work(connection: Connection) -> bool:
            account = keeper.account_of(connection, request.viewer)
            return sessions.revoke_own(connection, wanted, account.number)

        if not keeper.database.write(work):
            raise NotFound("you have no such session")
        return DONE

    def log_out(self, request: Request) -> Reply:
        """Let a browser forget the key that it keeps as a cookie."""
        request.exchange.set_cookies.append(b"tiled_api_key=; HttpOnly; Path=/; SameSite=lax; Max-Age=0")
        return secret({})

    def _claims(self, request: Request) -> Refresh:
        self._keeper.keep_house()
        if request.body is None:
            raise Unprocessable("'refresh_token' is missing", "body", "refresh_token", kind="missing")
        return self._keeper.tokens.verify(request.body.refresh_token, Refresh)
