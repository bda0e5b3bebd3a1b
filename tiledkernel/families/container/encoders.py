"""Container formats of the kernel: JSON, which tells structure and metadata but holds no data."""

from __future__ import annotations

from typing import Any

from tiledkernel.encoding import Body, Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.nodes.files import unavailable_node
from tiledkernel.server.blame import FAILURES, Blaming
from tiledkernel.server.resolve import Entry
from tiledkernel.wire import encode_json as to_json
from tiledkernel.wire import plain

MAX_DEPTH = 32
MAX_NODES = 100_000


def encode_json(payload: ContainerPayload, encoding: Encoding) -> Body:
    """`{"contents": {key: {"contents": ..., "metadata": ...}}, "metadata": ...}`, recursively."""
    del encoding
    return to_json(_Walk().describe(payload))


class _Walk:
    """Counts the nodes met, so that a huge tree is refused rather than held."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def describe(self, payload: ContainerPayload, depth: int = 0) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise NotAcceptable(f"this container is more than {MAX_DEPTH} levels deep: ask for one below it")
        contents = {}
        for key, child in payload.children():
            self._left -= 1
            if self._left < 0:
                raise NotAcceptable(
                    f"this container holds more than {MAX_NODES} nodes: ask for one below it, or use 'field'"
                )
            if child.node is not None:
                contents[key] = self._child(payload, child, depth)
        return {"contents": contents, "metadata": plain(payload.entry.node.metadata)}

    def _child(self, payload: ContainerPayload, child: Entry, depth: int) -> dict[str, Any]:
        try:
            with child.guard, Blaming(child):
                if child.node.family == "container":
                    return self.describe(payload.below(child), depth + 1)
                return {"metadata": plain(child.node.metadata)}
        except FAILURES as error:
            return {"metadata": unavailable_node(str(error), child.plugin, child.key).metadata}
