"""From lists to archives on their way to the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import awkward
import msgspec
import numpy as np
import ragged
from msgspec import structs
from numpy.typing import NDArray

from tiled_awkward.archives import whole_archive
from tiled_awkward.ragged.describing import describe_ragged
from tiled_awkward.ragged.entries import entries_of
from tiled_awkward.ragged.fitting import fitted, size_of
from tiled_awkward.ragged.structure import RaggedStructure
from tiledkernel.client.creating import creating
from tiledkernel.client.data_sources import DataSource
from tiledkernel.client.plans import Plan
from tiledkernel.errors import Unprocessable

if TYPE_CHECKING:
    from tiled_awkward.ragged.client import RaggedClient
    from tiledkernel.client.node import Node
    from tiledkernel.specs import Spec

PARTITION = 100_000_000  # bytes that travel in one request
_OFFSET = 8  # bytes


def writing_ragged(  # noqa: PLR0913 - what a node is described with
    container: Node,
    array: Any,
    *,
    dims: Sequence[str] | None = None,
    max_partition_bytes: int | None = None,
    appendable: bool = True,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[RaggedClient]:
    """A new ragged array, sent as one request, or as several partitions side by side."""
    if not appendable:
        raise NotImplementedError("every ragged array can grow: leave out appendable=False")
    known = array if isinstance(array, ragged.array) else ragged.array(array)
    whole = describe_ragged(known, dims)
    rows = fitted(awkward.Array(known._impl), whole)  # noqa: SLF001 - the library has no other way to what it holds
    chunks = divide(rows, PARTITION if max_partition_bytes is None else max_partition_bytes)
    structure = describe_ragged(known, dims, chunks)
    source = DataSource(structure_family="ragged", structure=structure)
    node: RaggedClient = yield from creating(
        container, "ragged", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
    )
    if len(chunks) == 1:
        yield from node.writing(rows)
        return node
    for number, (low, high) in enumerate(pairwise(accumulate(chunks, initial=0))):
        yield from node.writing_block(rows[low:high], number)  # in order, as servers need it that put rows into a table
    return node


def divide(rows: awkward.Array, limit: int) -> tuple[int, ...]:
    """How many rows each partition gets, so that none has more than `limit` bytes, but for one of a single row."""
    if limit <= 0:
        raise ValueError(f"max_partition_bytes is {limit}: expected how many bytes a partition may have, at least 1")
    ends = _ends(rows)
    chunks: list[int] = []
    start = 0
    while start < len(rows):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + limit, "right")))
        chunks.append(stop - start)
        start = stop
    return tuple(chunks) or (0,)


def _ends(rows: awkward.Array) -> NDArray[np.int64]:
    """How many bytes there are up to the end of each row."""
    layout = rows.layout
    ends = np.arange(1, len(rows) + 1)
    total = np.zeros(len(rows), np.int64)
    while layout.is_list:
        if layout.is_regular:
            ends = ends * layout.size
        else:
            total += ends * _OFFSET
            ends = np.asarray(layout.offsets.data)[ends]
        layout = layout.content
    found: NDArray[np.int64] = total + ends * layout.data.itemsize
    return found


def rows_of(array: Any, structure: RaggedStructure) -> awkward.Array:
    """Lists as an array of this structure keeps them; ValueError if they do not fit it."""
    known = array if isinstance(array, (ragged.array, awkward.Array)) else ragged.array(array)
    lists = known._impl if isinstance(known, ragged.array) else known  # noqa: SLF001 - there is no other way to it
    try:
        return fitted(awkward.Array(lists), structure)
    except Unprocessable as error:
        raise ValueError(str(error)) from error


def grown(before: RaggedStructure, rows: awkward.Array, described: Any) -> RaggedStructure:
    """What an array looks like with more rows, as the server describes it; some do not count the new elements."""
    structure = msgspec.convert(described, RaggedStructure)
    return structs.replace(structure, size=before.size + size_of(rows)) if structure.size == before.size else structure


def replaced(structure: RaggedStructure, rows: awkward.Array) -> RaggedStructure:
    """What an array looks like whose rows were all replaced by these."""
    count = len(rows)
    chunks = structure.chunks[0] if count == structure.shape[0] else (count,)
    return structs.replace(
        structure,
        shape=(count, *structure.shape[1:]),
        size=size_of(rows),
        chunks=(chunks, *structure.chunks[1:]),
    )


def encode(rows: awkward.Array) -> memoryview:
    """An archive with some rows."""
    return whole_archive(entries_of(rows))
