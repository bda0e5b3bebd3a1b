"""The routes below `/auth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiled_accounts.routes.api_keys import ApiKeyRoutes
from tiled_accounts.routes.browser import BrowserRoutes
from tiled_accounts.routes.devices import DeviceRoutes
from tiled_accounts.routes.people import PeopleRoutes
from tiled_accounts.routes.sessions import SessionRoutes
from tiled_accounts.routes.tokens import TokenRoutes

if TYPE_CHECKING:
    from tiled_accounts.keeper import Keeper
    from tiledkernel.records import Route


def routes_of(keeper: Keeper) -> list[Route]:
    """All of them."""
    kinds = (TokenRoutes, BrowserRoutes, DeviceRoutes, SessionRoutes, ApiKeyRoutes, PeopleRoutes)
    return [route for kind in kinds for route in kind(keeper).routes]
