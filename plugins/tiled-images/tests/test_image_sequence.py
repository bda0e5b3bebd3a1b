"""Numbered images as one array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiled_images
from PIL import Image
from tiled_images import sequence
from tiled_images.sequence import open_image_sequence

from tiledkernel.errors import BadRequest, Unavailable
from tiledkernel.nodes.protocols import Stamped
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample

CHANCE = np.random.default_rng(9)


def frames(
    folder: Path, shape: tuple[int, ...] = (10, 5, 6), suffix: str = "png"
) -> tuple[tuple[Path, ...], np.ndarray]:
    arrays = CHANCE.integers(0, 200, shape).astype("u1")
    paths = tuple(folder / f"frame{number:03}.{suffix}" for number in range(len(arrays)))
    for path, array in zip(paths, arrays, strict=True):
        Image.fromarray(array).save(path, dpi=(300, 300))
    if suffix == "jpg":
        arrays = np.stack([np.asarray(Image.open(path)) for path in paths])
    return paths, arrays


class TestGreyFrames(ReaderContract):
    reader = tiled_images.PNG_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths, arrays = frames(tmp_path)
        return Sample(path=paths, arrays={"": arrays}, metadata={"": {"mode": "L"}})


class TestColourFrames(ReaderContract):
    reader = tiled_images.JPEG_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths, arrays = frames(tmp_path, (4, 9, 7, 3), "jpg")
        return Sample(path=paths, arrays={"": arrays}, metadata={"": {"mode": "RGB"}})


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Numbers of the files that are opened."""
    names: list[str] = []
    real = sequence.opened
    monkeypatch.setattr(sequence, "opened", lambda path: (names.append(path.stem[-3:]), real(path))[1])
    return names


def test_opening_looks_at_the_first_file_only(tmp_path, opened):
    (first,), _ = frames(tmp_path, (1, 5, 6))
    node = open_image_sequence((first, *(tmp_path / f"absent{number}.png" for number in range(10_000))))
    assert node.structure.shape == (10_001, 5, 6)
    assert node.structure.chunks == ((1,) * 10_001, (5,), (6,))
    assert opened == ["000"]


def test_a_cut_opens_each_file_it_touches_once(tmp_path, opened):
    paths, arrays = frames(tmp_path)
    node = open_image_sequence(paths)
    opened.clear()
    assert (node.read(cut_shape((slice(2, 9, 3), 1, 2), arrays.shape)) == arrays[2:9:3, 1, 2]).all()
    assert opened == ["002", "005", "008"]
    opened.clear()
    node.read(cut_shape((slice(0, 0),), arrays.shape))
    assert opened == []


@pytest.mark.parametrize("shape", [(5, 7), (5, 6, 3)])
def test_a_file_that_differs_is_named_and_fails_alone(tmp_path, shape):
    paths, arrays = frames(tmp_path)
    Image.fromarray(np.zeros(shape, "u1")).save(paths[3])
    node = open_image_sequence(paths)
    with pytest.raises(
        Unavailable,
        match=r"'frame003.png' holds uint8 of shape \(5, .*\), but the sequence begins with uint8 of shape \(5, 6\)",
    ):
        node.read(cut_shape((), arrays.shape))
    assert (node.read(cut_shape((4,), arrays.shape)) == arrays[4]).all()


def test_files_that_are_gone_or_damaged_are_named_and_fail_alone(tmp_path):
    paths, arrays = frames(tmp_path)
    node = open_image_sequence(paths)
    paths[7].unlink()
    paths[8].write_bytes(paths[8].read_bytes()[:-30])
    with pytest.raises(Unavailable, match=r"'frame007.png', file 7 of the sequence, is gone"):
        node.read(cut_shape((7,), arrays.shape))
    with pytest.raises(Unavailable, match=r"'frame008.png' cannot be read as an image: .*truncated"):
        node.read(cut_shape((8,), arrays.shape))
    assert (node.read(cut_shape((9,), arrays.shape)) == arrays[9]).all()


def test_a_rewritten_frame_is_noticed(tmp_path):
    paths, arrays = frames(tmp_path)
    node = open_image_sequence(paths)
    assert isinstance(node, Stamped)
    here, there = cut_shape((slice(3, 5),), arrays.shape), cut_shape((6,), arrays.shape)
    before = node.stamp(here), node.stamp(there)
    Image.fromarray(np.full((5, 6), 9, "u1")).save(paths[4])
    assert node.stamp(here) != before[0]
    assert node.stamp(there) == before[1]
    assert (node.read(here)[1] == 9).all()


def test_no_file_is_no_sequence():
    with pytest.raises(BadRequest, match="at least one file"):
        open_image_sequence(())
