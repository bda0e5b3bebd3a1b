"""Slices mean what numpy's basic indexing means, and nothing else is a slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.errors import BadRequest, SliceOutOfRange, Unprocessable
from tiledkernel.slices import MAX_TEXT, cut_shape, expand_ellipsis, format_slice, parse_slice

numbers = st.none() | st.integers(-12, 12)
parts = st.integers(-12, 12) | st.builds(slice, numbers, numbers, numbers.filter(lambda step: step != 0))
shapes = st.lists(st.integers(0, 6), max_size=4).map(tuple)


def read(array: np.ndarray, text: str) -> Any:
    """What a reader and the kernel make of a slice together."""
    cut = cut_shape(parse_slice(text), array.shape)
    for part, length in zip(cut.index, array.shape, strict=True):
        if isinstance(part, int):
            assert 0 <= part < length
        else:
            assert 0 <= part.start <= part.stop <= length
            assert part.step > 0
    result = np.flip(np.asarray(array[cut.index]), cut.flipped)
    assert result.shape == cut.shape
    assert result.size == cut.size
    return result


@given(shape=shapes, index=st.lists(parts, max_size=4).map(tuple))
def test_a_slice_selects_what_numpy_selects(shape: tuple[int, ...], index: tuple[Any, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    try:
        expected = array[index]
    except IndexError:
        with pytest.raises(SliceOutOfRange):
            read(array, format_slice(index))
    else:
        np.testing.assert_array_equal(read(array, format_slice(index)), expected)


@given(index=st.lists(parts, max_size=5).map(tuple))
def test_what_is_formatted_is_parsed_back(index: tuple[Any, ...]) -> None:
    assert parse_slice(format_slice(index)) == index


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("5", (5,)),
        (":2,:2", (slice(None, 2), slice(None, 2))),
        ("::-1", (slice(None, None, -1),)),
        ("0:2:1,0:3:1", (slice(0, 2, 1), slice(0, 3, 1))),
        ("9:-11:-1", (slice(9, -11, -1),)),
        ("-1", (-1,)),
    ],
)
def test_the_spellings_of_clients_are_understood(text: str, expected: tuple[Any, ...]) -> None:
    assert parse_slice(text) == expected


def test_a_reversed_range_that_reaches_the_start_is_whole() -> None:
    np.testing.assert_array_equal(read(np.arange(10), "9:-11:-1"), np.arange(10)[::-1])


@pytest.mark.parametrize(
    "text",
    [
        "1:2:3:4",
        "..",
        "...",
        "a",
        "1.5",
        "1e3",
        "0x10",
        "1;2",
        "__import__('os')",
        "[0]",
        "()",
        "None",
        " 1",
        "1 ",
        "1\n",
        "--1",
        "+1",
        "\u0661",
        "1" * 20,
        "9" * 400,
        "0," * MAX_TEXT,
        "\x00",
    ],
)
def test_what_is_no_slice_is_refused_before_it_is_interpreted(text: str) -> None:
    with pytest.raises(Unprocessable, match="expected integers") as caught:
        parse_slice(text)
    assert caught.value.where == ("query", "slice")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", [",", "0,,1", ",0", "0,"])
def test_an_empty_part_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="empty part"):
        parse_slice(text)


def test_a_step_of_zero_is_refused() -> None:
    with pytest.raises(BadRequest, match="step of 0"):
        parse_slice("::0")


def test_too_many_parts_are_out_of_range() -> None:
    with pytest.raises(SliceOutOfRange, match="2 parts, but the array has 1 dimensions"):
        cut_shape(parse_slice("0,0"), (3,))


def test_an_index_out_of_range_names_axis_and_size() -> None:
    with pytest.raises(SliceOutOfRange, match="index 7 is out of bounds for axis 1 with size 3"):
        cut_shape(parse_slice("0,7"), (3, 3))


@pytest.mark.parametrize(("text", "whole"), [("", True), (":", True), ("0:3,0:4", True), ("0", False), ("::-1", False)])
def test_a_cut_says_whether_it_is_everything_in_order(text: str, *, whole: bool) -> None:
    assert cut_shape(parse_slice(text), (3, 4)).whole is whole


def test_absurd_numbers_select_what_there_is() -> None:
    assert cut_shape(parse_slice("-9999999999999999999:9999999999999999999:9999999999999999999"), (3,)).shape == (1,)


@pytest.mark.parametrize(
    ("given_parts", "expected"),
    [
        ((...,), (slice(None),) * 3),
        ((0, ...), (0, slice(None), slice(None))),
        ((..., 0), (slice(None), slice(None), 0)),
        ((0, ..., 1), (0, slice(None), 1)),
        ((0, 1, 2, ...), (0, 1, 2)),
        ((0,), (0,)),
    ],
)
def test_an_ellipsis_becomes_full_slices(given_parts: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    assert expand_ellipsis(given_parts, 3) == expected


def test_two_ellipses_are_an_error_as_in_numpy() -> None:
    with pytest.raises(IndexError, match="single ellipsis"):
        expand_ellipsis((..., ...), 3)
