"""The JSON Schema says what the loader accepts."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import msgspec
import pytest
from msgspec import Struct

from tiledkernel import TreeKind, hookimpl
from tiledkernel.composition import Composition
from tiledkernel.config.model import Configuration
from tiledkernel.config.schema import json_schema
from tiledkernel.plugins import discover


class Tree(Struct):
    """Options that are called like a Struct of the kernel."""

    beamline: int


class Plugin:
    @staticmethod
    @hookimpl
    def register_trees():
        return [TreeKind(name="lab", build="m:o", options=f"{__name__}:TREE")]


@pytest.fixture
def schema():
    return json_schema(Composition(discover(third_party=False)))


def test_it_is_json_and_says_in_which_dialect(schema):
    plain = msgspec.json.decode(msgspec.json.encode(schema))
    assert plain["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert plain["$ref"] == "#/$defs/Configuration"


def test_every_top_level_key_is_there_and_no_other_is_allowed(schema):
    top = schema["$defs"]["Configuration"]
    assert list(top["properties"]) == list(Configuration.__struct_fields__)
    assert top["additionalProperties"] is False


def test_the_options_of_a_kind_belong_to_its_name(schema):
    (rule,) = schema["$defs"]["Tree"]["allOf"]
    assert rule["if"]["properties"] == {"tree": {"const": "directory"}}
    assert rule["then"]["properties"]["args"] == {"$ref": "#/$defs/DirectoryOptions"}
    assert "path" in schema["$defs"]["DirectoryOptions"]["required"]


def test_a_plugin_may_call_its_options_like_a_part_of_the_kernel(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, SimpleNamespace(TREE=Tree))
    schema = json_schema(Composition(discover(third_party=False, extra={"lab": Plugin})))
    entry = next(
        part for part in schema["$defs"].values() if "path" in part["properties"] and "tree" in part["properties"]
    )
    assert [rule["if"]["properties"]["tree"]["const"] for rule in entry["allOf"]] == ["directory", "lab"]


def test_every_reference_leads_somewhere(schema):
    text = msgspec.json.encode(schema).decode()
    named = {part.partition('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert named <= set(schema["$defs"])


@pytest.mark.parametrize("section", ["Configuration", "Tree", "Provider", "Authentication", "PluginChoices", "Uvicorn"])
def test_every_section_says_what_it_is(schema, section):
    assert schema["$defs"][section]["description"]
