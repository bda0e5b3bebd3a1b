"""Tables as pages, sent while they are read. Everything in them that came from data is escaped; they run no script."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from tiledkernel.encoding import Encoding
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.families.table.texts import TextRows, body_of, column_names, compute, join

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color: #1b1b1b; background: #fff }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .1rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: pre-wrap }
th { color: #4a4a4a; font-weight: 600; position: sticky; top: 0; background: #fff }
.t { text-align: left }
"""
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\0": "\ufffd"}


def encode(payload: TablePayload, context: Encoding) -> Iterator[bytes | memoryview]:
    """A page with one table: all columns but those of the index, and all rows."""
    name = escape(context.name or "table")
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in column_names(payload))
    page = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n"
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    )
    yield page.encode("utf-8", "replace")
    for columns in TextRows(payload):
        cells = [part for texts, free in columns for part in _cell(texts, is_free=free)]
        yield body_of(join("<tr>", *cells, "</tr>\n"))
    yield b"</tbody>\n</table>\n</main>\n</body>\n</html>\n"


def _cell(texts: Any, *, is_free: bool) -> tuple[Any, ...]:
    """A missing value is an empty cell."""
    present = texts.fill_null("")
    return ('<td class="t">', _escaped(present), "</td>") if is_free else ("<td>", present, "</td>")


def _escaped(texts: Any) -> Any:
    data = bytes(body_of(texts))
    for character, escaped in _ESCAPES.items():
        if character.encode() in data:
            texts = compute.replace_substring(texts, character, escaped)
    return texts
