"""Downloading files as they are; a server that lies about their names cannot write outside the destination."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tiledkernel.client import ClientError, from_context
from tiledkernel.client.asset_paths import get_asset_filepaths
from tiledkernel.client.messages import UnexpectedAnswer

from .scripted import message, resource

DISPOSITION = 'attachment; filename="{}"'


def asset(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "data_uri": f"file://localhost/data/{number}.bin", "is_directory": False, "size": 3} | changes


def node(*assets: dict[str, Any]) -> Any:
    source = {"structure_family": "bytes", "id": 1, "mimetype": "x/y", "assets": list(assets), "a newer field": 1}
    return message({"data": resource("a", "bytes", structure={}, data_sources=[source])})


def file(name: str, body: Any = b"abc") -> Any:
    return 200, {"content-disposition": DISPOSITION.format(name)}, body


def test_one_file_keeps_its_name(scripted: Any, tmp_path: Path) -> None:
    context, app = scripted(node(asset(7)), file("x.bin"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    assert client.raw_export(tmp_path) == [tmp_path / "x.bin"]
    assert (tmp_path / "x.bin").read_bytes() == b"abc"
    assert app.requests[-1][0] == "/api/v1/asset/bytes/a?id=7"


def test_several_files_lie_in_folders_of_their_own(scripted: Any, tmp_path: Path) -> None:
    context, _ = scripted(node(asset(7), asset(8)), file("x.bin"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    assert client.raw_export(tmp_path, 1) == [tmp_path / "7/x.bin", tmp_path / "8/x.bin"]


def test_a_directory_keeps_its_paths(scripted: Any, tmp_path: Path) -> None:
    manifest = message({"manifest": ["zarr.json", "c/0/1"]})
    context, app = scripted(node(asset(7, is_directory=True)), manifest, file("ignored", b"1"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    assert client.raw_export(tmp_path, 1) == [tmp_path / "zarr.json", tmp_path / "c/0/1"]
    assert app.requests[-1][0].endswith("id=7&relative_path=c%2F0%2F1")


def test_a_directory_may_be_listed_as_it_lies_on_the_servers_disk(scripted: Any, tmp_path: Path) -> None:
    manifest = message({"manifest": ["/data/a b.zarr/zarr.json", "/data/a b.zarr/c/0/1"]})
    directory = asset(7, is_directory=True, data_uri="file://localhost/data/a%20b.zarr")
    context, app = scripted(node(directory), manifest, file("ignored", b"1"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    assert client.raw_export(tmp_path, 1) == [tmp_path / "zarr.json", tmp_path / "c/0/1"]
    assert app.requests[-1][0].endswith("id=7&relative_path=c%2F0%2F1")


def test_a_mapping_receives_buffers(scripted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    context, _ = scripted(node(asset(7)), file("x.bin"))
    received: dict[str, Any] = {}
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    assert client.raw_export(received) == ["x.bin"]
    assert received["x.bin"].read() == b"abc"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//b", ".", "a/./b"])
def test_a_manifest_cannot_lead_out_of_the_destination(scripted: Any, tmp_path: Path, path: str) -> None:
    context, _ = scripted(node(asset(7, is_directory=True)), message({"manifest": [path]}), file("x"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    destination = tmp_path / "downloads"
    destination.mkdir()
    with pytest.raises(UnexpectedAnswer, match="nothing was written"):
        client.raw_export(destination)
    assert list(tmp_path.rglob("*")) == [destination]


def test_a_link_in_the_destination_cannot_lead_out(scripted: Any, tmp_path: Path) -> None:
    destination, outside = tmp_path / "downloads", tmp_path / "outside"
    destination.mkdir()
    outside.mkdir()
    (destination / "link").symlink_to(outside)
    context, _ = scripted(node(asset(7, is_directory=True)), message({"manifest": ["link/x"]}), file("x"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    with pytest.raises(UnexpectedAnswer, match="leads out"):
        client.raw_export(destination)
    assert list(outside.iterdir()) == []


def test_a_file_that_fails_raises_and_leaves_nothing(scripted: Any, tmp_path: Path) -> None:
    context, _ = scripted(node(asset(7)), message({"detail": "gone"}, 404))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    with pytest.raises(ClientError, match="404: gone"):
        client.raw_export(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_may_travel_uncompressed(scripted: Any, tmp_path: Path) -> None:
    context, app = scripted(node(asset(7)), file("x.bin"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    client.raw_export(tmp_path, compression=False)
    assert app.requests[-1][1]["accept-encoding"] == "identity"
    client.raw_export(tmp_path)
    assert app.requests[-1][1]["accept-encoding"] == "gzip, deflate, zstd"


def test_the_old_name_of_the_destination_works_with_a_warning(scripted: Any, tmp_path: Path) -> None:
    context, _ = scripted(node(asset(7)), file("x.bin"))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    with pytest.warns(DeprecationWarning, match="destination="):
        assert client.raw_export(destination_directory=tmp_path) == [tmp_path / "x.bin"]
    with pytest.raises(TypeError, match="both"):
        client.raw_export(tmp_path, destination_directory=tmp_path)
    with pytest.raises(TypeError, match="unexpected keyword"):
        client.raw_export(tmp_path, folder=tmp_path)


def test_a_node_without_files_cannot_be_downloaded_raw(scripted: Any) -> None:
    context, _ = scripted(message({"data": resource("a", data_sources=[])}))
    with pytest.raises(NotImplementedError, match="this node has no"):
        from_context(context, node_path_parts=["a"]).raw_export()


def test_data_sources_are_fetched_when_they_are_asked_for(scripted: Any) -> None:
    context, app = scripted(message({"data": resource("a", "bytes", structure={})}), node(asset(7)))
    client = from_context(context, node_path_parts=["a"])
    (source,) = client.data_sources()
    assert (source.mimetype, source.assets[0].data_uri) == ("x/y", "file://localhost/data/7.bin")
    assert app.requests[-1][0].endswith("?include_data_sources=true")


@pytest.mark.parametrize(
    ("assets", "text"),
    [
        ([], "<BytesClient 0 assets>"),
        ([asset(1, size=600_000), asset(2, size=400_000)], "<BytesClient 1.0 MB across 2 assets>"),
        ([asset(1, size=None), asset(2)], "<BytesClient 2 assets>"),
    ],
)
def test_bytes_say_how_many_they_are(scripted: Any, assets: list[Any], text: str) -> None:
    context, _ = scripted(node(*assets))
    assert repr(from_context(context, node_path_parts=["a"], include_data_sources=True)) == text


def test_bytes_of_an_unknown_origin_say_nothing(scripted: Any) -> None:
    context, _ = scripted(message({"data": resource("a", "bytes", structure={})}))
    assert repr(from_context(context, node_path_parts=["a"])) == "<BytesClient>"


def test_paths_of_files_are_told(scripted: Any) -> None:
    context, _ = scripted(node(asset(1), asset(2, data_uri="file://localhost/a%20b")))
    client = from_context(context, node_path_parts=["a"], include_data_sources=True)
    assert get_asset_filepaths(client) == [Path("/data/1.bin"), Path("/a b")]


def test_what_is_no_file_has_no_path(scripted: Any) -> None:
    context, _ = scripted(node(asset(1, data_uri="s3://bucket/x")))
    with pytest.raises(ValueError, match="s3://bucket/x"):
        get_asset_filepaths(from_context(context, node_path_parts=["a"], include_data_sources=True))
