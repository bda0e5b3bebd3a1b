"""One composed server: everything that handlers share."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tiledkernel.access.policies import AccessPolicy
from tiledkernel.access.protocols import Accounts
from tiledkernel.access.sight import Sights, has_session_state
from tiledkernel.access.single_user import SingleUser
from tiledkernel.composition import Composition
from tiledkernel.nodes.protocols import Closing
from tiledkernel.nodes.validation import Validators
from tiledkernel.server.compression import Codings
from tiledkernel.server.describe import Describer
from tiledkernel.server.filters import QueryTable
from tiledkernel.server.negotiation import Negotiator
from tiledkernel.server.openapi import describe_paths
from tiledkernel.server.resolve import Resolver
from tiledkernel.server.responses import Responder
from tiledkernel.server.threads import Threads
from tiledkernel.settings import Settings

if TYPE_CHECKING:
    from tiledkernel.server.routing import RouteTable


class Service:
    """The tables and tools of one server, made once."""

    def __init__(
        self,
        root: Any,
        composition: Composition,
        settings: Settings,
        accounts: Accounts | None = None,
        policy: AccessPolicy | None = None,
    ) -> None:
        self.settings = settings
        self.composition = composition
        self.accounts = accounts or SingleUser(
            settings.single_user_api_key, allow_anonymous_access=settings.allow_anonymous_access
        )
        self.sights = Sights(policy) if policy is not None or has_session_state(root) else None
        self.resolver = Resolver(root, composition)
        self.describer = Describer(self.resolver, composition)
        self.negotiator = Negotiator(composition, settings.file_extensions)
        self.queries = QueryTable(composition.queries.values(), composition.families)
        self.responder = Responder(Codings(composition), secrets.token_hex(8), self.negotiator.suffixes)
        self.tables: Mapping[str, RouteTable] = {}  # all routes by prefix, set when they are compiled
        self.validators = Validators(
            composition.validators, settings.specs, reject_undeclared=settings.reject_undeclared_specs
        )
        self.threads = Threads()
        self.trees: Sequence[Closing] = ()  # those that hold something open, set when they are mounted

    @cached_property
    def openapi_paths(self) -> dict[str, Any]:
        """What the OpenAPI document says of the routes; made when somebody asks for it."""
        return describe_paths(self.tables)

    def close(self) -> None:
        """Let go of the threads, and of what the trees hold open; a later request finds both again."""
        self.threads.close()
        for tree in self.trees:
            tree.close()
        others: list[Any] = [self.accounts, self.sights and self.sights.policy]
        for other in others:
            if isinstance(other, Closing):
                other.close()
