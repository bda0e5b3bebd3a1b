"""docs/configuration.md lists the keys that there are, with their defaults and meanings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tiledkernel.composition import Composition
from tiledkernel.config.environment import variables
from tiledkernel.config.schema import json_schema
from tiledkernel.plugins import discover

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
SCHEMA = json_schema(Composition(discover(third_party=False)))
SECTIONS = {  # heading -> definition in the schema
    "Top level": "Configuration",
    "trees": "Tree",
    "A directory": "DirectoryOptions",
    "authentication": "Authentication",
    "plugins": "PluginChoices",
    "uvicorn": "Uvicorn",
}


def table(definition: dict[str, Any]) -> str:
    """The keys of a part of the configuration, as Markdown."""
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, value in definition["properties"].items():
        resolved = SCHEMA["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
        rows.append(f"| `{key}` | {default(key, value, definition)} | {meaning(key, resolved, definition)} |")
    return "\n".join(rows)


def meaning(key: str, value: dict[str, Any], definition: dict[str, Any]) -> str:
    """What the key's type says, or what the docstring of its Struct says about it."""
    described = [part["description"] for part in (value, *value.get("anyOf", ())) if "description" in part]
    listed = re.findall(rf"^ *- `{key}`: (.+?)\.?$", definition.get("description", ""), re.MULTILINE)
    return [*described, *listed, ""][0].replace("|", "\\|")


def default(key: str, value: dict[str, Any], definition: dict[str, Any]) -> str:
    if key in definition.get("required", ()):
        return "needed"
    return f"`{json.dumps(value['default'])}`" if value.get("default") not in (None, [], (), {}, "") else ""


def section(heading: str) -> str:
    found = re.search(rf"^##+ {re.escape(heading)}$\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no section {heading!r}"
    return found[1]


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_has_the_table_of_its_keys(heading: str) -> None:
    expected = table(SCHEMA["$defs"][SECTIONS[heading]])
    assert expected in section(heading), f"the section {heading!r} must hold this table:\n{expected}"


def test_every_part_of_the_schema_has_a_section() -> None:
    """`Provider` waits for plugins with ways to log in."""
    assert {*SECTIONS.values(), "Provider"} == SCHEMA["$defs"].keys()


@pytest.mark.parametrize("variable", re.findall(r"`((?:TILED|TILEDKERNEL)_[A-Z_]+)`", PAGE))
def test_the_environment_variables_of_the_page_are_read(variable: str) -> None:
    assert variable in {*variables(), "TILED_CONFIG"}
