"""Arrays as JSON, CSV and text."""

from __future__ import annotations

import base64
import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from tiledkernel.families.array.encoders import PIECE
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.csv_text import harmless

URI = "data:application/octet-stream;base64,"


def as_json(connect, array, query="") -> object:
    return connect({"a": array}).json(f"array/full/a?format=json{query}")


@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 3), (3, 0), (2, 3), (2, 0, 2), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["i4", ">i2", "f8", "?", "U3", "u8"])
def test_json_is_nested_lists(connect, shape, dtype) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    assert as_json(connect, array) == array.tolist()


def test_json_has_null_for_what_is_no_number(connect) -> None:
    array = np.array([1, np.nan, np.inf, -np.inf], "f4")
    response = connect({"a": array}).get("array/full/a?format=json")
    assert json.loads(response.content, parse_constant=pytest.fail) == [1.0, None, None, None]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("unit", "texts"), [("D", ["2026-01-02", None]), ("ns", ["2026-01-02T00:00:00.000000000", None])]
)
def test_json_has_iso_texts_for_dates(connect, order, unit, texts) -> None:
    assert as_json(connect, np.array(["2026-01-02", "NaT"], f"{order}M8[{unit}]")) == texts


@pytest.mark.parametrize("array", [np.array([b"ab", b"\xff"]), np.array([b"ab", b"\xff"]).view("V2")])
def test_json_has_data_uris_for_bytes(connect, array) -> None:
    expected = [URI + base64.b64encode(bytes(item)).decode() for item in array.tolist()]
    assert as_json(connect, array) == expected


def test_json_has_a_list_for_each_record(connect) -> None:
    dtype = [("n", "i2"), ("x", [("y", "f4"), ("t", ">M8[D]")]), ("v", "u1", (2,)), ("s", "S1")]
    array = np.array([(1, (0.5, "2026-01-02"), (3, 4), b"a"), (2, (np.nan, "NaT"), (5, 6), b"b")], dtype)
    expected = [[1, [0.5, "2026-01-02"], [3, 4], URI + "YQ=="], [2, [None, None], [5, 6], URI + "Yg=="]]
    assert as_json(connect, array) == expected
    assert as_json(connect, array.reshape(2, 1)) == [[expected[0]], [expected[1]]]
    assert as_json(connect, array, "&slice=1") == expected[1]


@pytest.mark.parametrize("dtype", ["f2", "g"])
def test_json_has_numbers_of_every_width(connect, dtype) -> None:
    assert as_json(connect, np.array([0.5, 2], dtype)) == [0.5, 2.0]


@pytest.mark.parametrize("dtype", ["c8", "m8[s]", [("a", [("b", "c16")])], [("a", "m8[s]", (2,))]])
def test_json_refuses_what_it_cannot_hold(connect, dtype) -> None:
    response = connect({"a": np.zeros(2, dtype)}).get("array/full/a?format=json")
    assert response.status_code == 406
    assert "ask for application/octet-stream" in response.json()["detail"]


@pytest.mark.parametrize(
    "shape", [(PIECE // 4,), (700, 1000), (3, PIECE // 16), (1, 2, PIECE // 8), (400, 3, 5, 100), (40000, 1, 9)]
)
@pytest.mark.parametrize("text", ["", "::-1"])
def test_large_json_arrives_whole(connect, shape, text) -> None:
    array = np.arange(np.prod(shape), dtype="u4").reshape(shape)
    found = as_json(connect, MemoryArray(array), f"&slice={text}")
    np.testing.assert_array_equal(np.array(found, "u4"), array[::-1] if text else array)


@pytest.mark.parametrize(
    "media_type", ["text/csv", "text/x-comma-separated-values", "text/plain", "application/vnd.ms-excel"]
)
def test_all_spellings_of_csv_are_the_same_bytes(connect, media_type) -> None:
    caller = connect({"a": np.arange(6).reshape(2, 3)})
    by_format, by_accept = (
        caller.get("array/full/a", params={"format": media_type}),
        caller.get("array/full/a", headers={"accept": media_type}),
    )
    assert by_format.content == by_accept.content == b"0,1,2\n3,4,5\n"
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    assert by_format.headers["content-type"] == by_accept.headers["content-type"] == media_type + charset


def test_csv_of_one_dimension_has_one_value_per_line(connect) -> None:
    assert connect({"a": np.arange(3)}).get("array/full/a?format=csv").content == b"0\n1\n2\n"
    assert connect({"a": MemoryArray(7)}).get("array/full/a?format=txt").content == b"7\n"


@pytest.mark.parametrize("shape", [(0,), (0, 3)])
def test_csv_without_rows_is_empty(connect, shape) -> None:
    assert connect({"a": np.zeros(shape)}).get("array/full/a?format=csv").content == b""


def test_csv_of_more_dimensions_asks_for_a_plane(connect) -> None:
    caller = connect({"a": np.zeros((2, 3, 4))})
    refused = caller.get("array/full/a?format=csv")
    assert refused.status_code == 406
    assert "choose a plane, such as slice=0" in refused.json()["detail"]
    assert caller.get("array/full/a?format=csv&slice=0").status_code == 200


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(0).random((5, 3)),
        np.array([[1.5, np.nan], [np.inf, -0.0]]),
        np.arange(6, dtype=">i4").reshape(3, 2),
        np.array([[True, False], [False, True]]),
        np.array([["a,b", 'say "x"'], ["line\nbreak", "é"], ["carriage\rreturn", "both\r\n"]]),
        np.array([[1e-300, 1e300]], "f8"),
    ],
)
def test_csv_reads_back_as_it_was(connect, array) -> None:
    body = connect({"a": array}).get("array/full/a?format=csv").content
    frame = pd.read_csv(io.BytesIO(body), header=None)
    pd.testing.assert_frame_equal(frame, pd.DataFrame(array.astype(array.dtype.newbyteorder("="))), check_dtype=False)


@pytest.mark.parametrize("shape", [(2, 200_000), (3, 131_072), (1, 300_000), (70_000, 2), (140_000,)])
def test_large_csv_has_its_rows_whole(connect, shape) -> None:
    array = np.arange(np.prod(shape), dtype="f8").reshape(shape)
    rows = list(csv.reader(io.StringIO(connect({"a": array}).get("array/full/a?format=csv").text)))
    expected = array if array.ndim == 2 else array.reshape(-1, 1)
    assert len(rows) == len(expected)
    np.testing.assert_array_equal(np.array(rows, "f8"), expected)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array(["2026-01-02", "NaT"], ">M8[D]"), "2026-01-02\nNaT\n"),
        (np.array([1 + 2j]), "(1+2j)\n"),
        (np.array([5], "m8[s]"), "5\n"),
        (np.array([b"ab"]), "ab\n"),
        (
            np.array([(1, "=x", b"y", "2026-01-02")], [("a", "i4"), ("b", "U2"), ("c", "S1"), ("d", "M8[D]")]),
            "1,'=x,y,2026-01-02\n",
        ),
        (np.array([(1.5, [1, 2])], [("a", "g"), ("b", "i4", (2,))]), "1.5,[1 2]\n"),
    ],
)
def test_csv_spells_what_is_no_number(connect, array, text) -> None:
    assert connect({"a": array}).get("array/full/a?format=csv").text.replace("seconds", "").replace(" \n", "\n") == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@a", "\tx", "\rx"])
def test_a_text_cell_cannot_start_a_formula(connect, text) -> None:
    body = connect({"a": np.array([text])}).get("array/full/a?format=csv").text
    assert next(csv.reader(io.StringIO(body, newline=""))) == ["'" + text]


@pytest.mark.parametrize("text", ["-1", "+1.5e3", "-inf", "plain", "", "1-2"])
def test_a_text_cell_that_is_no_formula_stays_as_it_is(text) -> None:
    assert harmless(text) == text
