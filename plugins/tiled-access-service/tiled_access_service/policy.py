"""The policy that asks a service.

- A caller has a scope on a node if the service says so for the tags of the node. Lists ask which tags give the scope,
  and show nodes with one of these; the service must say the same both ways, as it does if tags add up.
- Administrators are not restricted, and not asked about.
- A credential that is restricted to tags reaches these only, whatever the service says.
- Without an answer that makes sense access is denied (503).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from tiled_access_service.options import ServiceOptions
from tiled_access_service.service import Service
from tiledkernel.access.policies import AccessPolicy, Modifying
from tiledkernel.access.scopes import ALL_SCOPES, ANONYMOUS, NO_SCOPES
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import ConfigurationError, Forbidden
from tiledkernel.queries import AccessTagsFilter

_NO_TAGS: frozenset[str] = frozenset()


class ServicePolicy(Modifying, AccessPolicy):
    """Asks the service that options describe, see `ServiceOptions`; a subclass may tell it other things.

    Its answers hold for `cache_seconds`, and for what `build_input` returns.
    """

    def __init__(self, **options: Any) -> None:
        try:
            known = msgspec.convert(options, ServiceOptions)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"the options of a service that decides about access: {error}") from error
        self.options = structs.replace(known, token=None)  # which only the one who sends it keeps
        self._service = Service(
            known.authorization_provider, token=known.token, timeout=known.timeout, cache_seconds=known.cache_seconds
        )

    @property
    def provider(self) -> str | None:
        """The way to log in whose ids the service knows."""
        return self.options.provider

    def build_input(self, viewer: Viewer, question: Mapping[str, Any]) -> dict[str, Any]:
        """What the service is told: who asks, and the question, which depends on the endpoint; JSON."""
        principal = viewer.principal
        return {
            "user": None if principal is None else principal.id_at(self.provider),
            "provider": self.provider,
            "type": "public" if principal is None else principal.type,
            "principal": None if principal is None else principal.uuid,
            "roles": [] if principal is None else sorted(principal.roles),
            "scopes": sorted(viewer.scopes),
            "restricted_to": None if viewer.access_tags is None else sorted(viewer.access_tags),
            **question,
        }

    def allowed_scopes(self, node: Any, viewer: Viewer) -> frozenset[str]:
        """What the service says of the tags of a node."""
        return ALL_SCOPES if viewer.administers else self._scopes(frozenset(node.access_tags), viewer)

    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> Sequence[AccessTagsFilter] | None:
        """For each scope the tags that give it; None if nodes without tags may be among the allowed ones."""
        if viewer.administers:
            return ()
        if scopes and scopes <= self._scopes(_NO_TAGS, viewer):
            return None
        return tuple(AccessTagsFilter(sorted(self._tags_with(scope, viewer))) for scope in sorted(scopes))

    def init_node(self, viewer: Viewer, access_tags: frozenset[str] | None) -> frozenset[str]:
        """The tags that the service gives a new node; Forbidden if it refuses."""
        if viewer.administers:
            return access_tags or _NO_TAGS
        return self._changed(self.options.create_node_endpoint, viewer, _NO_TAGS, access_tags)

    def modify_node(self, node: Any, viewer: Viewer, access_tags: frozenset[str]) -> frozenset[str]:
        """The tags that the service gives a node instead of those that it has; Forbidden if it refuses."""
        before = frozenset(node.access_tags)
        if viewer.administers or access_tags == before:
            return access_tags
        endpoint = self.options.modify_node_endpoint or self.options.create_node_endpoint
        return self._changed(endpoint, viewer, before, access_tags)

    def close(self) -> None:
        """Let connections to the service go; a later question opens new ones."""
        self._service.close()

    def _scopes(self, tags: frozenset[str], viewer: Viewer) -> frozenset[str]:
        if viewer.access_tags is not None:
            tags &= viewer.access_tags
            if not tags:
                return NO_SCOPES
        if not tags and self.options.empty_access_tags_public is not None:
            return ANONYMOUS if self.options.empty_access_tags_public else NO_SCOPES
        return ALL_SCOPES.intersection(
            self._ask(self.options.scopes_endpoint, viewer, {"access_tags": sorted(tags)}, list[str])
        )

    def _tags_with(self, scope: str, viewer: Viewer) -> frozenset[str]:
        tags = frozenset(self._ask(self.options.allowed_tags_endpoint, viewer, {"scope": scope}, list[str]))
        return tags if viewer.access_tags is None else tags & viewer.access_tags

    def _changed(
        self, endpoint: str, viewer: Viewer, before: frozenset[str], wanted: frozenset[str] | None
    ) -> frozenset[str]:
        question = {"access_tags": None if wanted is None else sorted(wanted), "former_access_tags": sorted(before)}
        answer = self._ask(endpoint, viewer, question, bool | list[str], anew=True)
        if answer is False:
            raise Forbidden(f"the access policy does not let you give this node {_named(wanted)}")
        tags = (wanted or _NO_TAGS) if answer is True else frozenset(answer)
        beyond = _NO_TAGS if viewer.access_tags is None else (tags ^ before) - viewer.access_tags
        if beyond or (viewer.access_tags is not None and not tags & viewer.access_tags):
            raise Forbidden(
                f"this credential is restricted to the access tags {_listed(viewer.access_tags or ())}: it cannot give "
                f"a node {_named(tags)}"
            )
        return tags

    def _ask(
        self, endpoint: str, viewer: Viewer, question: Mapping[str, Any], type_: Any, *, anew: bool = False
    ) -> Any:
        return self._service.ask(endpoint, self.build_input(viewer, question), type_, anew=anew)


def build_policy(options: ServiceOptions) -> ServicePolicy:
    """The policy that a configuration describes; the service is not asked before somebody comes."""
    return ServicePolicy(**structs.asdict(options))


def _named(tags: frozenset[str] | None) -> str:
    return f"the access tags {_listed(tags)}" if tags else "no access tags"


def _listed(tags: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(tags)))
