"""docs/profiles.md lists the keys that there are, with their defaults and meanings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiledkernel.client.profiles.directories import SITE, USER
from tiledkernel.client.profiles.schema import json_schema

from .tables import section, table

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
SCHEMA = json_schema()
SECTIONS = {"Keys": "Profile", "cache": "CacheSettings", "timeout": "TimeoutSettings"}  # heading -> definition


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_has_the_table_of_its_keys(heading: str) -> None:
    expected = table(SECTIONS[heading], SCHEMA)
    assert expected in section(PAGE, heading), f"the section {heading!r} must hold this table:\n{expected}"


def test_every_part_of_the_schema_has_a_section() -> None:
    assert set(SECTIONS.values()) == SCHEMA["$defs"].keys()


def test_the_variables_that_name_directories_are_on_the_page() -> None:
    assert all(f"`{name}`" in PAGE for name in (SITE, USER))
