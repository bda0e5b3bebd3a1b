"""Parts of a selection: what a slice selects from what a slice has selected."""

from __future__ import annotations

from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.slices import Cut, NDSlice, Part, cut_shape


def part_of(payload: ArrayPayload, parts: NDSlice) -> ArrayPayload:
    """`payload[parts]`, of which nothing is read yet."""
    return ArrayPayload(payload.node, within(payload.cut, parts))


def within(cut: Cut, parts: NDSlice) -> Cut:
    """What `parts` selects from the result of `cut`, as a cut of the array itself."""
    inner = cut_shape(parts, cut.shape)
    index: list[Part] = list(cut.index)
    flipped: list[int] = []
    sources = [position for position, part in enumerate(cut.index) if isinstance(part, slice)]
    axis = 0  # of the new result
    for old, (source, wanted) in enumerate(zip(sources, inner.index, strict=True)):
        part = cut.index[source]
        assert isinstance(part, slice)
        positions = range(part.start, part.stop, part.step)
        if old in cut.flipped:
            positions = positions[::-1]
        if isinstance(wanted, int):
            index[source] = positions[wanted]
            continue
        positions = positions[wanted]
        backwards = positions.step < 0
        if (axis in inner.flipped) != backwards and len(positions) > 1:
            flipped.append(axis)
        index[source] = _forward(positions)
        axis += 1
    return Cut(tuple(index), inner.shape, tuple(flipped))


def _forward(positions: range) -> slice:
    if not positions:
        return slice(0, 0, 1)
    low, high = sorted((positions[0], positions[-1]))
    return slice(low, high + 1, abs(positions.step) if len(positions) > 1 else 1)
