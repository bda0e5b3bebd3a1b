"""The catalog at the top of a configuration: its variables, and the keys that it shares with catalogs under `trees`."""

from __future__ import annotations

import pytest

from tiledkernel import TreeKind, hookimpl
from tiledkernel.composition import Composition
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.load import Flag, load
from tiledkernel.config.mounts import build_mounts, plan_mounts
from tiledkernel.plugins import discover
from tiledkernel.references import modules_beside

KINDS = """
import msgspec

class Options(msgspec.Struct, forbid_unknown_fields=True):
    uri: str
    writable_storage: list[str] = []
    init_if_not_exists: bool = False
    metadata: dict = {}
    mount_node: str | list[str] | None = None
    catalog_pool_size: int = 1
    create_mount_nodes_if_not_exist: bool = False

class Other(msgspec.Struct):
    name: str = ""

def build(options, composition):
    return {"given": options}
"""


class Lab:
    """A kind of catalog that says what it was given, and a kind that is none."""

    @staticmethod
    @hookimpl
    def register_trees():
        return [
            TreeKind(name="catalog", build="beside_catalogs:build", options="beside_catalogs:Options"),
            TreeKind(name="other", build="beside_catalogs:build", options="beside_catalogs:Other"),
        ]


@pytest.fixture
def options(write, tmp_path):
    """`options(source, *flags, **environ)`: what the trees are built with, by path."""
    write(KINDS, "beside_catalogs.py")
    composition = Composition(discover(third_party=False, extra={"laboratory": Lab}))

    def make(source, *flags, **environ):
        loaded = load(source, flags=flags, environ=environ)
        with modules_beside(tmp_path):
            trees = build_mounts(plan_mounts(loaded, composition))
        return {path: tree["given"] for path, tree in trees.items()}

    return make


@pytest.fixture
def message(options):
    """Like `options`, for what is wrong."""

    def make(source, *flags, **environ):
        with pytest.raises(InvalidConfiguration) as caught:
            options(source, *flags, **environ)
        return str(caught.value)

    return make


def trees(**args):
    return {"trees": [{"tree": "catalog", "path": "/raw", "args": {"uri": "file.db"} | args}]}


def test_the_environment_overrides_the_file(options):
    assert options({"catalog": {"uri": "a"}}, TILED_CATALOG_URI="b")["/"].uri == "b"


def test_a_flag_overrides_the_environment(options):
    assert options({"catalog": {}}, Flag(("catalog", "uri"), "c", "DB"), TILED_CATALOG_URI="b")["/"].uri == "c"


def test_the_environment_alone_makes_a_catalog(options):
    assert options({}, TILED_CATALOG_URI="b")["/"].uri == "b"


def test_lists_mappings_and_truth_are_understood(options):
    found = options(
        {"catalog": {"uri": "a"}},
        TILED_CATALOG_WRITABLE_STORAGE='["/data", "duckdb:////x.duckdb"]',
        TILED_CATALOG_METADATA='{"a": 1}',
        TILED_CATALOG_INIT_IF_NOT_EXISTS="yes",
        TILED_CATALOG_MOUNT_NODE="/a/b",
    )["/"]
    assert found.writable_storage == ["/data", "duckdb:////x.duckdb"]
    assert (found.metadata, found.init_if_not_exists, found.mount_node) == ({"a": 1}, True, "/a/b")


def test_what_is_no_json_names_the_variable(message):
    assert message({"catalog": {"uri": "a"}}, TILED_CATALOG_WRITABLE_STORAGE="/data").startswith(
        "environment variable TILED_CATALOG_WRITABLE_STORAGE: catalog.writable_storage: '/data': expected `array`"
    )


def test_a_variable_for_no_key_is_told_with_the_nearest_one(message):
    assert message({"catalog": {"uri": "a"}}, TILED_CATALOG_MOUNT_NOD="/a").startswith(
        "environment variable TILED_CATALOG_MOUNT_NOD: catalog.mount_nod: unknown key; did you mean 'mount_node'?"
    )


def test_a_catalog_under_trees_is_not_meant_by_the_variables(options):
    assert options(trees(), TILED_CATALOG_URI="b")["/raw"].uri == "file.db"


def test_the_keys_at_the_top_count_for_every_catalog(options):
    shared = {"catalog_pool_size": 7, "create_mount_nodes_if_not_exist": True}
    for source in (trees() | shared, {"catalog": {"uri": "a"}} | shared):
        (found,) = options(source).values()
        assert (found.catalog_pool_size, found.create_mount_nodes_if_not_exist) == (7, True)


def test_what_a_catalog_says_itself_counts_more(options):
    assert options(trees(catalog_pool_size=3) | {"catalog_pool_size": 7})["/raw"].catalog_pool_size == 3


def test_the_keys_at_the_top_have_variables(options):
    found = options(trees(), TILED_CATALOG_POOL_SIZE="9", TILED_CREATE_MOUNT_NODES_IF_NOT_EXIST="1")["/raw"]
    assert (found.catalog_pool_size, found.create_mount_nodes_if_not_exist) == (9, True)


def test_the_same_variable_reaches_the_catalog_at_the_top(options):
    assert options({"catalog": {"uri": "a"}}, TILED_CATALOG_POOL_SIZE="9")["/"].catalog_pool_size == 9


def test_kinds_that_know_nothing_of_pools_are_left_alone(options):
    source = {"trees": [{"tree": "other", "path": "/"}], "catalog_pool_size": 7, "storage_pool_size": 2}
    assert options(source)["/"].name == ""


@pytest.mark.parametrize(("key", "value"), [("catalog_pool_size", 0), ("storage_max_overflow", -1)])
def test_pools_have_sizes_that_make_sense(message, key, value):
    assert f"{key}: {value}: expected `int` >= {value + 1}" in message(trees() | {key: value})
