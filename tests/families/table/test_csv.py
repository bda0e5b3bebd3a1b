"""CSV made of whole columns: spelling, quoting, and cells that a spreadsheet would take for formulas."""

from __future__ import annotations

import csv
import datetime as dt
import io
import string

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledkernel.encoding import Encoding
from tiledkernel.families.csv_text import RISKY, harmless, line
from tiledkernel.families.table.encoders import encode_csv
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.media_types import Offer

CSV = Encoding(Offer("text/csv"))
ALARMING = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\0=1",
    "\uff1d1",
    "=",
    "-",
    "+-1",
    "-1a",
    "--1",
]
HARMLESS = ["-1", "+1.5e3", "-.5", "-5.", "-inf", "+1E-07", "a=1", " =1", "1-2", "'=1", "", "é"]


def csv_of(table: object, npartitions: int = 1) -> str:
    payload = TablePayload(MemoryTable(table, npartitions=npartitions), None, range(npartitions))
    return b"".join(encode_csv(payload, CSV)).decode()


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()])
def test_texts_that_look_like_formulas_get_an_apostrophe(kind) -> None:
    texts = [*ALARMING, *HARMLESS]
    rows = rows_of(csv_of(pa.table({"a": pa.array([text.encode() for text in texts]).cast(kind), "b": texts})))
    assert [row[0] for row in rows[1:]] == [*(f"'{text}" for text in ALARMING), *HARMLESS]


def test_categories_get_it_too() -> None:
    assert csv_of(pa.table({"a": pa.array(["=1", "x", "=1", None]).dictionary_encode(), "b": [1, 2, 3, 4]})) == (
        "a,b\n'=1,1\nx,2\n'=1,3\n,4\n"
    )


def test_negative_numbers_are_numbers() -> None:
    table = {"i": [-1], "f": [-1.5], "whole": [-2.0], "inf": [-np.inf], "zero": [-0.0], "small": [-1e-300]}
    assert csv_of(pa.table(table)) == "i,f,whole,inf,zero,small\n-1,-1.5,-2.0,-inf,-0.0,-1e-300\n"


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.text(st.sampled_from(RISKY + string.printable + "é😀")), st.text(st.sampled_from('=-1,"\r\n'))),
        min_size=1,
    )
)
def test_columns_are_written_as_single_cells_are(rows: list[tuple[str, str]]) -> None:
    table = pa.table({"a": [row[0] for row in rows], "b": [row[1] for row in rows]})
    assert csv_of(table) == "a,b\n" + "".join(f"{line(row)}\n" for row in rows)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(), min_size=1))
def test_every_text_comes_back_but_for_the_apostrophe(texts: list[str]) -> None:
    rows = rows_of(csv_of(pa.table({"a": texts, "b": [1] * len(texts)})))
    assert [row[0] for row in rows[1:]] == list(map(harmless, texts))
    assert not [row for row in rows[1:] if row[0][:1] and row[0][0] in "=@\t\r"]


@pytest.mark.parametrize("width", [16, 32, 64])
@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_every_float_comes_back_and_stays_a_float(width, data) -> None:
    values = np.array(data.draw(st.lists(st.floats(width=width), min_size=1)), f"f{width // 8}")
    rows = rows_of(csv_of(pa.table({"a": values, "b": values})))[1:]
    found = np.array([row[0] or "nan" for row in rows], np.float64).astype(values.dtype)
    np.testing.assert_array_equal(found, values)
    assert not [row for row in rows if row[0].lstrip("-").isdecimal()]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1))
def test_every_integer_comes_back(values: list[int | None]) -> None:
    rows = rows_of(csv_of(pa.table({"a": pa.array(values, pa.int64()), "b": pa.array(values, pa.int64())})))
    assert rows[1:] == [["" if value is None else str(value)] * 2 for value in values]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["2026-01-01", "2026-01-02"], ["2026-01-01", "2026-01-02"]),
        (["2026-01-01", "2026-01-02 12:00"], ["2026-01-01 00:00:00", "2026-01-02 12:00:00"]),
        (["2026-01-01 00:00:00.5", None], ["2026-01-01 00:00:00.500", ""]),
        (["2026-01-01 00:00:00.000000001"], ["2026-01-01 00:00:00.000000001"]),
        ([None], [""]),
    ],
)
@pytest.mark.parametrize("unit", ["ns", "us"])
def test_moments_have_the_digits_that_their_column_needs(values, texts, unit) -> None:
    moments = pd.to_datetime(pd.Series(values, dtype="str"), format="ISO8601").astype(f"M8[{unit}]")
    if unit == "us" and texts[0].endswith("001"):
        texts = ["2026-01-01"]
    rows = rows_of(csv_of(pa.table({"t": pa.array(moments), "n": [1] * len(values)})))
    assert [row[0] for row in rows[1:]] == texts


def test_moments_keep_their_time_zone() -> None:
    moments = pa.array([dt.datetime(2026, 7, 1, tzinfo=dt.UTC)], pa.timestamp("s", "Europe/Berlin"))
    assert csv_of(pa.table({"t": moments})) == "t\n2026-07-01 02:00:00+02:00\n"


def test_moments_never_get_coarser_from_partition_to_partition() -> None:
    moments = pd.to_datetime(["2026-01-01 10:00", "2026-01-02", "2026-01-03"], format="ISO8601")
    assert csv_of(pa.table({"t": pa.array(moments)}), npartitions=3).splitlines()[1:] == [
        "2026-01-01 10:00:00",
        "2026-01-02 00:00:00",
        "2026-01-03 00:00:00",
    ]


def test_lists_and_structures_are_json() -> None:
    table = pa.table({"a": [[1, None], None], "b": [{"x": "é", "y": b"\xff"}, None]})
    assert rows_of(csv_of(table))[1:] == [
        ["[1,null]", '{"x":"é","y":"data:application/octet-stream;base64,/w=="}'],
        ["", ""],
    ]


def test_the_lines_of_one_column_are_never_empty() -> None:
    assert csv_of(pa.table({"a": ["x", "", None]})) == 'a\nx\n""\n""\n'
    assert csv_of(pa.table({"a": [1.5, None]})) == 'a\n1.5\n""\n'


def test_columns_of_one_name_are_all_written() -> None:
    assert csv_of(pa.table([[1, 2], ["x", "y"]], names=["a", "a"])) == "a,a\n1,x\n2,y\n"


def test_thousands_of_columns_are_no_trouble() -> None:
    table = pa.table({f"c{place}": [place] for place in range(5000)})
    assert rows_of(csv_of(table))[1] == [str(place) for place in range(5000)]


def test_large_texts_are_taken_a_few_at_a_time() -> None:
    payload = TablePayload(MemoryTable(pa.table({"a": ["x" * (1 << 20)] * 40})), None, [0])
    lengths = list(map(len, encode_csv(payload, CSV)))
    assert sum(lengths) == 2 + 40 * ((1 << 20) + 1)
    assert max(lengths) < 8 << 20
