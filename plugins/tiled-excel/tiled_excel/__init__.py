"""Serve workbooks of spreadsheet programs as containers of tables."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

_OPEN = "tiled_excel.workbook:open_workbook"

XLSX_READER = Reader(
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", suffixes=(".xlsx",), open=_OPEN
)
XLSM_READER = Reader(media_type="application/vnd.ms-excel.sheet.macroenabled.12", suffixes=(".xlsm",), open=_OPEN)
XLS_READER = Reader(media_type="application/vnd.ms-excel", suffixes=(".xls",), open=_OPEN)
ODS_READER = Reader(media_type="application/vnd.oasis.opendocument.spreadsheet", suffixes=(".ods",), open=_OPEN)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader for each format: Excel's, with macros and without, its old one, and OpenDocument's."""
    return [XLSX_READER, XLSM_READER, XLS_READER, ODS_READER]
