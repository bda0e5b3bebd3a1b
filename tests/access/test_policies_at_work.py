"""Making, changing, reading and deleting nodes where an access policy has a say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tiledkernel.access.scopes import (
    ALL_SCOPES,
    CREATE_NODE,
    READ_DATA,
    READ_METADATA,
    REGISTER,
    USER,
    WRITE_METADATA,
)
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import Forbidden
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.queries import AccessTagsFilter

from .conftest import viewer

READ = frozenset({READ_METADATA, READ_DATA})
ARRAY = {
    "structure_family": "array",
    "management": "writable",
    "structure": {
        "data_type": {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None},
        "chunks": [[3]],
        "shape": [3],
    },
}


class Rules:
    """Who -> tag -> scopes; who may give which tags. `tell` changes its mind."""

    def __init__(self, **given: dict[str, frozenset[str]]) -> None:
        self.given = given
        self.version = 0

    def tell(self, **given: dict[str, frozenset[str]]) -> None:
        self.given = given
        self.version += 1

    def revision(self) -> int:
        return self.version

    def allowed_scopes(self, node: Any, viewer: Viewer) -> frozenset[str]:
        if viewer.administers:
            return ALL_SCOPES
        mine = self.given.get(viewer.name, {})
        return frozenset().union(*(mine.get(tag, frozenset()) for tag in node.access_tags))

    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> list[Any]:
        if viewer.administers:
            return []
        mine = self.given.get(viewer.name, {})
        return [AccessTagsFilter([tag for tag, given in mine.items() if scope in given]) for scope in scopes]

    def init_node(self, viewer: Viewer, access_tags: frozenset[str] | None) -> frozenset[str]:
        if access_tags is None:
            return frozenset({f"user:{viewer.name}"})
        if not viewer.administers and not access_tags <= self.given.get(viewer.name, {}).keys():
            raise Forbidden(f"you may not give the tags {sorted(access_tags)}")
        return access_tags


VIEWERS = {
    "alice": viewer("alice"),
    "bob": viewer("bob"),
    "root": viewer("root", scopes=ALL_SCOPES),
}


@pytest.fixture
def rules() -> Rules:
    return Rules(
        alice={"user:alice": ALL_SCOPES, "team": ALL_SCOPES, "seen": frozenset({READ_METADATA})},
        bob={"user:bob": ALL_SCOPES, "team": READ},
        public={"open": READ},
    )


@pytest.fixture
def server(serve: Callable[..., Any], catalog: Any, rules: Rules) -> Any:
    return serve(catalog, rules, VIEWERS)


def make(server: Any, who: str, path: str = "", **node: Any) -> Any:
    answer = server.ask(who, "POST", f"metadata/{path}", json={"structure_family": "container", **node})
    assert answer.status_code == 200, answer.text
    return answer.json()


def keys(server: Any, who: str | None, path: str = "") -> list[str]:
    return [item["id"] for item in server.get(who, f"search/{path}").json()["data"]]


def test_what_one_makes_without_tags_is_ones_own(server) -> None:
    made = make(server, "alice", id="mine")
    assert made["access_tags"] == ["user:alice"]
    assert (keys(server, "alice"), keys(server, "bob"), keys(server, None)) == (["mine"], [], [])
    assert server.get("bob", "metadata/mine").status_code == 404
    assert server.get("alice", "metadata/mine").json()["data"]["attributes"]["access_tags"] == ["user:alice"]
    assert keys(server, "root") == ["mine"]


def test_counts_follow_what_comes_and_goes(server) -> None:
    def counted() -> tuple[int, int]:
        listing, root = server.get("alice", "search/").json(), server.get("alice", "metadata/").json()
        return listing["meta"]["count"], root["data"]["attributes"]["structure"]["count"]

    assert counted() == (0, 0)
    make(server, "alice", id="mine")
    make(server, "root", id="not", access_tags=["secret"])
    assert counted() == (1, 1)
    server.ask("alice", "DELETE", "metadata/mine")
    assert counted() == (0, 0)


def test_tags_that_one_may_not_give_are_refused_and_nothing_is_made(server) -> None:
    answer = server.ask("bob", "POST", "metadata/", json={"structure_family": "container", "access_tags": ["open"]})
    assert (answer.status_code, answer.json()["detail"]) == (403, "you may not give the tags ['open']")
    assert keys(server, "root") == []


def test_what_may_be_seen_but_not_changed_is_403_and_names_the_scope(server) -> None:
    make(server, "alice", id="ours", access_tags=["team"])
    answer = server.ask("bob", "PUT", "metadata/ours", json={"metadata": {"a": 1}})
    assert answer.status_code == 403
    assert "denies the scopes [write:metadata]" in answer.json()["detail"]
    assert server.ask("bob", "DELETE", "metadata/ours").status_code == 403
    below = server.ask("bob", "POST", "metadata/ours", json={"structure_family": "container"})
    assert below.status_code == 403
    assert "[create:node, write:metadata]" in below.json()["detail"]
    assert server.ask("alice", "PUT", "metadata/ours", json={"metadata": {"a": 1}}).status_code == 200


def test_what_may_not_be_seen_is_404_whatever_is_asked(server) -> None:
    make(server, "alice", id="mine")
    make(server, "alice", "mine", id="a", structure_family="array", data_sources=[ARRAY])
    requests = [
        ("GET", "metadata/mine"), ("GET", "search/mine"), ("GET", "search-deep/mine"), ("GET", "distinct/mine"),
        ("GET", "container/full/mine?format=json"), ("GET", "revisions/mine"), ("GET", "metadata/mine/a"),
        ("GET", "array/full/mine/a"), ("GET", "array/block/mine/a?block=0"), ("PUT", "array/full/mine/a"),
        ("PUT", "metadata/mine"), ("PATCH", "metadata/mine"), ("POST", "metadata/mine"), ("DELETE", "metadata/mine"),
        ("DELETE", "revisions/mine?number=1"), ("GET", "asset/bytes/mine/a?id=1"), ("DELETE", "asset/mine/a?id=1"),
    ]  # fmt: skip
    for method, path in requests:
        wanted = {"structure_family": "container", "content-type": "application/merge-patch+json"}
        body = {"json": wanted} if method in ("POST", "PATCH", "PUT") else {}
        there = server.ask("bob", method, path, **body)
        other = server.ask("bob", method, path.replace("mine", "none"), **body)
        assert (there.status_code, other.status_code) == (404, 404), (method, path)
        assert there.json()["detail"].replace("mine", "none") == other.json()["detail"]


def test_a_key_that_a_hidden_node_has_is_taken(server) -> None:
    make(server, "alice", id="mine")
    assert (
        server.ask("bob", "POST", "metadata/", json={"structure_family": "container", "id": "mine"}).status_code == 409
    )


def test_data_need_a_scope_of_their_own(server) -> None:
    make(server, "root", id="a", structure_family="array", data_sources=[ARRAY], access_tags=["seen"])
    assert server.get("alice", "metadata/a").status_code == 200
    answer = server.get("alice", "array/full/a")
    assert answer.status_code == 403
    assert "denies the scopes [read:data]" in answer.json()["detail"]
    assert server.get("root", "array/full/a").status_code == 200
    assert "a" not in (server.get("alice", "container/full/", params={"format": "json"}).json()["contents"] or {})


def test_a_hidden_container_hides_what_is_in_it(server) -> None:
    make(server, "alice", id="mine")
    make(server, "root", "mine", id="public", access_tags=["open"])
    assert server.get(None, "metadata/mine/public").status_code == 404
    assert server.get(None, "search-deep/").json()["data"] == []
    assert server.get("alice", "search/mine").json()["data"] == []


def test_tags_change_only_as_the_policy_lets_them(server) -> None:
    make(server, "alice", id="n", access_tags=["team"])
    answer = server.ask("alice", "PUT", "metadata/n", json={"access_tags": ["open"]})
    assert answer.status_code == 403
    patch = {
        "content-type": "application/json-patch+json",
        "access_tags": [{"op": "add", "path": "/-", "value": "seen"}],
    }
    answer = server.ask("alice", "PATCH", "metadata/n", json=patch)
    assert (answer.status_code, answer.json()) == (200, {"id": "n"})
    assert server.get("alice", "metadata/n").json()["data"]["attributes"]["access_tags"] == ["seen", "team"]
    assert server.ask("alice", "PUT", "metadata/n", json={"access_tags": ["user:alice"]}).status_code == 200
    assert server.get("bob", "metadata/n").status_code == 404


def test_nothing_is_deleted_that_one_may_not_delete_seen_or_not(server) -> None:
    make(server, "alice", id="ours", access_tags=["team"])
    make(server, "alice", "ours", id="mine")
    make(server, "root", "ours/mine", id="deep", access_tags=["secret"])
    for recursive in ("ours", "ours/mine"):
        answer = server.ask("alice", "DELETE", f"metadata/{recursive}?recursive=true")
        assert answer.status_code == 403
        assert "something lies below that you may not delete" in answer.json()["detail"]
    assert server.get("root", "metadata/ours/mine/deep").status_code == 200
    assert server.ask("root", "DELETE", "metadata/ours/mine/deep").status_code == 200
    assert server.ask("alice", "DELETE", "metadata/ours?recursive=true").status_code == 200


def test_a_change_of_the_rules_is_followed_at_once(server, rules) -> None:
    make(server, "alice", id="ours", access_tags=["team"])
    assert server.get("bob", "metadata/ours").status_code == 200
    rules.tell(alice={"team": ALL_SCOPES})
    assert server.get("bob", "metadata/ours").status_code == 404
    assert keys(server, "bob") == []


def test_a_credential_confers_no_more_than_its_own_scopes(serve, catalog, rules) -> None:
    server = serve(catalog, rules, VIEWERS | {"weak": viewer("alice", scopes=READ)})
    make(server, "alice", id="ours", access_tags=["team"])
    assert server.get("weak", "metadata/ours").status_code == 200
    assert server.ask("weak", "PUT", "metadata/ours", json={"metadata": {}}).status_code == 401


def test_registering_needs_its_scope_of_the_policy_too(serve, catalog, tmp_path) -> None:
    rules = Rules(alice={"team": USER}, eve={"team": USER | {REGISTER}})
    server = serve(catalog, rules, VIEWERS | {"eve": viewer("eve", scopes=USER | {REGISTER})})
    make(server, "root", id="ours", access_tags=["team"])
    path = tmp_path / "data" / "x.npy"
    np.save(path, [1, 2, 3])
    asset = {"data_uri": f"file://localhost{path}", "is_directory": False, "parameter": "data_uri"}
    source = ARRAY | {"management": "external", "mimetype": "application/x-npy", "assets": [asset]}
    node = {"structure_family": "array", "id": "x", "data_sources": [source], "access_tags": ["team"]}
    assert server.ask("alice", "POST", "register/ours", json=node).status_code == 401
    assert server.ask("eve", "POST", "register/ours", json=node).status_code == 200
    assert server.get("alice", "array/full/ours/x").status_code == 200


def test_what_lies_in_a_file_is_as_accessible_as_the_file(serve, catalog, rules, tmp_path) -> None:
    server = serve(catalog, rules, VIEWERS)
    path = tmp_path / "data" / "f.h5"
    with h5py.File(path, "w") as file:
        file["g/x"] = np.arange(3)
    asset = {"data_uri": f"file://localhost{path}", "is_directory": False, "parameter": "data_uri"}
    source = {
        "structure_family": "container", "structure": None, "management": "external",
        "mimetype": "application/x-hdf5", "assets": [asset],
    }  # fmt: skip
    for key, tag in (("f", "team"), ("s", "seen")):
        node = {"structure_family": "container", "id": key, "data_sources": [source], "access_tags": [tag]}
        assert server.ask("root", "POST", "register/", json=node).status_code == 200
    assert server.get("bob", "array/full/f/g/x").status_code == 200
    assert server.get("bob", "metadata/s/g/x").status_code == 404
    assert server.get("alice", "metadata/s/g/x").status_code == 200
    assert server.get("alice", "array/full/s/g/x").status_code == 403
    assert server.get(None, "array/full/f/g/x").status_code == 404
    assert server.get("alice", "container/full/s", params={"format": "json"}).status_code == 403


class Failing(Rules):
    """A policy that fails in one of its methods."""

    revision = None

    def __init__(self, method: str) -> None:
        super().__init__(alice={"team": ALL_SCOPES})
        setattr(self, method, lambda *arguments: 1 / 0)


@pytest.mark.parametrize("method", ["allowed_scopes", "filters", "init_node"])
def test_a_policy_that_fails_denies_and_says_so_in_the_log_only(serve, catalog, method, caplog) -> None:
    server = serve(catalog, Failing(method), VIEWERS)
    catalog.create([])
    requests = {
        "allowed_scopes": ("GET", "metadata/x", {}),
        "filters": ("GET", "search/", {}),
        "init_node": ("POST", "metadata/", {"json": {"structure_family": "container"}}),
    }
    make(serve(catalog, Rules(), VIEWERS), "root", id="x", access_tags=["team"])
    verb, path, more = requests[method]
    answer = server.ask("alice", verb, path, **more)
    assert answer.status_code == 403
    assert "denied: the server's log says why" in answer.json()["detail"]
    assert "ZeroDivisionError" in caplog.text


def test_without_tags_a_tree_in_memory_is_open_to_all_credentials(serve, rules) -> None:
    server = serve({"a": np.arange(3), "c": {"x": np.arange(2)}}, rules, VIEWERS)
    assert server.get(None, "array/full/c/x").status_code == 200
    assert keys(server, None) == ["a", "c"]


def test_mounted_trees_are_seen_by_those_who_may(serve, catalog, rules) -> None:
    secret = MemoryContainer({"x": np.arange(3), "open": {"y": np.arange(2)}}, access_tags=["team"])
    server = serve({"/db": catalog, "/secret": secret}, rules, VIEWERS)
    make(server, "alice", "db", id="mine")
    assert (keys(server, "alice"), keys(server, None)) == (["db", "secret"], ["db"])
    assert (keys(server, "alice", "db"), keys(server, "bob", "db")) == (["mine"], [])
    assert server.get("bob", "array/full/secret/open/y").status_code == 200
    assert server.get(None, "metadata/secret/open/y").status_code == 404
    assert server.get(None, "search-deep/").json()["meta"]["count"] == 1


class PerUser:
    """A tree that is another one for everybody who has logged in."""

    family = "container"
    specs = ()
    in_memory = True

    def __init__(self, token: str = "nobody") -> None:
        self.metadata: dict[str, Any] = {}
        self.token = token

    def with_session_state(self, state: Any) -> PerUser:
        return PerUser(state.get("token", "nobody"))

    def keys(self) -> list[str]:
        return [self.token]

    def __getitem__(self, key: str) -> Any:
        if key != self.token:
            raise KeyError(key)
        return np.arange(len(key))

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize("mounted", [False, True])
def test_a_tree_sees_what_the_login_left_in_the_session(serve, mounted) -> None:
    tree: Any = {"/mine": PerUser(), "/other": {"a": np.arange(1)}} if mounted else PerUser()
    place = "mine/" if mounted else ""
    server = serve(tree, None, {"alice": viewer("alice", state={"token": "A-1"})})
    assert (keys(server, "alice", place), keys(server, None, place)) == (["A-1"], ["nobody"])
    assert server.get("alice", f"array/full/{place}A-1").status_code == 200
    assert server.get(None, f"array/full/{place}A-1").status_code == 404


def test_scopes_for_making_nodes_are_those_of_the_container(serve, catalog) -> None:
    rules = Rules(alice={"drop": READ | {CREATE_NODE, WRITE_METADATA}, "user:alice": ALL_SCOPES})
    server = serve(catalog, rules, VIEWERS)
    make(server, "root", id="inbox", access_tags=["drop"])
    make(server, "alice", "inbox", id="letter")
    assert keys(server, "alice", "inbox") == ["letter"]
    assert server.ask("alice", "DELETE", "metadata/inbox").status_code == 403


def test_files_in_the_folder_of_uploads_are_nobody_elses(serve, catalog, rules, tmp_path: Path) -> None:
    server = serve(catalog, rules, VIEWERS)
    make(server, "alice", id="a", structure_family="array", data_sources=[ARRAY])
    source = server.get("alice", "metadata/a?include_data_sources=true").json()["data"]["attributes"]["data_sources"][0]
    asset = source["assets"][0]
    assert server.get("alice", f"asset/manifest/a?id={asset['id']}").status_code == 200
    assert server.get("bob", f"asset/manifest/a?id={asset['id']}").status_code == 404
