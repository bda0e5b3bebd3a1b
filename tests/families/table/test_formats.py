"""Tables as CSV and JSON."""

from __future__ import annotations

import datetime
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tiledkernel.families.table.encoders import ROWS
from tiledkernel.families.table.memory import MemoryTable

ROUND_TRIP = {
    "whole numbers": pd.DataFrame({"A": [1, -2], "B": [2**63 - 1, 0]}),
    "floats": pd.DataFrame({"A": [0.1, 1e300, -5e-324], "B": [1.0, 2.0, 3.0]}),
    "missing floats": pd.DataFrame({"A": [1.0, np.nan], "B": [np.nan, 0.5]}),
    "booleans": pd.DataFrame({"A": [True, False]}),
    "texts": pd.DataFrame({"A": ["a,b", 'say "x"', "line\nbreak", "é", " spaces "], "B": ["", "x", "", "y", "z"]}),
    "one column of texts": pd.DataFrame({"A": ["a", "", "b"]}),
    "one column of missing numbers": pd.DataFrame({"A": [1.5, np.nan, 2.5]}),
    "no rows": pd.DataFrame({"A": [], "B": []}),
    "names with commas": pd.DataFrame({"a,b": [1], 'say "x"': [2]}),
    "narrow floats": pd.DataFrame({"A": np.array([0.1, 2], "f4")}),
}


@pytest.mark.parametrize("name", ROUND_TRIP)
def test_csv_reads_back_as_pandas_own_csv_does(connect, name) -> None:
    frame = ROUND_TRIP[name]
    body = connect({"t": MemoryTable(frame)}).get("table/full/t?format=csv").content
    expected = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(body)), expected)


def test_csv_is_spelled_as_the_protocol_has_it(connect) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [1.0, 2.5],
            "flag": [True, False],
            "text": ["a", None],
            "day": pd.to_datetime(["2025-01-01", "2025-01-02"]),
            "when": pd.to_datetime(["2025-01-01 10:00", None]),
            "date": [datetime.date(2025, 1, 1), None],
            "bytes": [b"ab", None],
            "kind": pd.Categorical(["u", "v"]),
        },
        index=pd.Index([7, 8], name="index"),
    )
    response = connect({"t": MemoryTable(frame)}).get("table/full/t?format=csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text == (
        "n,x,flag,text,day,when,date,bytes,kind\n"
        "1,1.0,True,a,2025-01-01,2025-01-01 10:00:00,2025-01-01,ab,u\n"
        "2,2.5,False,,2025-01-02,,,,v\n"
    )


@pytest.mark.parametrize(
    "media_type", ["text/csv", "text/x-comma-separated-values", "text/plain", "application/vnd.ms-excel"]
)
def test_the_header_can_be_left_out(connect, media_type) -> None:
    caller = connect({"t": pd.DataFrame({"A": [1, 2]})})
    response = caller.get("table/full/t", params={"format": f"{media_type};header=absent"})
    assert response.text == "1\n2\n"
    assert response.headers["content-type"].startswith(f"{media_type};header=absent")
    assert caller.get("table/full/t", headers={"accept": f"{media_type}; header=absent"}).text == "1\n2\n"


@pytest.mark.parametrize("text", ["=1+1", "@x", "-a"])
def test_neither_cells_nor_names_can_start_a_formula(connect, text) -> None:
    body = connect({"t": pd.DataFrame({text: [text], "n": [-1]})}).get("table/full/t?format=csv").text
    assert body == f"'{text},n\n'{text},-1\n"


def test_json_has_a_list_for_each_column(connect) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [0.5, np.nan],
            "text": ["a", None],
            "flag": [True, False],
            "when": pd.to_datetime(["2025-01-01 10:00", None]),
            "bytes": [b"ab", b"\xff"],
            "lists": [[1], None],
        },
        index=pd.Index([7, 8], name="index"),
    )
    response = connect({"t": MemoryTable(frame)}).get("table/full/t?format=json")
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.content, parse_constant=pytest.fail) == {
        "n": [1, 2],
        "x": [0.5, None],
        "text": ["a", None],
        "flag": [True, False],
        "when": ["2025-01-01T10:00:00", None],
        "bytes": ["ab", "\xff"],
        "lists": [[1], None],
    }


def test_json_of_a_table_without_columns_is_an_empty_object(connect) -> None:
    assert connect({"t": pd.DataFrame(index=[1, 2])}).json("table/full/t?format=json") == {}


def test_json_sequences_have_one_object_per_row(connect) -> None:
    frame = pd.DataFrame({"A": [1, 2, 3], "B": [0.5, np.inf, np.nan]}, index=[7, 8, 9])
    response = connect({"t": MemoryTable(frame, npartitions=2)}).get("table/full/t?format=application/json-seq")
    assert response.headers["content-type"] == "application/json-seq"
    rows = response.content.split(b"\x1e")
    assert rows[0] == b""
    assert [json.loads(row, parse_constant=pytest.fail) for row in rows[1:]] == [
        {"A": 1, "B": 0.5},
        {"A": 2, "B": None},
        {"A": 3, "B": None},
    ]
    assert all(row.endswith(b"\n") for row in rows[1:])


def test_an_empty_table_as_a_json_sequence_is_an_empty_body(connect) -> None:
    response = connect({"t": pd.DataFrame({"A": []})}).get("table/full/t?format=application/json-seq")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("format_", ["csv", "json", "application/json-seq", "arrow"])
@pytest.mark.parametrize("npartitions", [1, 3])
def test_long_tables_arrive_whole(connect, format_, npartitions) -> None:
    frame = pd.DataFrame({"A": np.arange(2 * ROWS + 5), "B": [f"text {n}" for n in range(2 * ROWS + 5)]})
    caller = connect({"t": MemoryTable(pa.Table.from_pandas(frame, preserve_index=False), npartitions=npartitions)})
    body = caller.get("table/full/t", params={"format": format_}).content
    if format_ == "csv":
        found = pd.read_csv(io.BytesIO(body))
    elif format_ == "json":
        found = pd.DataFrame(json.loads(body))
    elif format_ == "arrow":
        found = pa.ipc.open_file(body).read_all().to_pandas()
    else:
        found = pd.DataFrame([json.loads(row) for row in body.split(b"\x1e")[1:]])
    pd.testing.assert_frame_equal(found, frame)


def test_only_the_columns_asked_for_are_exported(connect) -> None:
    caller = connect({"t": pd.DataFrame({"A": [1], "B": [2], "C": [3]})})
    assert caller.get("table/full/t?format=csv&column=C&column=A").text == "C,A\n3,1\n"
    assert caller.json("table/full/t?format=json&column=B") == {"B": [2]}
