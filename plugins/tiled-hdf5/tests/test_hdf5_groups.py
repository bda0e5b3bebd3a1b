"""Groups: keys, inlined children, opening."""

from __future__ import annotations

import gc
import itertools
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import psutil
import pytest
from tiled_hdf5 import groups
from tiled_hdf5.links import link_names
from tiled_hdf5.reader import open_hdf5

from tiledkernel import Spec
from tiledkernel.errors import ConfigurationError, NotReady
from tiledkernel.nodes.protocols import Inlined
from tiledkernel.slices import cut_shape


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.h5"


def test_nexus_classes_are_specs(path):
    with h5py.File(path, "w") as file:
        file.create_group("entry").attrs["NX_class"] = "NXentry"
        file.create_group("entry/data").attrs["NX_class"] = np.bytes_("NXdata")
        file.create_group("entry/plain")
    entry = open_hdf5(path)["entry"]
    assert entry.specs == (Spec("NXentry"),)
    assert entry["data"].specs == (Spec("NXdata"),)
    assert entry["data"].metadata == {"NX_class": "NXdata"}
    assert entry["plain"].specs == ()


def test_keys_come_in_the_order_of_creation_if_the_file_knows_it(path):
    with h5py.File(path, "w", track_order=True) as file:
        for name in "zebra", "ant", "moose":
            file[name] = 1
    assert list(open_hdf5(path).keys()) == ["zebra", "ant", "moose"]


def test_all_keys_of_a_large_group_are_listed_once(path):
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(2000):
            file.create_group(f"g{number:05}")
    keys = list(open_hdf5(path))
    assert keys == [f"g{number:05}" for number in range(2000)]


def test_names_that_are_no_utf8_can_be_listed_and_opened(path):
    with h5py.File(path, "w") as file:
        file[b"caf\xe9"] = 5
        file["naïve"] = 6
    root = open_hdf5(path)
    assert sorted(root) == ["caf\\xe9", "naïve"]
    assert root["caf\\xe9"].structure.shape == ()
    with pytest.raises(KeyError):
        root["th\\xe9"]


def test_a_small_file_is_described_at_once(path):
    with h5py.File(path, "w") as file:
        file["a/b/c"] = 1
    root = open_hdf5(path)
    assert isinstance(root, Inlined)
    assert root.inlined(0)
    assert root["a"].inlined(1)


def test_a_group_with_many_descendants_is_not_described_at_once(path):
    with h5py.File(path, "w", libver="latest") as file:
        for group in range(30):
            for number in range(30):
                file.create_group(f"g{group}/h{number}")
    root = open_hdf5(path)
    assert not root.inlined(0)
    assert root["g3"].inlined(1)


def test_inlining_does_not_follow_soft_links(path):
    with h5py.File(path, "w") as file:
        file["a/x"] = 1
        file["a/circle"] = h5py.SoftLink("/")
    root = open_hdf5(path)
    assert root.inlined(0)
    assert not root["a"]["circle"].inlined(2)
    assert not root["a"]["circle"]["a"]["circle"].inlined(4)


def test_the_depth_of_inlining_is_configured(path, monkeypatch):
    with h5py.File(path, "w") as file:
        file["a/x"] = 1
    monkeypatch.setenv("TILED_HDF5_INLINED_CONTENTS_MAX_DEPTH", "1")
    root = open_hdf5(path)
    assert root.inlined(0)
    assert not root["a"].inlined(1)
    monkeypatch.setenv("TILED_HDF5_INLINED_CONTENTS_MAX_DEPTH", "deep")
    with pytest.raises(ConfigurationError, match="'deep' cannot be used: expected a number of levels"):
        root.inlined(0)


@pytest.fixture
def asked(monkeypatch) -> list[int]:
    """How many names HDF5 was asked for, each time."""
    counts = []

    def counting(group, start, count):
        counts.append(count)
        return link_names(group, start, count)

    monkeypatch.setattr(groups, "link_names", counting)
    return counts


def huge(path: Path):
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(5000):
            file.id.links.create_soft(b"%d" % number, b"/x")
    return open_hdf5(path)


def test_the_first_page_of_a_huge_group_needs_few_names(path, asked):
    root = huge(path)
    page = list(itertools.islice(root.keys(), 100))
    assert len(set(page)) == 100
    assert not root.inlined(0)
    assert len(root) == 5000
    assert max(asked) <= 256


def test_the_names_of_a_huge_group_are_asked_for_once(path, asked):
    root = huge(path)
    first = list(root.keys())
    assert len(set(first)) == 5000
    asked.clear()
    assert list(root.keys()) == first
    assert asked == []


def test_committed_types_are_empty_containers(path):
    with h5py.File(path, "w") as file:
        file["kind"] = np.dtype("<f8")
        file["kind"].attrs["note"] = "shared"
    node = open_hdf5(path)["kind"]
    assert node.family == "container"
    assert len(node) == 0
    assert node.metadata == {"note": "shared", "dtype": "float64"}


def test_reading_does_not_stand_in_the_way_of_a_writer(path):
    with h5py.File(path, "w") as file:
        file["x"] = 1
    root = open_hdf5(path)
    with h5py.File(path.with_name("copy.h5"), "w") as file:
        file["x"] = 2
    assert root["x"].structure.shape == ()


WRITER = """
import h5py, sys
with h5py.File(sys.argv[1], "w", libver="latest") as file:
    file.create_dataset("x", data=[1, 2, 3], maxshape=(None,), chunks=(8,))
    if {swmr}:
        file.swmr_mode = True
    file["x"].resize((4,))
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writing(path: Path, *, swmr: bool):
    """Another program that has the file open for writing."""
    command = [sys.executable, "-c", WRITER.format(swmr=swmr), str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"ready\n"
        yield
        writer.stdin.close()


@pytest.mark.parametrize("setting", ["0", "1"])
def test_a_file_that_is_being_written_with_swmr_can_be_read(path, monkeypatch, setting):
    monkeypatch.setenv("TILED_HDF5_SWMR_DEFAULT", setting)
    with writing(path, swmr=True):
        assert open_hdf5(path)["x"].structure.shape == (4,)


def test_a_file_that_is_being_written_otherwise_is_not_ready(path):
    with writing(path, swmr=False), pytest.raises(NotReady, match="is being written"):
        open_hdf5(path)


def test_a_file_that_this_process_has_open_can_be_read(path):
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with h5py.File(path, "r"):
        assert list(open_hdf5(path)) == ["x"]


def test_a_misspelt_swmr_setting_says_what_is_expected(path, monkeypatch):
    h5py.File(path, "w").close()
    monkeypatch.setenv("TILED_HDF5_SWMR_DEFAULT", "maybe")
    with pytest.raises(ConfigurationError, match="TILED_HDF5_SWMR_DEFAULT='maybe'"):
        open_hdf5(path)


def test_a_dataset_stays_open_between_requests(path):
    with h5py.File(path, "w") as file:
        file["a/x"] = 1
    root = open_hdf5(path)
    assert root["a"]["x"] is root["a"]["x"]


def test_only_so_many_datasets_stay_open(path):
    with h5py.File(path, "w") as file:
        for number in range(200):
            file[f"d{number}"] = number
    root = open_hdf5(path)
    first = root["d0"]
    for key in root:
        root[key]
    assert root["d0"] is not first


def test_files_close_with_their_last_node(path):
    with h5py.File(path, "w") as file:
        file["a/x"] = np.arange(4)
        file["link"] = h5py.ExternalLink("other.h5", "/y")
    with h5py.File(path.with_name("other.h5"), "w") as file:
        file["y"] = 1
    gc.disable()  # what the kernel drops must close at once, not when Python finds a cycle
    try:
        before = psutil.Process().num_fds()
        root = open_hdf5(path)
        node = root["a"]["x"]
        linked = root["link"]
        assert node.structure.shape == (4,)
        assert linked.metadata == {}
        del root
        assert node.read(cut_shape((1,), (4,))) == 1
        del node, linked
        assert psutil.Process().num_fds() == before
    finally:
        gc.enable()
