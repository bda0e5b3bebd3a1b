"""Whatever a writer sends that cannot be meant: a 4xx with a sentence, soon; nothing is made, changed or lost."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tiledkernel.client import from_context

from .api import ARROW, BYTES, GROWING, SCHEMA, InProcess, array_node, kept_data, named_data, rows, table_node

SOON = 5.0  # seconds
ZIP = "application/zip"
HUGE = 10**12
INTEGERS = {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None}


class Hostile(InProcess):
    """A catalog with a node of each kind, and requests that must change nothing of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        np.save(folder / "files" / "f.npy", np.arange(6).reshape(2, 3))
        (folder / "secret.npy").write_bytes(b"secret")
        client = from_context(self.context)
        client.create_container("c", metadata={"a": 1, "b": [1, {"c": 2}]}, specs=["s"])
        client.write_array(np.arange(6).reshape(2, 3), key="a")
        client.write_array(np.array(["x", "yy"]), key="u")
        client.write_array(np.array([(1, 2.0)], [("i", "i4"), ("f", "f8")]), key="rec")
        client.write_table(pd.DataFrame({"writer": [1, 2], "row": [3, 4]}), key="t")
        client.write_sparse([[0, 1], [1, 2]], [1.0, 2.0], (3, 4), key="sp")
        client.write_awkward(ak.Array([[1, 2], [3]]), key="aw")
        client.write_ragged([[1.0, 2.0], [3.0]], key="r")
        self.make(**table_node("g", GROWING))
        assert self("PATCH", "table/partition/g?partition=0", **rows(1, 0, 3)).status_code == 200
        assert self("POST", "register/", json=self.registered("f")).status_code == 200

    def registered(self, key: str, **changes: Any) -> dict[str, Any]:
        """The description of a node whose data are in a file that is there."""
        asset = {
            "data_uri": f"file://localhost{self.folder}/files/f.npy", "is_directory": False, "parameter": "data_uri",
        }  # fmt: skip
        node = array_node(key, (2, 3))
        node["data_sources"][0] |= {"management": "external", "mimetype": "application/x-npy", "assets": [asset]}
        node["data_sources"][0] |= changes
        return node

    def state(self) -> tuple[Any, Any]:
        """What the catalog says, and what is in the folder."""
        said = self.get("search-deep/?include_data_sources=true&page[limit]=300")["data"]
        kept = {
            str(path): hashlib.blake2b(path.read_bytes()).hexdigest() for path in self.data.rglob("*") if path.is_file()
        }
        return said, kept

    def refuses(self, method: str, path: str, status: int, *words: str, **given: Any) -> str:
        """Send what is refused with a status and a sentence with these words; the sentence."""
        before, begin = self.state(), time.monotonic()
        response = self(method, path, **given)
        elapsed = time.monotonic() - begin
        if response.is_success:
            self("DELETE", "metadata/new?external_only=false")  # so that the next test begins as this one
        assert response.status_code == status, response.text[:500]
        said = sentence(response)
        assert all(word in said for word in words), said
        assert elapsed < SOON, said
        assert self.state() == before
        assert kept_data(self.data) == set(named_data(self))
        return said


def sentence(response: httpx.Response) -> str:
    """What a refusal says, which is one that people can read."""
    assert response.headers["content-type"] == "application/json"
    detail = response.json()["detail"]
    said: str = detail if isinstance(detail, str) else detail[0]["msg"]
    assert 10 < len(said) < 2000, said
    assert "Traceback" not in said
    return said


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    hostile = Hostile(tmp_path_factory.mktemp("hostile"))
    yield hostile
    hostile.close()


# Structures that are absurd


def number(**changes: Any) -> dict[str, Any]:
    return {"data_type": INTEGERS | changes}


def record(*fields: Any, itemsize: int = 8) -> dict[str, Any]:
    return {"data_type": {"itemsize": itemsize, "fields": list(fields)}}


def field(name: str, dtype: Any = INTEGERS, shape: Any = None) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape}


def nested(depth: int) -> dict[str, Any]:
    dtype: dict[str, Any] = dict(INTEGERS)
    for _ in range(depth):
        dtype = {"itemsize": 8, "fields": [field("x", dtype)]}
    return {"data_type": dtype}


ARRAYS = {
    "a negative length": {"shape": [-2, 3], "chunks": [[-2], [3]]},
    "negative chunks that add up": {"shape": [2, 3], "chunks": [[3, -1], [3]]},
    "chunks that do not add up": {"shape": [2, 3], "chunks": [[1], [3]]},
    "chunks of too few axes": {"chunks": [[2]]},
    "chunks of too many axes": {"chunks": [[2], [3], [1]]},
    "no chunks of an axis": {"chunks": [[], [3]]},
    "10^12 chunks": {"shape": [HUGE, 3], "chunks": [[10**6] * 1000, [3]], "data_type": INTEGERS | {"itemsize": 1}},
    "as many chunks as elements": {"shape": [10**4, 10**4], "chunks": [[1] * 10**4, [1] * 10**4]},
    "more elements than memory can have": {"shape": [2**62, 2**62], "chunks": [[2**62], [2**62]]},
    "a length beyond 64 bits": {"shape": [2**70, 3], "chunks": [[2**70], [3]]},
    "a chunk of a petabyte": {"shape": [2**47, 3], "chunks": [[2**47], [3]]},
    "a hundred axes": {"shape": [1] * 100, "chunks": [[1]] * 100},
    "a length that is a truth value": {"shape": [True, 3], "chunks": [[1], [3]]},
    "a length that is half a number": {"shape": [2.5, 3]},
    "a length that is text": {"shape": ["2", 3]},
    "a shape that is a number": {"shape": 2},
    "no shape": {"shape": None},
    "names of too few axes": {"dims": ["x"]},
    "a name that is a number": {"dims": [1, 2]},
    "elements without size": number(itemsize=0),
    "elements of a gigabyte": number(kind="S", endianness="not_applicable", itemsize=10**9),
    "elements of 10^12 bytes": number(kind="V", endianness="not_applicable", itemsize=HUGE),
    "elements of negative size": number(itemsize=-8),
    "integers of three bytes": number(itemsize=3),
    "a size that is a truth value": number(itemsize=True),
    "half a letter": number(kind="U", itemsize=3),
    "Python objects": number(kind="O"),
    "an unknown kind": number(kind="x"),
    "another type in the kind": number(kind="i8,i"),
    "an unknown byte order": number(endianness="middle"),
    "a unit of time for integers": number(dt_units="[ns]"),
    "an unknown unit of time": number(kind="M", dt_units="[fortnight]"),
    "a unit of time without length": number(kind="M", dt_units="[0s]"),
    "another type in the unit": number(kind="M", dt_units=",i4"),
    "a bracket for a unit": number(kind="m", dt_units="["),
    "a record without fields": record(itemsize=0),
    "a record that is larger than its fields": record(field("x"), itemsize=99),
    "two fields of one name": record(field("x"), field("x"), itemsize=16),
    "a field of negative shape": record(field("x", shape=[-1])),
    "a field of 10^24 elements": record(field("x", shape=[HUGE, HUGE])),
    "a field of objects": record(field("x", INTEGERS | {"kind": "O"})),
    "ten thousand fields": record(*(field(f"x{place}") for place in range(10_000)), itemsize=80_000),
    "records in records in records": nested(300),
    "something else besides": {"data_type": None},
}


@pytest.mark.parametrize("absurd", ARRAYS)
def test_an_absurd_array_is_not_made(catalog, absurd) -> None:
    node = array_node("new", (2, 3))
    node["data_sources"][0]["structure"] |= ARRAYS[absurd]
    catalog.refuses("POST", "metadata/", 422, json=node)


NO_FILE_TELLS = {
    "10^12 chunks", "as many chunks as elements", "a chunk of a petabyte", "elements of a gigabyte",
    "elements without size", "a record without fields", "a record that is larger than its fields",
    "ten thousand fields", "records in records in records", "no chunks of an axis",
}  # fmt: skip


@pytest.mark.parametrize("absurd", sorted(ARRAYS.keys() - NO_FILE_TELLS))
def test_an_absurd_array_is_not_registered(catalog, absurd) -> None:
    node = catalog.registered("new")
    node["data_sources"][0]["structure"] |= ARRAYS[absurd]
    catalog.refuses("POST", "register/", 422, json=node)


@pytest.mark.parametrize("absurd", sorted(ARRAYS.keys() - NO_FILE_TELLS))
def test_a_registered_array_does_not_become_absurd(catalog, absurd) -> None:
    source = catalog.registered("f")["data_sources"][0]
    source["id"] = catalog.get("metadata/f?include_data_sources=true")["data"]["attributes"]["data_sources"][0]["id"]
    source["structure"] |= ARRAYS[absurd]
    catalog.refuses("PUT", "data_source/f", 422, json={"data_source": source})


@pytest.mark.parametrize(
    "changes",
    [
        {"arrow_schema": ""},
        {"arrow_schema": "data:application/vnd.apache.arrow.file;base64,AAAA"},
        {"arrow_schema": "data:application/vnd.apache.arrow.file;base64,!"},
        {"npartitions": 0},
        {"npartitions": -1},
        {"npartitions": HUGE},
        {"npartitions": True},
        {"columns": ["writer"]},
        {"columns": ["writer", "row", "row"]},
        {"columns": []},
    ],
)
@pytest.mark.parametrize("mimetype", [None, "text/csv", GROWING])
def test_an_absurd_table_is_not_made(catalog, mimetype, changes) -> None:
    node = table_node("new", mimetype)
    node["data_sources"][0]["structure"] |= changes
    catalog.refuses("POST", "metadata/", 422, json=node)


SPARSE = {"shape": [3, 4], "chunks": [[3], [4]], "data_type": INTEGERS}
RAGGED = {"shape": [2, None], "chunks": [[2], None], "size": 3, "data_type": INTEGERS}
FORM = {
    "class": "ListOffsetArray", "offsets": "i64", "form_key": "node0",
    "content": {"class": "NumpyArray", "primitive": "int64", "form_key": "node1"},
}  # fmt: skip
AWKWARD = {"length": 2, "form": FORM}


@pytest.mark.parametrize(
    ("family", "structure"),
    [
        ("sparse", SPARSE | {"layout": "CSR"}),
        ("sparse", SPARSE | {"shape": [-3, 4], "chunks": [[-3], [4]]}),
        ("sparse", SPARSE | {"chunks": [[2], [4]]}),
        ("sparse", SPARSE | {"shape": [10**6, 4], "chunks": [[1] * 10**6, [4]]}),
        ("sparse", SPARSE | {"shape": [2**70, 4], "chunks": [[2**70], [4]]}),
        ("sparse", SPARSE | number(endianness="M")),
        ("sparse", SPARSE | number(kind="U")),
        ("sparse", SPARSE | number(kind="M", dt_units="[0s]")),
        ("sparse", SPARSE | {"coord_data_type": INTEGERS | {"kind": "f"}}),
        ("sparse", SPARSE | {"coord_data_type": INTEGERS | {"endianness": "x"}}),
        (
            "sparse",
            SPARSE | {"shape": [1000, 4], "chunks": [[1000], [4]], "coord_data_type": INTEGERS | {"itemsize": 1}},
        ),
        ("ragged", RAGGED | {"shape": [None, 2], "chunks": [None, [2]]}),
        ("ragged", RAGGED | {"shape": [-1, None], "chunks": [[-1], None]}),
        ("ragged", RAGGED | {"chunks": [[1], None]}),
        ("ragged", RAGGED | {"chunks": [[2], [3]]}),
        ("ragged", RAGGED | {"size": -1}),
        ("ragged", RAGGED | {"shape": [HUGE, None], "chunks": [[1] * 100_000, None]}),
        ("ragged", RAGGED | number(kind="U", itemsize=4)),
        ("ragged", RAGGED | number(endianness="x")),
        ("ragged", RAGGED | number(itemsize=7)),
        ("awkward", AWKWARD | {"length": -1}),
        ("awkward", AWKWARD | {"length": HUGE}),
        ("awkward", AWKWARD | {"length": 10**30}),
        ("awkward", AWKWARD | {"form": {}}),
        ("awkward", AWKWARD | {"form": {"class": "Nonsense"}}),
        ("awkward", AWKWARD | {"form": FORM | {"form_key": "node1"}}),
        ("awkward", AWKWARD | {"form": FORM | {"offsets": "i7"}}),
        ("awkward", AWKWARD | {"form": FORM | {"form_key": None}}),
        ("awkward", {"length": 2, "form": None}),
    ],
)
def test_what_is_absurd_in_other_families_is_not_made(catalog, family, structure) -> None:
    source = {"structure_family": family, "structure": structure}
    node = {"structure_family": family, "id": "new", "data_sources": [source]}
    catalog.refuses("POST", "metadata/", 422, json=node)


# Nodes that cannot be meant


@pytest.mark.parametrize(
    "key",
    [
        "", ".", "..", "/", "a/b", "/a", "a/", "\0", "a\0", "x" * 1025, "é" * 513, "x" * 10**6, 7, True, ["a"],
        {"a": 1}, 1.5,
    ],
    ids=lambda key: str(key)[:10],
)  # fmt: skip
@pytest.mark.parametrize("node", [{"structure_family": "container"}, array_node("", (2, 3)), table_node("", GROWING)])
def test_what_can_be_no_key_makes_nothing(catalog, key, node) -> None:
    catalog.refuses("POST", "metadata/", 422, json=node | {"id": key})


def test_texts_that_look_alike_are_different_keys(catalog) -> None:
    composed, decomposed = "\u00e9", "e\u0301"
    for key in (composed, decomposed):
        catalog.make("c", id=key, metadata={"length": len(key)})
    for key in (composed, decomposed):
        found = catalog.get(f"metadata/c/{key}")["data"]
        assert (found["id"], found["attributes"]["metadata"]) == (key, {"length": len(key)})
        assert catalog("DELETE", f"metadata/c/{key}").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"structure_family": "nonsense"}, 422, "'nonsense'"),
        ({"structure_family": "x" * 10**5}, 422, "structure family"),
        ({"structure_family": None}, 422, "structure_family"),
        ({"structure_family": "table"}, 422, "'array'"),
        ({"data_sources": []}, 422, "exactly one"),
        ({"data_sources": None}, 422, "data_sources"),
        ({"data_sources": [None]}, 422, "data_sources"),
        ({"metadata": None}, 422, "metadata"),
        ({"metadata": [1]}, 422, "metadata"),
        ({"specs": ["x"]}, 422, "specs"),
        ({"specs": [{"name": ""}]}, 422, "characters"),
        ({"specs": [{"name": "x" * 256}]}, 422, "255"),
        ({"specs": [{"name": "x", "version": "y" * 256}]}, 422, "255"),
        ({"specs": [{"name": "x"}, {"name": "x", "version": "2"}]}, 422, "twice"),
        ({"specs": [{"name": str(place)} for place in range(21)]}, 422, "20"),
        ({"specs": [{"name": 1}]}, 422, "specs"),
        ({"specs": {"name": "x"}}, 422, "specs"),
        ({"access_tags": "mine"}, 422, "access_tags"),
        ({"access_tags": [1]}, 422, "access_tags"),
    ],
)
def test_a_node_that_cannot_be_meant_is_not_made(catalog, changes, status, words) -> None:
    catalog.refuses("POST", "metadata/", status, words, json=array_node("new", (2, 3)) | changes)


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"mimetype": "text/nonsense"}, 415, "'text/nonsense'"),
        ({"mimetype": "x" * 10_000}, 422, "255"),
        ({"mimetype": "a\0b"}, 422, "printable"),
        ({"mimetype": ""}, 415, "nobody"),
        ({"mimetype": 1}, 422, "mimetype"),
        ({"management": "mine"}, 422, "'mine'"),
        ({"management": ""}, 422, "manage"),
        ({"management": None}, 422, "management"),
        ({"assets": [{"data_uri": "file://localhost/etc/passwd", "is_directory": False}]}, 422, "'assets'"),
        ({"assets": [{"data_uri": 1, "is_directory": False}]}, 422, "data_uri"),
        ({"structure": None}, 422, "structure"),
        ({"structure": [1]}, 422, "structure"),
        ({"parameters": [1]}, 422, "parameters"),
        ({"properties": None}, 422, "properties"),
        ({"id": "x"}, 422, "id"),
        ({"storage": "s3://somewhere"}, 422, "storage"),
    ],
)
def test_data_that_nobody_can_keep_are_not_given_room(catalog, changes, status, words) -> None:
    node = array_node("new", (2, 3))
    node["data_sources"][0] |= changes
    catalog.refuses("POST", "metadata/", status, words, json=node)


@pytest.mark.parametrize("name", ["x; DROP TABLE t", "", "a" * 1000, "\0", 7, ["t"], 'a"b', "tiled_registers", "../x"])
def test_a_table_of_a_database_is_not_named_so(catalog, name) -> None:
    node = table_node("new", GROWING)
    node["data_sources"][0]["parameters"] = {"table_name": name}
    before = catalog.state()
    response = catalog("POST", "metadata/", json=node)
    assert response.status_code in (409, 422), response.text
    sentence(response)
    assert catalog.state() == before


# Bodies of JSON


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"null", b"1", b"[]", b'"x"', b"{", b'{"structure_family":"container"', b"\xff\xfe{}", b"\0",
        b'{"structure_family":"container","metadata":{"a":NaN}}',
        b'{"structure_family":"container","metadata":{"a":Infinity}}',
        b'{"structure_family":"container","metadata":{"a":-Infinity}}',
        b'{"structure_family":"container","metadata":{"a":1e999}}',
        b'{"structure_family":"container","metadata":{"a":' + b"9" * 5000 + b"}}",
        b'{"structure_family":"container","metadata":{"a":"\\ud800"}}',
        b'{"structure_family":"container","metadata":{"\\udfff":1}}',
        b'{"structure_family":"container","id":"\\ud800"}',
        b'{"structure_family":"container","metadata":{"a":"\xed\xa0\x80"}}',
        b'{"structure_family":"container","metadata":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
        b'{"structure_family":"container","metadata":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"structure_family":"container","metadata":{"a":' + b"[" * 10**6 + b"]" * 10**6 + b"}}",
        b'{"structure_family":"container","metadata":{"a":"' + b"x" * (17 << 20) + b'"}}',
        b'{"structure_family":"container","metadata":{"a":1}}}',
        b'{"structure_family":"container",}',
        b"{'structure_family':'container'}",
        b"structure_family=container",
    ],
    ids=lambda body: body[-40:].decode("latin-1").replace("\0", "NUL"),
)  # fmt: skip
def test_a_body_that_is_no_node_makes_nothing(catalog, body) -> None:
    catalog.refuses("POST", "metadata/", 422, content=body, headers={"content-type": "application/json"})


def test_of_a_name_that_is_given_twice_the_last_value_counts(catalog) -> None:
    body = b'{"structure_family":"array","structure_family":"container","id":"a","id":"twice","metadata":{"n":1,"n":2}}'
    made = catalog("POST", "metadata/c", content=body, headers={"content-type": "application/json"})
    assert made.json()["id"] == "twice"
    assert catalog.get("metadata/c/twice")["data"]["attributes"]["metadata"] == {"n": 2}
    catalog("DELETE", "metadata/c/twice")


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "multipart/form-data", "\xff"])
def test_a_node_in_another_form_is_not_made(catalog, kind) -> None:
    body = json.dumps({"structure_family": "container", "id": "new"}).encode()
    headers = {"content-type": kind.encode("latin-1")}
    catalog.refuses("POST", "metadata/", 415, "application/json", content=body, headers=headers)


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "deflate", "lz4", "blosc2", "gzip, gzip", "x"])
@pytest.mark.parametrize(("method", "path"), [("POST", "metadata/"), ("PUT", "array/full/a"), ("PUT", "table/full/t")])
def test_a_compressed_body_is_not_unpacked(catalog, method, path, coding) -> None:
    bomb = zlib.compress(bytes(10 << 20), wbits=31)[:48]  # no longer than the array that it is to become
    catalog.refuses(method, path, 415, coding.split(",")[0], content=bomb, headers={"content-encoding": coding})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "metadata/c", {"metadata": 1}),
        ("PUT", "metadata/c", {"metadata": {"a": 2}, "specs": [{"name": "x"}, {"name": "x"}]}),
        ("PUT", "metadata/c", {"metadata": {"a": 2}, "specs": ["x"]}),
        ("PUT", "metadata/c", [1]),
        ("PUT", "metadata/c?drop_revision=maybe", {"metadata": {}}),
        ("PATCH", "metadata/c", {"metadata": []}),
        ("PATCH", "metadata/c", None),
        ("PUT", "data_source/f", None),
        ("PUT", "data_source/f", {"data_source": {}}),
        ("PUT", "data_source/f", {"data_source": {"structure_family": "array", "id": None}}),
        ("DELETE", "metadata/c?recursive=perhaps", None),
        ("DELETE", "metadata/c?external_only=2", None),
        ("DELETE", "asset/a?id=x", None),
        ("DELETE", "asset/a", None),
        ("DELETE", "revisions/c", None),
        ("DELETE", f"revisions/c?number={10**30}", None),
    ],
)
def test_a_change_that_cannot_be_meant_changes_nothing(catalog, method, path, body) -> None:
    catalog.refuses(method, path, 422, json=body)


def operation(op: str, path: Any, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **more}


@pytest.mark.parametrize(
    "patch",
    [
        [operation("replace", "", value=[1])],
        [operation("remove", "")],
        [operation("replace", "", value=None)],
        [operation("add", "a", value=1)],
        [operation("add", "/nope/x", value=1)],
        [operation("add", "/b/9", value=1)],
        [operation("add", "/b/-1", value=1)],
        [operation("add", "/b/01", value=1)],
        [operation("add", "/b/x", value=1)],
        [operation("add", "/a/x", value=1)],
        [operation("remove", "/b/-")],
        [operation("remove", "/nope")],
        [operation("replace", "/nope", value=1)],
        [operation("move", "/b/0", **{"from": "/b"})],
        [operation("move", "/x", **{"from": "/nope"})],
        [operation("copy", "/x")],
        [operation("test", "/a", value=2)],
        [operation("nonsense", "/a")],
        [operation("add", "/x")],
        [operation("add", 1, value=1)],
        [operation("add", "/~2", value=1)],
        [{"path": "/a"}],
        [1],
        {"a": 1},
        "x",
        [operation("add", "/x", value=1), operation("remove", "/nope")],
        [operation("copy", f"/x{place}", **{"from": ""}) for place in range(60)],
    ],
    ids=str,
)
def test_a_patch_that_does_not_apply_changes_nothing(catalog, patch) -> None:
    catalog.refuses("PATCH", "metadata/c", 422, json={"content-type": "application/json-patch+json", "metadata": patch})


@pytest.mark.parametrize("levels", [150, 300, 900, 100_000])
@pytest.mark.parametrize("form", ["merge-patch", "json-patch"])
def test_a_patch_that_nests_deeply_is_taken_or_refused(catalog, form, levels) -> None:
    value = b'{"d":' * levels + b"1" + b"}" * levels
    patch = b'{"deep":%b}' if form == "merge-patch" else b'[{"op":"add","path":"/deep","value":%b}]'
    body = b'{"content-type":"application/%b+json","metadata":%b}' % (form.encode(), patch % value)
    response = catalog("PATCH", "metadata/c", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 422), response.text
    if response.status_code == 200:
        assert levels < 300
        assert "deep" in catalog.get("metadata/c")["data"]["attributes"]["metadata"]
        catalog(
            "PATCH", "metadata/c", json={"content-type": "application/merge-patch+json", "metadata": {"deep": None}}
        )
    else:
        sentence(response)


def test_a_document_that_is_copied_into_itself_until_it_nests_too_deeply_is_refused(catalog) -> None:
    patch = [operation("add", "/n", value={"x": 1})]
    patch += [operation("copy", "/n" * (2**power) + "/n", **{"from": "/n"}) for power in range(13)]
    body = {"content-type": "application/json-patch+json", "metadata": patch}
    catalog.refuses("PATCH", "metadata/c", 422, json=body)


# Bodies of data


def arrow(columns: Any, codec: str | None = None, limit: int | None = None) -> bytes:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()[:limit]


def archive(compression: int = zipfile.ZIP_STORED, **entries: Any) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as opened:
        for name, content in entries.items():
            opened.writestr(name.replace("_", "-"), bytes(content))
    return sink.getvalue()


ROWS = {"writer": pa.array([1, 2]), "row": pa.array([3, 4])}
OFFSETS, NUMBERS = np.array([0, 2, 3]).tobytes(), np.array([1, 2, 3]).tobytes()
ZEROS = bytes(40 << 20)
DATA = [
    ("PUT", "array/full/a", BYTES, b"", "48"),
    ("PUT", "array/full/a", BYTES, bytes(47), "48"),
    ("PUT", "array/full/a", BYTES, bytes(49), "48"),
    ("PUT", "array/full/a", BYTES, bytes(10**6), "48"),
    ("PUT", "array/block/a?block=0,0", BYTES, bytes(8), "48"),
    ("PUT", "array/block/a?block=0,1", BYTES, bytes(48), "'0,1'"),
    ("PUT", "array/block/a?block=0", BYTES, bytes(48), "'0'"),
    ("PUT", "array/block/a?block=-1,0", BYTES, bytes(48), "'-1,0'"),
    ("PUT", "array/block/a?block=", BYTES, bytes(48), "blocks"),
    ("PUT", "array/block/a?block=x", BYTES, bytes(48), "'x'"),
    ("PUT", "array/block/a", BYTES, bytes(48), "block"),
    ("PUT", "array/block/a?block=0,0&slice=5", BYTES, bytes(8), "slice"),
    ("PUT", "array/block/a?block=0,0&slice=x", BYTES, bytes(8), "slice"),
    ("PUT", "array/full/a?persist=maybe", BYTES, bytes(48), "persist"),
    ("PATCH", "array/full/a?offset=0,0&shape=1,3", BYTES, bytes(23), "24"),
    ("PATCH", "array/full/a?offset=0,0", BYTES, bytes(24), "shape"),
    ("PATCH", "array/full/a?shape=1,3", BYTES, bytes(24), "offset"),
    ("PATCH", "array/full/a?offset=-1,0&shape=1,3", BYTES, bytes(24), "'-1,0'"),
    ("PATCH", "array/full/a?offset=0,0,0&shape=1,3", BYTES, bytes(24), "2 dimensions"),
    ("PATCH", "array/full/a?offset=0&shape=3", BYTES, bytes(24), "2 dimensions"),
    ("PATCH", f"array/full/a?offset={HUGE}&shape=1,3&extend=true", BYTES, bytes(24), "chunks"),
    ("PATCH", f"array/full/a?offset={10**30}&shape=1,3&extend=true", BYTES, bytes(24), "offset"),
    ("PATCH", f"array/full/a?offset=0&shape={HUGE},{HUGE}&extend=true", BYTES, bytes(24), "bytes"),
    ("PATCH", "array/full/a?offset=0,0&shape=1,3&extend=perhaps", BYTES, bytes(24), "extend"),
    ("PUT", "array/full/u", BYTES, b"\xff" * 16, "letter"),
    ("PUT", "array/full/rec", BYTES, bytes(11), "12"),
    ("PUT", "table/full/t", ARROW, b"", "Arrow"),
    ("PUT", "table/full/t", ARROW, b"nonsense" * 10, "Arrow"),
    ("PUT", "table/full/t", ARROW, arrow(ROWS, limit=-20), "cut off"),
    ("PUT", "table/full/t", ARROW, arrow(ROWS)[:8] + arrow(ROWS)[40:], "damaged"),
    ("PUT", "table/full/t", ARROW, arrow(ROWS) + b"x", "cut off"),
    ("PUT", "table/full/t", ARROW, arrow({"writer": ROWS["writer"]}), "'row'"),
    ("PUT", "table/full/t", ARROW, arrow(ROWS | {"more": ROWS["row"]}), "'more'"),
    ("PUT", "table/full/t", ARROW, arrow(ROWS | {"row": ["3", "4"]}), "'row'"),
    ("PUT", "table/full/t", ARROW, arrow(ROWS | {"row": [3.5, 4.5]}), "'row'"),
    ("PUT", "table/full/t", ARROW, arrow(pa.Table.from_arrays([*ROWS.values()] * 2, [*ROWS, *ROWS])), "several"),
    ("PUT", "table/partition/t?partition=x", ARROW, arrow(ROWS), "partition"),
    ("PUT", "table/partition/t", ARROW, arrow(ROWS), "partition"),
    ("PATCH", "table/partition/g?partition=0", ARROW, arrow({"writer": ["a"], "row": [1]}), "'writer'"),
    ("PATCH", "table/partition/g?partition=0", ARROW, arrow(ROWS, limit=-5), "cut off"),
    ("PATCH", "table/partition/g?partition=0", ARROW, arrow({"writer": [0.5], "row": [1]}), "'writer'"),
    ("PUT", "array/full/sp", ARROW, arrow({"dim0": [0], "data": [1.0]}), "dim1"),
    ("PUT", "array/full/sp", ARROW, arrow({"dim0": [3], "dim1": [0], "data": [1.0]}), "3"),
    ("PUT", "array/full/sp", ARROW, arrow({"dim0": [-1], "dim1": [0], "data": [1.0]}), "-1"),
    ("PUT", "array/full/sp", ARROW, arrow({"dim0": ["x"], "dim1": [0], "data": [1.0]}), "dim0"),
    ("PUT", "array/full/sp", ARROW, arrow({"dim0": [None], "dim1": [0], "data": [1.0]}), "dim0"),
    ("PUT", "awkward/full/aw", ZIP, b"", "archive"),
    ("PUT", "awkward/full/aw", ZIP, b"PK" * 50, "archive"),
    ("PUT", "awkward/full/aw", ZIP, archive(node0_offsets=OFFSETS), "node1-data"),
    ("PUT", "awkward/full/aw", ZIP, archive(node0_offsets=OFFSETS, node1_data=NUMBERS[:8]), ""),
    ("PUT", "awkward/full/aw", ZIP, archive(node0_offsets=OFFSETS, node1_data=NUMBERS, x=b""), ""),
    ("PUT", "awkward/full/aw", ZIP, archive(node0_offsets=NUMBERS[::-1], node1_data=NUMBERS), ""),
    ("PUT", "awkward/full/aw", ZIP, archive(node0_offsets=OFFSETS, node1_data=NUMBERS)[:-9], ""),
    ("PUT", "ragged/full/r", "application/json", b"[[1", ""),
    ("PUT", "ragged/full/r", "application/json", b'[["a"]]', ""),
    ("PUT", "ragged/full/r", "application/json", b"[[[1]]]", ""),
    ("PUT", "ragged/full/r", "application/json", b"[1, 2]", ""),
    ("PUT", "ragged/full/r", "application/json", b"[" * 10**5, ""),
    ("PUT", "ragged/full/r", "application/json", b"{}", ""),
    ("PUT", "ragged/full/r", ZIP, b"PK", ""),
    ("PUT", "ragged/block/r?block=7", "application/json", b"[[1]]", "7"),
    ("PATCH", "ragged/full/r?offset=2&shape=3&extend=true", "application/json", b"[[1]]", "3"),
]  # fmt: skip


@pytest.mark.parametrize("announced", [True, False], ids=["with its length", "in pieces"])
@pytest.mark.parametrize(
    ("method", "path", "kind", "body", "words"),
    DATA,
    ids=lambda each: "" if isinstance(each, bytes) else str(each)[:60],
)
def test_data_that_do_not_fit_are_refused_and_what_was_there_stays(
    catalog, method, path, kind, body, words, announced
) -> None:
    content = body if announced else (body[start : start + 1000] for start in range(0, len(body), 1000))
    catalog.refuses(method, path, 422, words, content=content, headers={"content-type": kind})


def arrow_bomb(codec: str, *names: str) -> bytes:
    """Columns of zeros, in many batches."""
    zeros = pa.array(np.zeros(1 << 20, np.int64))
    batch = pa.record_batch([zeros] * len(names), names=[*names])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        for _ in range(80):
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def zip_bomb(said: int) -> bytes:
    """Two entries of zeros, which are said to be of another size."""
    bomb = archive(zipfile.ZIP_DEFLATED, node0_offsets=ZEROS, node1_data=ZEROS)
    return bomb.replace(len(ZEROS).to_bytes(4, "little"), said.to_bytes(4, "little"))


@pytest.mark.parametrize(
    ("path", "kind", "make"),
    [
        ("table/full/t", ARROW, lambda: arrow_bomb("zstd", *SCHEMA.names)),
        ("table/full/t", ARROW, lambda: arrow_bomb("lz4", *SCHEMA.names)),
        ("table/partition/t?partition=0", ARROW, lambda: arrow_bomb("zstd", *SCHEMA.names)),
        ("array/full/sp", ARROW, lambda: arrow_bomb("zstd", "dim0", "dim1", "data")),
        ("awkward/full/aw", ZIP, lambda: zip_bomb(24)),
        ("awkward/full/aw", ZIP, lambda: zip_bomb(1 << 31)),
        ("ragged/full/r", ZIP, lambda: zip_bomb(24)),
        ("ragged/full/r", ZIP, lambda: zip_bomb(1 << 31)),
    ],
)
def test_a_small_body_that_becomes_large_is_refused(catalog, path, kind, make) -> None:
    body = make()
    assert len(body) < 16 << 20
    catalog.refuses("PUT", path, 422, content=body, headers={"content-type": kind})


def test_a_body_without_end_is_refused_once_it_is_too_long(catalog) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1)
            assert len(sent) < 100, "nobody stops listening"
            yield bytes(1000)

    catalog.refuses("PUT", "array/full/a", 422, content=endless(), headers={"content-type": BYTES})


def test_data_in_another_form_are_refused(catalog) -> None:
    for path in ("array/full/a", "table/full/t", "array/full/sp", "awkward/full/aw", "ragged/full/r"):
        for kind in ("text/plain", "application/x-zarr", "image/png", "a" * 1000):
            catalog.refuses("PUT", path, 415, "send", content=bytes(48), headers={"content-type": kind})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "array/full/f", 405), ("PATCH", "array/full/f?offset=0,0&shape=1,3", 405),
        ("PUT", "array/block/f?block=0,0", 405), ("PUT", "table/full/a", 404), ("PUT", "array/full/t", 404),
        ("PUT", "array/full/c", 404), ("PUT", "array/full/t/row", 405), ("PUT", "array/full/nope", 404),
        ("PUT", "metadata/nope", 404), ("PUT", "metadata/t/row", 405), ("DELETE", "metadata/t/row", 405),
        ("DELETE", "metadata/", 405), ("POST", "metadata/a", 405), ("POST", "metadata/t/row", 405),
        ("POST", "array/block/a?block=0,0", 405), ("DELETE", "array/full/a", 405), ("PUT", "search/c", 405),
        ("PATCH", "data_source/f", 405), ("PUT", "register/", 405), ("PUT", "data_source/a", 405),
        ("PATCH", "table/partition/t?partition=0", 405), ("PUT", "awkward/full/a", 404),
        ("DELETE", "metadata/a", 409), ("DELETE", "asset/a?id=999999", 404), ("DELETE", f"asset/a?id={10**30}", 404),
        ("DELETE", "revisions/c?number=7", 404),
        ("PUT", "table/partition/t?partition=1", 400), ("PATCH", "table/partition/g?partition=1", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_done_with_a_node_is_said(catalog, method, path, status) -> None:
    given: dict[str, Any] = {}
    if path.startswith("table"):
        given = rows(1, 0, 2)
    elif path.startswith("data_source"):
        given = {"json": {"data_source": {"structure_family": "array", "id": 1}}}
    elif method in ("PUT", "POST", "PATCH") and path.startswith(("metadata", "register")):
        given = {"json": {"structure_family": "container"}}
    elif method in ("PUT", "PATCH"):
        given = {"content": bytes(24)}
    if (method, path) == ("PUT", "data_source/a"):
        number = catalog.get("metadata/a?include_data_sources=true")["data"]["attributes"]["data_sources"][0]["id"]
        given = {"json": {"data_source": catalog.registered("a")["data_sources"][0] | {"id": number}}}
    catalog.refuses(method, path, status, **given)


def test_what_grows_without_extend_or_without_being_kept_is_refused(catalog) -> None:
    body: dict[str, Any] = {"content": bytes(24), "headers": {"content-type": BYTES}}
    catalog.refuses("PATCH", "array/full/a?offset=2,0&shape=1,3", 409, "?extend=true", **body)
    catalog.refuses("PATCH", "array/full/a?offset=2,0&shape=1,3&extend=true&persist=false", 400, "extend", **body)


# Files outside


def test_no_file_outside_of_the_readable_folders_is_registered(catalog) -> None:
    folder, files = catalog.folder, catalog.folder / "files"
    (files / "link.npy").symlink_to(folder / "secret.npy")
    (files / "up").symlink_to(folder)
    (files / "loop").symlink_to(files / "loop")
    uris = [
        f"file://localhost{folder}/secret.npy", f"file://localhost{files}/../secret.npy",
        f"file://localhost{files}/%2e%2e/secret.npy", f"file://localhost{files}/..%2fsecret.npy",
        f"file://localhost{files}/link.npy", f"file://localhost{files}/up/secret.npy",
        f"file://localhost{files}/loop", f"file://localhost{files}/loop/f.npy", f"file://localhost{files}/nope.npy",
        f"file://localhost{files}/f.npy/x", f"file://localhost{files}/f.npy%00", f"file://localhost{files}/%ff.npy",
        f"file://localhost{files}/{'x' * 300}", f"file://localhost{files}/{'x/' * 3000}", f"file://localhost{files}",
        "file://localhost/etc/passwd", "file:///etc/passwd", "file://elsewhere/etc/passwd", "file:etc/passwd",
        "file://[::1/etc/passwd", "file://", "/etc/passwd", "f.npy", "", "\0", "http://example.org/f.npy",
        "https://example.org/f.npy", "s3://bucket/f.npy", "ftp://example.org/f", "data:,x", "javascript:x",
        f"sqlite:///{folder}/catalog.db", f"file://localhost{folder}/catalog.db", "file://localhost/proc/self/environ",
        "file://localhost/dev/zero", "x" * 10_000,
    ]  # fmt: skip
    for uri in uris:
        node = catalog.registered("new")
        node["data_sources"][0]["assets"][0]["data_uri"] = uri
        before = catalog.state()
        response = catalog("POST", "register/", json=node)
        assert response.status_code in (400, 403, 422), (uri, response.text)
        sentence(response)
        assert catalog.state() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"num": -1}, {"num": 10**30}, {"num": True}, {"num": "0"}, {"parameter": "x" * 300}, {"parameter": "\0"},
        {"parameter": 1}, {"is_directory": None}, {"size": "big"}, {"size": 1.5}, {"extra": 1},
        {"data_uri": None},
    ],
    ids=str,
)  # fmt: skip
def test_an_asset_that_cannot_be_meant_is_not_registered(catalog, changes) -> None:
    node = catalog.registered("new")
    node["data_sources"][0]["assets"][0] |= changes
    catalog.refuses("POST", "register/", 422, json=node)
    good = catalog.registered("good")
    catalog.refuses("POST", "register/", 422, json=[good, node])


def test_a_link_that_is_made_after_a_file_was_registered_leads_nowhere(catalog) -> None:
    path = catalog.folder / "files" / "later.npy"
    np.save(path, np.arange(6).reshape(2, 3))
    node = catalog.registered("later")
    node["data_sources"][0]["assets"][0]["data_uri"] = f"file://localhost{path}"
    assert catalog("POST", "register/", json=node).status_code == 200
    (source,) = catalog.get("metadata/later?include_data_sources=true")["data"]["attributes"]["data_sources"]
    path.unlink()
    path.symlink_to(catalog.folder / "secret.npy")
    for route in ("array/full/later", f"asset/bytes/later?id={source['assets'][0]['id']}"):
        response = catalog("GET", route)
        assert response.status_code in (403, 410), route
        assert b"secret" not in response.content.replace(b"secret.npy", b"")
    again = {"data_source": node["data_sources"][0] | {"id": source["id"]}}
    catalog.refuses("PUT", "data_source/later", 403, "outside", json=again)
    assert catalog("DELETE", "metadata/later").status_code == 200
    assert (catalog.folder / "secret.npy").read_bytes() == b"secret"


def test_the_columns_that_the_tests_send_are_those_of_the_table(catalog) -> None:
    assert catalog.get("metadata/t")["data"]["attributes"]["structure"]["columns"] == SCHEMA.names
