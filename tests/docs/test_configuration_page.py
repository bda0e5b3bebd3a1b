"""docs/configuration.md lists the keys that there are, with their defaults and meanings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tiledkernel.composition import Composition
from tiledkernel.config.environment import variables
from tiledkernel.config.schema import json_schema
from tiledkernel.plugins import discover

from .tables import section, table

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SCHEMA = json_schema(Composition(discover(third_party=False)))
SECTIONS = {  # heading -> definition in the schema
    "Top level": "Configuration",
    "trees": "Tree",
    "A directory": "DirectoryOptions",
    "specs": "DeclaredSpec",
    "authentication": "Authentication",
    "providers": "Provider",
    "tiled_admins": "Admin",
    "database": "Database",
    "access_control": "AccessControl",
    "plugins": "PluginChoices",
    "uvicorn": "Uvicorn",
}


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_has_the_table_of_its_keys(heading: str) -> None:
    expected = table(SECTIONS[heading], SCHEMA)
    assert expected in section(PAGE, heading), f"the section {heading!r} must hold this table:\n{expected}"


def test_every_part_of_the_schema_has_a_section() -> None:
    assert set(SECTIONS.values()) == SCHEMA["$defs"].keys()


@pytest.mark.parametrize("variable", re.findall(r"`((?:TILED|TILEDKERNEL)_[A-Z_]+)`", PAGE))
def test_the_environment_variables_of_the_page_are_read(variable: str) -> None:
    assert variable in {*variables(), "TILED_CONFIG"}
