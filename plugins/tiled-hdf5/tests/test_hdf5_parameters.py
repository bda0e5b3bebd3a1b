"""What is said when a file is registered decides what is shown of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
import pytest
from tiled_hdf5 import READER

from tiledkernel.errors import BadRequest, NotReady, Unavailable
from tiledkernel.nodes.readers import Claim
from tiledkernel.slices import cut_shape, parse_slice


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file with so many frames, which count on from `first`."""

    def make(name: str, frames: int, first: int = 0) -> Path:
        with h5py.File(tmp_path / name, "w") as file:
            file.attrs["name"] = name
            file["entry/counts"] = np.arange(first, first + frames)
            images = np.arange(first * 6, (first + frames) * 6).reshape(frames, 1, 2, 3)
            file.create_dataset("entry/images", data=images, chunks=(min(2, frames), 1, 2, 3)).attrs["units"] = (
                "photons"
            )
            file["entry/beamline"] = b"8-ID"
        return tmp_path / name

    return make


def opened(*paths: Path, **parameters: Any) -> Any:
    return Claim(READER, "hdf5").open(paths, parameters, many=len(paths) > 1)


def read(node: Any, text: str = "") -> Any:
    return node.read(cut_shape(parse_slice(text), node.structure.shape))


def test_a_dataset_can_be_shown_by_itself(write) -> None:
    node = opened(write("a.h5", 5), dataset="/entry/counts")
    assert (node.family, read(node).tolist()) == ("array", [0, 1, 2, 3, 4])


def test_a_group_can_be_shown_by_itself(write) -> None:
    assert sorted(opened(write("a.h5", 5), dataset="entry")) == ["beamline", "counts", "images"]


@pytest.mark.parametrize("text", ["1:4:2,0", "1", "...,2", "(2,...,1)", "[:, :, 0]", "1:3,0:1", "3:3"])
@pytest.mark.parametrize("squeeze", [False, True])
@pytest.mark.parametrize("inner", ["", "0", "::2"])
def test_a_part_of_a_dataset_is_what_numpy_takes(write, text, squeeze, inner) -> None:
    node = opened(write("a.h5", 5), dataset="entry/images", slice=text, squeeze=squeeze)
    index = eval(f"np.index_exp[{text.strip('()[]')}]")
    expected = np.arange(30).reshape(5, 1, 2, 3)[index]
    expected = expected.squeeze() if squeeze else expected
    assert node.structure.shape == expected.shape
    assert tuple(map(sum, node.structure.chunks)) == expected.shape
    if inner != "0" or expected.shape[0]:
        part = eval(f"np.index_exp[{inner}]") if inner else ()
        assert np.array_equal(read(node, inner), expected[part])
    assert node.metadata == {"units": "photons"}


def test_chunks_of_a_part_are_what_is_left_of_the_stored_ones(write) -> None:
    node = opened(write("a.h5", 5), dataset="entry/images", slice="1:4", squeeze=True)
    assert node.structure.chunks == ((1, 2), (2,), (3,))


@pytest.mark.parametrize("text", ["", "7", "2:7", "3:8:2,0", "::4", "4:4", "::-1"])
def test_several_files_are_one_array(write, text) -> None:
    files = write("a.h5", 4), write("b.h5", 1, 4), write("c.h5", 4, 5)
    node = opened(*files, dataset="entry/images")
    expected = np.arange(54).reshape(9, 1, 2, 3)
    cut = cut_shape(parse_slice(text), node.structure.shape)
    assert node.structure.chunks[0] == (2, 2, 1, 2, 2)
    assert np.array_equal(node.read(cut), expected[cut.index])


def test_a_slice_of_several_files_is_taken_after_they_were_joined(write) -> None:
    node = opened(write("a.h5", 5), write("b.h5", 4, 5), dataset="entry/counts", slice="::2")
    assert read(node).tolist() == [0, 2, 4, 6, 8]
    assert node.structure.chunks == ((3, 2),)


def test_several_files_are_one_tree(write) -> None:
    tree = opened(write("a.h5", 2), write("b.h5", 2, 2))
    assert tree.metadata == {"name": "a.h5"}
    assert (list(tree), len(tree), sorted(tree["entry"])) == (["entry"], 1, ["beamline", "counts", "images"])
    assert read(tree["entry"]["counts"]).tolist() == [0, 1, 2, 3]
    assert read(tree["entry"]["beamline"]) == b"8-ID"
    with pytest.raises(KeyError):
        tree["none"]


def test_only_the_files_that_a_cut_touches_are_opened(write, monkeypatch) -> None:
    files = [write(f"{number}.h5", 2, 2 * number) for number in range(4)]
    node = opened(*files, dataset="entry/counts")
    touched = []
    real = node._open
    monkeypatch.setattr(node, "_open", lambda path: touched.append(path.name) or real(path))
    assert read(node, "3:5").tolist() == [3, 4]
    assert touched == ["1.h5", "2.h5"]


def test_a_file_that_changes_while_it_is_joined_is_to_be_asked_for_again(write) -> None:
    node = opened(write("a.h5", 2), write("b.h5", 2), dataset="entry/counts")
    before = node.stamp(None)
    write("b.h5", 3)
    assert node.stamp(None) != before
    with pytest.raises(NotReady, match=r"'b.h5' has changed"):
        read(node)


def test_files_that_do_not_fit_are_not_joined(write, tmp_path) -> None:
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["entry/counts"] = np.zeros((2, 2))
    with pytest.raises(Unavailable, match=r"'odd.h5' holds float64 of shape \(2, 2\), but 'a.h5' int64"):
        opened(write("a.h5", 2), tmp_path / "odd.h5", dataset="entry/counts")


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ({"dataset": "entry/none"}, ValueError, "no 'none' in '/entry', which holds 'beamline', 'counts', 'images'"),
        ({"dataset": "entry/counts/deeper"}, ValueError, "which holds an array"),
        ({"slice": "0"}, ValueError, "name a dataset with the parameter 'dataset'"),
        ({"dataset": "entry/counts", "slice": "::-1"}, ValueError, "runs backwards"),
        ({"sep": ";"}, BadRequest, "unknown field `sep`.*it knows: dataset, slice"),
        ({"squeeze": "yes"}, BadRequest, r"Expected `bool`, got `str` - at `\$.squeeze`"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(write, parameters, error, match) -> None:
    with pytest.raises(error, match=match):
        opened(write("a.h5", 2), **parameters)


def test_parameters_survive_json(write) -> None:
    parameters = msgspec.json.decode(msgspec.json.encode({"dataset": "entry/counts", "swmr": False, "libver": None}))
    assert read(opened(write("a.h5", 2), **parameters)).tolist() == [0, 1]
