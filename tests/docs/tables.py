"""The keys of a YAML file as tables, made of its JSON Schema."""

from __future__ import annotations

import json
import re
from typing import Any


def table(part: str, schema: dict[str, Any]) -> str:
    """The keys of one part, a definition in the schema, as Markdown."""
    definition = schema["$defs"][part]
    rows = ["| key | default | meaning |", "|---|---|---|"]
    for key, value in definition["properties"].items():
        resolved = schema["$defs"][reference(value)] if reference(value) else value
        rows.append(f"| `{key}` | {default(key, value, definition)} | {meaning(key, resolved, definition)} |")
    return "\n".join(rows)


def reference(value: dict[str, Any]) -> str:
    """The definition that a value refers to, if any."""
    found = [part["$ref"] for part in (value, *value.get("anyOf", ())) if "$ref" in part]
    return found[0].rpartition("/")[2] if found else ""


def meaning(key: str, value: dict[str, Any], definition: dict[str, Any]) -> str:
    """What the key's type says, or what the docstring of its Struct says about it."""
    described = [part["description"] for part in (value, *value.get("anyOf", ())) if "description" in part]
    listed = re.findall(rf"^ *- `{key}`: (.+?)\.?$", definition.get("description", ""), re.MULTILINE)
    return [*described, *listed, ""][0].replace("|", "\\|")


def default(key: str, value: dict[str, Any], definition: dict[str, Any]) -> str:
    if key in definition.get("required", ()):
        return "needed"
    return f"`{json.dumps(value['default'])}`" if value.get("default") not in (None, [], (), {}, "") else ""


def section(page: str, heading: str) -> str:
    """What stands below a heading."""
    found = re.search(rf"^##+ {re.escape(heading)}$\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no section {heading!r}"
    return found[1]
