"""Large selections are read in pieces that together are the selection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.slabs import divide, slabs
from tiledkernel.slices import cut_shape, parse_slice

texts = st.sampled_from(["", "::-1", ":,::-1", "::2,::-2", "1", ":,1", "2:,:,::-1", ":,:,1", "::-1,::-1,::-1", "0:0"])
shapes = st.tuples(st.integers(2, 7), st.integers(2, 6), st.integers(2, 5))


def flat(payload: ArrayPayload, pieces: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([piece.reshape(-1) for piece in pieces]).reshape(payload.shape)


@given(shape=shapes, text=texts, nbytes=st.integers(1, 400), chunk=st.integers(1, 4))
def test_the_pieces_in_their_order_are_the_selection(
    shape: tuple[int, ...], text: str, nbytes: int, chunk: int
) -> None:
    array = np.arange(np.prod(shape), dtype="i4").reshape(shape)
    payload = ArrayPayload(MemoryArray(array, chunks=(chunk,) * 3), cut_shape(parse_slice(text), shape))
    np.testing.assert_array_equal(flat(payload, list(payload.slabs(nbytes))), payload.read())


@given(shape=shapes, text=texts, size=st.integers(1, 50))
def test_no_piece_is_larger_than_asked_for(shape: tuple[int, ...], text: str, size: int) -> None:
    cut = cut_shape(parse_slice(text), shape)
    pieces = list(divide(cut, size))
    assert all(piece.size <= size for piece in pieces)
    assert sum(piece.size for piece in pieces) == cut.size


def test_pieces_end_where_chunks_end() -> None:
    cut = cut_shape((), (10, 4))
    edges = [piece.index[0].stop for piece in slabs(cut, ((3, 3, 3, 1), (4,)), 8, target=40)]
    assert edges == [3, 6, 9, 10]


def test_rows_of_chunks_that_are_too_large_are_divided() -> None:
    cut = cut_shape((), (10, 4))
    pieces = list(slabs(cut, ((10,), (4,)), 8, target=64, ceiling=100))
    assert max(piece.size * 8 for piece in pieces) <= 64


@pytest.mark.parametrize(("text", "shape"), [("", ()), ("", (0, 3)), ("0:0", (3,))])
def test_a_selection_without_axes_or_elements_is_one_piece(text: str, shape: tuple[int, ...]) -> None:
    payload = ArrayPayload(MemoryArray(np.zeros(shape)), cut_shape(parse_slice(text), shape))
    assert len(list(payload.slabs())) == 1
