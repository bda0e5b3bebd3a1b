"""Reading parts of arrays that rest uncompressed in a file."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tiledkernel.errors import Unavailable
from tiledkernel.families.array import plain
from tiledkernel.families.array.plain import Plain, read_plain
from tiledkernel.slices import cut_shape
from tiledkernel.testing.comparisons import basic_indices, same

CHANCE = np.random.default_rng(0)
OFFSET = 13


def file_of(array: np.ndarray) -> io.BytesIO:
    return io.BytesIO(b"x" * OFFSET + array.tobytes())


def read(array: np.ndarray, index: tuple, dtype: object = None) -> np.ndarray:
    cut = cut_shape(index, array.shape)
    out = np.empty(cut.shape, dtype or array.dtype)
    read_plain(file_of(array), Plain(OFFSET, array.shape, array.dtype), cut.index, out)
    return out if not cut.flipped else np.flip(out, cut.flipped)


@pytest.mark.parametrize("shape", [(), (7,), (5, 6), (3, 4, 5), (2, 3, 4, 5), (0, 3), (3, 0)])
@pytest.mark.parametrize(("run", "gap"), [(plain.RUN, plain.GAP), (0, 0), (64, 16), (plain.RUN, 0)])
def test_any_index_reads_what_numpy_selects(monkeypatch, shape, run, gap):
    monkeypatch.setattr(plain, "RUN", run)
    monkeypatch.setattr(plain, "GAP", gap)
    array = CHANCE.integers(0, 99, shape).astype(">i4")
    for index in basic_indices(shape, 60):
        assert same(read(array, index), np.asarray(array[index])), index


def test_elements_are_converted_to_the_type_of_the_result():
    array = CHANCE.integers(0, 99, (5, 6)).astype(">i2")
    found = read(array, (slice(1, 4),), "<f8")
    assert found.dtype == "<f8"
    assert (found == array[1:4]).all()


def test_pieces_are_read_one_slab_at_a_time(monkeypatch):
    monkeypatch.setattr(plain, "SLAB", 100)
    array = CHANCE.integers(0, 99, (50, 6)).astype("u2")
    assert (read(array, (slice(3, 48, 2), slice(1, 3))) == array[3:48:2, 1:3]).all()


def test_a_file_that_ends_too_early_is_an_error():
    array = np.arange(10)
    file = io.BytesIO(file_of(array).getvalue()[:-3])
    with pytest.raises(Unavailable, match="ends 3 bytes before the array does"):
        read_plain(file, Plain(OFFSET, (10,), array.dtype), (slice(0, 10, 1),), np.empty(10, array.dtype))


def test_size_of_the_whole_array():
    assert Plain(0, (3, 4), np.dtype("f8")).nbytes == 96
