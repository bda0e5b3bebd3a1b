"""Workbooks that ask for too much: refused with a reason, and hurting nobody else."""

from __future__ import annotations

import os
import time

import psutil
import pytest
from tiled_excel import process, worker
from tiled_excel.process import HELPER
from tiled_excel.recent import Recent
from tiled_excel.workbook import open_workbook

from tiledkernel.errors import Unavailable
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.nodes.stamps import stamp_of

FIRST = b'<row r="1"><c r="A1"><v>1</v></c></row>'


def assert_the_rest_goes_on(node) -> None:
    assert node["good"].read_partition(0, None).to_pydict() == {"n": [7]}


def test_a_declared_dimension_is_not_believed(tmp_path, write_xlsx):
    node = open_workbook(write_xlsx(tmp_path / "a.xlsx", [FIRST], dimension="A1:XFD1048576"))
    assert node["bad"].structure.columns == ("1",)


@pytest.mark.parametrize(
    "corner",
    [
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        b'<row r="4000000000"><c r="XFD4000000000"><v>1</v></c></row>',
        b'<row r="300000"><c r="ZZ300000"><v>1</v></c></row>',
    ],
)
def test_cells_at_opposite_corners_are_refused(tmp_path, write_xlsx, corner):
    node = open_workbook(write_xlsx(tmp_path / "a.xlsx", [FIRST, corner]))
    before = psutil.Process().memory_info().rss
    with pytest.raises(Unavailable, match=r"sheet 'bad' of 'a.xlsx' cannot be read: .*cells that lie far away"):
        _ = node["bad"].structure
    assert psutil.Process().memory_info().rss - before < 64 << 20
    assert_the_rest_goes_on(node)


def test_a_sheet_of_too_many_cells_says_how_many(tmp_path, write_xlsx):
    corner = b'<row r="5000"><c r="GJH5000"><v>1</v></c></row>'
    node = open_workbook(write_xlsx(tmp_path / "a.xlsx", [FIRST, corner]))
    with pytest.raises(Unavailable, match=r"span 5_000 rows and 5_000 columns, more than the 16_000_000 cells"):
        _ = node["bad"].structure
    assert_the_rest_goes_on(node)


def test_a_text_that_expands_to_more_than_the_memory_is_refused(tmp_path, write_xlsx, monkeypatch):
    monkeypatch.setattr(process, "MEMORY", 128 << 20)
    helper = process.Helper()
    monkeypatch.setattr("tiled_excel.workbook.HELPER", helper)
    pieces = [b'<row r="1"><c r="A1" t="inlineStr"><is><t>', *[b"x" * (8 << 20)] * 12, b"</t></is></c></row>"]
    path = write_xlsx(tmp_path / "a.xlsx", pieces)
    assert path.stat().st_size < 1 << 20
    node = open_workbook(path)
    with pytest.raises(Unavailable, match="too much memory"):
        _ = node["bad"].structure
    assert_the_rest_goes_on(node)
    helper._stop()


def test_a_sheet_that_takes_too_long_is_refused(tmp_path, write_xlsx, monkeypatch):
    node = open_workbook(write_xlsx(tmp_path / "a.xlsx", [FIRST, *[b" " * (8 << 20)] * 20]))
    monkeypatch.setattr(process, "DEADLINE", 0.05)
    with pytest.raises(Unavailable, match=r"that took more than 0 seconds"):
        _ = node["bad"].structure
    monkeypatch.undo()
    assert_the_rest_goes_on(node)


def test_a_sheet_that_was_refused_is_not_tried_again(tmp_path, write_xlsx, monkeypatch):
    sheet = open_workbook(write_xlsx(tmp_path / "a.xlsx", [b"<row><c></row"]))["bad"]
    with pytest.raises(Unavailable) as first:
        _ = sheet.structure
    monkeypatch.setattr(HELPER, "table", lambda *args: pytest.fail("asked again"))
    with pytest.raises(Unavailable) as second:
        sheet.read_partition(0, None)
    assert str(first.value) == str(second.value)


def test_a_process_that_ended_is_started_anew(tmp_path, write_xlsx):
    node = open_workbook(write_xlsx(tmp_path / "a.xlsx", [FIRST]))
    HELPER._process.kill()
    assert_the_rest_goes_on(node)


def test_the_process_ends_with_the_one_who_asks(tmp_path, write_xlsx):
    helper = process.Helper()
    path = write_xlsx(tmp_path / "a.xlsx", [FIRST])
    stamp = stamp_of(path)
    assert [sheet.name for sheet in helper.sheets(path, stamp)] == ["good", "bad"]
    ended = helper._process
    ended.stdin.close()  # as when the server ends
    assert ended.wait(10) == 0
    ended.stdout.close()


def test_the_process_waits_for_a_while_and_not_longer(monkeypatch):
    monkeypatch.setattr(worker, "IDLE", 0.01)
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as source, os.fdopen(theirs, "wb", buffering=0) as sink:
        sink.write(b'{"sheet": 1}\n')
        assert list(worker._requests(source)) == [{"sheet": 1}]


def test_a_process_that_cannot_start_is_an_error_at_once(tmp_path, write_xlsx, monkeypatch):
    monkeypatch.setattr(process, "_COMMAND", (process.sys.executable, "-c", "raise SystemExit(3)"))
    helper = process.Helper()
    path = write_xlsx(tmp_path / "a.xlsx", [FIRST])
    start = time.monotonic()
    with pytest.raises(process.ReadFailed, match=r"did not start \(exit code 3\)"):
        helper.sheets(path, stamp_of(path))
    assert time.monotonic() - start < 10


def test_the_latest_sheets_are_kept_up_to_a_limit():
    tables = {name: MemoryTable({"x": list(range(1000))}) for name in "abc"}
    recent = Recent(limit=20_000)
    for name, table in tables.items():
        recent.put(name, table)
        recent.get("a")
    assert recent.get("a") is tables["a"]
    assert recent.get("b") is None
    assert recent.get("c") is tables["c"]
    small = Recent(limit=1)
    small.put("a", tables["a"])
    assert small.get("a") is tables["a"]
