"""Cells of CSV as RFC 4180 has them, none of which a spreadsheet takes for a formula."""

from __future__ import annotations

from collections.abc import Iterable

_SPECIAL = frozenset(',"\r\n')


def quoted(text: str) -> str:
    """A cell, in quotes if it holds what separates cells or lines."""
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if not _SPECIAL.isdisjoint(text) else text


def line(cells: Iterable[str]) -> str:
    """A line without its end."""
    return ",".join([quoted(harmless(cell)) for cell in cells])


def harmless(text: str) -> str:
    """A cell that a spreadsheet takes for text: one that looks like a formula gets an apostrophe in front."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
