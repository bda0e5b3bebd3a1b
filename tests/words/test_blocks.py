"""Blocks cover an array exactly, and nothing else is a block."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.blocks import block_bounds, choose_chunk, parse_block, regular_chunks
from tiledkernel.errors import Unprocessable


@pytest.mark.parametrize(("text", "block"), [("", ()), ("0", (0,)), ("0,3", (0, 3)), ("007", (7,))])
def test_a_block_is_written_as_integers(text: str, block: tuple[int, ...]) -> None:
    assert parse_block(text) == block


@pytest.mark.parametrize("text", ["-1", "a", "0,", ",0", "0,,1", "1.0", " 1", "1\n", "9" * 19, "\u0661", "0," * 600])
def test_what_is_no_block_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable, match="one non-negative integer per dimension"):
        parse_block(text)


def test_a_block_covers_its_rectangle_of_irregular_chunks() -> None:
    assert block_bounds((1, 0), ((2, 3), (5, 1))) == (slice(2, 5, 1), slice(0, 5, 1))


def test_an_array_without_dimensions_has_one_block() -> None:
    assert block_bounds((), ()) == ()


@pytest.mark.parametrize("block", [(2, 0), (0, 2), (0,), (0, 0, 0), (), (99999999999, 0)])
def test_a_block_outside_the_grid_is_told_how_many_there_are(block: tuple[int, ...]) -> None:
    with pytest.raises(Unprocessable, match=r"\(2, 2\) blocks"):
        block_bounds(block, ((2, 3), (5, 1)))


@given(shape=st.lists(st.integers(0, 30), max_size=3).map(tuple), chunk=st.integers(1, 9))
def test_the_blocks_of_a_regular_grid_cover_each_element_once(shape: tuple[int, ...], chunk: int) -> None:
    chunks = regular_chunks(shape, (chunk,) * len(shape))
    assert tuple(map(sum, chunks)) == shape
    seen = set()
    for block in itertools.product(*(range(len(lengths)) for lengths in chunks)):
        bounds = block_bounds(block, chunks)
        places = set(itertools.product(*(range(part.start, part.stop) for part in bounds)))
        assert not places & seen
        seen |= places
    assert len(seen) == math.prod(shape)


def test_an_axis_without_elements_has_one_empty_chunk() -> None:
    assert regular_chunks((0, 4), (2, 4)) == ((0,), (4,))


@given(
    shape=st.lists(st.integers(0, 10**6), min_size=1, max_size=4).map(tuple),
    itemsize=st.integers(1, 64),
    target=st.integers(64, 1 << 20),
)
def test_a_chosen_chunk_stays_below_its_target(shape: tuple[int, ...], itemsize: int, target: int) -> None:
    chunk = choose_chunk(shape, itemsize, target)
    assert all(1 <= part <= max(1, length) for part, length in zip(chunk, shape, strict=True))
    assert math.prod(chunk) * itemsize <= target or math.prod(chunk) == 1


def test_a_small_array_is_one_chunk() -> None:
    assert choose_chunk((100, 100), 8) == (100, 100)


def test_the_first_axis_is_divided_first() -> None:
    assert choose_chunk((1000, 1000), 8, target=1 << 20) == (131, 1000)
