"""A plugin whose routes share one path: arrays, tables and containers each have their own below it."""

from __future__ import annotations

from msgspec import Struct

from tiledkernel import Route, Router, hookimpl
from tiledkernel.access.scopes import READ_DATA
from tiledkernel.server.answers import Message
from tiledkernel.server.request import Request

SCOPES = frozenset({READ_DATA})


class RowQuery(Struct, frozen=True, kw_only=True):
    """Which row."""

    row: int
    both: str = ""


class NameQuery(Struct, frozen=True, kw_only=True):
    """Which name."""

    name: str = "nobody"
    both: str = ""


def of_rows(request: Request) -> Message:
    """A row of an array or a table."""
    return Message({"row": request.query.row, "body": request.body})


def of_names(request: Request) -> Message:
    """A name in a container."""
    return Message({"name": request.query.name, "filters": sorted(request.values)})


ROUTES = (
    Route(
        path="/part/{path}",
        handler=of_rows,
        scopes=SCOPES,
        parameters=RowQuery,
        families=frozenset({"array", "table"}),
        methods=("GET", "POST"),
        body=list[int] | None,
    ),
    Route(
        path="/part/{path}",
        handler=of_names,
        scopes=SCOPES,
        parameters=NameQuery,
        families=frozenset({"container"}),
        body=list[int] | None,
        filters=True,
    ),
)


@hookimpl
def register_routers() -> list[Router]:
    """The shared path, below /toy."""
    return [Router(name="toy-routes", prefix="/toy", routes="toy_routes:ROUTES")]
