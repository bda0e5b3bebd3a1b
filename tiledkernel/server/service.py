"""One composed server: everything that handlers share."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tiledkernel import references
from tiledkernel.access.protocols import Authenticator
from tiledkernel.composition import Composition
from tiledkernel.server.filters import QueryTable
from tiledkernel.server.compression import Codings
from tiledkernel.server.describe import Describer
from tiledkernel.server.negotiation import Negotiator
from tiledkernel.server.resolve import Resolver
from tiledkernel.server.responses import Responder
from tiledkernel.settings import Settings

if TYPE_CHECKING:
    from tiledkernel.server.routing import RouteTable



class Service:
    """The tables and tools of one server, made once."""

    def __init__(self, root: Any, composition: Composition, settings: Settings) -> None:
        self.settings = settings
        self.composition = composition
        self.authenticator: Authenticator = references.load(composition.authenticators["single-user"].build)(None, settings)
        self.resolver = Resolver(root, composition)
        self.describer = Describer(self.resolver, composition)
        self.negotiator = Negotiator(composition, settings.file_extensions)
        self.queries = QueryTable(composition.queries.values())
        self.responder = Responder(Codings(composition), boot=secrets.token_hex(8))
        self.tables: Mapping[str, RouteTable] = {}  # all routes by prefix, set when they are compiled
        self._pool: ThreadPoolExecutor | None = None

    @property
    def pool(self) -> ThreadPoolExecutor:
        """Threads for what may block; made when first needed, also if no lifespan ever ran."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(min(32, (os.cpu_count() or 1) + 4), thread_name_prefix="tiledkernel")
        return self._pool

    def close(self) -> None:
        """Let the threads go; a later request makes new ones."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(RuntimeError):
                pool.shutdown(wait=False, cancel_futures=True)


