"""Decisions follow a service; whatever goes wrong with it denies."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiled_access_service.answers import Answers
from tiled_access_service.policy import ServicePolicy
from tiled_access_service.service import MAX_BYTES

from tiledkernel.access.policies import AccessPolicy, Modifying, Remembered
from tiledkernel.access.scopes import ALL_SCOPES, ANONYMOUS, USER
from tiledkernel.access.viewer import Principal, Viewer
from tiledkernel.config.compose import compose
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.load import load
from tiledkernel.config.security import build_policy
from tiledkernel.errors import ConfigurationError, Forbidden, NotReady
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.search import matches_access_tags_filter
from tiledkernel.queries import AccessTagsFilter

from .conftest import DATA, ENDPOINTS

READ = {"read:metadata", "read:data"}
WRITE = READ | {"write:metadata", "write:data", "create:node"}
LISTED = frozenset({"read:metadata"})
ANYBODY = Viewer(name="public", scopes=ANONYMOUS)
ROOT = Viewer(name="root", scopes=ALL_SCOPES, principal=Principal(uuid="r", identities=(("toy", "root"),)))


def user(name: str, *, access_tags: frozenset[str] | None = None) -> Viewer:
    principal = Principal(uuid=f"uuid of {name}", identities=(("toy", name),), roles=frozenset({"user"}))
    return Viewer(name=name, scopes=USER, principal=principal, access_tags=access_tags)


def node(*tags: str) -> MemoryContainer:
    return MemoryContainer({}, access_tags=tags)


# What it is asked


def test_the_service_is_told_who_asks_about_what(policy, service) -> None:
    policy.allowed_scopes(node("physics", "open"), user("alice"))
    assert service.asked == [
        (
            f"{DATA}tiled/scopes",
            {
                "user": "alice",
                "provider": None,
                "type": "user",
                "principal": "uuid of alice",
                "roles": ["user"],
                "scopes": sorted(USER),
                "restricted_to": None,
                "access_tags": ["open", "physics"],
            },
        )
    ]


@pytest.mark.parametrize(
    ("viewer", "told"),
    [
        (ANYBODY, {"user": None, "type": "public", "principal": None, "roles": []}),
        (
            Viewer(name="s", scopes=USER, principal=Principal(uuid="4d2", type="service")),
            {"user": "4d2", "type": "service"},
        ),
        (user("bob", access_tags=frozenset({"open"})), {"user": "bob", "restricted_to": ["open"]}),
    ],
)
def test_the_service_is_told_what_kind_of_caller_it_is(policy, service, viewer, told) -> None:
    policy.allowed_scopes(node("open"), viewer)
    assert service.asked[0][1].items() >= told.items()


def test_only_ids_of_the_provider_count(make_policy, service) -> None:
    make_policy(provider="orcid").allowed_scopes(node("open"), user("alice"))
    assert service.asked[0][1].items() >= {"user": None, "provider": "orcid", "type": "user"}.items()


def test_a_class_of_a_site_tells_other_things(make_policy, service) -> None:
    class WithToken(ServicePolicy):
        def build_input(self, viewer, question):
            return {"token": viewer.state.get("token"), **question}

    viewer = Viewer(name="alice", scopes=USER, principal=user("alice").principal, state={"token": "t"})
    make_policy(WithToken).filters(viewer, LISTED)
    assert service.asked[-1] == (f"{DATA}tiled/allowed_tags", {"token": "t", "scope": "read:metadata"})


def test_a_token_for_the_service_is_sent_and_told_to_nobody(make_policy, service, caplog) -> None:
    policy = make_policy(token="s3cret")
    service.answer = 401, b"{}", 0.0
    with pytest.raises(NotReady) as caught:
        policy.allowed_scopes(node("open"), user("alice"))
    assert service.headers[0]["authorization"] == "Bearer s3cret"
    assert "s3cret" not in f"{caught.value}{caplog.text}{vars(policy)}{policy!r}"


def test_administrators_are_not_asked_about(policy, service) -> None:
    assert policy.allowed_scopes(node("physics"), ROOT) == ALL_SCOPES
    assert policy.filters(ROOT, LISTED) == ()
    assert policy.init_node(ROOT, frozenset({"x"})) == {"x"}
    assert policy.init_node(ROOT, None) == set()
    assert policy.modify_node(node("x"), ROOT, frozenset({"y"})) == {"y"}
    assert service.asked == []


# What it decides


def test_decisions_are_those_of_the_service(policy) -> None:
    assert policy.allowed_scopes(node("physics"), user("alice")) == WRITE
    assert policy.allowed_scopes(node("physics"), user("bob")) == READ
    assert policy.allowed_scopes(node("physics"), user("zoe")) == set()
    assert policy.allowed_scopes(node("physics", "open"), ANYBODY) == READ
    assert policy.allowed_scopes(node(), user("alice")) == set()


def test_decisions_follow_the_service(policy, service) -> None:
    service.rules = service.rules.replace('"bob"', '"zoe"')
    assert policy.allowed_scopes(node("physics"), user("bob")) == set()
    assert policy.allowed_scopes(node("physics"), user("zoe")) == READ


def test_scopes_that_nobody_knows_are_left_out(policy, service) -> None:
    service.answer = 200, b'{"result": ["read:data", "fly"]}', 0.0
    assert policy.allowed_scopes(node("physics"), user("alice")) == {"read:data"}


def test_lists_show_the_tags_that_give_each_scope(policy) -> None:
    assert policy.filters(user("bob"), LISTED) == (AccessTagsFilter(["open", "physics"]),)
    assert policy.filters(ANYBODY, frozenset({"read:metadata", "write:data"})) == (
        AccessTagsFilter(["open"]),
        AccessTagsFilter([]),
    )


tags = st.frozensets(st.sampled_from(["physics", "open", "lost"]))


people = st.sampled_from([ANYBODY, user("alice"), user("bob"), user("zoe"), ROOT])
keys = st.builds(user, st.just("alice"), access_tags=tags)
wanted = st.frozensets(st.sampled_from(["read:metadata", "read:data", "write:data"]), min_size=1)


@pytest.fixture
def policies(make_policy) -> dict[bool | None, ServicePolicy]:
    """A policy for each thing that can be said about nodes without tags."""
    return {public: make_policy(empty_access_tags_public=public, cache_seconds=60) for public in (None, True, False)}


@given(tags, people | keys, wanted, st.sampled_from([None, True, False]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lists_and_decisions_agree(policies, on_record, viewer, scopes, public) -> None:
    policy = policies[public]
    allowed = scopes <= policy.allowed_scopes(node(*on_record), viewer)
    queries = policy.filters(viewer, scopes)
    if queries is not None:  # else each node is asked about
        assert all(matches_access_tags_filter(query, "", node(*on_record)) for query in queries) == allowed


# Nodes without tags


def test_nodes_without_tags_may_be_public(make_policy, service) -> None:
    policy = make_policy(empty_access_tags_public=True)
    assert policy.allowed_scopes(node(), ANYBODY) == ANONYMOUS
    assert policy.filters(ANYBODY, LISTED) is None
    assert policy.filters(ANYBODY, frozenset({"write:data"})) == (AccessTagsFilter([]),)
    assert all(question["access_tags"] for path, question in service.asked if path.endswith("scopes"))


def test_nodes_without_tags_may_be_for_administrators(make_policy, service) -> None:
    policy = make_policy(empty_access_tags_public=False)
    assert policy.allowed_scopes(node(), user("alice")) == set()
    assert service.asked == []


def test_the_service_may_decide_about_nodes_without_tags(policy, service) -> None:
    service.answer = 200, b'{"result": ["read:metadata"]}', 0.0
    assert policy.allowed_scopes(node(), ANYBODY) == {"read:metadata"}
    assert policy.filters(ANYBODY, LISTED) is None


# New nodes, and changes


def test_the_service_decides_about_the_tags_of_new_nodes(policy, service) -> None:
    assert policy.init_node(user("alice"), frozenset({"physics"})) == {"physics"}
    assert service.asked[-1][1].items() >= {"access_tags": ["physics"], "former_access_tags": []}.items()
    with pytest.raises(Forbidden, match="does not let you give this node the access tags 'physics'"):
        policy.init_node(user("bob"), frozenset({"physics"}))
    with pytest.raises(Forbidden, match="no access tags"):
        policy.init_node(user("bob"), None)


def test_the_service_may_choose_the_tags(policy, service) -> None:
    service.answer = 200, b'{"result": ["inbox"]}', 0.0
    assert policy.init_node(user("bob"), None) == {"inbox"}


def test_changes_are_asked_about_like_new_nodes(policy, service) -> None:
    wanted = frozenset({"open"})
    assert policy.modify_node(node("physics"), user("alice"), wanted) == wanted
    assert service.asked[-1][0] == f"{DATA}tiled/create_node"
    assert service.asked[-1][1].items() >= {"access_tags": ["open"], "former_access_tags": ["physics"]}.items()


def test_changes_may_have_an_endpoint_of_their_own(make_policy, service) -> None:
    service.rules += "\ndefault modify_node := true\n"
    policy = make_policy(modify_node_endpoint="/tiled/modify_node")
    assert policy.modify_node(node("physics"), user("zoe"), frozenset({"lost"})) == {"lost"}


def test_tags_that_stay_are_not_asked_about(policy, service) -> None:
    assert policy.modify_node(node("physics"), user("zoe"), frozenset({"physics"})) == {"physics"}
    assert service.asked == []


# Keys for certain tags


def test_a_key_for_certain_tags_reaches_these_only(policy, service) -> None:
    key = user("alice", access_tags=frozenset({"open"}))
    assert policy.allowed_scopes(node("physics", "open"), key) == WRITE
    assert service.asked[-1][1]["access_tags"] == ["open"]
    assert policy.allowed_scopes(node("physics"), key) == policy.allowed_scopes(node(), key) == set()
    assert policy.filters(key, LISTED) == (AccessTagsFilter(["open"]),)


def test_a_key_for_certain_tags_gives_no_others(policy, service) -> None:
    key = user("alice", access_tags=frozenset({"open"}))
    assert policy.init_node(key, frozenset({"open"})) == {"open"}
    for wanted in (frozenset({"open", "physics"}), frozenset({"physics"})):
        with pytest.raises(Forbidden, match="this credential is restricted to the access tags 'open'"):
            policy.init_node(key, wanted)
    service.answer = 200, b'{"result": true}', 0.0
    with pytest.raises(Forbidden, match="it cannot give a node no access tags"):
        policy.modify_node(node("open"), key, frozenset())


# What goes wrong


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"{}"),
        (200, b""),
        (200, b"\xff"),
        (200, b'{"result": null}'),
        (200, b'{"result": true}'),
        (200, b'{"result": "read:data"}'),
        (200, b'{"result": {"read:data": true}}'),
        (200, b'{"result": [1]}'),
        (200, b'["read:data"]'),
        (200, b'{"result": ["read:data"'),
        (200, b'{"result": ["' + b"x" * MAX_BYTES + b'"]}'),
        (301, b'{"result": ["read:data"]}'),
        (400, b'{"result": ["read:data"]}'),
        (500, b'{"result": ["read:data"]}'),
    ],
)
def test_nonsense_allows_nothing(policy, service, status, body, caplog) -> None:
    service.answer = status, body, 0.0
    with pytest.raises(NotReady, match="gives no answer that makes sense"):
        policy.allowed_scopes(node("open"), user("alice"))
    with pytest.raises(NotReady):
        policy.filters(user("alice"), LISTED)
    assert f"{service.url}tiled/scopes answers nonsense" in caplog.text


@pytest.mark.parametrize("body", [b"{}", b'{"result": "yes"}', b'{"result": 1}', b'{"result": null}'])
def test_nonsense_makes_no_node(policy, service, body) -> None:
    service.answer = 200, body, 0.0
    with pytest.raises(NotReady):
        policy.init_node(user("alice"), frozenset({"open"}))


def test_a_rule_that_is_not_defined_is_explained(make_policy, caplog) -> None:
    with pytest.raises(NotReady):
        make_policy(scopes_endpoint="tiled/scope").allowed_scopes(node("open"), user("alice"))
    assert "an undefined rule? give it a default" in caplog.text


def test_a_service_that_is_down_allows_nothing_until_it_is_back(policy, service) -> None:
    assert policy.allowed_scopes(node("open"), ANYBODY) == READ
    service.stop()
    with pytest.raises(NotReady, match="does not answer") as caught:
        policy.allowed_scopes(node("open"), ANYBODY)
    assert (caught.value.status, caught.value.headers) == (503, {"retry-after": "1"})
    service.start()
    time.sleep(1.1)
    assert policy.allowed_scopes(node("open"), ANYBODY) == READ


def test_a_service_that_is_silent_is_not_waited_for_by_everybody(make_policy, service) -> None:
    policy = make_policy(timeout=0.2)
    service.answer = 200, b'{"result": []}', 1.0
    start = time.monotonic()
    for name in ("alice", "bob", "zoe"):
        with pytest.raises(NotReady):
            policy.allowed_scopes(node("open"), user(name))
    assert time.monotonic() - start < 0.9
    assert len(service.asked) == 1


def test_the_address_of_the_service_is_in_the_log_only(policy, service, caplog) -> None:
    service.stop()
    with caplog.at_level(logging.ERROR), pytest.raises(NotReady) as caught:
        policy.allowed_scopes(node("open"), ANYBODY)
    service.start()
    assert str(service.port) in caplog.text
    assert "127.0.0.1" not in str(caught.value)


# What is remembered


def test_an_answer_holds_for_a_moment(make_policy, service) -> None:
    policy = make_policy(cache_seconds=60)
    for _ in range(5):
        policy.allowed_scopes(node("open"), user("alice"))
        policy.filters(user("alice"), LISTED)
    policy.allowed_scopes(node("open"), user("bob"))
    assert len({json.dumps(question) for question in service.asked}) == len(service.asked)


def test_an_answer_does_not_hold_for_long(make_policy, service) -> None:
    policy = make_policy(cache_seconds=0.3)
    policy.allowed_scopes(node("physics"), user("bob"))
    service.rules = service.rules.replace('"bob"', '"zoe"')
    time.sleep(0.35)
    assert policy.allowed_scopes(node("physics"), user("bob")) == set()


def test_changes_are_never_answered_from_memory(make_policy, service) -> None:
    policy = make_policy(cache_seconds=60)
    policy.init_node(user("alice"), frozenset({"open"}))
    policy.init_node(user("alice"), frozenset({"open"}))
    assert len(service.asked) == 2


def test_an_answer_to_a_question_of_a_former_period_is_not_kept() -> None:
    answers = Answers(60.0)
    answers.put(b"q", 1, time.monotonic() - 60)
    assert answers.get(b"q") is None


def test_decisions_may_take_long_so_they_are_not_made_on_the_event_loop(policy) -> None:
    assert isinstance(policy, AccessPolicy)
    assert isinstance(policy, Modifying)
    assert not isinstance(policy, Remembered)


def test_connections_are_shared_by_threads(policy, service) -> None:
    names = [f"user{number}" for number in range(40)]
    together = threading.Barrier(4)

    def ask(name: str) -> None:
        if name in names[:4]:
            together.wait()
        policy.allowed_scopes(node("open"), user(name))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, names))
    assert len(service.asked) == 40
    assert service.connections <= 4


def test_a_policy_can_be_closed_and_asked_again(policy, service) -> None:
    policy.allowed_scopes(node("open"), user("alice"))
    policy.close()
    assert policy.allowed_scopes(node("open"), user("alice")) == WRITE
    assert service.connections == 2


# The configuration


def configured(name: str, args: dict) -> AccessPolicy | None:
    trees = [{"path": "/", "tree": "tiledkernel.examples.generated_minimal:tree"}]
    loaded = load({"trees": trees, "access_control": {"access_policy": name, "args": args}})
    return build_policy(loaded, compose(loaded))


@pytest.mark.parametrize("name", ["service", "tiled.access_control.access_policies:ExternalPolicyDecisionPoint"])
def test_the_policy_goes_by_the_names_that_it_has(name, service) -> None:
    policy = configured(name, {"authorization_provider": service.url, **ENDPOINTS, "provider": "toy"})
    assert isinstance(policy, ServicePolicy)
    assert policy.allowed_scopes(node("open"), user("alice")) == WRITE
    policy.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"authorization_provider": "127.0.0.1:8181"}, "expected where the service is, such as"),
        ({"authorization_provider": "http://me:pw@host/"}, "a password belongs into 'token'"),
        ({"scopes_endpoint": ""}, "expected `str` of length >= 1"),
        ({"cache_seconds": -1}, "expected `float` >= 0"),
        ({"timeout": 0}, "expected `float` > 0"),
        ({"scope_endpoint": "x"}, "unknown key; did you mean 'scopes_endpoint'"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(change, message) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        configured("service", {"authorization_provider": "http://127.0.0.1:1/", **ENDPOINTS, **change})
    assert message in str(caught.value)


def test_a_site_that_makes_a_policy_itself_is_told_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="missing required field `scopes_endpoint`"):
        ServicePolicy(authorization_provider="http://127.0.0.1:1/")
