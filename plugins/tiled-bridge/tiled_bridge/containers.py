"""Adapters of containers: mappings, and trees that are asked asynchronously."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tiled_bridge import searching
from tiled_bridge.adoption import family_of, node_for
from tiled_bridge.node import AdapterNode
from tiledkernel.errors import NotFound, PluginError, ReadFailed
from tiledkernel.nodes.sorting import SortKey


class AdapterContainer(AdapterNode):
    """A container that an adapter keeps; it is asked anew each time, so that it may change while it is served."""

    def keys(self) -> list[str]:
        """The keys in the order of the adapter."""
        if hasattr(self.adapter, "keys_range"):
            found = self.ask("keys_range", 0, None)
        elif hasattr(self.adapter, "keys"):
            found = self.ask("keys")
        else:
            found = self.ask("__iter__")
        keys = list(found)
        if not all(isinstance(key, str) for key in keys):
            odd = next(key for key in keys if not isinstance(key, str))
            raise ReadFailed(f"{self.source} has the key {odd!r}: the keys of a container are texts")
        return keys

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        if hasattr(self.adapter, "exact_len"):
            return int(self.ask("exact_len"))
        if hasattr(self.adapter, "__len__"):
            self._begin()
            return len(self.adapter)
        return len(self.keys())

    def __getitem__(self, key: str) -> Any:
        """The node of a child that is an adapter, or whatever else it is; KeyError if there is none."""
        try:
            child = self._look_up(key)
        except NotFound:
            raise KeyError(key) from None
        if child is None:
            raise KeyError(key)
        if family_of(child) is None:
            return child
        try:
            node = node_for(child)
        except PluginError:
            return child  # the server says why it can be no node
        node.is_top = False
        return node

    def _look_up(self, key: str) -> Any:
        if hasattr(self.adapter, "lookup_adapter"):
            return self.ask("lookup_adapter", [key])
        if hasattr(self.adapter, "__getitem__"):
            return self.ask("__getitem__", key)
        return self.ask("get", key)

    def inlined(self, depth: int) -> bool:
        """Whether the adapter wants its children described with it."""
        if not hasattr(self.adapter, "inlined_contents_enabled"):
            return False
        return bool(self.ask("inlined_contents_enabled", depth))

    def narrow(self, queries: Sequence[Any]) -> tuple[AdapterContainer, list[Any]]:
        """The container of what matches the queries that the adapter can run, and the queries that are left."""
        adapter, left = searching.narrow(self.adapter, queries)
        return self._with(adapter), left

    def ordered(self, order: Sequence[SortKey]) -> AdapterContainer | None:
        """The container in this order; None if the adapter cannot sort."""
        adapter = searching.ordered(self.adapter, order)
        return None if adapter is None else self._with(adapter)

    def distinct(
        self, metadata: Sequence[str], *, structure_families: bool, specs: bool, counts: bool
    ) -> dict[str, Any] | None:
        """The distinct values of the children, in the form of the wire; None if the adapter cannot tell."""
        return searching.distinct(
            self.adapter, metadata, structure_families=structure_families, specs=specs, counts=counts
        )

    def _with(self, adapter: Any) -> AdapterContainer:
        if adapter is self.adapter:
            return self
        container = AdapterContainer.of(adapter, self.family, self._metadata, self._specs)
        container.is_top = False
        return container
