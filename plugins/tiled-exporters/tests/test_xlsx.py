"""Workbooks, looked at with another library's eyes: what openpyxl and pandas find in them."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiled_exporters import sheet_cells, xlsx
from tiled_exporters.xlsx import encode

from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.media_types import Offer

XLSX = Encoding(Offer("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), "t")


def body_of(table: object, name: str = "t", npartitions: int = 1) -> bytes:
    payload = TablePayload(MemoryTable(table, npartitions=npartitions), None, range(npartitions))
    return b"".join(encode(payload, Encoding(XLSX.media_type, name)))


def sheet_of(table: object, **options: object) -> openpyxl.worksheet.worksheet.Worksheet:
    (sheet,) = openpyxl.load_workbook(io.BytesIO(body_of(table, **options))).worksheets
    return sheet


def cells_of(values: object, kind: pa.DataType | None = None) -> list[object]:
    """The cells below the name of a column, and their types as openpyxl has them."""
    sheet = sheet_of(pa.table({"a": pa.array(values, kind)}))
    return [(cell.value, cell.data_type) for cell in next(sheet.iter_cols())[1:]]


@pytest.mark.parametrize(
    "text", ["=1+1", "=HYPERLINK('http://a','b')", "http://example.org", "+1", "-1", "@a", "{=1}", "1.5"]
)
def test_a_text_is_a_text_and_nothing_else(text) -> None:
    assert cells_of([text]) == [(text, "s")]
    body = body_of(pa.table({text: [text]}))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        assert not [part for part in archive.namelist() if "rels" in part and "sheet" in part], "there is no link"
    tags = {element.tag.rpartition("}")[2] for element in sheet.iter()}
    assert {"is", "t"} <= tags
    assert not {"f", "hyperlinks", "hyperlink"} & tags


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(), min_size=1))
def test_numbers_have_all_their_digits(values: list[float]) -> None:
    expected = [(str(v), "s") if np.isinf(v) else (None if np.isnan(v) else v, "n") for v in values]
    assert cells_of(values, pa.float64()) == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_that_a_sheet_would_round_are_texts(values: list[int]) -> None:
    expected = [(value, "n") if abs(value) <= 2**53 else (str(value), "s") for value in values]
    assert cells_of(values, pa.int64()) == expected


# What XML can hold; the sheet is read by a library that leaves Excel's spelling of the rest as it is.
WRITABLE = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(WRITABLE | st.sampled_from("\t\n&<>\"'")), min_size=1))
def test_every_text_comes_back(texts: list[str]) -> None:
    if any("_x" in text for text in texts):
        return
    assert [value or "" for value, _ in cells_of(texts)] == texts


def test_control_characters_are_spelled_as_excel_reads_them() -> None:
    texts = [f"a{chr(code)}b" for code in (0, 1, 8, 11, 31)]
    assert [value for value, _ in cells_of([*texts, "_x0041_", "_x004_", "_y"])] == [
        *(f"a_x{ord(text[1]):04X}_b" for text in texts), "_x005F_x0041_", "_x004_", "_y",
    ]  # fmt: skip


def test_characters_that_xml_lacks_are_replaced() -> None:
    assert [value for value, _ in cells_of(["a\ufffeb", "\uffff"])] == ["a\ufffdb", "\ufffd"]


@pytest.mark.parametrize("text", ["1900-03-01", "2026-02-28T23:59:59.999", "9999-12-31"])
@pytest.mark.parametrize("unit", ["ms", "us"])
def test_moments_are_moments_to_the_millisecond(text, unit) -> None:
    moment = dt.datetime.fromisoformat(text)
    assert cells_of([moment, None], pa.timestamp(unit)) == [(moment, "d"), (None, "n")]


def test_moments_that_a_sheet_does_not_have_are_texts() -> None:
    assert cells_of([dt.datetime(1900, 2, 28), dt.datetime(1800, 1, 1)]) == [  # noqa: DTZ001
        ("1900-02-28 00:00:00.000000", "s"),
        ("1800-01-01 00:00:00.000000", "s"),
    ]
    aware = pa.array([dt.datetime(2026, 7, 1, tzinfo=dt.UTC)], pa.timestamp("s", "Europe/Berlin"))
    assert cells_of(aware) == [("2026-07-01 02:00:00+02:00", "s")]


def test_days_times_and_spans_are_shown_as_such() -> None:
    assert cells_of([dt.date(2026, 1, 2)]) == [(dt.datetime(2026, 1, 2), "d")]  # noqa: DTZ001
    assert cells_of([dt.time(13, 30)]) == [(dt.time(13, 30), "d")]
    assert cells_of([dt.timedelta(days=2, hours=3), dt.timedelta(-1)]) == [
        (dt.timedelta(days=2, hours=3), "d"), ("-1 day, 0:00:00", "s"),
    ]  # fmt: skip


def test_other_values_are_what_they_are() -> None:
    assert cells_of([True, None, False]) == [(True, "b"), (None, "n"), (False, "b")]
    assert cells_of([decimal.Decimal("1.10")]) == [(1.1, "n")]
    assert cells_of([b"ab", None]) == [("ab", "s"), (None, "n")]
    assert cells_of([[1, None], None]) == [("[1,null]", "s"), (None, "n")]
    assert cells_of(pa.array(["x", None, "y"]).dictionary_encode()) == [("x", "s"), (None, "n"), ("y", "s")]
    assert cells_of(pa.array([2**8 - 1], pa.uint8())) == [(255, "n")]


def test_pandas_reads_the_frame_that_was_written() -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "x": [0.1, np.nan, 2.0],
            "text": ["a", "b", "c"],
            "flag": [True, False, True],
            "when": pd.to_datetime(["2026-01-01", "2026-01-02 12:30", None], format="ISO8601"),
        }
    )
    found = pd.DataFrame(sheet_of(pa.Table.from_pandas(frame), npartitions=2).values)
    assert list(found.iloc[0]) == list(frame)
    found = found[1:].reset_index(drop=True).set_axis(frame.columns, axis=1).astype(frame.dtypes)
    pd.testing.assert_frame_equal(found, frame)


def test_every_cell_has_its_address() -> None:
    sheet = sheet_of({f"c{place}": [place, None, -place] for place in range(30)}, npartitions=3)
    assert (sheet["A1"].value, sheet["AD1"].value, sheet["AD4"].value, sheet["B3"].value) == ("c0", "c29", -29, None)
    assert sheet.max_row == 4
    assert sheet["A1"].font.bold


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("scan 7", "scan 7"), ("a/b[c]:*?\\'", "a_b_c______"), ("x" * 50, "x" * 31), ("", "Sheet1"),
        ("History", "Sheet1"), ('<&>"\0', '<&>"_'), ("\ud800", "_"),
    ],
)  # fmt: skip
def test_the_sheet_is_named_after_the_table(name, title) -> None:
    assert sheet_of(pa.table({"a": [1]}), name=name).title == title


def test_the_same_table_is_the_same_file() -> None:
    assert body_of(pa.table({"a": [1.5, None]})) == body_of(pa.table({"a": [1.5, None]}))


def test_too_many_rows_are_refused_before_any_is_written(monkeypatch) -> None:
    monkeypatch.setattr(xlsx, "pieces", lambda table: pytest.fail("rows were written"))
    with pytest.raises(NotAcceptable, match=r"more rows than the 1048575 of a sheet .* partition by partition"):
        body_of(pa.table({"a": pa.nulls(1_048_576)}))


def test_rows_are_counted_over_all_partitions(monkeypatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_ROWS", 5)
    assert sheet_of(pa.table({"a": [1, 2, 3, 4]}), npartitions=2).max_row == 5
    with pytest.raises(NotAcceptable, match="more rows"):
        body_of(pa.table({"a": [1, 2, 3, 4, 5]}), npartitions=2)


def test_too_many_columns_are_refused_before_anything_is_read(monkeypatch) -> None:
    table = MemoryTable(pa.table([pa.array([1])] * 16_385, names=[f"c{n}" for n in range(16_385)]))
    monkeypatch.setattr(table, "read_partition", lambda *_: pytest.fail("it was read"), raising=False)
    with pytest.raises(NotAcceptable, match="16385 columns, more than the 16384"):
        encode(TablePayload(table, None, [0]), XLSX)


def test_as_many_columns_as_a_sheet_has_can_be_written() -> None:
    sheet = sheet_of(pa.table([pa.array([1])] * 16_384, names=[f"c{n}" for n in range(16_384)]))
    assert sheet["XFD2"].value == 1


@pytest.mark.parametrize("text", ["x" * 32_767, "é" * 32_767, "😀" * 16_383 + "x"])
def test_as_long_a_text_as_a_cell_holds_can_be_written(text) -> None:
    assert cells_of([text]) == [(text, "s")]


@pytest.mark.parametrize("text", ["x" * 32_768, "😀" * 16_384])
def test_a_longer_text_is_refused_with_the_name_of_its_column(text) -> None:
    with pytest.raises(NotAcceptable, match=r"32768 characters in column 'notes' is longer than the 32767"):
        body_of(pa.table({"n": [1], "notes": [text]}))
    with pytest.raises(NotAcceptable, match="in the names of columns"):
        body_of(pa.table({text: [1]}))


def test_without_columns_or_rows_there_is_a_sheet_all_the_same() -> None:
    assert sheet_of(pa.table({})).max_row == 1
    assert [cell.value for cell in sheet_of(pa.table({"a": pa.array([], pa.string())}))[1]] == ["a"]


def test_the_memory_of_a_sheet_is_bounded(monkeypatch) -> None:
    """Rows become text a few thousand at a time, whatever a partition holds."""
    sizes = []
    original = sheet_cells.cells
    monkeypatch.setattr(xlsx, "cells", lambda values, *rest: sizes.append(len(values)) or original(values, *rest))
    body_of(pa.table({"a": np.zeros(50_000)}))
    assert sum(sizes) == 50_000
    assert max(sizes) <= 10_000
