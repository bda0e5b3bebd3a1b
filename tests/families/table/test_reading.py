"""Tables over HTTP: partitions, columns, and columns as arrays."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tiledkernel.families.table.memory import MemoryTable

PREFIX = "data:application/vnd.apache.arrow.file;base64,"
FRAME = pd.DataFrame({"A": [1, 2, 3, 4, 5], "B": list("abcde"), "C": [0.5, np.nan, 2, 3, 4]})


def read(response) -> pd.DataFrame:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/vnd.apache.arrow.file"
    assert response.content[:6] == response.content[-6:] == b"ARROW1"
    return pa.ipc.open_file(response.content).read_all().to_pandas()


def test_the_structure_holds_schema_columns_and_partitions(connect) -> None:
    described = connect({"t": MemoryTable(FRAME, npartitions=2)}).json("metadata/t")["data"]
    structure = described["attributes"]["structure"]
    assert (structure["columns"], structure["npartitions"], structure["resizable"]) == (["A", "B", "C"], 2, False)
    assert structure["arrow_schema"].startswith(PREFIX)
    message = base64.b64decode(structure["arrow_schema"].removeprefix(PREFIX))
    assert message[:4] == b"\xff\xff\xff\xff"
    assert pa.ipc.read_schema(pa.py_buffer(message)).names[:3] == ["A", "B", "C"]
    assert described["links"] == {
        "self": "http://data.example/api/v1/metadata/t",
        "full": "http://data.example/api/v1/table/full/t",
        "partition": "http://data.example/api/v1/table/partition/t?partition={index}",
    }


@pytest.mark.parametrize(
    "index", [None, pd.Index(range(10, 15), name="index"), pd.Index(list("vwxyz")), pd.RangeIndex(5, name="n")]
)
@pytest.mark.parametrize("npartitions", [1, 3])
def test_a_table_arrives_with_its_index(connect, index, npartitions) -> None:
    frame = FRAME.set_index(index) if index is not None else FRAME
    caller = connect({"t": MemoryTable(frame, npartitions=npartitions)})
    pd.testing.assert_frame_equal(read(caller.get("table/full/t")), frame)
    parts = [read(caller.get(f"table/partition/t?partition={number}")) for number in range(npartitions)]
    pd.testing.assert_frame_equal(pd.concat(parts), frame)


@pytest.mark.parametrize("live", [FRAME, pa.Table.from_pandas(FRAME), pa.RecordBatch.from_pandas(FRAME)])
def test_live_tables_of_every_kind_are_served(connect, live) -> None:
    pd.testing.assert_frame_equal(read(connect({"t": live}).get("table/full/t")), FRAME)


def test_columns_come_in_the_order_asked_for_with_the_index_last(connect) -> None:
    frame = FRAME.set_index(pd.Index(range(5), name="i"))
    caller = connect({"t": MemoryTable(frame, npartitions=2)})
    for path in ("table/full/t?column=C&column=A", "table/partition/t?partition=1&column=C&column=A"):
        table = pa.ipc.open_file(caller.get(path).content).read_all()
        assert table.schema.names == ["C", "A", "i"]


@pytest.mark.parametrize("path", ["table/full/t", "table/partition/t?partition=0"])
def test_a_column_list_may_come_as_a_body(connect, path) -> None:
    caller = connect({"t": MemoryTable(FRAME)})
    posted = caller.post(path, json=["C", "A"])
    assert (
        posted.content
        == caller.get(
            path, params={"partition": 0, "column": ["C", "A"]} if "?" in path else {"column": ["C", "A"]}
        ).content
    )
    assert caller.post(path).content == caller.get(path).content
    assert read(caller.post(path, content=b"null")).shape == (5, 3)


def test_a_very_long_column_list_is_taken(connect) -> None:
    frame = pd.DataFrame({f"column_{number:05}": [number] for number in range(1000)})
    assert read(connect({"t": frame}).post("table/full/t", json=list(frame))).shape == (1, 1000)


def test_the_older_name_of_a_column_still_works_with_a_warning(connect) -> None:
    caller = connect({"t": MemoryTable(FRAME)})
    with pytest.warns(DeprecationWarning, match="use 'column'"):
        assert list(read(caller.get("table/full/t?field=B"))) == ["B"]


def test_empty_tables_and_tables_without_columns_are_served(connect) -> None:
    caller = connect(
        {"rows": FRAME.iloc[:0], "columns": FRAME[[]], "parts": MemoryTable(FRAME.iloc[:1], npartitions=3)}
    )
    assert read(caller.get("table/full/rows")).shape == (0, 3)
    assert list(read(caller.get("table/full/columns"))) == []
    assert read(caller.get("table/full/parts")).shape == (1, 3)


@pytest.mark.parametrize(
    ("method", "query", "body", "status", "sentence"),
    [
        ("GET", "full/t?column=Z", None, 400, "no column 'Z': this table has 'A', 'B', 'C'"),
        ("GET", "partition/t?partition=0&column=Z", None, 400, "no column 'Z'"),
        ("POST", "full/t", b'["Z"]', 400, "no column 'Z'"),
        ("GET", "partition/t?partition=7", None, 400, "this table has 1"),
        ("GET", "partition/t?partition=-1", None, 400, "numbered from 0"),
        ("GET", "partition/t?partition=" + "9" * 30, None, 400, "no partition"),
        ("GET", "partition/t?partition=x", None, 422, "expected a whole number"),
        ("GET", "partition/t", None, 422, "'partition' is missing"),
        ("GET", "full/t?column=A&field=B", None, 400, "cannot be used together"),
        ("POST", "full/t", b"[]", 422, "name at least one"),
        ("POST", "full/t", b'{"column": ["A"]}', 422, "Expected `array | null`"),
        ("POST", "full/t", b"[1]", 422, "Expected `str`"),
        ("POST", "full/t", b"[", 422, "the body does not fit"),
        ("POST", "full/t", b"\xff\xfe", 422, "the body does not fit"),
        ("POST", "full/t", b'["\\ud800"]', 422, "the body does not fit"),
        ("GET", "full/a", None, 404, "of family 'array'"),
        ("DELETE", "full/t", b"", 405, "Method Not Allowed"),
    ],
)
def test_a_mistake_is_explained(connect, method, query, *, body, status, sentence) -> None:
    caller = connect({"t": MemoryTable(FRAME), "a": np.zeros(2)})
    response = caller.request(method, f"table/{query}", content=body)
    assert response.status_code == status
    assert sentence in response.text


def test_a_table_above_the_limit_is_refused_and_its_parts_are_not(connect) -> None:
    frame = pd.DataFrame({"A": np.zeros(100), "B": np.zeros(100)})
    caller = connect({"t": MemoryTable(frame, npartitions=4)}, response_bytesize_limit=1000)
    for method in ("GET", "POST"):
        refused = caller.request(method, "table/full/t")
        assert refused.status_code == 400
        assert "name fewer columns, or read one partition at a time" in refused.json()["detail"]
    assert caller.get("table/full/t?format=csv").status_code == 400
    assert caller.get("table/partition/t?partition=1").status_code == 200
    assert caller.get("table/full/t?column=A").status_code == 400


def test_a_column_is_an_array(connect) -> None:
    frame = FRAME.set_index(pd.Index(range(10, 15), name="i"))
    caller = connect({"t": MemoryTable(frame, npartitions=2)})
    described = caller.json("metadata/t/A")["data"]
    assert described["attributes"]["structure_family"] == "array"
    assert described["attributes"]["ancestors"] == ["t"]
    assert described["attributes"]["structure"]["chunks"] == [[2, 3]]
    np.testing.assert_array_equal(caller.array("array/full/t/A?slice=1:", (4,), "i8"), [2, 3, 4, 5])
    np.testing.assert_array_equal(caller.array("array/block/t/A?block=1", (3,), "i8"), [3, 4, 5])
    assert caller.json("array/full/t/B?format=json") == list("abcde")
    assert caller.json("array/full/t/C?format=json") == [0.5, None, 2, 3, 4]
    assert caller.json("array/full/t/i?format=json") == [10, 11, 12, 13, 14]
    assert caller.get("metadata/t/Z").status_code == 404
    assert caller.get("metadata/t/A/x").status_code == 404


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([True, False]), [True, False]),
        (pa.array([True, None]), ["True", "None"]),
        (pa.array([1, None]), [1.0, None]),
        (pa.array(["a", None]), ["a", ""]),
        (
            pa.array([b"a", None]),
            ["data:application/octet-stream;base64,YQ==", "data:application/octet-stream;base64,"],
        ),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([pd.Timestamp("2026-01-02"), None]), ["2026-01-02T00:00:00.000000000", None]),
        (pa.array([pd.Timestamp("2026-01-02").date(), None]), ["2026-01-02T00:00:00.000000000", None]),
        (pa.array([1, 2], pa.decimal128(5, 2)), [1.0, 2.0]),
        (pa.array([[1], [2, 3]]), ["[1]", "[2 3]"]),
    ],
)
def test_columns_of_every_type_are_arrays(connect, column, expected) -> None:
    assert connect({"t": pa.table({"A": column})}).json("array/full/t/A?format=json") == expected


def test_a_table_says_of_its_formats_what_it_can(connect) -> None:
    response = connect({"t": FRAME}).get("table/full/t?format=png")
    assert response.status_code == 406
    assert "application/vnd.apache.arrow.file" in response.json()["detail"]


def test_reading_csv_back_gives_the_table(connect) -> None:
    body = connect({"t": FRAME}).get("table/full/t?format=csv").content
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(body)), FRAME)
