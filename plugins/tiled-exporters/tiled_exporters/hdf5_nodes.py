"""Nodes of each family as HDF5 has them.

Arrays are datasets, written piece by piece as they are read. Tables are groups of columns. Sparse arrays are groups
with the datasets `coords` and `data` and the attribute `shape`; awkward and ragged arrays are groups of their buffers,
with the attributes `form` and `length`, as the library of awkward arrays recommends.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import h5py
import numpy as np

from tiled_exporters.hdf5_attributes import link_name, write_attributes
from tiled_exporters.hdf5_elements import check_shape, remarks, stored, stored_type
from tiledkernel import references
from tiledkernel.errors import TooLarge
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.slabs import slabs
from tiledkernel.server.blame import Blaming
from tiledkernel.server.resolve import Entry
from tiledkernel.slices import cut_shape

_TABLE = "tiledkernel.families.table.payload:TablePayload"  # these load when there is such a node
_COLUMNS = "tiled_exporters.hdf5_columns:write_columns"
_TAKE_APART = "tiled_awkward.buffers:take_apart"
_FLATTENED = frozenset({"xarray_dataset", "xarray_data_var", "xarray_coord"})


class Budget:
    """How many bytes may still be read; TooLarge when they are used up."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._taken = 0

    @property
    def left(self) -> int | None:
        """Bytes, or None if there is no limit."""
        return None if self._limit is None else self._limit - self._taken

    def take(self, nbytes: int) -> None:
        """Note that so much is read."""
        self._taken += nbytes
        if self._limit is not None and self._taken > self._limit:
            raise TooLarge(
                f"this container is more than the {self._limit:_} bytes that this server sends at once: "
                "name some of its children with 'field', or ask for one below it"
            )


Writer: TypeAlias = Callable[[h5py.Group, str, Entry, Budget], h5py.HLObject]


def size_of(entry: Entry) -> int:
    """The bytes of an array, known before anything is read; 0 for what tells only when it is read."""
    if entry.node.family != "array":
        return 0
    nbytes: int = entry.node.structure.nbytes
    return nbytes


def attributes_of(entry: Entry) -> Mapping[str, Any]:
    """The metadata of a node; the attributes of a dataset and its variables stand among the others."""
    with Blaming(entry):
        metadata: dict[str, Any] = dict(entry.node.metadata)
        if isinstance(attributes := metadata.get("attrs"), Mapping) and _FLATTENED & {s.name for s in entry.node.specs}:
            del metadata["attrs"]
            return {**attributes, **metadata}
        return metadata


def _write_container(parent: h5py.Group, name: str, entry: Entry, budget: Budget) -> h5py.Group:
    """A group, for now without children."""
    del budget
    return _group(parent, name, entry)


def _group(parent: h5py.Group, name: str, entry: Entry) -> h5py.Group:
    group = parent.create_group(name, track_order=True)
    write_attributes(group, attributes_of(entry))
    return group


def _write_array(parent: h5py.Group, name: str, entry: Entry, budget: Budget) -> h5py.Dataset:
    with Blaming(entry):
        structure = entry.node.structure
        payload = ArrayPayload(entry.node, cut_shape((), structure.shape))
    check_shape(payload.shape)
    budget.take(payload.nbytes)
    dataset = parent.create_dataset(name, payload.shape, stored_type(payload.dtype))
    write_attributes(dataset, remarks(payload.dtype) | dict(attributes_of(entry)))
    for axis, dim in enumerate(structure.dims or ()):
        dataset.dims[axis].label = dim
    if 0 not in payload.shape:
        cuts = slabs(payload.cut, structure.chunks, payload.dtype.itemsize)
        for cut, slab in zip(cuts, payload.slabs(), strict=True):
            dataset[cut.index] = stored(slab)
    return dataset


def _write_table(parent: h5py.Group, name: str, entry: Entry, budget: Budget) -> h5py.Group:
    group = _group(parent, name, entry)
    with Blaming(entry):
        partitions = range(entry.node.structure.npartitions)
    payload = references.load(_TABLE)(entry.node, None, partitions, budget.left)
    budget.take(references.load(_COLUMNS)(group, payload))
    return group


def _write_sparse(parent: h5py.Group, name: str, entry: Entry, budget: Budget) -> h5py.Group:
    with Blaming(entry):
        elements = entry.node.read(cut_shape((), entry.node.structure.shape))
    budget.take(elements.coords.nbytes + elements.data.nbytes)
    group = _group(parent, name, entry)
    group.attrs["shape"] = elements.shape
    group.create_dataset("coords", data=elements.coords)
    data = group.create_dataset("data", data=stored(elements.data))
    data.attrs.update(remarks(elements.data.dtype))
    return group


def _write_awkward(parent: h5py.Group, name: str, entry: Entry, budget: Budget) -> h5py.Group:
    with Blaming(entry):
        structure, buffers = entry.node.structure, entry.node.read_buffers(None)
    return _write_buffers(_group(parent, name, entry), structure.form, structure.length, buffers, budget)


def _write_ragged(parent: h5py.Group, name: str, entry: Entry, budget: Budget) -> h5py.Group:
    with Blaming(entry):
        parts = references.load(_TAKE_APART)(entry.node.read(()))
    return _write_buffers(_group(parent, name, entry), parts.form, parts.length, parts.content, budget)


def _write_buffers(
    group: h5py.Group, form: Mapping[str, Any], length: int, buffers: Mapping[str, Any], budget: Budget
) -> h5py.Group:
    budget.take(sum(memoryview(buffer).nbytes for buffer in buffers.values()))
    group.attrs["form"] = json.dumps(form)
    group.attrs["length"] = length
    for name, buffer in buffers.items():
        group.create_dataset(link_name(name), data=np.frombuffer(buffer, np.uint8))
    return group


WRITERS: Mapping[str, Writer] = {
    "array": _write_array,
    "awkward": _write_awkward,
    "container": _write_container,
    "ragged": _write_ragged,
    "sparse": _write_sparse,
    "table": _write_table,
}
