"""From coordinates and values to an Arrow file on its way to the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow
from numpy.typing import ArrayLike

from tiled_sparse.memory import MemorySparse
from tiledkernel.client.creating import creating
from tiledkernel.client.data_sources import DataSource
from tiledkernel.client.plans import Plan

if TYPE_CHECKING:
    from tiled_sparse.client import SparseClient
    from tiledkernel.client.node import Node
    from tiledkernel.specs import Spec


def writing_sparse(  # noqa: PLR0913 - what a node is described with
    container: Node,
    coords: ArrayLike,
    data: ArrayLike,
    shape: Sequence[int],
    *,
    dims: Sequence[str] | None = None,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[SparseClient]:
    """A new sparse array of one chunk with these elements; ValueError if some lie outside its shape."""
    described = MemorySparse(coords, data, shape, dims=dims)
    source = DataSource(structure_family="sparse", structure=described.structure)
    node: SparseClient = yield from creating(
        container, "sparse", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
    )
    elements = described.elements
    yield from node._writing(elements.coords, elements.data)  # noqa: SLF001 - its own plan
    return node


def encode(coords: ArrayLike, data: ArrayLike, shape: Sequence[int], dtype: np.dtype[Any]) -> memoryview:
    """An Arrow file with the elements; ValueError or TypeError if they do not fit an array of this shape and type."""
    values = np.asarray(data)
    if not np.can_cast(values.dtype, dtype, "safe") and values.size:
        raise TypeError(
            f"values of type {values.dtype} do not fit an array of type {dtype}: convert them with astype()"
        )
    elements = MemorySparse(coords, values.astype(dtype.newbyteorder("="), copy=False), shape).elements
    columns = {f"dim{axis}": column for axis, column in enumerate(elements.coords)}
    table = pyarrow.table(columns | {"data": elements.data})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())
