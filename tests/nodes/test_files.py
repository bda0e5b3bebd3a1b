"""A file is opened when it is touched, and its failures are its own."""

from __future__ import annotations

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest

from tiledkernel.errors import BadRequest, NotFound, NotReady, Unavailable
from tiledkernel.nodes.files import FileUnavailable, unavailable_node


def test_looking_up_a_key_opens_nothing(put, serve, toys) -> None:
    put("a.npy")
    entry = serve()["a"]
    assert toys.opened == []
    assert (entry.key, entry.plugin, entry.file_name) == ("a", "toy", "a.npy")


def test_a_file_is_opened_once(put, serve, toys) -> None:
    put("a.npy", [1, 2])
    tree = serve()
    assert tree["a"].open() is tree["a"].open()
    assert toys.opened == ["a.npy"]


def test_without_a_cache_a_file_is_opened_each_time(put, serve, toys) -> None:
    put("a.npy")
    tree = serve(cache=0)
    tree["a"].open()
    tree["a"].open()
    assert toys.opened == ["a.npy", "a.npy"]


@pytest.mark.parametrize("reader", ["npy", "lone"])
def test_threads_that_open_one_file_at_once_open_it_once(put, serve, toys, reader) -> None:
    put(f"a.{reader}")
    tree = serve()
    toys.pause = 0.05
    barrier = threading.Barrier(6)

    def work(_: int) -> object:
        barrier.wait()
        return tree["a"].open()

    with ThreadPoolExecutor(6) as pool:
        assert len({id(node) for node in pool.map(work, range(6))}) == 1
    assert toys.opened == [f"a.{reader}"]


@pytest.mark.parametrize(("reader", "at_once"), [("lone", 1), ("npy", 4)])
def test_a_reader_that_wants_one_call_at_a_time_gets_it(put, serve, toys, reader, at_once) -> None:
    for name in "abcd":
        put(f"{name}.{reader}")
    tree = serve()
    toys.pause = 0.1
    barrier = threading.Barrier(4)

    def work(key: str) -> None:
        barrier.wait()
        tree[key].open()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, "abcd"))
    assert toys.most_active == at_once


def test_who_holds_the_guard_may_open(put, serve) -> None:
    put("a.lone", [1])
    entry = serve()["a"]
    with entry.guard:
        assert entry.open().array.tolist() == [1]


def test_a_changed_file_has_another_stamp(put, serve) -> None:
    path = put("a.npy", [1])
    entry = serve()["a"]
    before = entry.stamp()
    assert entry.stamp() == before
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert entry.stamp() != before


def test_a_replaced_file_has_another_stamp_even_if_it_is_as_old_and_as_long(folder, put, serve) -> None:
    path = put("a.npy", [1])
    entry = serve()["a"]
    before, status = entry.stamp(), path.stat()
    other = put("a.tmp", [2])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)
    assert entry.stamp() != before
    assert entry.open().array.tolist() == [2]


def test_a_directory_has_another_stamp_when_a_part_of_it_changes(put, serve) -> None:
    put("a.group/x.npy", [1])
    entry = serve()["a"]
    before = entry.stamp()
    put("a.group/x.npy", [1, 2])
    assert entry.stamp() != before
    assert entry.open()["x"].array.tolist() == [1, 2]


def test_a_sequence_has_another_stamp_when_files_come_or_its_last_file_changes(put, serve) -> None:
    put("s1.npy", [1])
    put("s2.npy", [2])
    tree = serve()
    before = tree["s"].stamp()
    put("s2.npy", [3])
    changed = tree["s"].stamp()
    put("s3.npy", [4])
    assert len({before, changed, tree["s"].stamp()}) == 3


# What goes wrong


def test_a_reader_that_raises_makes_its_file_unavailable(folder, put, serve) -> None:
    put("broken.bad")
    with pytest.raises(Unavailable) as caught:
        serve()["broken"].open()
    assert str(caught.value) == (
        "'broken' is unavailable: toy could not open broken.bad: Unable to open file (name = 'broken.bad', broken)"
    )
    assert caught.value.status == 410


def test_a_curt_reason_names_the_kind_of_error(put, serve) -> None:
    put("a.curt")
    with pytest.raises(FileUnavailable) as caught:
        serve()["a"].open()
    assert caught.value.reason == "KeyError: 'entry'"


def test_a_plugin_that_cannot_be_imported_makes_only_its_files_unavailable(put, serve) -> None:
    put("a.lost")
    put("b.npy", [1])
    tree = serve()
    with pytest.raises(Unavailable, match=r"lost could not open a\.lost: no module named 'a_module_that_is_not_there'"):
        tree["a"].open()
    assert tree["b"].open().array.tolist() == [1]


def test_a_corrupt_file_can_be_repaired(put, serve) -> None:
    put("a.npy", b"\x93NUMPY rubbish")
    tree = serve()
    with pytest.raises(FileUnavailable):
        tree["a"].open()
    put("a.npy", [1])
    assert tree["a"].open().array.tolist() == [1]


def test_a_failure_is_logged_with_its_traceback_once_per_state_of_the_file(put, serve, caplog) -> None:
    path = put("sub/a.bad")
    entry = serve()["sub"]["a"]
    for _ in range(3):
        entry.listed()
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "toy could not open sub/a.bad"
    assert record.exc_info is not None
    os.utime(path, ns=(0, 0))
    entry.listed()
    assert len(caplog.records) == 2


def test_a_file_that_is_not_ready_is_not_called_unavailable(put, serve, caplog) -> None:
    put("a.late")
    with pytest.raises(NotReady):
        serve()["a"].open()
    assert caplog.records == []


@pytest.mark.parametrize("name", ["a.npy", "s1.npy", "g.group/x.npy"])
def test_a_file_that_vanished_is_not_found(folder, put, serve, name) -> None:
    path = put(name)
    tree = serve()
    entry = tree[tree.keys()[0]]
    path.unlink()
    if path.parent != folder:
        path.parent.rmdir()
    for touch in (entry.stamp, entry.open):
        with pytest.raises(NotFound, match="deleted"):
            touch()


def test_a_file_that_cannot_be_opened_is_listed_with_the_reason(put, serve) -> None:
    put("broken.bad")
    node = serve()["broken"].listed()
    assert node.family == "bytes"
    assert [spec.name for spec in node.specs] == ["unavailable"]
    assert msgspec.to_builtins(node.structure) == {}
    assert node.metadata == {
        "unavailable": {
            "reason": "Unable to open file (name = 'broken.bad', broken)",
            "plugin": "toy",
            "file": "broken.bad",
        }
    }


def test_a_file_that_can_be_opened_is_listed_as_itself(put, serve) -> None:
    put("a.npy")
    entry = serve()["a"]
    assert entry.listed() is entry.open()


def test_what_is_not_ready_or_gone_is_listed_as_unavailable_too(put, serve) -> None:
    put("a.late")
    path = put("b.npy")
    tree = serve()
    late, gone = tree["a"], tree["b"]
    path.unlink()
    assert "still being written" in late.listed().metadata["unavailable"]["reason"]
    assert "deleted" in gone.listed().metadata["unavailable"]["reason"]


def test_an_unavailable_node_can_be_made_of_any_failure() -> None:
    assert unavailable_node("why", "who", "what").metadata["unavailable"] == {
        "reason": "why",
        "plugin": "who",
        "file": "what",
    }


# Assets


def test_a_file_is_one_asset(folder, put, serve) -> None:
    path = put("a b#.npy", np.zeros(3))
    entry = serve()["a b#"]
    source = entry.data_source(entry.open())
    (asset,) = source.assets
    assert source.structure_family == "array"
    assert source.structure == entry.open().structure
    assert source.mimetype == "application/x-npy"
    assert asset.data_uri == f"file://localhost{folder}/a%20b%23.npy"
    assert (asset.is_directory, asset.parameter, asset.num, asset.id) == (False, "data_uri", None, 1)
    assert asset.size == path.stat().st_size
    assert entry.asset_path(1) == path


def test_a_sequence_has_numbered_assets(folder, put, serve) -> None:
    for number in (1, 2, 10):
        put(f"s{number}.npy", [number])
    entry = serve()["s"]
    source = entry.data_source(entry.open())
    assert source.mimetype == "multipart/related;type=application/x-npy"
    assert [(asset.num, asset.id, asset.parameter) for asset in source.assets] == [
        (0, 1, "data_uris"),
        (1, 2, "data_uris"),
        (2, 3, "data_uris"),
    ]
    assert source.assets[2].data_uri.endswith("/s10.npy")
    assert entry.asset_path(3) == folder / "s10.npy"


def test_a_directory_has_a_manifest_of_relative_paths(folder, put, serve) -> None:
    put("a.group/x.npy", [1])
    put("a.group/deep/y.npy", [2])
    put("a.group/.meta", b"{}")
    entry = serve()["a"]
    source = entry.data_source(entry.open())
    assert source.structure == {"keys": ["x"]}
    assert (source.assets[0].is_directory, source.assets[0].size) == (True, None)
    assert entry.manifest(1) == [".meta", "x.npy", "deep/y.npy"]
    for relative in entry.manifest(1):
        assert entry.asset_path(1, relative) == folder / "a.group" / relative


@pytest.mark.parametrize("relative", [None, "", "..", "../b.npy", "/etc/passwd", "x\0.npy", "deep/../../b.npy"])
def test_a_path_in_a_directory_must_be_relative_and_stay_inside(put, serve, relative) -> None:
    put("a.group/x.npy")
    put("b.npy")
    with pytest.raises(BadRequest):
        serve()["a"].asset_path(1, relative)


@pytest.mark.parametrize("relative", ["absent", ".", "deep", "n" * 300])
def test_only_files_of_a_directory_can_be_had(put, serve, relative) -> None:
    put("a.group/deep/x.npy")
    with pytest.raises(NotFound):
        serve()["a"].asset_path(1, relative)


def test_a_file_has_no_relative_paths_and_no_manifest(put, serve) -> None:
    put("a.npy")
    entry = serve()["a"]
    with pytest.raises(BadRequest, match="is a file"):
        entry.asset_path(1, "x")
    with pytest.raises(BadRequest, match="is a file"):
        entry.manifest(1)


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
def test_an_unknown_asset_is_not_found(put, serve, number) -> None:
    put("a.npy")
    with pytest.raises(NotFound, match="no asset"):
        serve()["a"].asset_path(number)


def test_an_asset_that_was_deleted_is_not_found(put, serve) -> None:
    path = put("a.npy")
    entry = serve()["a"]
    path.unlink()
    with pytest.raises(NotFound):
        entry.asset_path(1)
