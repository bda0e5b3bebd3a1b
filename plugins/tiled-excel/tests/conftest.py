"""Workbooks written by hand: exaggerated, or of kinds that no library at hand writes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PARTS = {
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="good" sheetId="1" r:id="r1"/>'
        '<sheet name="bad" sheetId="2" r:id="r2"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}">'
        f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_OFFICE}/worksheet" Target="worksheets/sheet2.xml"/></Relationships>'
    ),
    "xl/worksheets/sheet1.xml": (
        f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>'
        '<row r="2"><c r="A2"><v>7</v></c></row></sheetData></worksheet>'
    ),
}


def _write_xlsx(path: Path, bad: Iterable[bytes], *, dimension: str = "A1:A2") -> Path:
    """A workbook of a good sheet (n: 7), and of a bad one with these pieces of XML as its rows."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in _PARTS.items():
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet2.xml", "w", force_zip64=True) as part:
            part.write(f'<worksheet xmlns="{_MAIN}"><dimension ref="{dimension}"/><sheetData>'.encode())
            for piece in bad:
                part.write(piece)
            part.write(b"</sheetData></worksheet>")
    return path


@pytest.fixture
def write_xlsx() -> Callable[..., Path]:
    """Function(path, pieces of XML) that writes a workbook of a good sheet and one of these rows."""
    return _write_xlsx


@pytest.fixture
def write_ods() -> Callable[..., Path]:
    """Function(path, {name of a sheet: rows of cells}); a cell is (kind, value), or text for XML of one's own."""
    return _write_ods


def _write_ods(path: Path, sheets: dict[str, list[list[tuple[str, str] | str]]]) -> Path:
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    tables = "".join(_table(name, rows) for name, rows in sheets.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "META-INF/manifest.xml",
            '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<m:file-entry m:full-path="/" m:media-type="{kind}"/></m:manifest>',
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def _table(name: str, rows: list[list[tuple[str, str] | str]]) -> str:
    lines = ("".join(cell if isinstance(cell, str) else _cell(*cell) for cell in row) for row in rows)
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    return f'<table:table table:name="{name}">{body}</table:table>'


def _cell(kind: str, value: str) -> str:
    noted = "" if kind == "string" else f' office:{"date-" if kind == "date" else ""}value="{value}"'
    return f'<table:table-cell office:value-type="{kind}"{noted}><text:p>{value}</text:p></table:table-cell>'
