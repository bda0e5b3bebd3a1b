"""Writing arrays over HTTP: whole, by block, or from an offset on; the data are the elements in C order."""

from __future__ import annotations

import math
import re
import sys
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.access.scopes import WRITE_DATA
from tiledkernel.blocks import block_bounds, parse_block
from tiledkernel.errors import BadRequest, NotAllowed, SliceOutOfRange, Unprocessable
from tiledkernel.families.array.cuts import check_inside
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.media_types import ARRAY_BYTES
from tiledkernel.nodes.writing import WritableArray
from tiledkernel.records import Route
from tiledkernel.server.answers import Message
from tiledkernel.server.preconditions import check_precondition
from tiledkernel.server.request import Request
from tiledkernel.slices import NDSlice, cut_shape, parse_slice

_NUMBERS = re.compile(r"(?:[0-9]{1,18}(?:,[0-9]{1,18}){0,63})?", re.ASCII)
DONE = Message(None)


class WriteQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a write; without `persist` the data are looked at, and not kept."""

    persist: bool = True


class BlockWriteQuery(WriteQuery, frozen=True, kw_only=True):
    """Parameters of the write of a block; `slice` applies within the block."""

    block: str
    slice: str = ""


class PatchQuery(WriteQuery, frozen=True, kw_only=True):
    """Parameters of a write from `offset` on, of data of this shape; `extend` lets the array grow."""

    offset: str
    shape: str
    extend: bool = False


def write_full(request: Request) -> Message:
    """Replace all elements of an array."""
    node = _writable(request)
    data = _elements(request, node.structure.shape)
    if request.query.persist:
        check_precondition(request)
        node.write(data)
    return DONE


def write_block(request: Request) -> Message:
    """Replace one chunk of an array, or a slice of it."""
    node = _writable(request)
    query: BlockWriteQuery = request.query
    inside, shape = _inside_block(query, node.structure)
    data = _elements(request, shape)
    if query.persist:
        check_precondition(request)
        node.write_block(parse_block(query.block), data, inside)
    return DONE


def patch(request: Request) -> Message:
    """Write elements from an offset on; the structure thereafter."""
    node = _writable(request)
    query: PatchQuery = request.query
    offset, shape = _checked_patch(query, node.structure)
    data = _elements(request, shape)
    if not query.persist:
        return Message(node.structure)
    check_precondition(request)
    return Message(node.patch(offset, data, extend=query.extend))


# How many bytes there may be, which is asked before they come


def size_of_full(request: Request) -> int:
    """Those of all elements."""
    structure: ArrayStructure = _writable(request).structure
    return _size(request, structure.shape)


def size_of_block(request: Request) -> int:
    """Those of the block, or of the slice of it."""
    structure: ArrayStructure = _writable(request).structure
    _, shape = _inside_block(request.query, structure)
    return _size(request, shape)


def size_of_patch(request: Request) -> int:
    """Those of the shape that the data claim to have."""
    structure: ArrayStructure = _writable(request).structure
    _, shape = _checked_patch(request.query, structure)
    return _size(request, shape)


def _size(request: Request, shape: tuple[int, ...]) -> int:
    """How many bytes an array of this shape has; Unprocessable if it is known already that others will come."""
    structure: ArrayStructure = request.entry.node.structure
    expected = math.prod(shape) * structure.data_type.itemsize
    announced = request.header(b"content-length")
    if announced.isdigit():
        _check_size(int(announced), expected, shape, structure)
    return expected


def _check_size(size: int, expected: int, shape: tuple[int, ...], structure: ArrayStructure) -> None:
    if size != expected:
        raise Unprocessable(
            f"the body has {size} bytes, but {expected} were expected: an array of shape {shape} with elements of "
            f"{structure.data_type.itemsize} bytes each",
            "body",
            value=size,
        )


def _writable(request: Request) -> Any:
    """The node, which can be written."""
    entry = request.entry
    if not isinstance(entry.node, WritableArray):
        raise NotAllowed(
            f"{'/'.join(entry.path)!r} cannot be written: only arrays that were uploaded can, not those that are read "
            "from files or from the memory of the server",
            ("GET", "HEAD"),
        )
    return entry.node


def _elements(request: Request, shape: tuple[int, ...]) -> NDArray[Any]:
    """The data as an array of this shape, which looks at the bytes that came."""
    request.upload.require(ARRAY_BYTES)
    dtype = to_numpy(request.entry.node.structure.data_type)
    expected = math.prod(shape) * dtype.itemsize
    _check_size(request.upload.data.nbytes, expected, shape, request.entry.node.structure)
    if not expected:
        return np.empty(shape, dtype)
    elements = np.frombuffer(request.upload.data, dtype)
    _check_letters(elements)
    return elements.reshape(shape)


def _check_letters(elements: NDArray[Any]) -> None:
    """Unprocessable if texts hold what is no letter, which nobody could read later."""
    for name in elements.dtype.names or ():
        _check_letters(elements[name])
    if elements.dtype.kind == "U":
        letters = np.ascontiguousarray(elements).view(np.dtype("u4").newbyteorder(elements.dtype.byteorder))
        if letters.max(initial=0) > sys.maxunicode:
            raise Unprocessable(
                f"{int(letters.max()):#x} is no letter: texts travel as UCS-4, in the byte order of the array", "body"
            )


def _inside_block(query: BlockWriteQuery, structure: ArrayStructure) -> tuple[NDSlice, tuple[int, ...]]:
    """What is written of a block, and the shape that it has."""
    bounds = block_bounds(parse_block(query.block), structure.chunks)
    lengths = tuple(bound.stop - bound.start for bound in bounds)
    inside = parse_slice(query.slice)
    try:
        return inside, cut_shape(inside, lengths).shape
    except SliceOutOfRange as error:
        raise Unprocessable(
            f"slice {query.slice[:80]!r} does not fit the block: {error}", "query", "slice", value=query.slice[:80]
        ) from None


def _checked_patch(query: PatchQuery, structure: ArrayStructure) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Where to write, and the shape of what; Conflict if that is not inside an array which may not grow."""
    offset, shape = _numbers(query.offset, "offset"), _numbers(query.shape, "shape")
    if query.extend and not query.persist:
        raise BadRequest("an array grows by data that are kept: leave out 'persist=false', or 'extend=true'")
    axes = len(structure.shape)
    if len(shape) != axes or len(offset) > axes:
        raise Unprocessable(
            f"shape={query.shape[:80]!r} at offset={query.offset[:80]!r} does not fit an array of {axes} dimensions: "
            "expected one length per dimension, and no more offsets than that",
            "query",
            "shape",
            value=query.shape[:80],
        )
    offset = (*offset, *(0,) * (axes - len(offset)))
    if not query.extend:
        check_inside(offset, shape, structure.shape)
    return offset, shape


def _numbers(text: str, name: str) -> tuple[int, ...]:
    """Integers separated by commas; none in an empty text."""
    if not _NUMBERS.fullmatch(text):
        raise Unprocessable(
            f"{name}={text[:80]!r} is not understood: expected integers of 0 or more, separated by commas, such as "
            "'0,3'",
            "query",
            name,
            value=text[:80],
            kind="string_pattern_mismatch",
        )
    return tuple(map(int, text.split(","))) if text else ()


_FAMILIES = frozenset({"array"})
_SCOPES = frozenset({WRITE_DATA})

ROUTES = (
    Route(
        path="/array/full/{path}",
        handler=write_full,
        scopes=_SCOPES,
        methods=("PUT",),
        parameters=WriteQuery,
        upload=size_of_full,
        families=_FAMILIES,
    ),
    Route(
        path="/array/block/{path}",
        handler=write_block,
        scopes=_SCOPES,
        methods=("PUT",),
        parameters=BlockWriteQuery,
        upload=size_of_block,
        families=_FAMILIES,
    ),
    Route(
        path="/array/full/{path}",
        handler=patch,
        scopes=_SCOPES,
        methods=("PATCH",),
        parameters=PatchQuery,
        upload=size_of_patch,
        families=_FAMILIES,
    ),
)
