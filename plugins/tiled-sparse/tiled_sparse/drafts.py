"""Sparse arrays that are to be made: whether what their writer says about them can be kept."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import msgspec
import numpy as np
import pyarrow

from tiled_sparse.structure import SparseStructure
from tiledkernel.blocks import Block, Chunks
from tiledkernel.errors import Unprocessable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import DataType
from tiledkernel.nodes.protocols import DataSource

MAX_BLOCKS = 10_000  # files
_WHERE = ("body", "data_sources", "structure")
_KINDS = "biufmM"


def structure_of(source: DataSource) -> SparseStructure:
    """The structure in a data source, which may have come as JSON; Unprocessable if it is none of a sparse array."""
    try:
        return msgspec.convert(source.structure, SparseStructure)
    except msgspec.ValidationError as error:
        raise Unprocessable(f"this is no structure of a sparse array: {error}", *_WHERE) from None


def check_structure(structure: SparseStructure) -> None:
    """Unprocessable says why such an array cannot be kept."""
    if structure.layout != "COO":
        raise Unprocessable(
            f"sparse arrays are kept in the layout 'COO', not {structure.layout!r:.80}", *_WHERE, "layout"
        )
    if any(length < 0 for lengths in (structure.shape, *structure.chunks) for length in lengths):
        raise Unprocessable("lengths of axes and chunks cannot be negative", *_WHERE, "shape")
    if (count := math.prod(map(len, structure.chunks))) > MAX_BLOCKS:
        raise Unprocessable(
            f"{count:_} chunks are too many: at most {MAX_BLOCKS:_} are kept; take larger ones", *_WHERE, "chunks"
        )
    try:
        described = describe_array(structure.shape, data_type(structure), structure.chunks, structure.dims)
    except (TypeError, ValueError, OverflowError) as error:
        raise Unprocessable(f"this is no structure of a sparse array: {error}", *_WHERE) from None
    counter = coordinate_type(structure)
    if max(described.shape, default=0) > min(np.iinfo(counter).max, np.iinfo(np.int64).max):
        raise Unprocessable(
            f"coordinates of type {counter} cannot count the elements along the axes of the shape {described.shape}",
            *_WHERE, "coord_data_type",
        )  # fmt: skip
    schema_of(structure)


def data_type(structure: SparseStructure) -> np.dtype:
    """The type of the elements; Unprocessable if no table has such columns."""
    return _numpy_type(structure.data_type, _KINDS, "elements", "data_type")


def coordinate_type(structure: SparseStructure) -> np.dtype:
    """The type of the coordinates; Unprocessable if it is none of integers."""
    return _numpy_type(structure.coord_data_type, "iu", "coordinates", "coord_data_type")


def _numpy_type(described: DataType, kinds: str, what: str, where: str) -> np.dtype:
    try:
        found = to_numpy(described)
    except (TypeError, ValueError) as error:
        raise Unprocessable(f"this is no type of {what}: {error}", *_WHERE, where) from None
    if found.kind not in kinds:
        raise Unprocessable(
            f"{what} of type {found} cannot be kept in a sparse array: its columns are of numbers"
            + (", truth values or times" if kinds == _KINDS else ""),
            *_WHERE,
            where,
        )
    return found


def schema_of(structure: SparseStructure) -> pyarrow.Schema:
    """The columns of the stored elements: their coordinates, and their values."""
    coordinates = pyarrow.from_numpy_dtype(coordinate_type(structure).newbyteorder("="))
    elements = data_type(structure)
    try:
        values = pyarrow.from_numpy_dtype(elements.newbyteorder("="))
    except pyarrow.ArrowNotImplementedError as error:
        raise Unprocessable(
            f"elements of type {elements} cannot be kept in a sparse array: {error}", *_WHERE, "data_type"
        ) from None
    names = [f"dim{axis}" for axis in range(len(structure.shape))]
    return pyarrow.schema([*((name, coordinates) for name in names), ("data", values)])


def blocks_of(structure: SparseStructure) -> Iterator[Block]:
    """The blocks in the order in which their files are numbered: the last axis runs fastest."""
    return itertools.product(*(range(len(lengths)) for lengths in structure.chunks))


def number_of(block: Block, chunks: Chunks) -> int:
    """The number of a block in that order."""
    number = 0
    for at, lengths in zip(block, chunks, strict=True):
        number = number * len(lengths) + at
    return number
