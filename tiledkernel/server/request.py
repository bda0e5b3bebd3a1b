"""A request as a route's handler sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tiledkernel.server.exchange import Exchange
from tiledkernel.server.links import base_url, root_path

if TYPE_CHECKING:
    from tiledkernel.access.sight import Sight
    from tiledkernel.access.viewer import Viewer
    from tiledkernel.server.resolve import Entry
    from tiledkernel.server.service import Service
    from tiledkernel.server.uploads import Upload


class Request:
    """What a handler may ask for.

    - `service`: the composed server; `viewer`: who asks; `entry`: the node at the path, already permitted.
    - `sight`: what the viewer sees of the tree; None if everything.
    - `query`: the Struct that the route declared; `values`: all query values as given; `body`: the decoded body;
      `upload`: the data that a route for such takes.
    - `headers`: names in lower case, as bytes.
    """

    __slots__ = (
        "body",
        "entry",
        "exchange",
        "headers",
        "method",
        "query",
        "scope",
        "segments",
        "service",
        "sight",
        "upload",
        "values",
        "viewer",
    )

    def __init__(
        self, service: Service, scope: Mapping[str, Any], exchange: Exchange, segments: tuple[str, ...]
    ) -> None:
        self.service = service
        self.scope = scope
        self.exchange = exchange
        self.segments = segments
        self.method: str = scope["method"]
        self.headers = exchange.headers
        self.values: dict[str, list[str]] = {}
        self.query: Any = None
        self.body: Any = None
        self.upload: Upload
        self.viewer: Viewer
        self.sight: Sight | None = None
        self.entry: Entry

    @property
    def base(self) -> str:
        """The URL of the API as the caller sees it, without a trailing slash."""
        return base_url(self.scope, self.exchange, self.service.settings)

    @property
    def root_path(self) -> str:
        """The path before `/api`, as the caller sees it: '' or '/prefix'."""
        return root_path(self.scope, self.service.settings)

    def require(self, scopes: frozenset[str]) -> None:
        """Unauthorized or Forbidden unless credential and policy allow more than the route needs of everybody."""
        self.viewer.require(scopes)
        if self.sight is not None:
            self.sight.require(self.entry.governor, scopes, self.entry.path)

    def header(self, name: bytes) -> str:
        """A header's value; empty if it is not there."""
        return self.headers.get(name, b"").decode("latin-1")
