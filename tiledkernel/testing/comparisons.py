"""Equality of arrays as a scientist means it, and indices to compare under."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.slices import NDSlice, Part

_EDGES: tuple[Part, ...] = (
    slice(None),
    slice(None, None, -1),
    slice(0, 0),
    slice(None, 1),
    slice(-1, None),
    slice(1, None, 2),
)


def same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Whether two arrays have one shape and equal elements; NaN equals NaN, NaT equals NaT."""
    if left.shape != right.shape:
        return False
    if left.dtype.names is not None:
        return left.dtype.names == right.dtype.names and all(same(left[name], right[name]) for name in left.dtype.names)
    return bool(np.array_equal(left, right, equal_nan=left.dtype.kind in "fcmM" and right.dtype.kind in "fcmM"))


def basic_indices(shape: tuple[int, ...], count: int, seed: int = 0) -> Iterator[NDSlice]:
    """The edge cases of basic indexing for `shape`, then `count` random ones; the same ones for the same seed."""
    yield ()
    for part in _EDGES:
        yield (part,) * len(shape)
    if all(shape):
        yield (0,) * len(shape)
        yield (-1,) * len(shape)
    chance = random.Random(seed)  # noqa: S311 - test data, not a secret
    for _ in range(count):
        axes = chance.randint(0, len(shape))
        yield tuple(_random_part(chance, length) for length in shape[:axes])


def _random_part(chance: random.Random, length: int) -> Part:
    if length and chance.random() < 0.25:
        return chance.randrange(-length, length)
    start, stop = (chance.choice([None, chance.randint(-length - 2, length + 2)]) for _ in range(2))
    return slice(start, stop, chance.choice([None, 1, 2, 3, -1, -2]))
