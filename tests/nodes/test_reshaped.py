"""An array can be shown in another shape than the one in which it rests."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from tiledkernel.errors import NotReady
from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.reshaped import FRESH, ShapeMismatch, reshaped
from tiledkernel.slices import Cut, cut_shape

PARTS = (slice(None), 0, -1, slice(1, None), slice(None, None, 2), slice(0, 1))


class Watched:
    """An array that notes which rows are read of it."""

    family = "array"
    specs = ()

    def __init__(self, shape: tuple[int, ...], dtype: str = "<i4") -> None:
        self.metadata = {"sample": "Si"}
        self.array = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
        self.structure = describe_array(shape, self.array.dtype)
        self.rows: set[int] = set()

    def read(self, cut: Cut) -> Any:
        if cut.index:
            self.rows.update(np.atleast_1d(np.arange(len(self.array))[cut.index[0]]).tolist())
        return self.array[cut.index]


def shown_as(node: Watched, shape: tuple[int, ...], age: float = 1e9) -> Any:
    return reshaped(node, describe_array(shape, node.array.dtype), "scan.tif", age)


@pytest.mark.parametrize(
    ("stored", "shape"),
    [
        ((12, 3, 4), (3, 4, 3, 4)),
        ((12, 3, 4), (12, 12)),
        ((12, 3, 4), (144,)),
        ((12, 3, 4), (4, 36)),
        ((3, 4, 6), (12, 2, 3)),
        ((4, 6), (8, 3)),
        ((24,), (2, 3, 4)),
        ((4, 1, 3), (4, 3)),
        ((4, 3), (4, 1, 3, 1)),
        ((1,), ()),
        ((), (1, 1)),
    ],
)
def test_every_cut_holds_what_numpy_would_take_of_the_reshaped_array(stored, shape) -> None:
    node = Watched(stored)
    view, expected = shown_as(node, shape), node.array.reshape(shape)
    for parts in itertools.product(PARTS, repeat=len(shape)):
        cut = cut_shape(parts, shape)
        found = view.read(cut)
        assert found.shape == cut.shape
        assert np.array_equal(found, expected[cut.index])


@pytest.mark.parametrize(
    ("part", "rows"),
    [
        ((1,), {4, 5, 6, 7}),
        ((slice(None), 2), {2, 6, 10}),
        ((slice(0, 3, 2), slice(1, 3)), {1, 2, 9, 10}),
        ((2, 3, 0, 0), {11}),
    ],
)
def test_only_the_frames_that_a_cut_touches_are_read(part, rows) -> None:
    node = Watched((12, 3, 4))
    shown_as(node, (3, 4, 3, 4)).read(cut_shape(part, (3, 4, 3, 4)))
    assert node.rows == rows


def test_scattered_elements_of_a_flat_view_touch_their_rows_only() -> None:
    node = Watched((12, 3, 4))
    found = shown_as(node, (144,)).read(cut_shape((slice(None, None, 50),), (144,)))
    assert found.tolist() == [0, 50, 100]
    assert node.rows == {0, 4, 8}


def test_what_is_too_long_along_the_first_axis_is_cut() -> None:
    node = Watched((13, 2))
    view = shown_as(node, (3, 4, 2))
    assert np.array_equal(view.read(cut_shape((), (3, 4, 2))), node.array[:12].reshape(3, 4, 2))
    assert node.rows == set(range(12))


def test_an_empty_view_reads_nothing() -> None:
    node = Watched((13, 2))
    found = shown_as(node, (0, 2)).read(cut_shape((), (0, 2)))
    assert (found.shape, found.dtype, node.rows) == ((0, 2), node.array.dtype, set())


def test_a_fresh_file_that_is_too_short_may_be_growing() -> None:
    with pytest.raises(NotReady, match=r"'scan.tif' has 11 of the 12 rows.*ask again") as caught:
        shown_as(Watched((11, 2)), (3, 4, 2), age=1)
    assert caught.value.headers == {"retry-after": "1"}


def test_an_old_file_that_is_too_short_is_not_waited_for() -> None:
    with pytest.raises(ShapeMismatch, match="has not grown for 10 minutes"):
        shown_as(Watched((11, 2)), (3, 4, 2), age=FRESH + 1)


@pytest.mark.parametrize("shape", [(5, 5), (7,), (2, 12)])
def test_shapes_that_have_nothing_to_do_with_each_other_are_refused(shape) -> None:
    with pytest.raises(ShapeMismatch, match=r"shape \(12, 2, 5\)"):
        shown_as(Watched((12, 2, 5)), shape, age=1)


def test_elements_of_another_type_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="another type"):
        reshaped(Watched((4,)), describe_array((2, 2), np.dtype("f8")), "scan.tif", 1)


def test_metadata_are_those_of_the_file() -> None:
    assert shown_as(Watched((4,)), (2, 2)).metadata == {"sample": "Si"}
