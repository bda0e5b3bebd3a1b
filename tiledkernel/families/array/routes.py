"""Reading arrays over HTTP: whole, sliced, or by block."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from tiledkernel.access.scopes import READ_DATA
from tiledkernel.blocks import block_bounds, parse_block
from tiledkernel.encoding import Encoding
from tiledkernel.errors import SliceOutOfRange, TooLarge, Unprocessable
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.media_types import ARRAY_BYTES
from tiledkernel.nodes.protocols import RestsEncoded
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.compression import accepted_codings
from tiledkernel.server.request import Request
from tiledkernel.slices import Cut, Part, cut_shape, parse_slice

_SHAPE = re.compile(r"^(?:scalar|[0-9]{1,18}(?:,[0-9]{1,18}){0,63})$", re.ASCII)


class FullQuery(Struct, frozen=True, kw_only=True):
    """Parameters of an array read."""

    slice: str = ""
    expected_shape: str | None = None
    format: str | None = None
    filename: str | None = None


class BlockQuery(FullQuery, frozen=True, kw_only=True):
    """Parameters of a block read; `slice` applies within the block."""

    block: str


def read_full(request: Request) -> Payload:
    """The elements of an array, or a slice of them, in the format asked for."""
    cut = cut_shape(parse_slice(request.query.slice), request.entry.node.structure.shape)
    _check_shape(cut, request.query.expected_shape)
    return _payload(request, cut)


def read_block(request: Request) -> Payload:
    """One chunk of an array."""
    query: BlockQuery = request.query
    node = request.entry.node
    block = parse_block(query.block)
    bounds = block_bounds(block, node.structure.chunks)
    cut = _within(bounds, query.slice) if query.slice else _block_cut(bounds)
    _check_shape(cut, query.expected_shape)
    payload = _payload(request, cut)
    if not query.slice and payload.media_type == ARRAY_BYTES and isinstance(node, RestsEncoded):
        return _as_it_rests(request, node, block, payload)
    return payload


def _payload(request: Request, cut: Cut) -> Payload:
    entry = request.entry
    node = entry.node
    query = request.query
    choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
    part = ArrayPayload(node, cut)
    limit = request.service.settings.response_bytesize_limit
    if part.nbytes > limit:
        raise TooLarge(
            f"this selection is {part.nbytes:_} bytes, more than the {limit:_} that this server sends at once: "
            "use 'slice' or 'block' to read it in parts"
        )
    encoding = Encoding(choice.media_type, entry.key, node.metadata if choice.wants_metadata else {}, node.specs)
    return Payload(
        media_type=choice.content_type,
        work=partial(choice.encode, part, encoding),
        stamp=entry.stamp(cut),
        nbytes=part.nbytes,
        length=part.nbytes if choice.media_type.base == ARRAY_BYTES else None,
        itemsize=part.dtype.itemsize,
        filename=query.filename,
    )


def _as_it_rests(request: Request, node: RestsEncoded, block: tuple[int, ...], payload: Payload) -> Payload:
    """The chunk without decoding it, if it rests in a coding that the client accepts."""
    accepted = accepted_codings(request.header(b"accept-encoding"))
    if not accepted:
        return payload
    rested = node.encoded_block(block)
    if rested is None or accepted.get(rested.coding, 0.0) <= 0:
        return payload
    return Payload(
        media_type=payload.media_type,
        work=lambda: rested.data,
        stamp=None if payload.stamp is None else (payload.stamp, rested.coding),
        nbytes=len(rested.data),
        filename=payload.filename,
        headers=((b"content-encoding", rested.coding.encode()), (b"x-tiledkernel-encoded", b"at-rest")),
        compress=False,
    )


def _block_cut(bounds: tuple[slice, ...]) -> Cut:
    return Cut(bounds, tuple([part.stop - part.start for part in bounds]))


def _within(bounds: tuple[slice, ...], text: str) -> Cut:
    """A slice of a block, in the coordinates of the array."""
    try:
        local = cut_shape(parse_slice(text), tuple([part.stop - part.start for part in bounds]))
    except SliceOutOfRange as error:
        raise Unprocessable(f"slice {text!r} does not fit the block: {error}", "query", "slice", value=text) from None
    index = tuple([_shift(part, bound.start) for part, bound in zip(local.index, bounds, strict=True)])
    return Cut(index, local.shape, local.flipped)


def _shift(part: Part, start: int) -> Part:
    return part + start if isinstance(part, int) else slice(part.start + start, part.stop + start, part.step)


def _check_shape(cut: Cut, expected: str | None) -> None:
    if expected is None:
        return
    shape: Any = UNSET
    if _SHAPE.match(expected):
        shape = () if expected == "scalar" else tuple(map(int, expected.split(",")))
    if isinstance(shape, UnsetType):
        raise Unprocessable(
            f"expected_shape={expected[:80]!r} is not understood: write 'scalar', or integers separated by commas",
            "query", "expected_shape", value=expected[:80], kind="string_pattern_mismatch",
        )  # fmt: skip
    if shape != cut.shape:
        actual = ",".join(map(str, cut.shape)) or "scalar"
        raise Unprocessable(
            f"expected_shape={expected[:80]!r}, but this selection has the shape {actual!r}: "
            "the array may have changed since it was described",
            "query", "expected_shape", value=expected[:80],
        )  # fmt: skip


ROUTES = (
    Route(
        path="/array/full/{path}",
        handler=read_full,
        scopes=frozenset({READ_DATA}),
        parameters=FullQuery,
        families=frozenset({"array"}),
    ),
    Route(
        path="/array/block/{path}",
        handler=read_block,
        scopes=frozenset({READ_DATA}),
        parameters=BlockQuery,
        families=frozenset({"array"}),
    ),
)
