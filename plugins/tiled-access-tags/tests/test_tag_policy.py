"""Who may do what with nodes that carry tags, and who may change these."""

from __future__ import annotations

import pytest
from tiled_access_tags.definitions import NODE_SCOPES

from tiledkernel.access.policies import AccessPolicy, Modifying, Remembered
from tiledkernel.access.scopes import ALL_SCOPES, ANONYMOUS
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import Forbidden
from tiledkernel.queries import AccessTagsFilter

from .conftest import ANYBODY, OWNER, RULES, admin, node, policy_of, service, user

READ = {"read:metadata", "read:data"}
WRITE = READ | {"write:metadata", "write:data", "create:node"}
SERVICE = "7cfa3a59-6d0e-4b1c-9d43-1b1a31a3c8d8"


def test_the_policy_has_all_abilities(policy) -> None:
    assert isinstance(policy, AccessPolicy)
    assert isinstance(policy, Modifying)
    assert isinstance(policy, Remembered)


# What tags give


def test_a_tag_gives_scopes_to_a_user(may) -> None:
    assert may(user("alice"), "alice_reads") == READ


def test_a_tag_gives_nothing_to_others(may) -> None:
    assert may(user("bob"), "alice_reads") == set()


def test_a_tag_gives_scopes_to_the_members_of_a_group(may) -> None:
    assert may(user("bob"), "physics_data") == WRITE
    assert may(user("cara"), "physics_data") == set()


def test_a_tag_gives_what_those_give_from_which_it_inherits(may) -> None:
    assert may(user("cara"), "open") == WRITE


def test_a_tag_gives_nothing_to_those_who_inherit_from_it_alone(may) -> None:
    assert may(user("cara"), "staff") == WRITE
    assert may(ANYBODY, "staff") == set()


def test_everybody_may_read_what_is_public_and_nothing_else(may) -> None:
    assert may(ANYBODY, "public") == may(user("zoe"), "public") == ANONYMOUS
    assert may(ANYBODY, "open") == ANONYMOUS


def test_what_is_for_everyone_is_for_those_who_have_logged_in(may) -> None:
    assert may(user("zoe"), "members") == may(service(SERVICE), "members") == READ
    assert may(ANYBODY, "members") == set()


def test_the_tags_of_a_node_add_up(may) -> None:
    assert may(user("bob"), "bob_lists", "bob_loads") == READ


def test_a_tag_that_is_not_defined_gives_nothing(may) -> None:
    assert may(user("alice"), "forgotten") == set()


def test_a_node_without_tags_on_record_is_for_administrators(may) -> None:
    assert may(user("alice")) == may(ANYBODY) == set()
    assert may(admin()) == ALL_SCOPES


def test_rules_do_not_restrict_administrators_nor_the_only_user(may) -> None:
    assert may(admin(), "alice_reads") == may(OWNER, "alice_reads") == ALL_SCOPES


def test_an_administrators_key_for_certain_tags_is_restricted(may) -> None:
    key = Viewer(name="root", scopes=ALL_SCOPES, principal=admin().principal, access_tags=frozenset({"staff"}))
    assert may(key, "staff") == set()


def test_the_configuration_can_withhold_scopes() -> None:
    policy = policy_of(RULES, scopes=frozenset({"read:metadata", "write:metadata"}))
    assert policy.allowed_scopes(node("physics_data"), user("bob")) == {"read:metadata", "write:metadata"}
    assert policy.allowed_scopes(node("public"), ANYBODY) == {"read:metadata"}
    assert policy.allowed_scopes(node("user:bob"), user("bob")) == {"read:metadata", "write:metadata"}
    assert policy.allowed_scopes(node(), admin()) == ALL_SCOPES


def test_names_count_at_one_provider() -> None:
    policy = policy_of(RULES, provider="orcid")
    assert policy.allowed_scopes(node("alice_reads"), user("alice", provider="orcid")) == READ
    assert policy.allowed_scopes(node("alice_reads"), user("alice", provider="toy")) == set()
    assert policy.allowed_scopes(node("members"), user("alice", provider="toy")) == READ


def test_a_service_is_named_by_its_uuid() -> None:
    policy = policy_of({"tags": {"raw": {"users": [{"name": SERVICE, "scopes": ["read:data"]}]}}})
    assert policy.allowed_scopes(node("raw"), service(SERVICE)) == {"read:data"}


# What somebody has written


def test_a_node_that_is_written_without_tags_belongs_to_its_writer(policy, may) -> None:
    assert policy.init_node(user("zoe"), None) == {"user:zoe"}
    assert may(user("zoe"), "user:zoe") == NODE_SCOPES
    assert may(user("bob"), "user:zoe") == set()


def test_a_node_that_a_service_writes_belongs_to_the_service(policy, may) -> None:
    assert policy.init_node(service(SERVICE), None) == {f"service:{SERVICE}"}
    assert may(service(SERVICE), f"service:{SERVICE}") == NODE_SCOPES


def test_a_user_with_the_name_of_a_service_does_not_own_its_nodes(may) -> None:
    assert may(user(SERVICE), f"service:{SERVICE}") == set()


def test_what_an_administrator_writes_belongs_to_it(policy) -> None:
    assert policy.init_node(admin("root"), None) == {"user:root"}


def test_what_the_only_user_of_a_server_writes_has_no_tags(policy) -> None:
    assert policy.init_node(OWNER, None) == set()


def test_nothing_can_belong_to_somebody_without_an_id() -> None:
    with pytest.raises(Forbidden, match="'alice' has no id at the provider 'orcid', so nothing can belong to it"):
        policy_of(RULES, provider="orcid").init_node(user("alice"), None)


def test_an_owner_gives_a_new_node_its_tags(policy) -> None:
    assert policy.init_node(user("alice"), frozenset({"physics_data"})) == {"physics_data"}
    assert policy.init_node(user("bob"), frozenset({"physics_data", "user:bob"})) == {"physics_data", "user:bob"}


@pytest.mark.parametrize("tag", ["staff", "forgotten", "user:bob"])
def test_nobody_gives_tags_of_others(policy, tag) -> None:
    """Whether there is such a tag is not told."""
    with pytest.raises(Forbidden) as caught:
        policy.init_node(user("alice"), frozenset({"physics_data", tag}))
    assert str(caught.value) == (
        f"you may not change the access tag {tag!r}: only its owners put it on a node, or take it off; yours are: "
        "'alice_reads', 'physics_data', 'user:alice'"
    )


def test_only_administrators_make_nodes_public(policy) -> None:
    with pytest.raises(Forbidden, match="only administrators make nodes public"):
        policy.init_node(user("alice"), frozenset({"physics_data", "public"}))
    assert policy.init_node(admin(), frozenset({"public"})) == {"public"}


def test_nobody_makes_a_node_that_it_cannot_use(policy) -> None:
    with pytest.raises(Forbidden, match=r"they do not give you the scopes \[write:data, write:metadata\]"):
        policy.init_node(user("alice"), frozenset({"alice_reads"}))


def test_an_empty_list_of_tags_is_for_administrators(policy) -> None:
    with pytest.raises(Forbidden, match="a node without access tags is for administrators only"):
        policy.init_node(user("alice"), frozenset())
    assert policy.init_node(admin(), frozenset()) == set()


def test_a_tag_that_an_administrator_misspells_is_refused(policy) -> None:
    with pytest.raises(Forbidden, match="no access tag 'physics_dat' is defined; did you mean 'physics_data'"):
        policy.init_node(admin(), frozenset({"physics_dat"}))
    assert policy.init_node(admin(), frozenset({"user:zoe"})) == {"user:zoe"}


# What changes


def test_an_owner_puts_a_tag_on_a_node(policy) -> None:
    wanted = frozenset({"user:alice", "alice_reads"})
    assert policy.modify_node(node("user:alice"), user("alice"), wanted) == wanted


def test_a_writer_gives_a_node_away_to_a_group_that_it_belongs_to(policy) -> None:
    wanted = frozenset({"physics_data"})
    assert policy.modify_node(node("user:bob"), user("bob"), wanted) == wanted


def test_a_writer_takes_a_node_back(policy) -> None:
    wanted = frozenset({"user:bob"})
    assert policy.modify_node(node("physics_data"), user("bob"), wanted) == wanted


def test_an_administrator_hands_a_node_over(policy) -> None:
    assert policy.modify_node(node("user:bob"), admin(), frozenset({"user:zoe"})) == {"user:zoe"}


def test_tags_that_stay_need_no_owner(policy) -> None:
    wanted = frozenset({"staff", "physics_data"})
    assert policy.modify_node(node("staff"), user("alice"), wanted) == wanted
    assert policy.modify_node(node("staff"), user("zoe"), frozenset({"staff"})) == {"staff"}


def test_only_owners_take_a_tag_off(policy) -> None:
    with pytest.raises(Forbidden, match="'staff'"):
        policy.modify_node(node("staff", "physics_data"), user("alice"), frozenset({"physics_data"}))


def test_only_administrators_unpublish(policy) -> None:
    with pytest.raises(Forbidden, match="only administrators"):
        policy.modify_node(node("public", "physics_data"), user("alice"), frozenset({"physics_data"}))
    assert policy.modify_node(node("public"), admin(), frozenset({"staff"})) == {"staff"}


def test_nobody_locks_itself_out(policy) -> None:
    with pytest.raises(Forbidden, match="you would not be able to use this node yourself"):
        policy.modify_node(node("user:alice", "alice_reads"), user("alice"), frozenset({"alice_reads"}))


def test_a_tag_that_is_no_longer_defined_can_be_taken_off(policy) -> None:
    assert policy.modify_node(node("forgotten", "staff"), admin(), frozenset({"staff"})) == {"staff"}


# Keys for certain tags


def test_a_key_for_certain_tags_reaches_these_only(may) -> None:
    key = user("alice", access_tags=frozenset({"physics_data"}))
    assert may(key, "physics_data") == may(key, "physics_data", "alice_reads") == WRITE
    assert may(key, "alice_reads") == may(key, "public") == set()


def test_a_key_for_certain_tags_does_not_reach_its_users_own_nodes(may) -> None:
    assert may(user("alice", access_tags=frozenset({"physics_data"})), "user:alice") == set()
    assert may(user("alice", access_tags=frozenset({"user:alice"})), "user:alice") == set()


def test_a_key_does_not_give_what_its_user_does_not_have(may) -> None:
    assert may(user("alice", access_tags=frozenset({"staff"})), "staff") == set()


def test_a_key_for_certain_tags_makes_nodes_with_these_only(policy) -> None:
    key = user("alice", access_tags=frozenset({"physics_data"}))
    assert policy.init_node(key, frozenset({"physics_data"})) == {"physics_data"}
    with pytest.raises(Forbidden, match="give access_tags, of these: 'physics_data'"):
        policy.init_node(key, None)
    with pytest.raises(Forbidden, match="'alice_reads'"):
        policy.init_node(key, frozenset({"physics_data", "alice_reads"}))


# Queries


def test_no_query_is_needed_for_administrators(policy) -> None:
    assert policy.filters(admin(), frozenset({"read:metadata"})) == ()


def test_one_query_finds_what_somebody_may_read(policy) -> None:
    [query] = policy.filters(user("alice"), frozenset({"read:metadata", "read:data"}))
    assert query == AccessTagsFilter(
        ["alice_reads", "members", "open", "physics_data", "public", "user:alice"],
    )


def test_scopes_that_different_tags_give_need_a_query_each(policy) -> None:
    found = policy.filters(user("bob"), frozenset({"read:metadata", "read:data"}))
    assert [set(query.tags) & {"bob_lists", "bob_loads"} for query in found] in (
        [{"bob_lists"}, {"bob_loads"}], [{"bob_loads"}, {"bob_lists"}],
    )  # fmt: skip


def test_a_query_that_nothing_matches_is_for_those_without_any_tag(policy) -> None:
    assert policy.filters(ANYBODY, frozenset({"write:data"})) == (AccessTagsFilter([]),)
