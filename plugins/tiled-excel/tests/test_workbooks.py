"""Workbooks of every kind, against what pandas reads."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
import tiled_excel
from tiled_excel.process import HELPER
from tiled_excel.workbook import open_workbook

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.testing import ReaderContract, Sample

DATA = Path(__file__).parent / "data"
MIDNIGHT = datetime.datetime(2020, 1, 2)  # noqa: DTZ001 - spreadsheets know no time zones
NOON = MIDNIGHT.replace(hour=12, minute=30)
HEAVY = ("pyarrow", "python_calamine", "pandas", "openpyxl")

ROWS = (
    ("count", "value", "flag", "day", "moment", "name"),
    (1, 1.5, True, datetime.date(2020, 1, 2), NOON, "ä"),
    (2, 2, False, datetime.date(9999, 12, 31), None, None),
    (3, None, True, None, NOON.replace(second=7), "c"),
)
COLUMNS = {
    "count": pa.array([1, 2, 3]),
    "value": pa.array([1.5, 2.0, None]),
    "flag": pa.array([True, False, True]),
    "day": pa.array([MIDNIGHT, MIDNIGHT.replace(9999, 12, 31), None], pa.timestamp("us")),
    "moment": pa.array([NOON, None, NOON.replace(second=7)], pa.timestamp("us")),
    "name": pa.array(["ä", None, "c"]),
}


def write(path: Path, **sheets) -> Path:
    """A workbook of sheets, each given by its rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read(path: Path, key: str = "a") -> pa.Table:
    return open_workbook(path)[key].read_partition(0, None)


class TestXlsx(ReaderContract):
    reader = tiled_excel.XLSX_READER
    heavy = HEAVY

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        write(tmp_path / "a.xlsx", **{"Sheet 1": ROWS, "Sheet 2": [("x",), (7,)]})
        return Sample(path=tmp_path / "a.xlsx", tables={"Sheet 1": pa.table(COLUMNS), "Sheet 2": pa.table({"x": [7]})})


class TestXlsm(ReaderContract):
    reader = tiled_excel.XLSM_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        return Sample(path=write(tmp_path / "a.xlsm", a=ROWS), tables={"a": pa.table(COLUMNS)})


class TestXls(ReaderContract):
    reader = tiled_excel.XLS_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        path = tmp_path / "old.xls"
        path.write_bytes((DATA / "old.xls").read_bytes())
        when = [MIDNIGHT.replace(hour=3, minute=4, second=5), MIDNIGHT.replace(2021, 6, 7)]
        columns = {
            "count": pa.array([1, 2]),
            "value": pa.array([1.5, 2.25]),
            "flag": pa.array([True, False]),
            "when": pa.array(when, pa.timestamp("us")),
            "name": pa.array(["ä", "b"]),
            "sum": pa.array([None, None], pa.float64()),
        }
        return Sample(path=path, tables={"Old sheet": pa.table(columns), "Empty": pa.table({})})


class TestOds(ReaderContract):
    reader = tiled_excel.ODS_READER

    @pytest.fixture
    def sample(self, tmp_path: Path, write_ods) -> Sample:
        rows = [
            [("string", "n"), ("string", "day"), ("string", "text")],
            [("float", "1"), ("date", "2020-01-02"), ("string", "x")],
            [("float", "2.5"), ("date", "2020-01-02T12:30:00"), ("string", "")],
        ]
        days = pa.array([MIDNIGHT, NOON], pa.timestamp("us"))
        table = pa.table({"n": [1.0, 2.5], "day": days, "text": pa.array(["x", None])})
        path = write_ods(tmp_path / "a.ods", {"a/b": rows})
        return Sample(path=path, tables={"a_b": table})


def test_values_are_those_of_pandas(tmp_path):
    path = write(tmp_path / "a.xlsx", a=[row[:3] + row[4:] for row in ROWS])  # pandas keeps days as objects
    expected = pd.read_excel(path, engine="openpyxl")
    pd.testing.assert_frame_equal(read(path).to_pandas(), expected, check_dtype=False)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        ([1, 2.0], pa.int64(), [1, 2]),
        ([1, None], pa.int64(), [1, None]),
        ([1, 2.5], pa.float64(), [1.0, 2.5]),
        ([2**53, 1], pa.int64(), [2**53, 1]),
        ([1e300, 1], pa.float64(), [1e300, 1.0]),
        ([None, None], pa.float64(), [None, None]),
        (["#N/A", 1], pa.int64(), [None, 1]),
        (["a", 1, 1.5, True, datetime.date(2020, 1, 2)], pa.string(), ["a", "1", "1.5", "True", "2020-01-02"]),
        ([True, 1], pa.string(), ["True", "1"]),
        ([datetime.date(2020, 1, 2), NOON], pa.timestamp("us"), [MIDNIGHT, NOON]),
        ([datetime.time(1, 2, 3), None], pa.time64("us"), [datetime.time(1, 2, 3), None]),
        ([datetime.timedelta(days=2, hours=3)], pa.duration("us"), [datetime.timedelta(days=2, hours=3)]),
        (["007", "8"], pa.string(), ["007", "8"]),
    ],
)
def test_a_column_has_the_type_of_all_its_cells(tmp_path, cells, kind, values):
    # The second column keeps rows whose only cell is empty.
    table = read(write(tmp_path / "a.xlsx", a=[("x", "n"), *((cell, 1) for cell in cells)]))
    assert table.schema.field("x").type == kind
    assert table.column("x").to_pylist() == values


def test_the_number_of_children_is_that_of_the_sheets_in_their_order(tmp_path):
    node = open_workbook(write(tmp_path / "a.xlsx", zebra=[("x",)], empty=[], apple=[("y",), (1,)]))
    assert len(node) == 3
    assert list(node) == ["zebra", "empty", "apple"]


def test_an_empty_sheet_is_a_table_without_columns(tmp_path):
    sheet = open_workbook(write(tmp_path / "a.xlsx", a=[]))["a"]
    assert sheet.structure.columns == ()
    assert sheet.read_partition(0, None).num_rows == 0


def test_a_sheet_of_one_row_has_columns_and_no_rows(tmp_path):
    table = read(write(tmp_path / "a.xlsx", a=[("x", "y")]))
    assert table.column_names == ["x", "y"]
    assert table.num_rows == 0


def test_columns_are_named_as_pandas_does(tmp_path):
    path = write(tmp_path / "a.xlsx", a=[("x", None, "x", 2019, 1.5, "x.1", True), (1, 2, 3, 4, 5, 6, 7)])
    assert read(path).column_names == ["x", "Unnamed: 1", "x.2", "2019", "1.5", "x.1", "True"]


def test_a_table_begins_where_the_cells_begin(tmp_path):
    book = openpyxl.Workbook()
    book.active["C4"], book.active["D4"], book.active["C5"], book.active["D6"] = "x", "y", 1, 2
    book.active.title = "a"
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx").to_pydict() == {"x": [1, None], "y": [None, 2]}


def test_the_rest_of_merged_cells_is_missing(tmp_path):
    book = openpyxl.Workbook()
    for row in [("group", None, "n"), ("a", "b", 1), (None, None, 2), ("c", "d", 3)]:
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A2:A3")
    book.active.title = "a"
    book.save(tmp_path / "a.xlsx")
    expected = {"group": ["a", None, "c"], "Unnamed: 1": ["b", None, "d"], "n": [1, 2, 3]}
    assert read(tmp_path / "a.xlsx").to_pydict() == expected


def test_a_formula_gives_the_value_that_was_saved(tmp_path, write_xlsx):
    rows = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><f>SUM(1,2)</f><v>3</v></c></row>'
    assert read(write_xlsx(tmp_path / "a.xlsx", [rows]), "bad").to_pydict() == {"1": [3]}


def test_charts_are_left_out_and_hidden_sheets_say_so(tmp_path):
    path = write(tmp_path / "a.xlsx", shown=[("x",)], secret=[("y",)])
    book = openpyxl.load_workbook(path)
    book["secret"].sheet_state = "hidden"
    book.create_chartsheet("chart")
    book.save(path)
    node = open_workbook(path)
    assert {key: dict(node[key].metadata) for key in node} == {"shown": {}, "secret": {"hidden": True}}


def test_a_file_is_known_by_its_content(tmp_path):
    path = write(tmp_path / "a.xlsx", a=[("x",), (1,)]).rename(tmp_path / "a.xls")
    assert read(path).to_pydict() == {"x": [1]}
    assert read(path.rename(tmp_path / "a.stuff")).to_pydict() == {"x": [1]}


def test_large_sheets_have_partitions(tmp_path, monkeypatch):
    monkeypatch.setattr("tiled_excel.workbook.PARTITION", 800)
    sheet = open_workbook(write(tmp_path / "a.xlsx", a=[("n",), *((n,) for n in range(1000))]))["a"]
    assert sheet.structure.npartitions == 10
    parts = [sheet.read_partition(number, ["n"]) for number in range(10)]
    assert pa.concat_tables(parts).column("n").to_pylist() == list(range(1000))


def test_a_sheet_is_read_when_it_is_touched_and_once(tmp_path, monkeypatch):
    asked = []
    real = HELPER.table
    monkeypatch.setattr(HELPER, "table", lambda *args: (asked.append(args[2]), real(*args))[1])
    node = open_workbook(write(tmp_path / "a.xlsx", a=ROWS, b=ROWS))
    assert asked == []
    for columns in (None, ["name"], ["count", "flag"]):
        assert node["b"].structure.npartitions == 1
        node["b"].read_partition(0, columns)
    assert asked == [1]


def test_a_workbook_that_is_rewritten_while_it_is_open_is_not_ready(tmp_path):
    sheet = open_workbook(write(tmp_path / "a.xlsx", a=ROWS))["a"]
    write(tmp_path / "a.xlsx", a=[("other",)], b=[])
    with pytest.raises(NotReady, match=r"'a.xlsx' has changed"):
        _ = sheet.structure


def test_a_workbook_that_is_gone_is_not_ready(tmp_path):
    path = write(tmp_path / "a.xlsx", a=ROWS)
    sheet = open_workbook(path)["a"]
    path.unlink()
    with pytest.raises(NotReady):
        _ = sheet.structure


def test_a_password_is_named(tmp_path):
    (tmp_path / "a.xlsx").write_bytes((DATA / "password.xlsx").read_bytes())
    with pytest.raises(Unavailable, match=r"'a.xlsx' cannot be read: it is protected by a password"):
        open_workbook(tmp_path / "a.xlsx")


def test_what_is_no_workbook_says_so(tmp_path):
    (tmp_path / "a.xlsx").write_text(json.dumps({"no": "workbook"}))
    with pytest.raises(Unavailable, match=r"'a.xlsx' cannot be read: it is damaged, or of another kind \(.*Zip"):
        open_workbook(tmp_path / "a.xlsx")
