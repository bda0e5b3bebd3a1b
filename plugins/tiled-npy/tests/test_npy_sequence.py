"""Numbered NumPy files as one array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiled_npy
from tiled_npy import sequence
from tiled_npy.sequence import open_npy_sequence

from tiledkernel.errors import BadRequest, Unavailable
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample

CHANCE = np.random.default_rng(6)


def frames(folder: Path, shape: tuple[int, ...] = (10, 5, 6)) -> tuple[tuple[Path, ...], np.ndarray]:
    arrays = CHANCE.integers(0, 200, shape).astype("i4")
    paths = tuple(folder / f"frame{number:03}.npy" for number in range(len(arrays)))
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return paths, arrays


class TestSequence(ReaderContract):
    reader = tiled_npy.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths, arrays = frames(tmp_path)
        return Sample(path=paths, arrays={"": arrays})


class TestSequenceOfSingleNumbers(ReaderContract):
    reader = tiled_npy.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths, arrays = frames(tmp_path, (4,))
        return Sample(path=paths, arrays={"": arrays})


def test_files_may_be_written_in_different_orders(tmp_path):
    paths, arrays = frames(tmp_path)
    np.save(paths[1], np.asfortranarray(arrays[1]))
    np.save(paths[2], arrays[2].astype(">i4"))
    node = open_npy_sequence(paths)
    assert (node.read(cut_shape((), arrays.shape)) == arrays).all()
    np.save(paths[0], arrays[0].astype(">i4"))
    assert open_npy_sequence(paths).structure == node.structure


def test_one_pixel_of_each_of_many_files_opens_each_once(tmp_path, monkeypatch):
    paths, arrays = frames(tmp_path, (50, 5, 6))
    node = open_npy_sequence(paths)
    opened: list[str] = []
    real = sequence.read_header
    monkeypatch.setattr(
        sequence, "read_header", lambda file, name, size: (opened.append(name), real(file, name, size))[1]
    )
    assert (node.read(cut_shape((slice(10, 20), 2, 3), arrays.shape)) == arrays[10:20, 2, 3]).all()
    assert opened == [path.name for path in paths[10:20]]


def test_opening_looks_at_the_first_file_only(tmp_path):
    (first,), _ = frames(tmp_path, (1, 5, 6))
    node = open_npy_sequence((first, *(tmp_path / f"absent{number}.npy" for number in range(10_000))))
    assert node.structure.shape == (10_001, 5, 6)
    assert node.structure.chunks == ((1,) * 10_001, (5,), (6,))


@pytest.mark.parametrize("other", [np.zeros((5, 7), "i4"), np.zeros((5, 6), "i8"), np.zeros((2, 5, 6), "i4")])
def test_a_file_that_differs_is_named_and_fails_alone(tmp_path, other):
    paths, arrays = frames(tmp_path)
    np.save(paths[3], other)
    node = open_npy_sequence(paths)
    with pytest.raises(
        Unavailable,
        match=r"'frame003.npy' holds .* but the sequence begins with int32 of shape \(5, 6\) in 'frame000.npy'",
    ):
        node.read(cut_shape((), arrays.shape))
    assert (node.read(cut_shape((4,), arrays.shape)) == arrays[4]).all()


def test_files_that_are_gone_or_damaged_are_named_and_fail_alone(tmp_path):
    paths, arrays = frames(tmp_path)
    node = open_npy_sequence(paths)
    paths[7].unlink()
    paths[8].write_bytes(paths[8].read_bytes()[:-1])
    with pytest.raises(Unavailable, match=r"'frame007.npy', file 7 of the sequence, is gone"):
        node.read(cut_shape((7,), arrays.shape))
    with pytest.raises(Unavailable, match=r"'frame008.npy' ends 1 bytes before its array"):
        node.read(cut_shape((8,), arrays.shape))
    assert (node.read(cut_shape((9,), arrays.shape)) == arrays[9]).all()


def test_a_rewritten_frame_is_noticed(tmp_path):
    paths, arrays = frames(tmp_path)
    node = open_npy_sequence(paths)
    here, there = cut_shape((slice(3, 5),), arrays.shape), cut_shape((6,), arrays.shape)
    before = node.stamp(here), node.stamp(there)
    np.save(paths[4], np.full((5, 6), 9, ">i4"))
    paths[4].touch()
    assert node.stamp(here) != before[0]
    assert node.stamp(there) == before[1]
    assert (node.read(here)[1] == 9).all()


def test_no_file_is_no_sequence():
    with pytest.raises(BadRequest, match="at least one file"):
        open_npy_sequence(())
