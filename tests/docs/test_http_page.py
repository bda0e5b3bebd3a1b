"""docs/http.md names the limits and statuses that the code has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiled_sql_catalog.content import MAX_METADATA
from tiled_sql_catalog.entries import MAX_DEPTH as MAX_METADATA_DEPTH
from tiled_sql_catalog.entries import MAX_ENTRIES
from tiled_sql_catalog.paths import MAX_KEY

from tiledkernel.access import scopes
from tiledkernel.errors import ConfigurationError, KernelError, PluginError
from tiledkernel.families.container.paging import MAX_LIMIT
from tiledkernel.records import BODY_LIMIT
from tiledkernel.server.describe import MAX_INLINED, MAX_INLINED_DEPTH
from tiledkernel.server.query import MAX_LENGTH, MAX_PARAMETERS
from tiledkernel.server.routes.writing import MAX_BODY, MAX_DRAFTS
from tiledkernel.server.routing import MAX_DEPTH
from tiledkernel.settings import RESPONSE_BYTESIZE_LIMIT

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
LIMITS = {
    "one answer, before compression": f"{RESPONSE_BYTESIZE_LIMIT:,} bytes".replace(",", " "),
    "one page of a listing": f"{MAX_LIMIT} children",
    "children described with their container": f"{MAX_INLINED}, on {MAX_INLINED_DEPTH} levels",
    "a path": f"{MAX_DEPTH} segments",
    "query parameters": f"{MAX_PARAMETERS}, in {MAX_LENGTH >> 20} MiB",
    "a JSON body on a reading route": f"{BODY_LIMIT >> 20} MiB",
    "a JSON body on a writing route": f"{MAX_BODY >> 20} MiB",
    "nodes that are made at once": f"{MAX_DRAFTS:,}".replace(",", " "),
    "metadata": f"{MAX_METADATA >> 20} MiB as JSON, {MAX_METADATA_DEPTH} levels, {MAX_ENTRIES // 1000} 000 values",
    "a key": f"{MAX_KEY} bytes",
}


def errors(kind: type[KernelError] = KernelError) -> Iterator[type[KernelError]]:
    """Every error that a request can get."""
    for error in kind.__subclasses__():
        if error.__module__ == KernelError.__module__ and not issubclass(error, ConfigurationError | PluginError):
            yield error
            yield from errors(error)


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_is_what_the_page_says(limit: str) -> None:
    (row,) = re.findall(rf"^\| {limit} \| (.+) \|$", PAGE, re.MULTILINE)
    assert row.startswith(LIMITS[limit])


def test_every_status_of_a_callers_mistake_is_listed() -> None:
    listed = {int(status) for status in re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE)}
    assert listed == {error.status for error in errors() if error.status != 500}


def test_the_table_of_scopes_is_that_of_the_code() -> None:
    table = PAGE.partition("## Scopes")[2].partition("## ")[0]
    rows = re.findall(r"^\| `([\w:]+)` \| [^|]+ \|(.*)\|$", table, re.MULTILINE)
    columns = {scope: [cell.strip() for cell in cells.split("|")] for scope, cells in rows}
    held = [{scope for scope, cells in columns.items() if cells[place] == "yes"} for place in range(4)]
    assert held == [scopes.ANONYMOUS, scopes.SINGLE_USER, scopes.ROLES["user"], scopes.ROLES["admin"]]
    assert columns.keys() == scopes.ALL_SCOPES
