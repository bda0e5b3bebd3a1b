"""A folder of stores as a server shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tiled_zarr
import zarr
import zstandard
from litestar.testing import TestClient
from tiled_zarr import arrays

from tiledkernel.composition import Composition
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app
from tiledkernel.trees import build_directory

DATA = np.random.default_rng(0).normal(size=(40, 60))
Get = Callable[..., httpx.Response]


@pytest.fixture
def get(tmp_path: Path) -> Iterator[Get]:
    """Ask a server of the folder, with this plugin only."""
    root = zarr.open_group(tmp_path / "scan.zarr", mode="w", attributes={"sample": "quartz"})
    root.create_array("frames", data=DATA, chunks=(20, 30), dimension_names=["y", "x"])
    composition = Composition(discover(third_party=False, extra={"zarr": tiled_zarr}))
    tree = build_directory(DirectoryOptions(path=str(tmp_path)), composition)
    app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=composition)
    with TestClient(app, raise_server_exceptions=False) as client:

        def ask(path: str, **headers: str) -> Any:
            return client.get(f"/api/v1{path}", headers={"accept-encoding": "identity"} | headers)

        yield ask


def test_a_store_is_one_node_with_its_arrays_below(get):
    assert get("/metadata/scan").json()["data"]["attributes"]["metadata"] == {"sample": "quartz"}
    structure = get("/metadata/scan/frames").json()["data"]["attributes"]["structure"]
    assert structure["chunks"] == [[20, 20], [30, 30]]
    assert structure["dims"] == ["y", "x"]


def test_a_store_is_known_by_its_metadata_whatever_its_name(get, tmp_path):
    zarr.create_array(tmp_path / "unnamed", data=np.arange(3))
    assert get("/metadata/unnamed").json()["data"]["attributes"]["structure_family"] == "array"


def test_an_answer_is_never_stale_where_there_are_too_many_chunks_to_look_at(get, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MAX_STAMPED", 1)
    etag = get("/array/full/scan/frames").headers.get("etag", '"none"')
    zarr.open_array(tmp_path / "scan.zarr/frames", mode="r+")[0, 0] = 17
    answer = get("/array/full/scan/frames", **{"if-none-match": etag})
    assert answer.status_code == 200
    assert answer.content[:8] == np.float64(17).tobytes()


def test_a_slice_is_its_bytes(get):
    answer = get("/array/full/scan/frames?slice=5:9,::7", accept="application/octet-stream")
    assert answer.content == DATA[5:9, ::7].tobytes()


def test_a_block_leaves_as_it_rests(get, tmp_path):
    answer = get("/array/block/scan/frames?block=1,0", **{"accept-encoding": "zstd"})
    assert answer.headers["x-tiledkernel-encoded"] == "at-rest"
    at_rest = (tmp_path / "scan.zarr/frames/c/1/0").read_bytes()
    assert int(answer.headers["content-length"]) == len(at_rest)
    assert zstandard.ZstdDecompressor().decompress(at_rest) == DATA[20:, :30].tobytes()
    assert get("/array/block/scan/frames?block=1,0").content == DATA[20:, :30].tobytes()


def test_an_answer_is_current_until_a_chunk_that_it_shows_changes(get, tmp_path):
    url = "/array/full/scan/frames?slice=0:5,0:5"
    etag = get(url).headers["etag"]
    array = zarr.open_array(tmp_path / "scan.zarr/frames", mode="r+")
    array[30:, 40:] = 0
    assert get(url, **{"if-none-match": etag}).status_code == 304
    array[0, 0] = 17
    assert get(url, **{"if-none-match": etag}).content[:8] == np.float64(17).tobytes()


def test_an_array_that_grew_is_described_as_it_is_now(get, tmp_path):
    assert get("/metadata/scan/frames").status_code == 200
    zarr.open_array(tmp_path / "scan.zarr/frames", mode="r+").resize((50, 60))
    assert get("/metadata/scan/frames").json()["data"]["attributes"]["structure"]["shape"] == [50, 60]


def test_a_damaged_chunk_is_410_and_names_the_file(get, tmp_path):
    (tmp_path / "scan.zarr/frames/c/0/0").write_bytes(b"broken")
    for path in ("/array/full/scan/frames", "/array/block/scan/frames?block=0,0"):
        for coding in ("identity", "zstd"):
            answer = get(path, **{"accept-encoding": coding})
            assert answer.status_code == 410
            assert "'frames/c/0/0' of 'scan.zarr' is damaged" in answer.json()["detail"]
    assert get("/array/full/scan/frames?slice=39,59").status_code == 200


@pytest.mark.parametrize("key", ["%2e%2e", "frames%2Fc", "c", ".zattrs", "zarr.json", "%00", "x" * 300])
def test_no_key_leads_out_of_the_store(get, key):
    assert get(f"/metadata/scan/{key}").status_code in (400, 404, 422)


def test_a_store_whose_metadata_are_damaged_is_listed_with_the_reason(get, tmp_path):
    (tmp_path / "broken.zarr").mkdir()
    (tmp_path / "broken.zarr/zarr.json").write_text("{")
    listed = {item["id"]: item["attributes"]["metadata"] for item in get("/search/").json()["data"]}
    assert "zarr.json" in listed["broken"]["unavailable"]["reason"]
    assert listed["scan"] == {"sample": "quartz"}


def test_the_files_of_a_store_can_be_downloaded(get):
    manifest = get("/asset/manifest/scan?id=1").json()["manifest"]
    assert "frames/zarr.json" in manifest
    assert get("/asset/bytes/scan?id=1&relative_path=frames/c/0/0").status_code == 200
    assert get("/asset/bytes/scan?id=1&relative_path=../x").status_code == 400
