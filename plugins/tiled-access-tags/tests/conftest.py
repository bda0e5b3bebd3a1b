"""Rules, people and nodes for the tests of access tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from tiled_access_tags.definitions import definitions_in
from tiled_access_tags.policy import TagPolicy
from tiled_access_tags.rules import compile_rules

from tiledkernel.access.scopes import ALL_SCOPES, ANONYMOUS, USER
from tiledkernel.access.viewer import Principal, Viewer
from tiledkernel.config.document import Document
from tiledkernel.families.container.memory import MemoryContainer

RULES = """
roles:
  reader: {scopes: ["read:metadata", "read:data"]}
  writer: {scopes: ["read:metadata", "read:data", "write:metadata", "write:data", "create:node"]}
groups:
  physics: [alice, bob]
tags:
  physics_data:
    groups: [{name: physics, role: writer}]
  alice_reads:
    users: [{name: alice, role: reader}]
  bob_lists:
    users: [{name: bob, scopes: ["read:metadata"]}]
  bob_loads:
    users: [{name: bob, scopes: ["read:data"]}]
  open:
    auto_tags: [public, staff]
  members:
    everyone: {role: reader}
  staff:
    users: [{name: cara, role: writer}]
tag_owners:
  physics_data: {users: [alice], groups: [physics]}
  alice_reads: {users: [alice]}
  staff: {users: [{name: cara}]}
"""


def user(name: str, *, provider: str = "toy", access_tags: frozenset[str] | None = None) -> Viewer:
    """Somebody who has logged in."""
    principal = Principal(uuid=f"uuid of {name}", identities=((provider, name),))
    return Viewer(name=name, scopes=USER, principal=principal, access_tags=access_tags)


def service(uuid: str) -> Viewer:
    return Viewer(name=uuid, scopes=USER, principal=Principal(uuid=uuid, type="service"))


def admin(name: str = "root") -> Viewer:
    principal = Principal(uuid=f"uuid of {name}", identities=(("toy", name),))
    return Viewer(name=name, scopes=ALL_SCOPES, principal=principal)


ANYBODY = Viewer(name="public", scopes=ANONYMOUS)
OWNER = Viewer(name="(singleuser)", scopes=ALL_SCOPES, is_owner=True)


def policy_of(data: dict[str, Any] | str, **options: Any) -> TagPolicy:
    """The policy of rules, as YAML or as data."""
    given = yaml.safe_load(data) if isinstance(data, str) else data
    scopes = {"scopes": options.pop("scopes")} if "scopes" in options else {}
    return TagPolicy(compile_rules(definitions_in(Document(data=given)), **scopes), **options)


def node(*tags: str) -> MemoryContainer:
    """A node with these tags on record."""
    return MemoryContainer({}, access_tags=tags)


@pytest.fixture
def policy() -> TagPolicy:
    return policy_of(RULES)


@pytest.fixture
def may(policy: TagPolicy) -> Callable[..., set[str]]:
    """`may(viewer, *tags)`: what somebody may do with a node."""
    return lambda viewer, *tags: set(policy.allowed_scopes(node(*tags), viewer))
