"""Archives of NumPy arrays, against what NumPy reads."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import tiled_npy
from tiled_npy import archive
from tiled_npy.archive import open_npz

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array import plain
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample

CHANCE = np.random.default_rng(7)
ARRAYS = {
    "image": CHANCE.integers(0, 99, (21, 34)),
    "fortran": np.asfortranarray(CHANCE.random((5, 6, 7)).astype(">f4")),
    "scalar": np.array(3.5),
}


class TestStored(ReaderContract):
    reader = tiled_npy.ARCHIVE_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        np.savez(tmp_path / "a.npz", **ARRAYS)
        return Sample(path=tmp_path / "a.npz", arrays=ARRAYS)


class TestCompressed(ReaderContract):
    reader = tiled_npy.ARCHIVE_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        np.savez_compressed(tmp_path / "a.npz", **ARRAYS)
        return Sample(path=tmp_path / "a.npz", arrays=ARRAYS)


def test_keys_are_the_names_and_other_members_are_left_out(tmp_path):
    np.savez(tmp_path / "a.npz", np.arange(3), **{"x/y": np.arange(4), "x_y": np.arange(5)})
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file:
        file.writestr("notes.txt", "hello")
    node = open_npz(tmp_path / "a.npz")
    assert {key: node[key].structure.shape for key in node} == {"x_y": (4,), "x_y.1": (5,), "arr_0": (3,)}


def test_a_slice_of_a_stored_array_reads_what_it_touches(tmp_path, monkeypatch):
    array = CHANCE.random((400, 1000))
    np.savez(tmp_path / "a.npz", a=array)
    node = open_npz(tmp_path / "a.npz")["a"]
    lengths = []
    real = plain.read_bytes
    monkeypatch.setattr(plain, "read_bytes", lambda *args: (lengths.append(len(args[2])), real(*args)))
    assert (node.read(cut_shape((slice(100, 102),), array.shape)) == array[100:102]).all()
    assert lengths == [2 * 8000]


def test_an_array_of_objects_fails_alone(tmp_path):
    np.savez(tmp_path / "a.npz", objects=np.array([None, {}], dtype=object), **ARRAYS)
    node = open_npz(tmp_path / "a.npz")
    with pytest.raises(Unavailable, match=r"'objects.npy in a.npz' holds Python objects"):
        _ = node["objects"].structure
    assert node["image"].structure.shape == (21, 34)


def test_a_compressed_array_that_expands_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_PACKED", 1000)
    np.savez_compressed(tmp_path / "a.npz", bomb=np.zeros(10_000), small=np.zeros(10))
    node = open_npz(tmp_path / "a.npz")
    with pytest.raises(Unavailable, match=r"'bomb.npy in a.npz' expands to 80_128 bytes.*numpy.savez"):
        _ = node["bomb"].structure
    assert node["small"].structure.shape == (10,)


def test_a_member_whose_size_is_a_lie_is_an_error(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(1000))
    content = path.read_bytes()
    start = content.rindex(b"PK\1\2")
    path.write_bytes(content[: start + 24] + (500).to_bytes(4, "little") + content[start + 28 :])
    with pytest.raises(Unavailable, match="Bad CRC-32"):
        _ = open_npz(path)["a"].structure


def test_a_wrong_checksum_is_an_error_never_numbers(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.arange(1000))
    content = path.read_bytes()
    start = content.rindex(b"PK\1\2")
    path.write_bytes(content[: start + 16] + b"\1\2\3\4" + content[start + 20 :])
    with pytest.raises(Unavailable, match=r"'a.npy in a.npz' cannot be decompressed: Bad CRC-32"):
        open_npz(path)["a"].read(cut_shape((), (1000,)))


def test_an_encrypted_member_says_so(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(1000))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="is encrypted"):
        _ = open_npz(path)["a"].structure


def test_an_archive_that_is_rewritten_while_it_is_open_is_not_ready(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.zeros((9, 7)))
    node = open_npz(tmp_path / "a.npz")["a"]
    np.savez(tmp_path / "a.npz", a=np.zeros((90, 7)))
    with pytest.raises(NotReady, match="has changed"):
        _ = node.structure


def test_what_is_no_archive_says_so(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"nothing")
    with pytest.raises(Unavailable, match=r"'a.npz' is no archive, or was cut off"):
        open_npz(tmp_path / "a.npz")
