"""Files behind nodes, byte for byte: ranges, conditions, manifests, and nothing outside."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import numpy as np
import pytest

CONTENT = bytes(range(256)) * 40
SIZE = len(CONTENT)


def test_a_file_is_handed_out_as_it_is(files) -> None:
    response = files().get("asset/bytes/raw?id=1")
    assert (response.status_code, response.content) == (200, CONTENT)
    headers = response.headers
    assert headers["content-disposition"] == 'attachment; filename="raw.bin"'
    assert headers["content-type"] == "application/octet-stream"
    assert int(headers["content-length"]) == SIZE
    assert headers["accept-ranges"] == "bytes"
    assert parsedate_to_datetime(headers["last-modified"])
    assert headers["etag"].startswith('"')
    assert headers["content-security-policy"].endswith("sandbox")


def test_an_empty_file_is_an_empty_body(files) -> None:
    response = files().get("asset/bytes/empty?id=1")
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "0")


def test_a_file_is_never_coded(files) -> None:
    headers = files().get("asset/bytes/raw?id=1", headers={"accept-encoding": "gzip, zstd"}).headers
    assert "content-encoding" not in headers


def test_the_description_lists_what_can_be_downloaded(files, folder) -> None:
    source = files().json("metadata/store?include_data_sources=true")["data"]["attributes"]["data_sources"][0]
    assert source["mimetype"] == "application/x-folder"
    assert source["management"] == "external"
    assert source["assets"] == [
        {
            "data_uri": f"file://localhost{folder}/store.folder",
            "is_directory": True,
            "parameter": "data_uri",
            "num": None,
            "id": 1,
            "size": None,
        }
    ]
    assert files().json("metadata/store")["data"]["attributes"]["data_sources"] is None
    listed = files().json("search/?include_data_sources=true")["data"]
    assert [item["attributes"]["data_sources"][0]["assets"][0]["size"] for item in listed] == [
        (folder / "a.npy").stat().st_size,
        0,
        SIZE,
        None,
    ]


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        ("bytes=0-999999999", 0, SIZE),
        ("bytes=-999999999", 0, SIZE),
        ("Bytes = 5 - 9", 5, 10),
        (f"bytes={SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE),
    ],
)
def test_a_range_is_a_part(files, header, start, stop) -> None:
    response = files().get("asset/bytes/raw?id=1", headers={"range": header})
    assert (response.status_code, response.content) == (206, CONTENT[start:stop])
    assert response.headers["content-range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert int(response.headers["content-length"]) == stop - start


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", "bytes=99999999999999999999-", "bytes=-0"])
def test_a_range_outside_is_not_satisfiable(files, header) -> None:
    response = files().get("asset/bytes/raw?id=1", headers={"range": header})
    assert (response.status_code, response.headers["content-range"]) == (416, f"bytes */{SIZE}")
    assert "lies outside this file" in response.json()["detail"]


def test_no_range_of_an_empty_file_is_satisfiable(files) -> None:
    assert files().get("asset/bytes/empty?id=1", headers={"range": "bytes=0-0"}).status_code == 416


@pytest.mark.parametrize(
    "header",
    [
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5-1",
        "bytes=1",
        "bytes=--1",
        "bytes=1-2-3",
        "bytes=\u0661-2",
        "bytes=" + "9" * 100 + "-",
    ],
)
def test_a_malformed_range_is_explained(files, header) -> None:
    response = files().get("asset/bytes/raw?id=1", headers={"range": header.encode()})
    assert response.status_code == 400
    assert "range" in response.json()["detail"]


@pytest.mark.parametrize("header", ["lines=0-1", "bytes=0-1,5-6", ""])
def test_a_range_that_is_not_understood_or_manifold_is_ignored(files, header) -> None:
    response = files().get("asset/bytes/raw?id=1", headers={"range": header})
    assert (response.status_code, len(response.content)) == (200, SIZE)


def test_a_range_goes_with_the_state_that_it_was_asked_for(files) -> None:
    caller = files()
    etag = caller.get("asset/bytes/raw?id=1").headers["etag"]
    assert caller.get("asset/bytes/raw?id=1", headers={"range": "bytes=0-1", "if-range": etag}).status_code == 206
    assert caller.get("asset/bytes/raw?id=1", headers={"range": "bytes=0-1", "if-range": '"old"'}).status_code == 200


def test_an_unchanged_file_is_not_sent_again_and_a_changed_one_is(files, folder) -> None:
    caller = files()
    etag = caller.get("asset/bytes/raw?id=1").headers["etag"]
    for given in (etag, etag.strip('"'), f"W/{etag}", "*"):
        again = caller.get("asset/bytes/raw?id=1", headers={"if-none-match": given})
        assert (again.status_code, again.content) == (304, b"")
    (folder / "raw.bin").write_bytes(b"new")
    assert caller.get("asset/bytes/raw?id=1", headers={"if-none-match": etag}).content == b"new"


def test_the_manifest_of_a_directory_leads_to_its_files(files, folder) -> None:
    caller = files()
    manifest = caller.json("asset/manifest/store?id=1")["manifest"]
    assert manifest == ["x.npy", "below/note.txt"]
    for relative in manifest:
        response = caller.get("asset/bytes/store", params={"id": 1, "relative_path": relative})
        assert response.content == (folder / "store.folder" / relative).read_bytes()
    assert response.headers["content-disposition"] == 'attachment; filename="note.txt"'
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "relative",
    [
        "../raw.bin",
        "../../etc/passwd",
        "/etc/passwd",
        "below/../../raw.bin",
        "..",
        ".",
        "",
        "below",
        "nope",
        "link",
        "below/link/raw.bin",
        "x" * 5000,
        "\\..\\raw.bin",
        "%2e%2e/raw.bin",
        "below//note.txt/..",
    ],
)
def test_nothing_outside_of_the_directory_is_reached(files, folder, relative) -> None:
    (folder / "store.folder" / "link").symlink_to(folder / "raw.bin")
    (folder / "store.folder" / "below" / "link").symlink_to(folder)
    response = files().get("asset/bytes/store", params={"id": 1, "relative_path": relative})
    assert 400 <= response.status_code < 500
    assert str(folder) not in response.text


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("bytes/raw", 422, "'id' is missing"),
        ("bytes/raw?id=2", 404, "asset"),
        ("bytes/raw?id=0", 404, "asset"),
        ("bytes/raw?id=-1", 404, "asset"),
        ("bytes/raw?id=1&relative_path=x", 400, "is for directories"),
        ("bytes/store?id=1", 400, "must say which of its files"),
        ("manifest/raw?id=1", 400, "only directories have a manifest"),
        ("manifest/store?id=9", 404, "asset"),
        ("bytes/store/x?id=1", 405, "has no assets"),
        ("bytes/?id=1", 405, "has no assets"),
        ("bytes/nope?id=1", 404, "no such entry"),
    ],
)
def test_a_mistake_is_explained(files, query, status, sentence) -> None:
    response = files().get(f"asset/{query}")
    assert response.status_code == status
    assert sentence in response.text


def test_live_objects_have_no_assets(connect) -> None:
    response = connect({"a": np.zeros(2)}).get("asset/bytes/a?id=1")
    assert response.status_code == 405
    assert "no files stand behind it" in response.json()["detail"]


def test_raw_assets_can_be_switched_off_while_descriptions_stay(files) -> None:
    caller = files(expose_raw_assets=False)
    for path in ("asset/bytes/raw?id=1", "asset/manifest/store?id=1"):
        response = caller.get(path)
        assert response.status_code == 403
        assert "does not hand out raw files" in response.json()["detail"]
    assert (
        caller.json("metadata/raw?include_data_sources=true")["data"]["attributes"]["data_sources"][0]["assets"][0][
            "size"
        ]
        == SIZE
    )


def test_a_file_that_no_reader_can_open_can_still_be_downloaded(files, folder) -> None:
    (folder / "bad.npy").write_bytes(b"no array")
    caller = files()
    assert caller.get("array/full/bad").status_code == 410
    assert caller.get("asset/bytes/bad?id=1").content == b"no array"


def test_a_file_that_vanishes_is_not_found(files, folder) -> None:
    caller = files()
    assert caller.get("asset/bytes/raw?id=1").status_code == 200
    (folder / "raw.bin").unlink()
    assert caller.get("asset/bytes/raw?id=1").status_code == 404
    assert caller.get("metadata/raw").status_code == 404


@pytest.mark.parametrize("name", ["ü x.bin", "a'b.bin", "100%.bin", "a,b;c.bin"])
def test_files_with_unusual_names_are_handed_out(files, folder, name) -> None:
    (folder / name).write_bytes(b"x")
    caller = files()
    key = name.removesuffix(".bin")
    messages = caller.raw(f"/api/v1/asset/bytes/{key}", b"id=1")
    assert messages[0]["status"] == 200
    assert b"".join(message.get("body", b"") for message in messages) == b"x"


def test_a_large_file_arrives_whole_in_pieces(files, folder) -> None:
    content = np.random.default_rng(0).bytes(5_000_001)
    (folder / "large.bin").write_bytes(content)
    messages = files().raw("/api/v1/asset/bytes/large", b"id=1")
    pieces = [message.get("body", b"") for message in messages[1:]]
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 1 << 20
