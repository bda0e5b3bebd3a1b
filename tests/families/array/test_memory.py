"""Arrays in memory: adopted as they are, described with chunks, never copied without need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tiledkernel.families.array.memory import MemoryArray, adopt
from tiledkernel.slices import cut_shape, parse_slice


def test_reading_gives_a_view() -> None:
    array = np.arange(12).reshape(3, 4)
    assert np.shares_memory(MemoryArray(array).read(cut_shape(parse_slice("1:,::2"), (3, 4))), array)


def test_padded_records_are_read_packed() -> None:
    array = np.array([(1, 2.5)], np.dtype([("a", "u1"), ("b", "f8")], align=True))
    read = MemoryArray(array).read(cut_shape((), (1,)))
    assert read.dtype.itemsize == 9
    assert read.tolist() == [(1, 2.5)]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (None, ((3,), (4,))),
        ((2, 4), ((2, 1), (4,))),
        (((1, 2), (4,)), ((1, 2), (4,))),
        ((np.int64(2), 3), ((2, 1), (3, 1))),
    ],
)
def test_chunks_are_a_shape_or_lengths(chunks: Any, expected: Any) -> None:
    assert MemoryArray(np.zeros((3, 4)), chunks=chunks).structure.chunks == expected


@pytest.mark.parametrize("chunks", [(2,), (2, 2, 2), ((1, 1), (4,)), ((3,), (1, 1))])
def test_chunks_that_do_not_fit_are_refused(chunks: Any) -> None:
    with pytest.raises(ValueError, match="chunks"):
        MemoryArray(np.zeros((3, 4)), chunks=chunks)


@pytest.mark.parametrize("chunks", [(2.5, 4), ("a", 4)])
def test_a_chunk_length_is_an_integer(chunks: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        MemoryArray(np.zeros((3, 4)), chunks=chunks)


def test_dimensions_have_names_one_each() -> None:
    assert MemoryArray(np.zeros((3, 4)), dims=("y", "x")).structure.dims == ("y", "x")
    with pytest.raises(ValueError, match="one name per dimension"):
        MemoryArray(np.zeros((3, 4)), dims=("x",))


def test_objects_of_one_shape_become_one_array() -> None:
    array = np.empty(2, object)
    array[:] = [np.ones(3), np.zeros(3)]
    assert MemoryArray(array).structure.shape == (2, 3)


@pytest.mark.parametrize("elements", [["a", "bcd"], [None, 1], [[1, 2], [3]], [np.ones(2), np.ones(3)], [{"a": 1}, ()]])
def test_other_objects_become_texts_of_one_width(elements: list[Any]) -> None:
    array = np.empty(2, object)
    array[:] = elements
    node = MemoryArray(array)
    assert node.structure.data_type.kind == "U"
    assert node.structure.shape == (2,)
    assert node.array.tolist() == [str(element) for element in elements]


def test_an_empty_array_of_objects_is_an_empty_array_of_texts() -> None:
    assert MemoryArray(np.empty((0, 3), object)).structure.shape == (0, 3)


def test_touching_makes_a_new_state() -> None:
    node = MemoryArray([1])
    before = node.stamp(None)
    node.touch()
    assert node.stamp(None) != before


def test_an_adopted_array_that_can_be_written_to_may_change_unseen() -> None:
    array = np.arange(3)
    assert adopt(array, None, (), ("live", 1)).stamp(None) is None
    array.flags.writeable = False
    assert adopt(array, None, (), ("live", 1)).stamp(None) == ("live", 1)
    assert adopt(np.broadcast_to(np.arange(3), (2, 3)), None, (), ("live", 1)).stamp(None) is None


def test_a_mapped_file_is_no_memory(tmp_path) -> None:
    mapped = np.memmap(tmp_path / "a", np.uint8, "w+", shape=(4,))
    assert not MemoryArray(mapped).in_memory
    assert MemoryArray(np.arange(3)).in_memory
