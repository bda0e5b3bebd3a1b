"""Files of one shape as one array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tiledkernel.errors import BadRequest, NotReady, Unavailable
from tiledkernel.families.array.sequence import FileSequence, Frame, first_of
from tiledkernel.slices import cut_shape
from tiledkernel.testing.comparisons import basic_indices, same

ARRAYS = np.arange(6 * 4 * 5, dtype="u1").reshape(6, 4, 5)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Six files of raw bytes."""
    files = [tmp_path / f"{number}.raw" for number in range(6)]
    for path, array in zip(files, ARRAYS, strict=True):
        path.write_bytes(array.tobytes())
    return files


@pytest.fixture
def opened() -> list[str]:
    """Names of the files that were read."""
    return []


@pytest.fixture
def sequence(paths: list[Path], opened: list[str]) -> FileSequence:
    """The six files as one array."""
    first = Frame(paths[0].name, (4, 5), np.dtype("u1"))

    def read_frame(path: Path, index, out) -> None:
        opened.append(path.name)
        content = np.frombuffer(path.read_bytes(), "u1")
        if content.tobytes() == b"later":
            raise NotReady("ask again")
        if content.size == 1:
            raise ValueError("of a library")
        Frame(path.name, (content.size // 5, 5), content.dtype).check_like(first)
        out[...] = content.reshape(4, 5)[index]

    return FileSequence(paths, first, (2, 5), read_frame, {"from": "the first file"})


def test_any_slice_is_that_of_the_stacked_files(sequence):
    assert sequence.structure.chunks == ((1,) * 6, (2, 2), (5,))
    for index in basic_indices(ARRAYS.shape, 60):
        cut = cut_shape(index, ARRAYS.shape)
        assert same(sequence.read(cut), ARRAYS[cut.index])


def test_only_the_files_that_are_touched_are_opened(sequence, opened):
    sequence.read(cut_shape((slice(1, 6, 3), 2), ARRAYS.shape))
    assert opened == ["1.raw", "4.raw"]
    opened.clear()
    sequence.read(cut_shape((slice(None), slice(0, 0)), ARRAYS.shape))
    assert opened == []


def test_a_file_of_another_shape_is_named(sequence, paths):
    paths[2].write_bytes(bytes(30))
    with pytest.raises(
        Unavailable,
        match=r"'2.raw' holds uint8 of shape \(6, 5\), but the sequence begins with uint8 of shape \(4, 5\) in '0.raw'",
    ):
        sequence.read(cut_shape((), ARRAYS.shape))


def test_what_a_library_raises_names_the_file_and_its_place(sequence, paths):
    paths[2].write_bytes(b"x")
    with pytest.raises(Unavailable, match=r"'2.raw', file 2 of the sequence, cannot be read: of a library"):
        sequence.read(cut_shape((2,), ARRAYS.shape))


def test_a_file_that_is_gone_is_named_without_its_folder(sequence, paths):
    paths[2].unlink()
    with pytest.raises(Unavailable, match=r"^'2.raw', file 2 of the sequence, is gone") as caught:
        sequence.read(cut_shape((2,), ARRAYS.shape))
    assert str(paths[2].parent) not in str(caught.value)
    paths[3].unlink()
    paths[3].mkdir()
    with pytest.raises(Unavailable, match=r"'3.raw', file 3 of the sequence, cannot be read: is a directory$"):
        sequence.read(cut_shape((3,), ARRAYS.shape))


def test_a_file_that_is_not_ready_stays_so(sequence, paths):
    paths[2].write_bytes(b"later")
    with pytest.raises(NotReady):
        sequence.read(cut_shape((2,), ARRAYS.shape))


def test_the_stamp_is_that_of_the_files_that_a_cut_touches(sequence, paths):
    here, there = cut_shape((2,), ARRAYS.shape), cut_shape((slice(3, 5),), ARRAYS.shape)
    before = sequence.stamp(here), sequence.stamp(there), sequence.stamp(None)
    paths[2].write_bytes(b"other")
    assert sequence.stamp(here) != before[0]
    assert sequence.stamp(there) == before[1]
    assert sequence.stamp(None) != before[2]
    paths[2].unlink()
    assert sequence.stamp(here) is None


def test_no_files_are_no_sequence():
    with pytest.raises(BadRequest, match="at least one file"):
        first_of([])
