"""Workbooks of Excel (ECMA-376): the parts of the package, around one sheet whose rows come piece by piece."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tiledkernel.errors import NotAcceptable

HEADING, DATE, MOMENT, TIME, SPAN = range(1, 6)  # styles of cells; 0 is no style
MAX_PART = (1 << 31) - 1  # bytes; beyond, archives have a form that not every program reads
_LEVEL = 3  # of compression: fast, and nearly as small as the best
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same data make the same file, whenever that is

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET_TYPES}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET_TYPES}.styles+xml"/></Types>'
)
_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
_WORKBOOK_RELATIONS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
)
_FORMATS = {DATE: "yyyy\\-mm\\-dd", MOMENT: "yyyy\\-mm\\-dd\\ hh:mm:ss", TIME: "hh:mm:ss", SPAN: "[h]:mm:ss"}
_STYLES = (
    f"{_XML}<styleSheet {_MAIN}>"
    f'<numFmts count="{len(_FORMATS)}">'
    + "".join(f'<numFmt numFmtId="{163 + style}" formatCode="{code}"/>' for style, code in _FORMATS.items())
    + '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="6"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    + "".join(
        f'<xf numFmtId="{163 + style}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for style in _FORMATS
    )
    + '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
_SHEET_BEGIN = f"{_XML}<worksheet {_MAIN}><sheetData>".encode()
_SHEET_END = b"</sheetData></worksheet>"
_FORBIDDEN = re.compile(r"[\[\]:*?/\\'\x00-\x1f\ufffe\uffff\ud800-\udfff]")


def write_workbook(path: Path, name: str, rows: Iterable[bytes | memoryview]) -> None:
    """A workbook with one sheet, named after `name`, whose `<row>` elements are given."""
    workbook = (
        f'{_XML}<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name="{_sheet_name(name)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _RELATIONS,
        "xl/workbook.xml": workbook,
        "xl/_rels/workbook.xml.rels": _WORKBOOK_RELATIONS,
        "xl/styles.xml": _STYLES,
    }
    with zipfile.ZipFile(path, "w") as archive:
        for part, text in parts.items():
            archive.writestr(_entry(part), text, compresslevel=_LEVEL)
        with archive.open(_entry("xl/worksheets/sheet1.xml"), "w") as sheet:
            size = sheet.write(_SHEET_BEGIN)
            for piece in rows:
                size += len(piece)
                if size + len(_SHEET_END) > MAX_PART:
                    raise NotAcceptable(
                        "this is more than a workbook can hold: name fewer columns with 'column=', or ask for text/csv"
                    )
                sheet.write(piece)
            sheet.write(_SHEET_END)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry._compresslevel = _LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - public only since Python 3.13
    return entry


def _sheet_name(name: str) -> str:
    """The name as Excel takes it: of 1 to 31 characters, some of which it does not have."""
    kept = _FORBIDDEN.sub("_", name).strip()[:31]
    if not kept or kept.lower() == "history":  # which Excel keeps for itself
        kept = "Sheet1"
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
