"""Slices of slices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tiled_exporters.parts import part_of

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.slices import cut_shape

ARRAY = np.arange(7 * 5).reshape(7, 5)
FIRST = [(), (3,), (slice(None, None, -1),), (slice(1, 6, 2), slice(None, None, -2)), (slice(0, 0),), (slice(5, 6),)]
SECOND = [(), (0,), (-1,), (slice(None, None, -1),), (slice(1, None, 2),), (slice(2, 2),), (slice(None, 1),)]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FIRST, SECOND)))
def test_a_part_of_a_part_is_what_numpy_makes_of_it(first, second):
    expected = ARRAY[first]
    try:
        expected = expected[second]
    except IndexError:
        return
    payload = part_of(ArrayPayload(MemoryArray(ARRAY), cut_shape(first, ARRAY.shape)), second)
    assert payload.shape == expected.shape
    assert np.array_equal(payload.read(), expected)
    assert np.array_equal(np.concatenate([slab.ravel() for slab in payload.slabs(8)]), expected.ravel())
