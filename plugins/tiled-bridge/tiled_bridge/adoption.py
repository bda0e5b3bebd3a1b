"""Which objects are adapters, and which node stands for one."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from tiled_bridge.node import AdapterNode
from tiledkernel import references
from tiledkernel.errors import PluginError
from tiledkernel.specs import Spec

# By reference, so that the libraries of a family load when an adapter of that family is touched.
NODES = {
    "container": "tiled_bridge.containers:AdapterContainer",
    "array": "tiled_bridge.arrays:AdapterArray",
    "table": "tiled_bridge.tables:AdapterTable",
    "sparse": "tiled_bridge.sparse:AdapterSparse",
    "awkward": "tiled_bridge.awkward:AdapterAwkward",
    "ragged": "tiled_bridge.ragged:AdapterRagged",
    "bytes": "tiled_bridge.opaque:AdapterBytes",
}
BROUGHT_BY = {"table": "pyarrow", "sparse": "tiled_sparse", "awkward": "tiled_awkward", "ragged": "tiled_awkward"}
EXTRAS = {"table": "table", "sparse": "sparse", "awkward": "awkward", "ragged": "awkward"}


def family_of(live: Any) -> str | None:
    """The family that an adapter says it belongs to; None for what is no adapter."""
    family = None if isinstance(live, type) else getattr(live, "structure_family", None)
    if isinstance(family, enum.Enum):
        family = family.value
    return family if isinstance(family, str) else None


def adopt(
    live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> AdapterNode:
    """The node for an adapter, which may change unseen; nothing is asked of it yet. PluginError for anything else."""
    del generation
    return node_for(live, metadata, specs)


def node_for(live: Any, metadata: Mapping[str, Any] | None = None, specs: Sequence[Spec | str] = ()) -> AdapterNode:
    """The node for an adapter; PluginError for anything else, and for families that cannot be served."""
    family = family_of(live)
    kind = f"{type(live).__module__}.{type(live).__qualname__}"
    if family is None:
        raise PluginError(
            f"no family adopts {kind} objects; expected a node or one of: builtins.dict, builtins.list, numpy.ndarray, "
            "pandas.DataFrame and what else the installed plugins adopt, or an adapter: an object with "
            "'structure_family', 'structure()' and 'metadata()'"
        )
    if family not in NODES:
        raise PluginError(f"{kind} is of the family {family!r}; the adapters that are served are: {', '.join(NODES)}")
    if family in BROUGHT_BY and not references.installed(BROUGHT_BY[family]):
        raise PluginError(f"{kind} is of the family {family!r}: pip install 'tiled-bridge[{EXTRAS[family]}]'")
    node: type[AdapterNode] = references.load(NODES[family])
    return node.of(live, family, metadata, specs)
