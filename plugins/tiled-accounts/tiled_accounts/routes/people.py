"""`/auth/whoami` and `/auth/principal`: who somebody is, and who there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct, field

from tiled_accounts import principals
from tiled_accounts.resources import principal_resources
from tiled_accounts.routes.api_keys import uuid_of
from tiled_accounts.routes.replies import personal
from tiled_accounts.times import now
from tiledkernel.access.scopes import NO_SCOPES, READ_PRINCIPALS, ROLES, WRITE_PRINCIPALS
from tiledkernel.errors import NotFound, Unprocessable
from tiledkernel.records import Route
from tiledkernel.server.credentials import present_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tiled_accounts.keeper import Keeper
    from tiled_accounts.principals import Account
    from tiledkernel.server.answers import Message
    from tiledkernel.server.request import Request

PAGE = 100
MAX_PAGE = 300
Offset = Annotated[int, Meta(ge=0, le=2**53)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]


class Paging(Struct, frozen=True):
    """Which of all principals, by either name."""

    offset: Offset | None = None
    limit: Limit | None = None
    page_offset: Offset | None = field(default=None, name="page[offset]")
    page_limit: Limit | None = field(default=None, name="page[limit]")


class NewPrincipal(Struct, frozen=True):
    """The role of a new service."""

    role: str


class PeopleRoutes:
    """Tells who is who."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        reading, everybody = frozenset({READ_PRINCIPALS}), "/auth/principal"
        writing = frozenset({WRITE_PRINCIPALS})
        return [
            Route(path="/auth/whoami", handler=self.whoami, scopes=NO_SCOPES, blocks=True),
            Route(path=everybody, handler=self.page, scopes=reading, parameters=Paging, blocks=True),
            Route(
                path=everybody, methods=("POST",), handler=self.create, scopes=writing, parameters=NewPrincipal,
                blocks=True,
            ),
            Route(path=f"{everybody}/{{uuid}}", handler=self.show, scopes=reading, blocks=True),
        ]  # fmt: skip

    def whoami(self, request: Request) -> Message:
        """Who asks, with keys and sessions; null for the public."""
        keeper = self._keeper
        if request.viewer.principal is None:
            return personal(None)
        credentials = present_credentials(request.exchange, request.values, request.method)
        keeper.write_activities()
        with keeper.database.reading() as connection:
            account = keeper.account_of(connection, request.viewer)
            own = principal_resources(connection, [account], now(), states=credentials.api_key is None)
        return personal(own[0])

    def page(self, request: Request) -> Message:
        """Some of all principals."""
        asked: Paging = request.query
        offset = _first(asked.page_offset, asked.offset, 0)
        limit = _first(asked.page_limit, asked.limit, PAGE)
        self._keeper.write_activities()
        with self._keeper.database.reading() as connection:
            found = principals.page(connection, offset, limit)
            return personal(principal_resources(connection, found, now()))

    def show(self, request: Request) -> Message:
        """One principal."""
        wanted = uuid_of(request)
        self._keeper.write_activities()
        with self._keeper.database.reading() as connection:
            found = principals.find(connection, wanted)
            if found is None:
                raise NotFound(f"there is no principal {wanted}")
            return personal(principal_resources(connection, [found], now())[0])

    def create(self, request: Request) -> Message:
        """A new principal for a service; it logs in by API keys, which administrators make."""
        role = request.query.role
        if role not in ROLES:
            raise Unprocessable(f"no such role: expected one of {', '.join(ROLES)}", "query", "role", value=role[:80])
        # an administrator is a user, too
        held = {"user", role}
        moment = now()

        def work(connection: Connection) -> Account:
            return principals.load(connection, [principals.create(connection, "service", held, moment)])[0]

        account = self._keeper.database.write(work)
        with self._keeper.database.reading() as connection:
            return personal(principal_resources(connection, [account], moment)[0])


def _first(*values: int | None) -> int:
    return next(value for value in values if value is not None)
