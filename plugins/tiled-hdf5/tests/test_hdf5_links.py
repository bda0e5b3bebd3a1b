"""Links inside files, and from files to other files."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiled_hdf5.reader import open_hdf5

from tiledkernel.errors import BrokenLink, Unavailable
from tiledkernel.nodes.protocols import Stamped
from tiledkernel.slices import cut_shape
from tiledkernel.testing.comparisons import basic_indices, same


def read(node):
    return node.read(cut_shape((), node.structure.shape))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is served, beside one that is not."""
    for name in ("served", "served/below", "private"):
        (tmp_path / name).mkdir()
        with h5py.File(tmp_path / name / "other.h5", "w") as file:
            file["x"] = np.arange(6)
            file["group/y"] = np.arange(3)
    return tmp_path / "served"


def linked(folder: Path, **links: object):
    with h5py.File(folder / "main.h5", "w") as file:
        file["here"] = np.arange(4)
        for name, link in links.items():
            file[name] = link
    return open_hdf5(folder / "main.h5")


def test_a_broken_link_fails_alone(folder):
    root = linked(folder, bad=h5py.SoftLink("/gone"), worse=h5py.ExternalLink("gone.h5", "/x"))
    assert list(root) == ["bad", "here", "worse"]
    assert len(root) == 3
    assert "bad" in root
    for key in ("bad", "worse"):
        with pytest.raises(BrokenLink, match="gone"):
            root[key]
    assert read(root["here"]).tolist() == [0, 1, 2, 3]


def test_soft_links_in_a_circle_are_broken(folder):
    root = linked(folder, a=h5py.SoftLink("/b"), b=h5py.SoftLink("/a"))
    with pytest.raises(BrokenLink, match="circle"):
        root["a"]


def test_soft_links_that_multiply_come_to_an_end(folder):
    with h5py.File(folder / "main.h5", "w") as file:
        file["l0"] = h5py.SoftLink("/")
        for level in range(1, 40):
            file[f"l{level}"] = h5py.SoftLink(f"/l{level - 1}" * 20)
    with pytest.raises(BrokenLink, match="more than 32 links"):
        open_hdf5(folder / "main.h5")["l39"]


def test_a_soft_link_through_a_dataset_is_broken(folder):
    with pytest.raises(BrokenLink, match="nothing is"):
        linked(folder, through=h5py.SoftLink("/here/x"))["through"]


def test_relative_soft_links_start_at_their_group(folder):
    with h5py.File(folder / "main.h5", "w") as file:
        file["a/b/data"] = [1, 2]
        file["a/link"] = h5py.SoftLink("./b//data")
    assert read(open_hdf5(folder / "main.h5")["a"]["link"]).tolist() == [1, 2]


@pytest.mark.parametrize("name", ["other.h5", "below/other.h5", "./below/../other.h5"])
def test_external_links_within_the_folder_are_followed(folder, name):
    root = linked(folder, link=h5py.ExternalLink(name, "/group"))
    assert list(root["link"]) == ["y"]
    assert read(root["link"]["y"]).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "name", ["../private/other.h5", "{private}/other.h5", "below/../../private/other.h5", "way_out.h5"]
)
def test_external_links_never_leave_the_folder(folder, name):
    (folder / "way_out.h5").symlink_to(folder.parent / "private" / "other.h5")
    root = linked(folder, link=h5py.ExternalLink(name.format(private=folder.parent / "private"), "/x"))
    with pytest.raises(BrokenLink, match="outside the folder"):
        root["link"]


def test_what_is_outside_is_refused_whether_it_exists_or_not(folder):
    root = linked(folder, link=h5py.ExternalLink("../private/absent.h5", "/x"))
    with pytest.raises(BrokenLink, match="outside the folder"):
        root["link"]


def test_the_working_directory_is_never_searched(folder, monkeypatch):
    monkeypatch.chdir(folder / "below")
    (folder / "other.h5").unlink()
    root = linked(folder, link=h5py.ExternalLink("other.h5", "/x"))
    with pytest.raises(BrokenLink, match="not there"):
        root["link"]


def test_a_soft_link_through_an_external_one_is_held_to_the_folder(folder):
    root = linked(folder, out=h5py.ExternalLink("../private/other.h5", "/"), soft=h5py.SoftLink("/out/x"))
    with pytest.raises(BrokenLink, match="outside the folder"):
        root["soft"]


def test_a_chain_over_several_files_is_held_to_the_folder(folder):
    with h5py.File(folder / "below" / "chain.h5", "w") as file:
        file["on"] = h5py.ExternalLink("../../private/other.h5", "/x")
    root = linked(folder, link=h5py.ExternalLink("below/chain.h5", "/on"))
    with pytest.raises(BrokenLink, match="outside the folder"):
        root["link"]


def test_an_external_link_to_something_else_is_broken(folder):
    (folder / "text.h5").write_text("no HDF5")
    with pytest.raises(BrokenLink, match="cannot be opened as HDF5"):
        linked(folder, link=h5py.ExternalLink("text.h5", "/x"))["link"]


def test_a_rewritten_external_file_is_noticed(folder):
    root = linked(folder, link=h5py.ExternalLink("other.h5", "/x"))
    node = root["link"]
    assert isinstance(node, Stamped)
    before = node.stamp(None)
    assert read(node).tolist() == [0, 1, 2, 3, 4, 5]
    with h5py.File(folder / "new.h5", "w") as file:
        file["x"] = [9, 9]
    (folder / "new.h5").replace(folder / "other.h5")
    assert node.stamp(None) != before
    assert read(root["link"]).tolist() == [9, 9]


def virtual(folder: Path, source: str, dataset: str = "x"):
    layout = h5py.VirtualLayout((6,), "i8")
    layout[:] = h5py.VirtualSource(source, dataset, (6,))
    with h5py.File(folder / "main.h5", "w") as file:
        file["here"] = np.arange(4)
        file.create_virtual_dataset("v", layout)
    return open_hdf5(folder / "main.h5")


@pytest.mark.parametrize("source", ["other.h5", "below/other.h5"])
def test_virtual_datasets_read_files_within_the_folder(folder, source):
    assert read(virtual(folder, source)["v"]).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("source", ["../private/other.h5", "{private}/other.h5", "../private/absent.h5"])
def test_virtual_datasets_never_leave_the_folder(folder, source):
    root = virtual(folder, source.format(private=folder.parent / "private"))
    with pytest.raises(BrokenLink, match="outside the folder"):
        root["v"]
    assert read(root["here"]).tolist() == [0, 1, 2, 3]


def test_a_virtual_dataset_without_its_file_is_no_row_of_zeros(folder):
    with pytest.raises(BrokenLink, match=r"'absent.h5', which is not there"):
        virtual(folder, "absent.h5")["v"]


def test_virtual_datasets_of_virtual_datasets_are_held_to_the_folder(folder):
    virtual(folder, "../private/other.h5")
    (folder / "main.h5").rename(folder / "inner.h5")
    with pytest.raises(BrokenLink, match="outside the folder"):
        virtual(folder, "inner.h5", "v")["v"]


def test_virtual_sources_behind_a_link_are_held_to_the_folder(folder):
    linked(folder, out=h5py.ExternalLink("../private/other.h5", "/x"))
    (folder / "main.h5").rename(folder / "inner.h5")
    with pytest.raises(BrokenLink, match="outside the folder"):
        virtual(folder, "inner.h5", "out")["v"]


def numbered(folder: Path, pattern: str):
    layout = h5py.VirtualLayout((0, 6), "i8", maxshape=(None, 6))
    source = h5py.VirtualSource(pattern, "x", (6,))
    with h5py.File(folder / "main.h5", "w") as file:
        space = h5py.h5s.create_simple((0, 6), (h5py.h5s.UNLIMITED, 6))
        space.select_hyperslab((0, 0), (h5py.h5s.UNLIMITED, 1), stride=(1, 1), block=(1, 6))
        part = h5py.h5s.create_simple((6,))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_virtual(space, pattern.encode(), b"x", part)
        whole = h5py.h5s.create_simple((0, 6), (h5py.h5s.UNLIMITED, 6))
        h5py.h5d.create(file.id, b"v", h5py.h5t.NATIVE_INT64, whole, plist)
    del layout, source
    return open_hdf5(folder / "main.h5")


def test_numbered_virtual_sources_are_read(folder):
    for number in range(3):
        with h5py.File(folder / f"part{number}.h5", "w") as file:
            file["x"] = np.arange(6) + number
    assert read(numbered(folder, "part%b.h5")["v"])[:, 0].tolist() == [0, 1, 2]


def test_numbered_virtual_sources_never_leave_the_folder(folder):
    (folder / "part0.h5").symlink_to(folder.parent / "private" / "other.h5")
    with pytest.raises(BrokenLink, match="outside the folder"):
        numbered(folder, "part%b.h5")["v"]


def test_a_rewritten_virtual_source_is_noticed(folder):
    root = virtual(folder, "other.h5")
    before = root["v"].stamp(None)
    assert read(root["v"])[0] == 0
    with h5py.File(folder / "new.h5", "w") as file:
        file["x"] = np.arange(6) + 10
    (folder / "new.h5").replace(folder / "other.h5")
    assert root["v"].stamp(None) != before
    assert read(root["v"]).tolist() == [10, 11, 12, 13, 14, 15]


def external(folder: Path, name: str):
    with h5py.File(folder / "main.h5", "w") as file:
        file.create_dataset("raw", (4,), "<i4", external=[(name, 0, h5py.h5f.UNLIMITED)])
    return open_hdf5(folder / "main.h5")


def test_raw_files_are_looked_for_beside_the_file(folder, monkeypatch):
    np.arange(4, dtype="<i4").tofile(folder / "below" / "raw.bin")
    np.full(4, 13, "<i4").tofile(folder.parent / "raw.bin")
    monkeypatch.chdir(folder.parent)
    (folder.parent / "below").mkdir()
    np.full(4, 13, "<i4").tofile(folder.parent / "below" / "raw.bin")
    assert read(external(folder, "below/raw.bin")["raw"]).tolist() == [0, 1, 2, 3]


def test_absolute_raw_files_below_the_folder_are_read(folder):
    np.arange(4, dtype="<i4").tofile(folder / "raw.bin")
    assert read(external(folder, os.fspath(folder / "raw.bin"))["raw"]).tolist() == [0, 1, 2, 3]


def test_raw_files_in_several_parts_are_one_array(folder):
    data = np.random.default_rng(0).random((30, 4)).astype(">f8")
    raw = data.tobytes()
    (folder / "a.bin").write_bytes(b"head" + raw[:401])
    (folder / "b.bin").write_bytes(raw[401:])
    with h5py.File(folder / "main.h5", "w") as file:
        parts = [("a.bin", 4, 401), ("b.bin", 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("raw", data.shape, ">f8", external=parts)
    node = open_hdf5(folder / "main.h5")["raw"]
    for index in basic_indices(data.shape, 100):
        cut = cut_shape(index, data.shape)
        assert same(node.read(cut), data[cut.index])


def test_a_raw_file_that_is_too_short_is_an_error_not_numbers(folder):
    np.arange(3, dtype="<i4").tofile(folder / "raw.bin")
    node = external(folder, "raw.bin")["raw"]
    assert node.read(cut_shape((slice(0, 3),), (4,))).tolist() == [0, 1, 2]
    with pytest.raises(Unavailable, match="4 bytes too short"):
        read(node)


def test_attributes_of_datasets_in_raw_files_are_there(folder):
    np.arange(4, dtype="<i4").tofile(folder / "raw.bin")
    external(folder, "raw.bin")
    with h5py.File(folder / "main.h5", "a") as file:
        file["raw"].attrs["unit"] = "mm"
    assert open_hdf5(folder / "main.h5")["raw"].metadata == {"unit": "mm"}


@pytest.mark.parametrize("name", ["../private/raw.bin", "{private}/raw.bin"])
def test_raw_files_never_leave_the_folder(folder, name):
    np.arange(4, dtype="<i4").tofile(folder.parent / "private" / "raw.bin")
    root = external(folder, name.format(private=folder.parent / "private"))
    with pytest.raises(BrokenLink, match="outside the folder"):
        root["raw"]


def test_a_missing_raw_file_is_a_broken_link(folder):
    with pytest.raises(BrokenLink, match="not there"):
        external(folder, "absent.bin")["raw"]


def test_hard_links_in_a_circle_are_walked_as_far_as_asked(folder):
    with h5py.File(folder / "main.h5", "w") as file:
        file["a/data"] = [1]
        file["a/up"] = file["/"]
    node = open_hdf5(folder / "main.h5")
    for _ in range(50):
        node = node["a"]["up"]
    assert read(node["a"]["data"]).tolist() == [1]
    assert not node.inlined(0)
