"""One JSON Schema for the whole configuration, with the options of every installed kind of tree, login and policy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.config.model import AccessControl, Configuration, Provider, Tree
from tiledkernel.records import Authenticator, PolicyKind, TreeKind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFS = "#/$defs/"
Options = dict[str, dict[str, Any]]


def json_schema(composition: Composition) -> dict[str, Any]:
    """The schema; editors that know it complete and check a configuration while it is written."""
    trees = _options(composition.trees.values())
    logins = _options(composition.authenticators.values())
    policies = _options(composition.policies.values())
    (main, tree, provider, access, *found), components = msgspec.json.schema_components(
        [Configuration, Tree, Provider, AccessControl, *trees.values(), *logins.values(), *policies.values()],
        ref_template=f"{_DEFS}{{name}}",
    )
    refs = iter(found)
    for reference, discriminator, kinds, names in (
        (tree, "tree", trees, composition.trees),
        (provider, "authenticator", logins, composition.authenticators),
        (access, "access_policy", policies, composition.policies),
    ):
        _by_name(_component(components, reference), discriminator, {name: next(refs) for name in kinds}, names)
    return {"$schema": DIALECT, "title": "Configuration of tiledkernel", **main, "$defs": components}


def _component(components: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    component: dict[str, Any] = components[reference["$ref"].removeprefix(_DEFS)]
    return component


def _options(records: Iterable[TreeKind | Authenticator | PolicyKind]) -> dict[str, Any]:
    return {record.name: references.load(record.options) for record in records if record.options is not None}


def _by_name(entry: dict[str, Any], discriminator: str, options: Options, names: Iterable[str]) -> None:
    """Say which `args` go with which name."""
    entry["properties"][discriminator]["examples"] = sorted(names)
    rules = [
        {
            "if": {"properties": {discriminator: {"const": name}}, "required": [discriminator]},
            "then": {"properties": {"args": schema}},
        }
        for name, schema in options.items()
    ]
    if rules:
        entry["allOf"] = rules
