"""What is true of every node, as checks whose messages tell a plugin's author what to do."""

from __future__ import annotations

import datetime
import decimal
import itertools
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from tiledkernel import wire
from tiledkernel.blocks import block_bounds
from tiledkernel.errors import Gone
from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.protocols import Inlined, RestsEncoded, Stamped
from tiledkernel.slices import NDSlice, cut_shape, format_slice
from tiledkernel.specs import Spec
from tiledkernel.testing.comparisons import basic_indices, same
from tiledkernel.testing.samples import Sample, find_node

_PLAIN = (
    *(str, int, float, bool, type(None), complex, wire.Blob, decimal.Decimal, uuid.UUID),
    *(datetime.date, datetime.time, datetime.timedelta),
)
_DECODE: dict[str, Callable[[bytes], bytes]] = {
    "deflate": zlib.decompress,
    "gzip": lambda data: zlib.decompress(data, wbits=31),
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


def check_description(path: str, node: Any, families: frozenset[str]) -> None:
    """Family, specs, metadata, structure and abilities have the form that the kernel needs."""
    assert node.family in families, (
        f"node {path!r} has the family {node.family!r}; expected one of {sorted(families)} "
        "(a plugin with a family of its own adds it to `families` of this test class)"
    )
    for spec in node.specs:
        assert isinstance(spec, Spec), f"node {path!r} has the spec {spec!r}: make it a tiledkernel.Spec"
    check_metadata(path, node.metadata)
    if node.family != "container":
        try:
            encoded = wire.encode_json(node.structure)
        except Gone:  # what cannot be read says so; its siblings go on
            return
        assert encoded != b"null", f"structure of {path!r} encodes to null: every node but a container needs one"
    if isinstance(node, Inlined):
        assert node.inlined(0) in (True, False), f"`inlined` of {path!r} must answer True or False"
    if isinstance(node, Stamped):
        assert hash(node.stamp(None)) == hash(node.stamp(None)), (
            f"`stamp` of {path!r} changes though the file does not: make it of what changes with the data only"
        )


def check_metadata(path: str, metadata: Any) -> None:
    """The metadata can be sent, and say the same to every client."""
    assert isinstance(metadata, Mapping), f"metadata of {path!r} are {metadata!r}: make them a dict"
    plain = wire.plain(metadata)
    for encode in (wire.encode_json, wire.encode_msgpack):
        try:
            encode(plain)
        except Exception as error:  # noqa: BLE001 - whatever it is, the author learns which node
            pytest.fail(f"metadata of {path!r} cannot be sent ({error!r}): turn its values into plain ones")
    for where, leaf in _leaves(plain):
        assert isinstance(leaf, _PLAIN), (
            f"metadata of {path!r} have {where} of type {type(leaf).__name__}, of which clients would only see "
            f"{str(leaf)[:80]!r}: turn its values into plain ones (numbers, texts, dates, lists, dicts)"
        )


def _leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{where}[{key!r}]")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _leaves(item, f"{where}[{position}]")
    else:
        yield where, value


def check_container(path: str, node: Any) -> None:
    """Keys are distinct texts; what is not among them is a KeyError."""
    keys = list(node.keys())
    assert all(type(key) is str for key in keys), f"keys of {path!r} must be plain str, not {keys!r}"
    assert len(set(keys)) == len(keys), f"keys of {path!r} repeat: {keys!r}"
    assert len(node) == len(keys), f"len() of {path!r} is {len(node)}, but it has {len(keys)} keys"
    for absent in ("no such key", "", ".", "..", "a\0b"):
        if absent in keys:
            continue
        try:
            found = node[absent]
        except KeyError:
            continue
        except Exception as error:  # noqa: BLE001 - the point is which one
            pytest.fail(f"{path!r}[{absent!r}] raises {error!r}: a key that is absent must be a KeyError")
        pytest.fail(f"{path!r}[{absent!r}] gives {found!r}, but keys() does not list it: raise KeyError")


def check_array_structure(path: str, structure: ArrayStructure, expected: NDArray[Any]) -> None:
    """The declared shape, element type and chunks are those of the data."""
    assert isinstance(structure, ArrayStructure), (
        f"structure of {path!r} is {structure!r}: make it with tiledkernel.families.array.describe.describe_array"
    )
    assert structure.shape == expected.shape, (
        f"{path!r} declares shape {structure.shape}, the data have {expected.shape}"
    )
    declared = to_numpy(structure.data_type)
    assert structure.data_type == from_numpy(expected.dtype), (
        f"{path!r} declares the element type {declared}, the data have {expected.dtype}"
    )
    sums = tuple(map(sum, structure.chunks))
    assert sums == structure.shape, f"chunks of {path!r} add up to {sums}, not to its shape {structure.shape}"
    if structure.dims is not None:
        assert len(structure.dims) == len(structure.shape), (
            f"{path!r} needs one name in `dims` per axis of {structure.shape}"
        )


def check_slice(path: str, node: Any, index: NDSlice, expected: NDArray[Any]) -> None:
    """One cut gives what numpy's indexing gives, in the declared type."""
    cut = cut_shape(index, expected.shape)
    found = node.read(cut)
    what = f"{path!r} read at [{format_slice(index)}] (cut.index {cut.index})"
    assert isinstance(found, np.ndarray | np.generic), f"{what} gives {type(found).__name__}: return a numpy array"
    assert found.shape == cut.shape, (
        f"{what} has shape {found.shape}, expected cut.shape {cut.shape}: integers drop their axis"
    )
    declared = to_numpy(node.structure.data_type)
    assert found.dtype == declared, (
        f"{what} has dtype {found.dtype}, but the structure declares {declared}: convert it in `read`"
    )
    assert same(np.flip(found, cut.flipped), np.asarray(expected[index])), (
        f"{what} differs from numpy's: follow `cut.index` as it is and leave `cut.flipped` to the kernel"
    )


def check_blocks(path: str, node: Any, expected: NDArray[Any]) -> None:
    """The chunks, read one by one, make up the array."""
    chunks = node.structure.chunks
    whole = np.empty(node.structure.shape, to_numpy(node.structure.data_type))
    for block in itertools.product(*(range(len(lengths)) for lengths in chunks)):
        bounds = block_bounds(block, chunks)
        whole[bounds] = part = node.read(cut_shape(bounds, node.structure.shape))
        encoded = node.encoded_block(block) if isinstance(node, RestsEncoded) else None
        if encoded is not None:
            decoded = _DECODE[encoded.coding](encoded.data)
            assert decoded == np.ascontiguousarray(part).tobytes(), (
                f"block {block} of {path!r} as it rests ({encoded.coding}) decodes to other bytes than `read` gives: "
                "return None from `encoded_block` for edge chunks, other filters and missing chunks"
            )
    assert same(whole, expected), f"the blocks of {path!r} put together differ from the array: check `structure.chunks`"


def check_table(path: str, node: Any, expected: Any) -> None:
    """The partitions, in any selection of columns, make up the table."""
    columns = tuple(node.structure.columns)
    assert columns == tuple(expected.column_names), (
        f"table {path!r} declares the columns {columns}, the sample has {tuple(expected.column_names)}"
    )
    backwards = list(reversed(columns))
    for asked in (None, backwards, backwards[:1]):
        names = list(columns if asked is None else asked)
        parts = [node.read_partition(number, asked) for number in range(node.structure.npartitions)]
        for part in parts:
            assert part.column_names[: len(names)] == names, (
                f"table {path!r} asked for columns {asked} gives {part.column_names}: keep the order that was asked for"
            )
        for name in names:
            found = [value for part in parts for value in part.column(name).to_pylist()]
            wanted = expected.column(name).to_pylist()
            assert repr(found) == repr(wanted), (
                f"column {name!r} of {path!r} is {found[:5]}..., expected {wanted[:5]}..."
            )
            types = {part.schema.field(name).type for part in parts}
            assert types == {expected.schema.field(name).type}, (
                f"column {name!r} of {path!r} comes as {types}, expected {expected.schema.field(name).type}"
            )
    error = _raised(lambda: node.read_partition(0, ["no such column"]))
    assert isinstance(error, KeyError), (
        f"table {path!r} asked for a column that it does not have gives {error!r}: raise KeyError, as "
        "tiledkernel.families.table.memory.select_columns does"
    )


def _raised(action: Callable[[], Any]) -> Exception | None:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - the caller looks which one it is
        return error
    return None


def read_everything(root: Any, sample: Sample) -> None:
    """Some slices of each array, and each table, are as the sample says."""
    for path, array in sample.arrays.items():
        node = find_node(root, path)
        for index in basic_indices(array.shape, 3):
            check_slice(path, node, index, array)
    for path, table in sample.tables.items():
        check_table(path, find_node(root, path), table)
