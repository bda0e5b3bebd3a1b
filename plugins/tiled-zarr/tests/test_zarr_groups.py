"""Groups: what is listed, what changes on disk, and what leads out of a store."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import zarr
from tiled_zarr.reader import open_zarr

from tiledkernel.errors import BrokenLink, Gone, NotFound, Unavailable
from tiledkernel.slices import cut_shape


def settle(path: Path) -> None:
    """Let a folder look as if nobody had touched it for a while."""
    past = time.time_ns() - 10_000_000_000
    os.utime(path, ns=(past, past))


@pytest.fixture
def root(path: Path) -> zarr.Group:
    root = zarr.open_group(path, mode="w", attributes={"title": "a test"})
    root.create_array("a", data=np.arange(4), chunks=(2,))
    root.create_group("b", attributes={"deep": True}).create_array("c", data=np.arange(3))
    return root


@pytest.mark.parametrize("version", [2, 3])
def test_children_are_listed_in_order(path, version):
    root = zarr.open_group(path, mode="w", zarr_format=version)
    for name in ("z", "a", "m"):
        root.create_array(name, data=np.arange(3))
    assert list(open_zarr(path)) == ["a", "m", "z"]


def test_attributes_are_metadata(path, root):
    node = open_zarr(path)
    assert node.metadata == {"title": "a test"}
    assert node["b"].metadata == {"deep": True}


@pytest.mark.parametrize("version", [2, 3])
def test_attributes_that_change_are_seen(path, version):
    root = zarr.open_group(path, mode="w", zarr_format=version, attributes={"title": "old"})
    node = open_zarr(path)
    root.attrs["title"] = "new"
    assert node.metadata == {"title": "new"}


def test_folders_that_are_no_nodes_are_left_out(path, root):
    (path / "folder").mkdir()
    (path / ".hidden").mkdir()
    (path / "file").write_text("x")
    assert list(open_zarr(path)) == ["a", "b"]


def test_the_chunks_of_an_array_are_no_children(path, root):
    with pytest.raises(KeyError):
        open_zarr(path)["c"]


def test_arrays_that_come_and_go_are_seen(path, root):
    node = open_zarr(path)
    settle(path)
    assert list(node) == list(node) == ["a", "b"]
    root.create_array("new", data=np.arange(3))
    assert list(node) == ["a", "b", "new"]
    del root["a"]
    assert list(node) == ["b", "new"]
    with pytest.raises(KeyError):
        node["a"]


def test_a_folder_that_becomes_a_node_later_is_seen(path, root):
    (path / "later").mkdir()
    settle(path)
    node = open_zarr(path)
    assert list(node) == ["a", "b"]
    (path / "later/zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}}))
    settle(path)
    assert list(node) == ["a", "b", "later"]


def test_an_array_that_grows_is_seen_with_its_new_shape(path, root):
    node = open_zarr(path)
    assert node["a"].structure.shape == (4,)
    root["a"].resize((9,))
    assert node["a"].structure.shape == (9,)


def test_an_unchanged_array_is_not_parsed_again(path, root, opened):
    node = open_zarr(path)
    known = node["a"]
    opened.clear()
    assert node["a"] is known
    assert opened == []


def test_consolidated_metadata_that_are_out_of_date_mislead_nobody(path, root):
    zarr.consolidate_metadata(root.store)
    root["a"].resize((9,))
    node = open_zarr(path)
    assert node["a"].structure.shape == (9,)
    assert "consolidated_metadata" not in node.metadata


def test_numbers_that_json_does_not_have_are_read(path):
    (path / "x").mkdir(parents=True)
    (path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {"n": [NaN, Infinity]}}')
    assert open_zarr(path).metadata["n"][1] == np.inf


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "[" * 100_000, "\xff"])
def test_damaged_metadata_are_an_error_of_that_node_alone(path, root, content):
    (path / "a/zarr.json").write_text(content)
    node = open_zarr(path)
    with pytest.raises(Unavailable, match=r"a/zarr\.json"):
        node["a"]
    assert node["b"]["c"].read(cut_shape((), (3,))).tolist() == [0, 1, 2]


def test_a_folder_that_is_no_store_says_so(path):
    path.mkdir()
    with pytest.raises(Unavailable, match=r"neither zarr\.json"):
        open_zarr(path)


def test_a_store_that_is_gone_is_not_found(path):
    with pytest.raises(NotFound):
        open_zarr(path)


@pytest.mark.parametrize("key", ["", ".", "..", "../x", "a/..", "b/c", "a\0", "\ud800", "x" * 5000, ".zattrs"])
def test_keys_never_lead_out(path, root, key):
    with pytest.raises(KeyError):
        open_zarr(path)[key]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    zarr.create_array(tmp_path / "outside", data=np.arange(4), chunks=(2,))
    return tmp_path / "outside"


def test_a_link_to_an_array_outside_is_not_there(path, root, outside):
    (path / "link").symlink_to(outside)
    node = open_zarr(path)
    assert list(node) == ["a", "b"]
    with pytest.raises(KeyError):
        node["link"]


@pytest.mark.parametrize("where", ["a/c/0", "a/c"])
def test_a_chunk_behind_a_link_that_leads_out_is_an_error(path, root, outside, where):
    node = open_zarr(path)["a"]
    (path / where).rename(path / "aside")
    (path / where).symlink_to(outside / where.removeprefix("a/"))
    with pytest.raises(BrokenLink, match="cannot be followed"):
        node.read(cut_shape((), (4,)))
    with pytest.raises(Gone):
        node.stamp(None)


def test_metadata_behind_a_link_that_leads_out_are_not_read(path, root, outside):
    (path / "a/zarr.json").unlink()
    (path / "a/zarr.json").symlink_to(outside / "zarr.json")
    with pytest.raises(KeyError):
        open_zarr(path)["a"]


def test_a_link_inside_the_store_is_followed(path, root):
    (path / "again").symlink_to(path / "b")
    assert list(open_zarr(path)["again"]) == ["c"]


def test_version_3_is_read_where_both_are_there(path, root):
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text('{"title": "old"}')
    assert open_zarr(path).metadata == {"title": "a test"}
