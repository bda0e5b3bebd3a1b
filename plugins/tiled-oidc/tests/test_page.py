"""docs/oidc.md shows configurations that can be used, and lists the options that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tiled_oidc import register_authenticators
from tiled_oidc.options import LoginOptions, ProxiedOptions

from tiledkernel import references

PAGE = (Path(__file__).parents[3] / "docs" / "oidc.md").read_text(encoding="utf-8")
RECORDS = {record.name: record for record in register_authenticators()}
SHOWN = [
    provider
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for provider in yaml.safe_load(block)["authentication"]["providers"]
]


def rows(options: type[msgspec.Struct]) -> list[str]:
    """A row for each option."""
    definition = msgspec.json.schema(options)["$defs"][options.__name__]
    return [row(key, value, needed=key in definition["required"]) for key, value in definition["properties"].items()]


def row(key: str, value: dict[str, Any], *, needed: bool) -> str:
    described = [part["description"] for part in (value, *value.get("anyOf", ())) if "description" in part]
    default = f"`{json.dumps(value['default'])}`" if value.get("default") not in (None, [], {}, "") else ""
    return f"| `{key}` | {'needed' if needed else default} | {described[0]} |"


@pytest.mark.parametrize("provider", SHOWN, ids=lambda provider: provider["authenticator"])
def test_every_provider_of_the_page_can_be_configured_so(provider) -> None:
    record = RECORDS[provider["authenticator"]]
    assert msgspec.convert(provider["args"], references.load(record.options))


def test_every_kind_has_an_example() -> None:
    assert {provider["authenticator"] for provider in SHOWN} == RECORDS.keys()


def test_the_options_of_logins_are_listed() -> None:
    assert "\n".join(rows(LoginOptions)) in PAGE, "\n".join(rows(LoginOptions))


def test_the_options_of_bearer_tokens_are_listed() -> None:
    own = [each for each in rows(ProxiedOptions) if each not in rows(LoginOptions)]
    assert "\n".join(own) in PAGE, "\n".join(own)
