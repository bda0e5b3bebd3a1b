"""docs/catalog.md lists the keys of a catalog that there are, with their defaults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
from tiled_sql_catalog.tree import CatalogOptions

from tiledkernel.config.environment import catalog_variables

from .tables import section

PAGE = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text(encoding="utf-8")


def default(field: msgspec.structs.FieldInfo) -> str:
    """The default of a key as the page writes it."""
    if field.required:
        return "needed"
    return "" if field.default in (None, msgspec.NODEFAULT) else f"`{json.dumps(field.default)}`"


def test_the_page_has_every_key_with_its_default() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (.*?) ?\| .+ \|$", section(PAGE, "In a configuration"), re.MULTILINE)
    assert listed == [(field.name, default(field)) for field in msgspec.structs.fields(CatalogOptions)]


def test_the_environment_variables_of_the_page_are_read() -> None:
    names = re.findall(r"`(TILED_CATALOG_[A-Z_]+)`", PAGE)
    keys = {path[-1] for path in catalog_variables(dict.fromkeys(names, "")).values()}
    assert len(keys) == 2
    assert keys <= set(CatalogOptions.__struct_fields__)
