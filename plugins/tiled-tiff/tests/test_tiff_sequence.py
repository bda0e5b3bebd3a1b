"""Numbered files as one array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import tiled_tiff
from tiled_tiff import sequence
from tiled_tiff.sequence import open_tiff_sequence

from tiledkernel.errors import BadRequest, Unavailable
from tiledkernel.nodes.protocols import Stamped
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample

CHANCE = np.random.default_rng(4)


def frames(folder: Path, count: int = 10, **options) -> tuple[tuple[Path, ...], np.ndarray]:
    arrays = CHANCE.integers(0, 200, (count, 5, 6)).astype("u2")
    paths = tuple(folder / f"image{number:04}.tif" for number in range(count))
    for path, array in zip(paths, arrays, strict=True):
        tifffile.imwrite(path, array, **options)
    return paths, arrays


class TestSequence(ReaderContract):
    reader = tiled_tiff.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths, arrays = frames(tmp_path)
        return Sample(path=paths, arrays={"": arrays}, metadata={"": {"ImageWidth": 6}})


class TestSequenceOfStacks(ReaderContract):
    reader = tiled_tiff.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        arrays = CHANCE.random((3, 2, 8, 9))
        paths = tuple(tmp_path / f"{number}.tif" for number in range(3))
        for path, array in zip(paths, arrays, strict=True):
            tifffile.imwrite(path, array, compression="zlib", photometric="minisblack")
        return Sample(path=paths, arrays={"": arrays})


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Names of the files that are parsed, and of those whose pixels are read."""
    names: list[str] = []
    for function in ("parse", "read_layout"):
        real = getattr(sequence, function)

        def noting(path, *args, real=real, function=function):
            names.append(f"{function} {path.stem[-4:]}")
            return real(path, *args)

        monkeypatch.setattr(sequence, function, noting)
    return names


def test_opening_looks_at_the_first_file_only(tmp_path, opened):
    (first,), _ = frames(tmp_path, 1)
    paths = (first, *(tmp_path / f"absent{number}.tif" for number in range(10_000)))
    node = open_tiff_sequence(paths)
    assert node.structure.shape == (10_001, 5, 6)
    assert node.structure.chunks[0] == (1,) * 10_001
    assert opened == ["parse 0000"]


def test_a_cut_reads_the_files_it_touches(tmp_path, opened):
    paths, arrays = frames(tmp_path)
    node = open_tiff_sequence(paths)
    opened.clear()
    cut = cut_shape((slice(2, 9, 3), 1), arrays.shape)
    assert (node.read(cut) == arrays[cut.index]).all()
    assert [name for name in opened if name.startswith("read")] == [f"read_layout {n:04}" for n in (2, 5, 8)]


def test_a_file_is_parsed_once(tmp_path, opened):
    paths, arrays = frames(tmp_path)
    node = open_tiff_sequence(paths)
    for _ in range(3):
        node.read(cut_shape((4,), arrays.shape))
    assert opened.count("parse 0004") == 1


def test_an_empty_cut_reads_nothing(tmp_path, opened):
    paths, arrays = frames(tmp_path, 2)
    node = open_tiff_sequence(paths)
    opened.clear()
    assert node.read(cut_shape((slice(0, 0),), arrays.shape)).shape == (0, 5, 6)
    assert opened == []


@pytest.mark.parametrize("other", [np.zeros((5, 7), "u2"), np.zeros((5, 6), "u1"), np.zeros((2, 5, 6), "u2")])
def test_a_file_that_differs_is_named_and_fails_alone(tmp_path, other):
    paths, arrays = frames(tmp_path)
    tifffile.imwrite(paths[3], other, photometric="minisblack")
    node = open_tiff_sequence(paths)
    with pytest.raises(
        Unavailable, match=r"'image0003.tif' holds .* but the sequence begins with uint16 of shape \(5, 6\)"
    ):
        node.read(cut_shape((), arrays.shape))
    assert (node.read(cut_shape((4,), arrays.shape)) == arrays[4]).all()


def test_files_may_be_stored_in_different_ways(tmp_path):
    paths, arrays = frames(tmp_path, 4)
    tifffile.imwrite(paths[1], arrays[1], compression="zlib")
    tifffile.imwrite(paths[2], arrays[2], byteorder=">", bigtiff=True)
    assert (open_tiff_sequence(paths).read(cut_shape((), arrays.shape)) == arrays).all()


def test_a_file_that_is_gone_is_named(tmp_path):
    paths, arrays = frames(tmp_path)
    node = open_tiff_sequence(paths)
    paths[7].unlink()
    with pytest.raises(Unavailable, match=r"'image0007.tif', file 7 of the sequence, is gone"):
        node.read(cut_shape((7,), arrays.shape))


def test_a_rewritten_frame_is_noticed(tmp_path):
    paths, arrays = frames(tmp_path)
    node = open_tiff_sequence(paths)
    assert isinstance(node, Stamped)
    here, there = cut_shape((slice(3, 5),), arrays.shape), cut_shape((6,), arrays.shape)
    before = node.stamp(here), node.stamp(there), node.stamp(None)
    node.read(here)
    tifffile.imwrite(paths[4], np.full((5, 6), 9, "u2"), description="another length")
    after = node.stamp(here), node.stamp(there), node.stamp(None)
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, False]
    assert (node.read(here)[1] == 9).all()


def test_the_first_frame_may_be_rewritten_too(tmp_path):
    paths, arrays = frames(tmp_path, 3)
    node = open_tiff_sequence(paths)
    tifffile.imwrite(paths[0], np.full((5, 6), 9, "u2"), description="another length")
    assert (node.read(cut_shape((0,), arrays.shape)) == 9).all()


def test_a_single_file_is_a_sequence_of_one(tmp_path):
    paths, _ = frames(tmp_path, 1)
    assert open_tiff_sequence(paths).structure.shape == (1, 5, 6)


def test_no_file_is_no_sequence():
    with pytest.raises(BadRequest, match="at least one file"):
        open_tiff_sequence(())
