"""The JSON Schema of files with profiles."""

from __future__ import annotations

from typing import Any

import msgspec

from tiledkernel.client.profiles.model import Profile

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema; editors that know it complete and check profiles while they are written."""
    (profile,), components = msgspec.json.schema_components([Profile], ref_template="#/$defs/{name}")
    exactly_one = [{"required": ["uri"]}, {"required": ["direct"]}]
    return {
        "$schema": DIALECT,
        "title": "Profiles of tiledkernel and Tiled",
        "type": "object",
        "additionalProperties": {**profile, "oneOf": exactly_one},
        "$defs": components,
    }
