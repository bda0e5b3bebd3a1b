"""Compose a server: one Litestar application around one tree."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, asgi
from litestar.exceptions import HTTPException
from litestar.handlers.asgi_handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from tiledkernel import references
from tiledkernel.access.policies import AccessPolicy
from tiledkernel.access.protocols import Accounts
from tiledkernel.composition import Composition
from tiledkernel.errors import BadRequest
from tiledkernel.nodes.protocols import Closing
from tiledkernel.plugins import discover
from tiledkernel.records import Route, Router
from tiledkernel.server.endpoints import TableApplication
from tiledkernel.server.exchange import Exchange, preflight
from tiledkernel.server.links import host_names
from tiledkernel.server.mounts import is_mounts, mount_trees
from tiledkernel.server.problems import problem
from tiledkernel.server.routing import RouteTable
from tiledkernel.server.service import Service
from tiledkernel.settings import Settings
from tiledkernel.wire import encode_json

logger = logging.getLogger(__name__)

API = "/api/v1"
_BELOW_API = f"{API}/"


class Application(Litestar):
    """Litestar, with what every response carries, whoever made it, and with checked hosts and origins.

    The routes of the API are compiled into a table, which is asked before Litestar's own router: that saves a third
    of what a small answer costs. The table is mounted in Litestar too.
    """

    origins: frozenset[bytes] = frozenset()
    hosts: frozenset[bytes] = frozenset()
    api: TableApplication

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The entry point of the ASGI server."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        exchange = scope["exchange"] = Exchange(scope["headers"], self.origins)

        async def dressed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = exchange.complete(message["headers"])
            await send(message)

        if (answer := self._refusal(exchange, scope["method"])) is not None:
            await send_complete(dressed, *answer)
            return
        path = scope["path"]
        if path.startswith(_BELOW_API) and not scope["root_path"]:
            await self.api.answer(scope, path[len(API) :], receive, send, exchange.complete)
        else:
            await super().__call__(scope, receive, dressed)
        if exchange.failure is not None and _in_process(scope):
            raise exchange.failure

    def _refusal(self, exchange: Exchange, method: str) -> tuple[int, list[tuple[bytes, bytes]], bytes] | None:
        """The answer to a preflight, or to a request for a host that this server does not go by."""
        if self.hosts and not self.hosts.issuperset(host_names(exchange)):
            status, headers, body = problem(BadRequest("this server does not go by that host name"), "")
            return status, [*headers, (b"content-type", b"application/json")], body
        return preflight(exchange, self.origins) if method == "OPTIONS" else None


def _in_process(scope: Any) -> bool:
    """Whether the client lives in this process and wants the server's failures as themselves."""
    return bool((scope.get("extensions") or {}).get("tiledkernel.raise_exceptions"))


async def send_complete(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a short response in one piece."""
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def build_app(
    trees: Any,
    *,
    settings: Settings | None = None,
    composition: Composition | None = None,
    accounts: Accounts | None = None,
    policy: AccessPolicy | None = None,
) -> Application:
    """An ASGI application that serves `trees`: a node, a live object, or a mapping of mount paths to such.

    A mapping whose keys all begin with '/' holds mount paths ('/', '/raw', '/raw/2026'); any other mapping is
    itself the tree. `settings` and `accounts` say who may do what (without accounts one user with one key, as the
    settings have it), `policy` with which nodes, `composition` which plugins take part (all installed ones if None).
    Nothing is shared between applications; the same tree may be given to several.
    """
    settings = settings or Settings()
    composition = (composition or Composition(discover())).without_broken()
    service = Service(mount_trees(trees, composition), composition, settings, accounts, policy)
    service.trees = [tree for tree in (trees.values() if is_mounts(trees) else [trees]) if isinstance(tree, Closing)]
    routes = [
        route
        for family in composition.families.values()
        if family.routes is not None
        for route in references.load(family.routes)
    ]
    routes += service.accounts.routes
    routers = composition.routers.values()
    service.tables = tables = _tables(service, routes, routers)
    served = {prefix: TableApplication(table, service) for prefix, table in tables.items()}
    app = Application(
        route_handlers=[handler for prefix in tables for handler in _handlers(prefix, tables[prefix], served[prefix])],
        exception_handlers={Exception: _answer_problem},
        lifespan=[_lifespan],
        openapi_config=None,
        debug=False,
        logging_config=None,
    )
    app.api = served[API]
    app.origins = frozenset(origin.encode() for origin in settings.allow_origins)
    app.hosts = frozenset(host.lower().encode() for host in settings.trusted_hosts)
    app.state.service = service
    app.state.tables = tables
    app.state.root_tree = service.resolver.root
    app.state.api_key = getattr(service.accounts, "key", None)
    app.state.api_key_generated = settings.single_user_api_key is None
    return app


def _tables(service: Service, routes: list[Route], routers: list[Router]) -> dict[str, RouteTable]:
    by_prefix: dict[str, list[Route]] = {API: list(routes)}
    for router in routers:
        by_prefix.setdefault(router.prefix, []).extend(references.load(router.routes))
    return {prefix: RouteTable(service, found) for prefix, found in by_prefix.items()}


def _handlers(prefix: str, table: RouteTable, application: TableApplication) -> list[ASGIRouteHandler]:
    """One mount for all routes below a prefix; without a prefix one handler for each path."""

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)

    if prefix:
        return [asgi(prefix, is_mount=True, copy_scope=False)(mounted)]
    paths = dict.fromkeys(route.path for route in table.routes)
    return [asgi(path, copy_scope=False, name=path)(mounted) for path in paths]


@asynccontextmanager
async def _lifespan(app: Litestar) -> AsyncIterator[None]:
    yield
    app.state.service.close()


def _answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Errors of Litestar's own: an unknown path, a method that nobody answers, a malformed Host header."""
    del request
    if isinstance(error, HTTPException):
        detail = {404: "Not Found", 405: "Method Not Allowed"}.get(error.status_code, str(error.detail))
        status, body, extra = error.status_code, encode_json({"detail": detail}), error.headers or {}
    else:
        status, headers, body = problem(error, "")
        extra = {name.decode(): value.decode() for name, value in headers}
    return Response(body, status_code=status, media_type="application/json", headers=extra)
