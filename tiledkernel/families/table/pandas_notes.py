"""What pandas notes in an Arrow schema about the index of a DataFrame, as far as it can be trusted."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pyarrow

from tiledkernel.errors import Unprocessable

_UNNAMED = re.compile(r"__index_level_\d+__")


def index_notes(schema: pyarrow.Schema) -> list[Any]:
    """One entry for each level: the name of a column, or the description of a range; Unprocessable if damaged."""
    noted = (schema.metadata or {}).get(b"pandas")
    if not noted:
        return []
    try:
        entries = msgspec.json.decode(noted, type=dict[str, Any]).get("index_columns", [])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unprocessable(f"what the schema notes under 'pandas' is damaged: {error}", "body") from error
    if not isinstance(entries, list):
        raise Unprocessable("what the schema notes under 'pandas' is damaged: 'index_columns' is no list", "body")
    return entries


def is_unnamed_index(name: str) -> bool:
    """Whether a column is the index of a DataFrame to which nobody gave a name."""
    return _UNNAMED.fullmatch(name) is not None


def index_ranges(schema: pyarrow.Schema) -> dict[str, range]:
    """An index that is only noted, because it merely counts rows, by the name that it would have as a column."""
    ranges = {}
    for level, entry in enumerate(index_notes(schema)):
        if isinstance(entry, dict) and entry.get("kind") == "range":
            start, stop, step = (entry.get(part) for part in ("start", "stop", "step"))
            if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
                ranges[str(entry.get("name") or f"__index_level_{level}__")] = range(start, stop, step)
    return ranges
