"""Lists, single decisions and explanations agree, and with what the rules mean when they are read one by one."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tiled_access_tags.definitions import NODE_SCOPES
from tiled_access_tags.explaining import verdicts

from tiledkernel.access.scopes import ALL_SCOPES
from tiledkernel.access.viewer import Viewer
from tiledkernel.nodes.search import matches_access_tags_filter

from .conftest import ANYBODY, OWNER, admin, node, policy_of, service, user

TAGS = ["a", "b", "c", "d"]
USERS = ["alice", "bob"]
GROUPS = ["g", "h"]
SCOPES = ["read:metadata", "read:data", "write:metadata"]
READ = frozenset({"read:metadata", "read:data"})

scopes = st.lists(st.sampled_from(SCOPES), unique=True)
conferred = st.one_of(st.fixed_dictionaries({"scopes": scopes}), st.just({"role": "r"}))


def grants(names: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.builds(lambda name, what: {"name": name, **what}, st.sampled_from(names), conferred), max_size=3)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Rules without mistakes; a tag inherits from those after it, so that there are no circles."""
    tags = {
        tag: {
            "users": draw(grants(USERS)),
            "groups": draw(grants(GROUPS)),
            **({"everyone": draw(conferred)} if draw(st.booleans()) else {}),
            "auto_tags": draw(st.lists(st.sampled_from(["public", *TAGS[position + 1 :]]), unique=True)),
        }
        for position, tag in enumerate(TAGS)
    }
    members = {group: draw(st.lists(st.sampled_from(USERS), unique=True)) for group in GROUPS}
    return {"roles": {"r": {"scopes": draw(scopes)}}, "groups": members, "tags": tags}


def given_by(rules: dict[str, Any], tag: str, viewer: Viewer) -> frozenset[str]:
    """What one tag gives, by its own entries and those from which it inherits; read straight from the rules."""
    if tag == "public":
        return READ
    if tag not in rules["tags"]:
        return frozenset()
    rule, name = rules["tags"][tag], viewer.principal and viewer.principal.id_at(None)
    found = [grant for grant in rule["users"] if grant["name"] == name]
    found += [grant for grant in rule["groups"] if name in rules["groups"][grant["name"]]]
    found += [rule["everyone"]] if "everyone" in rule and viewer.principal else []
    own = [what["scopes"] if "scopes" in what else rules["roles"]["r"]["scopes"] for what in found]
    return frozenset().union(*own, *(given_by(rules, parent, viewer) for parent in rule["auto_tags"]))


def meant(rules: dict[str, Any], tags: frozenset[str], viewer: Viewer) -> frozenset[str]:
    if viewer.administers:
        return ALL_SCOPES
    reached = tags if viewer.access_tags is None else tags & viewer.access_tags
    name = viewer.principal and viewer.principal.id_at(None)
    own = viewer.principal and f"{viewer.principal.type}:{name}"
    written = NODE_SCOPES if own in reached and viewer.access_tags is None else frozenset()
    return frozenset().union(written, *(given_by(rules, tag, viewer) for tag in reached))


on_record = st.frozensets(st.sampled_from([*TAGS, "public", "user:alice", "service:s", "forgotten"]), max_size=3)
people = st.one_of(
    st.sampled_from([ANYBODY, OWNER, admin("alice"), service("s"), user("alice"), user("bob"), user("zoe")]),
    st.builds(user, st.sampled_from([*USERS, "zoe"]), access_tags=on_record),
)
wanted = st.frozensets(st.sampled_from([*SCOPES, "delete:node", "metrics"]))


@given(rules(), on_record, people)
def test_decisions_are_what_the_rules_mean(rules, tags, viewer) -> None:
    assert policy_of(rules).allowed_scopes(node(*tags), viewer) == meant(rules, tags, viewer)


@given(rules(), st.lists(on_record, min_size=1, max_size=6), people, wanted)
def test_queries_find_the_nodes_with_which_something_is_allowed(rules, nodes, viewer, scopes) -> None:
    policy = policy_of(rules)
    queries = policy.filters(viewer, scopes)
    for tags in nodes:
        found = all(matches_access_tags_filter(query, "key", node(*tags)) for query in queries)
        assert found == (scopes <= policy.allowed_scopes(node(*tags), viewer))


@given(rules(), on_record, people)
def test_explanations_tell_what_is_decided(rules, tags, viewer) -> None:
    policy = policy_of(rules)
    told = verdicts(policy, viewer, tags)
    given = {verdict.scope for verdict in told if verdict.given}
    assert given == policy.allowed_scopes(node(*tags), viewer) & viewer.scopes & NODE_SCOPES
    assert all(verdict.reasons for verdict in told)
