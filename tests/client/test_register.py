"""A directory is registered in a catalog: its files become nodes, and stay where they are."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

from tiledkernel.client import ClientError
from tiledkernel.client.register import (
    Report,
    group_image_sequences,
    identity,
    one_node_per_item,
    register,
    register_single_item,
    skip_all,
)
from tiledkernel.registering import remote


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "external_data"
    path.mkdir()
    return path


@pytest.fixture
def put(folder: Path) -> Callable[..., Path]:
    """Write an array, a frame or bytes to a file below the folder."""

    def write(name: str, content: Any = 0) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, pd.DataFrame):
            content.to_csv(path)
        elif path.suffix in {".tif", ".tiff"}:
            tifffile.imwrite(path, np.asarray(content))
        else:
            with path.open("wb") as file:
                np.save(file, np.asarray(content))
        return path

    return write


def real(node: Any) -> Any:
    """The client itself, where a test has something around it."""
    return node.__dict__.get("_real", node)


@pytest.fixture
def registered(catalog: Any, face: Any, folder: Path) -> Callable[..., Report]:
    """`registered(prefix="/a")`: what registering the folder in the catalog comes to, with clients of both kinds."""

    def run(node: Any = catalog, path: Path = folder, **settings: Any) -> Report:
        coroutine = register(real(node), path, **settings)
        return face.wait_for(coroutine) if hasattr(face, "wait_for") else asyncio.run(coroutine)

    return run


def counts(report: Report) -> tuple[int, ...]:
    """Added, updated, unchanged, removed, skipped, failed."""
    return (*report.counts.values(), len(report.skipped), len(report.failures))


def source_of(node: Any) -> Any:
    (source,) = node.data_sources()
    return source


# What becomes of a directory


def test_images_are_one_array_and_tables_are_tables_without_their_suffixes(catalog, put, registered) -> None:
    frames = [np.full((5, 5), number, float) for number in range(10)]
    for number, frame in enumerate(frames):
        put(f"image_stack{number:03}.tiff", frame)
    put("table.csv", pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]}))
    report = registered()
    assert repr(report) == "<Registered: 2 added, 0 updated, 0 unchanged, 0 removed, 0 skipped, 0 failed>"
    assert list(catalog) == ["image_stack", "table"]
    assert catalog["table"].read()["b"].tolist() == [4, 5, 6]
    stack = catalog["image_stack"]
    assert (stack.shape, stack.chunks[0]) == ((10, 5, 5), (1,) * 10)
    assert np.array_equal(stack[3], frames[3])
    assert source_of(stack).mimetype == "multipart/related;type=image/tiff"
    assert source_of(catalog["table"]).mimetype == "text/csv"


def test_assets_say_where_the_files_are_how_large_and_in_which_order(catalog, folder, put, registered) -> None:
    for number in (2, 10, 1):
        put(f"s{number}.tif", np.zeros((2, 2)))
    put("one file.npy", [1])
    registered()
    assets = source_of(catalog["s"]).assets
    assert [(asset.num, asset.parameter, asset.data_uri.rpartition("/")[2]) for asset in assets] == [
        (0, "data_uris", "s1.tif"),
        (1, "data_uris", "s2.tif"),
        (2, "data_uris", "s10.tif"),
    ]
    (asset,) = source_of(catalog["one file"]).assets
    assert asset.data_uri == f"file://localhost{folder}/one%20file.npy"
    assert (asset.size, asset.num, asset.parameter) == ((folder / "one file.npy").stat().st_size, None, "data_uri")


def test_folders_become_containers_and_an_empty_one_an_empty_container(catalog, folder, put, registered) -> None:
    put("a/b/c.npy", [1, 2])
    (folder / "empty").mkdir()
    assert registered().counts["added"] == 1
    assert (list(catalog), list(catalog["a"]), list(catalog["empty"])) == (["a", "empty"], ["b"], [])
    assert catalog["a/b/c"].read().tolist() == [1, 2]


def test_children_are_in_the_order_of_their_keys(catalog, put, registered) -> None:
    for number in range(300):
        put(f"scan_{number:03}_raw.npy")
    registered()
    assert list(catalog) == [f"scan_{number:03}_raw" for number in range(300)]


def test_a_file_of_a_format_with_parts_is_a_container(catalog, folder, registered) -> None:
    with pd.ExcelWriter(folder / "book.xlsx") as book:
        pd.DataFrame({"a": [1]}).to_excel(book, sheet_name="Sheet 1", index=False)
    registered()
    assert list(catalog["book"]) == ["Sheet 1"]
    assert source_of(catalog["book"]).structure == {"keys": ["Sheet 1"]}


def test_opaque_files_are_nodes_too(catalog, put, registered) -> None:
    put("raw.bin", b"abc")
    registered()
    assert catalog["raw"].structure_family == "bytes"


def test_a_directory_that_a_reader_reads_becomes_one_node(catalog, folder, registered) -> None:
    zarr.save_array(str(folder / "store.zarr"), np.arange(4))
    zarr.save_array(str(folder / "nameless"), np.arange(3))
    registered()
    assert catalog["store"].read().tolist() == [0, 1, 2, 3]
    assert catalog["nameless"].read().tolist() == [0, 1, 2]
    (asset,) = source_of(catalog["store"]).assets
    assert (asset.is_directory, asset.size) == (True, None)


def test_if_the_directory_itself_is_read_by_a_reader_it_is_all_there_is(catalog, folder, registered) -> None:
    zarr.save_array(str(folder / "store.zarr"), np.arange(4))
    catalog.write_array([1], key="written")
    registered(path=folder / "store.zarr")
    assert list(catalog) == ["written", "store"]


def test_a_single_file_is_registered_beside_what_is_there(catalog, put, registered) -> None:
    put("a.npy", [1])
    put("b1.npy", [2])
    registered(path=put("c.npy", [3]))
    assert counts(registered(path=put("b1.npy", [2]))) == (1, 0, 0, 0, 0, 0)
    assert list(catalog) == ["c", "b1"]
    assert catalog["b1"].read().tolist() == [2]


def test_containers_on_the_way_are_made(catalog, put, registered) -> None:
    put("x.npy", [1])
    registered(prefix="/a/b")
    registered(prefix="a/c")
    assert (list(catalog["a"]), list(catalog["a/b"])) == (["b", "c"], ["x"])


# Twice


def test_doing_it_again_does_nothing(catalog, folder, put, registered) -> None:
    put("sub/s1.tif", np.zeros((2, 2)))
    put("table.csv", b"a,b\n1,2\n")
    put("x.npy", [1])
    zarr.save_array(str(folder / "z.zarr"), np.arange(4))
    registered()
    before = json.dumps([catalog[path].refresh().item["attributes"] for path in ("sub/s", "table", "x", "z")])
    assert counts(registered()) == (0, 0, 4, 0, 0, 0)
    assert before == json.dumps([catalog[path].refresh().item["attributes"] for path in ("sub/s", "table", "x", "z")])


def test_a_changed_file_is_described_anew_and_keeps_what_people_said_of_it(catalog, put, registered) -> None:
    put("x.tif", np.zeros((2, 2), "u1"))
    registered()
    catalog["x"].update_metadata({"sample": "copper"})
    number = source_of(catalog["x"]).id
    put("x.tif", np.ones((3, 4), "u2"))
    assert counts(registered()) == (0, 1, 0, 0, 0, 0)
    found = catalog["x"]
    assert (found.shape, found.metadata["sample"], found.metadata["BitsPerSample"]) == ((3, 4), "copper", 16)
    assert found.read().tolist() == [[1] * 4] * 3
    assert source_of(found).id == number


def test_a_sequence_that_has_grown_is_longer(catalog, put, registered) -> None:
    for number in (0, 1):
        put(f"s{number}.npy", [number])
    registered()
    put("s2.npy", [2])
    assert counts(registered()) == (0, 1, 0, 0, 0, 0)
    assert catalog["s"].read().tolist() == [[0], [1], [2]]


def test_a_sequence_that_has_lost_a_file_is_shorter_and_keeps_its_metadata(catalog, put, registered) -> None:
    paths = [put(f"s{number}.npy", [number]) for number in range(3)]
    registered()
    catalog["s"].update_metadata({"sample": "copper"})
    paths[0].unlink()
    assert counts(registered()) == (0, 1, 0, 0, 0, 0)
    assert catalog["s"].read().tolist() == [[1], [2]]
    assert len(source_of(catalog["s"]).assets) == 2
    assert catalog["s"].metadata == {"sample": "copper"}


def test_a_file_of_another_kind_takes_the_place_of_one(catalog, put, registered) -> None:
    put("x.npy", [1]).unlink()
    put("x.csv", b"a,b\n1,2\n")
    registered()
    (put("x.csv", b"")).unlink()
    put("x.npy", [7])
    assert counts(registered()) == (0, 1, 0, 0, 0, 0)
    assert catalog["x"].read().tolist() == [7]


def test_a_folder_takes_the_place_of_a_file_and_the_other_way_round(catalog, folder, put, registered) -> None:
    path = put("x.npy", [1])
    registered()
    path.unlink()
    inner = put("x/y.npy", [2])
    registered()
    assert catalog["x/y"].read().tolist() == [2]
    inner.unlink()
    (folder / "x").rmdir()
    put("x.npy", [3])
    registered()
    assert catalog["x"].read().tolist() == [3]


def test_nodes_whose_files_are_gone_are_removed(catalog, folder, put, registered) -> None:
    put("a.npy")
    put("b.npy")
    put("sub/c.npy")
    registered()
    (folder / "a.npy").unlink()
    (folder / "sub/c.npy").unlink()
    (folder / "sub").rmdir()
    assert counts(registered()) == (0, 0, 1, 2, 0, 0)
    assert list(catalog) == ["b"]


def test_data_that_the_server_keeps_stay(catalog, put, registered) -> None:
    catalog.write_array([1, 2], key="written")
    catalog.create_container("mine").write_array([3], key="inner")
    put("a.npy")
    report = registered()
    assert sorted(catalog) == ["a", "mine", "written"]
    assert sorted(text.partition(":")[0] for text in report.skipped) == [
        "left 'mine' as it is",
        "left 'written' as it is",
    ]


def test_a_key_that_is_taken_by_kept_data_is_a_failure(catalog, put, registered) -> None:
    catalog.write_array([1, 2], key="a")
    path = put("a.npy", [7])
    (failure,) = registered().failures
    assert str(failure) == f"{path}: the server: the key 'a' is taken by data that the server keeps"
    assert catalog["a"].read().tolist() == [1, 2]


def test_another_directory_takes_the_place_of_the_first(catalog, put, tmp_path, registered) -> None:
    put("a.npy")
    registered()
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "b.npy", [2])
    assert counts(registered(path=tmp_path / "other")) == (1, 0, 0, 1, 0, 0)
    assert list(catalog) == ["b"]


def test_without_overwriting_nothing_is_removed(catalog, put, tmp_path, registered) -> None:
    put("a.npy", [1])
    put("c.npy", [1])
    registered()
    (tmp_path / "other").mkdir()
    for name in "ab":
        np.save(tmp_path / "other" / f"{name}.npy", [2])
    put("c.npy", [1, 2, 3])
    assert counts(registered(overwrite=False)) == (0, 1, 1, 0, 0, 0)
    report = registered(path=tmp_path / "other", overwrite=False)
    assert counts(report) == (1, 0, 0, 0, 0, 1)
    assert report.failures[0].reason == "the key 'a' is taken by a node of other files"
    assert (sorted(catalog), catalog["a"].read().tolist()) == (["a", "b", "c"], [1])


# What fails


def test_a_bad_file_is_reported_with_its_plugin_and_the_reason_and_the_others_are_registered(
    catalog, put, registered
) -> None:
    put("good.npy", [1])
    path = put("bad.tif", b"no image")
    put("sub/also.npy", [2])
    report = registered()
    (failure,) = report.failures
    assert (failure.path, failure.plugin) == (path, "tiff")
    assert "is no TIFF file" in failure.reason
    assert (sorted(catalog), list(catalog["sub"])) == (["good", "sub"], ["also"])


def test_a_node_stays_while_its_file_cannot_be_opened(catalog, put, registered) -> None:
    put("x.tif", np.zeros((2, 2)))
    registered()
    put("x.tif", b"half wri")
    assert counts(registered()) == (0, 0, 0, 0, 0, 1)
    assert list(catalog) == ["x"]


def test_two_files_that_want_one_key_are_both_left_out(catalog, put, registered) -> None:
    put("dup.npy")
    put("dup.csv", b"a,b\n1,2\n")
    put("other.npy")
    report = registered()
    assert list(catalog) == ["other"]
    assert report.skipped == [
        "dup.csv and dup.npy want the same key 'dup', so none of them is listed: rename them, or keep their suffixes"
    ]


def test_files_that_nobody_claims_are_skipped(catalog, put, registered) -> None:
    put("README", b"words")
    assert registered().skipped == ["skipped README: no reader claims it"]
    assert list(catalog) == []


def test_links_that_lead_out_are_left_out(catalog, folder, put, tmp_path, registered) -> None:
    put("a.npy")
    (tmp_path / "secret.npy").write_bytes((folder / "a.npy").read_bytes())
    (folder / "link.npy").symlink_to(tmp_path / "secret.npy")
    registered()
    assert list(catalog) == ["a"]


def test_files_that_the_server_may_not_read_are_refused(catalog, tmp_path_factory, registered) -> None:
    outside = tmp_path_factory.mktemp("outside")
    np.save(outside / "a.npy", [1])
    np.save(outside / "b.npy", [1])
    with pytest.raises(ClientError, match=r"403.*outside the folders that this catalog may read"):
        registered(path=outside)
    assert list(catalog) == []


def test_a_directory_that_the_server_refuses_removes_nothing(catalog, put, tmp_path_factory, registered) -> None:
    put("kept.npy")
    registered()
    outside = tmp_path_factory.mktemp("outside")
    np.save(outside / "a.npy", [1])
    with pytest.raises(ClientError, match="403"):
        registered(path=outside)
    assert list(catalog) == ["kept"]


def test_one_node_that_the_server_refuses_does_not_hurt_the_others(catalog, put, registered) -> None:
    for name in "abc":
        put(f"{name}.npy")
    report = registered(key_from_filename=lambda name: "x/y" if name == "b.npy" else name[0])
    (failure,) = report.failures
    assert (failure.path.name, failure.plugin) == ("b.npy", "the server")
    assert sorted(catalog) == ["a", "c"]


def test_a_server_that_takes_one_node_at_a_time_gets_one(catalog, put, registered, monkeypatch) -> None:
    monkeypatch.setattr(remote, "BATCHES", "+another server")
    for name in "abc":
        put(f"{name}.npy")
    assert counts(registered()) == (3, 0, 0, 0, 0, 0)
    assert sorted(catalog) == ["a", "b", "c"]


def test_what_another_program_has_registered_meanwhile_is_met(catalog, put, registered, monkeypatch) -> None:
    put("a.npy", [1])
    put("b.npy", [1])
    registered()
    put("b.npy", [1, 2, 3])

    def listing_nothing(uri: str) -> Any:
        yield from ()
        return {}

    monkeypatch.setattr(remote, "listing_children", listing_nothing)
    assert counts(registered()) == (0, 1, 1, 0, 0, 0)
    assert catalog["b"].read().tolist() == [1, 2, 3]


@pytest.mark.parametrize("name", ["nothing-there", "README"])
def test_a_path_that_cannot_be_registered_is_refused(put, folder, registered, name) -> None:
    put("README", b"words")
    error = ValueError if name == "README" else FileNotFoundError
    with pytest.raises(error, match=name):
        registered(path=folder / name)


def test_only_a_container_takes_files(catalog, put, registered) -> None:
    put("a.npy")
    array = catalog.write_array([1], key="array")
    with pytest.raises(ValueError, match="files are registered in a container"):
        registered(array)
    with pytest.raises(ValueError, match="'array' is there already, and is no container"):
        registered(prefix="array/deeper")


# How files are read and named


def test_keys_can_keep_the_suffixes(catalog, put, registered) -> None:
    put("dup.npy", [1])
    put("dup.csv", b"a,b\n1,2\n")
    registered(key_from_filename=identity)
    assert list(catalog) == ["dup.csv", "dup.npy"]


def test_a_filter_replaces_the_rule_of_hidden_names(catalog, put, registered) -> None:
    put(".hidden/x.npy")
    put("y.npy")
    registered()
    assert list(catalog) == ["y"]
    registered(filter=lambda path: path.name != "y.npy", key_from_filename=identity)
    assert list(catalog) == [".hidden"]


def test_only_some_suffixes_and_subfolders_are_entered_all_the_same(catalog, put, registered) -> None:
    put("sub/x.npy")
    put("y.csv", b"a,b\n1,2\n")
    registered(include_ext=[".npy"])
    assert (list(catalog), list(catalog["sub"])) == (["sub"], ["x"])


def test_odd_suffixes_and_files_without_one_can_be_given_a_type(catalog, put, registered) -> None:
    put("a.stuff", b"a,b\n1,2\n")
    put("b", b"a,b\n3,4\n")
    registered(
        mimetypes_by_file_ext={".stuff": "text/csv"},
        mimetype_detection_hook=lambda path, so_far: "text/csv" if path.name == "b" else so_far,
    )
    assert [catalog[key].read()["a"].tolist() for key in ("a", "b")] == [[1], [3]]


def test_a_type_that_nobody_reads_is_refused(registered) -> None:
    with pytest.raises(ValueError, match=r"\.stuff=text/none: no reader for 'text/none'"):
        registered(mimetypes_by_file_ext={".stuff": "text/none"})


class Counts:
    """A reader in the form of a class."""

    @classmethod
    def from_uris(cls, *uris: str) -> Any:
        return np.array([len(uris), *(int(Path(uri.removeprefix("file://localhost")).read_text()) for uri in uris)])


@pytest.mark.parametrize(
    ("reader", "expected"),
    [(lambda path: np.array([int(path.read_text())]), [7]), (Counts, [1, 7])],
    ids=["function", "class"],
)
def test_a_reader_of_ones_own_tells_what_a_file_holds(new_catalog, put, registered, reader, expected) -> None:
    put("a.count", b"7")
    readers = {"application/x-count": reader}
    catalog = new_catalog(adapters_by_mimetype=readers)
    registered(catalog, adapters_by_mimetype=readers, mimetypes_by_file_ext={".count": "application/x-count"})
    source = source_of(catalog["a"])
    assert (source.mimetype, source.structure["shape"]) == ("application/x-count", [len(expected)])
    assert catalog["a"].read().tolist() == expected


def test_a_file_that_only_the_one_who_registers_can_read_is_a_failure(catalog, put, registered) -> None:
    put("a.count", b"7")
    put("b.npy")
    report = registered(
        adapters_by_mimetype={"application/x-count": Counts}, mimetypes_by_file_ext={".count": "application/x-count"}
    )
    assert counts(report) == (1, 0, 0, 0, 0, 1)
    assert "415: nobody here reads files of the type 'application/x-count'" in report.failures[0].reason
    assert list(catalog) == ["b"]


# Walkers


async def pairs(node: Any, path: Path, files: list[Path], directories: list[Path], settings: Any) -> Any:
    """The array beside each header, under the header's name."""
    del node, path
    headers = [file for file in files if file.suffix == ".hdr"]
    taken = {*headers, *(file.with_suffix(".npy") for file in headers)}
    for header in headers:
        settings.propose(f"{header.stem} with header", [header.with_suffix(".npy")])
    return [file for file in files if file not in taken], directories


def test_a_walker_groups_files_before_the_rules_do(catalog, put, registered) -> None:
    put("a.hdr", b"")
    put("a.npy", [1])
    put("b.npy", [2])
    put("sub/c.hdr", b"")
    put("sub/c.npy", [3])
    registered(walkers=[pairs])
    assert (list(catalog), list(catalog["sub"])) == (["a with header", "b", "sub"], ["c with header"])


def test_a_walker_may_make_nodes_itself_and_do_so_again(catalog, face, put, registered) -> None:
    put("a.npy", [1])
    put("a.txt", b"words")

    async def noting(node: Any, path: Path, files: list[Path], directories: list[Path], settings: Any) -> Any:
        del path, settings
        made = node.create_container("notes", metadata={"files": len(files)})
        if asyncio.iscoroutine(made):
            await made
        return [file for file in files if file.suffix != ".txt"], directories

    for _ in range(2):
        registered(walkers=[noting])
        assert sorted(catalog) == ["a", "notes"]
        assert catalog["notes"].metadata == {"files": 2}


def test_nothing_is_left_to_the_rules_after_skip_all(catalog, put, registered) -> None:
    put("s1.npy", [1])
    put("x.npy", [1])
    put("sub/y.npy", [1])
    registered(walkers=[group_image_sequences, skip_all])
    assert list(catalog) == ["s"]


def test_single_files_only(catalog, put, registered) -> None:
    put("s1.npy", [1])
    put("s2.npy", [2])
    registered(walkers=[one_node_per_item])
    assert list(catalog) == ["s1", "s2"]


def test_a_walker_can_pick_single_files(catalog, put, registered) -> None:
    put("s1.npy", [1])
    put("s2.npy", [2])

    async def last(node: Any, path: Path, files: list[Path], directories: list[Path], settings: Any) -> Any:
        del path
        await register_single_item(node, files[-1], is_directory=False, settings=settings)
        return [], directories

    registered(walkers=[last])
    assert list(catalog) == ["s2"]


def test_a_walker_that_fails_ends_it(put, registered) -> None:
    put("a.npy")

    def broken(*_: Any) -> Any:
        raise RuntimeError("the walker is broken")

    with pytest.raises(RuntimeError, match="the walker is broken"):
        registered(walkers=[broken])


def test_a_directory_that_cannot_be_read_is_a_failure(folder, put, registered, monkeypatch) -> None:
    put("locked/a.npy")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (failure,) = registered().failures
    assert failure.path == folder / "locked"
    assert "permission denied" in failure.reason
