"""Random numbers that nobody stores are the same whatever is read."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel.examples.generated import big_image, flat_array, tiny_hypercube
from tiledkernel.examples.random_arrays import RandomArray
from tiledkernel.slices import cut_shape, parse_slice


def read(node: RandomArray, text: str = "") -> np.ndarray:
    return node.read(cut_shape(parse_slice(text), node.structure.shape))


@st.composite
def arrays_and_slices(draw: st.DrawFn) -> tuple[RandomArray, tuple[Any, ...]]:
    shape = tuple(draw(st.lists(st.integers(0, 9), max_size=4)))
    if draw(st.booleans()):
        shape = (draw(st.integers(20, 50)), *shape[:2])
    chunks = tuple(draw(st.integers(1, max(5, length))) for length in shape)
    parts = [
        draw(st.slices(length) | st.integers(0, length - 1)) if length else slice(None)
        for length in shape[: draw(st.integers(0, len(shape)))]
    ]
    return RandomArray(shape, seed=draw(st.integers(0, 3)), chunks=chunks), tuple(parts)


@given(arrays_and_slices())
def test_any_slice_is_the_same_part_of_the_whole(case: tuple[RandomArray, tuple[Any, ...]]) -> None:
    node, parts = case
    whole = read(node)
    assert whole.shape == node.structure.shape
    cut = cut_shape(parts, node.structure.shape)
    np.testing.assert_array_equal(node.read(cut), whole[cut.index])


def test_numbers_are_uniform_between_zero_and_one() -> None:
    numbers = read(RandomArray((200, 500), seed=1, chunks=(50, 70)))
    assert numbers.dtype == np.float64
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01
    assert len(np.unique(numbers)) == numbers.size  # no two blocks are alike


def test_the_seed_decides() -> None:
    one, same, other = (RandomArray((5, 5), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(read(one), read(same))
    assert not np.array_equal(read(one), read(other))
    assert one.stamp(None) == same.stamp(None) != other.stamp(None)


def test_the_numbers_stay_the_same_from_release_to_release() -> None:
    assert read(flat_array, ":2").tolist() == [0.8720734548204873, 0.29536538151378355]
    assert read(big_image, "9999,9999") == 0.5651934318130432
    assert read(big_image, "700,700") == read(big_image, "700:701,650:750")[0, 50] == 0.40198608858464346


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0,0", 625),
        ("624:626,0", 2 * 625),
        ("0:625,0:625", 625 * 625),
        ("3:13,5", 10 * 625),
        ("5000,:", 16 * 625),
        ("0:625:50,0", 13 * 625),
    ],
)
def test_only_the_rows_of_blocks_that_a_slice_touches_are_computed(monkeypatch, text, count) -> None:
    computed = []
    real = RandomArray._numbers

    def counting(self: RandomArray, block: tuple[int, ...], start: int, number: int) -> Any:
        computed.append(number)
        return real(self, block, start, number)

    monkeypatch.setattr(RandomArray, "_numbers", counting)
    read(big_image, text)
    assert sum(computed) == count


@pytest.mark.parametrize(
    ("node", "text", "shape"),
    [
        (big_image, "::100,::100", (100, 100)),
        (tiny_hypercube, "7,8,9", (50, 50)),
        (tiny_hypercube, "0,0,:,3,::5", (50, 10)),
    ],
)
def test_a_small_part_of_a_large_array_needs_little_memory(node, text, shape) -> None:
    tracemalloc.start()
    try:
        assert read(node, text).shape == shape
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20


def test_large_arrays_are_divided_into_blocks_of_a_few_mebibytes() -> None:
    for node in (big_image, tiny_hypercube):
        largest = np.prod([max(lengths) for lengths in node.structure.chunks]) * 8
        assert 1 << 20 <= largest <= 8 << 20
