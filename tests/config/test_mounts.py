"""What a configuration serves, found and built."""

from __future__ import annotations

import pytest

from tiledkernel import TreeKind, hookimpl
from tiledkernel.composition import Composition
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.load import load
from tiledkernel.config.mounts import build_mounts, plan_mounts
from tiledkernel.plugins import discover
from tiledkernel.references import modules_beside


class Lab:
    """Kinds of trees that say what they were given."""

    @staticmethod
    @hookimpl
    def register_trees():
        here = "beside_kinds"
        return [
            TreeKind(name="lab", build=f"{here}:build", options=f"{here}:Options"),
            TreeKind(name="bare", build=f"{here}:build"),
            TreeKind(name="catalog", build=f"{here}:build", options=f"{here}:Options"),
        ]


KINDS = """
import msgspec

class Options(msgspec.Struct, forbid_unknown_fields=True):
    beamline: int
    name: str = "x"

def build(options, composition):
    return {"given": options}
"""

TREES = """
tree = {"a": [1, 2]}
number = 3

class Node:
    family = "container"
    def __call__(self):
        raise RuntimeError("a node is not called")

node = Node()

def function(**args):
    return dict(args)

class Made:
    family = "container"
    def __init__(self, x=1):
        self.x = x

def failing():
    raise LookupError("no beam today")

def plain_refusal():
    from tiledkernel.errors import ConfigurationError
    raise ConfigurationError("the folder is empty")
"""


@pytest.fixture
def build(write, tmp_path):
    """`build(*trees, **top_level)`: the trees by path."""
    write(KINDS, "beside_kinds.py")
    write(TREES, "beside_trees.py")
    write("import a_library_that_is_not_there", "beside_broken.py")
    composition = Composition(discover(third_party=False, extra={"laboratory": Lab}))

    def make(*trees, **top_level):
        given = [tree if isinstance(tree, dict) else {"tree": tree, "path": "/"} for tree in trees]
        loaded = load(({"trees": given} if trees else {}) | top_level, environ={})
        with modules_beside(tmp_path):
            return build_mounts(plan_mounts(loaded, composition))

    return make


@pytest.fixture
def refused(build):
    """Like `build`, for what cannot be built: the messages."""

    def fail(*trees, **top_level):
        with pytest.raises(InvalidConfiguration) as caught:
            build(*trees, **top_level)
        return [str(problem).removeprefix("configuration: ") for problem in caught.value.problems]

    return fail


def test_an_object_is_served_as_it_is(build):
    assert build("beside_trees:tree") == {"/": {"a": [1, 2]}}


def test_a_function_is_called_with_args(build):
    assert build({"tree": "beside_trees:function", "path": "/", "args": {"x": 1}}) == {"/": {"x": 1}}


def test_a_function_is_called_without_args(build):
    assert build("beside_trees:function") == {"/": {}}


def test_a_class_is_called_although_its_objects_are_nodes(build):
    assert build({"tree": "beside_trees:Made", "path": "/", "args": {"x": 5}})["/"].x == 5


def test_a_node_that_can_be_called_is_still_the_tree(build):
    assert type(build("beside_trees:node")["/"]).__name__ == "Node"


def test_a_kind_gets_its_options_decoded(build):
    options = build({"tree": "lab", "path": "/raw", "args": {"beamline": 7}})["/raw"]["given"]
    assert (options.beamline, options.name) == (7, "x")


def test_a_kind_without_options_gets_none(build):
    assert build("bare") == {"/": {"given": None}}


def test_a_catalog_at_the_top_is_short_for_one_tree(build):
    assert build(catalog={"beamline": 3})["/"]["given"].beamline == 3


def test_args_for_an_object_are_refused(refused):
    assert refused({"tree": "beside_trees:tree", "path": "/", "args": {"x": 1}}) == [
        "trees[0].tree: 'beside_trees:tree' is an object of type dict, it takes no 'args'"
    ]


def test_args_for_a_kind_without_options_are_refused(refused):
    assert refused({"tree": "bare", "path": "/", "args": {"x": 1}}) == [
        "trees[0].tree: a tree of the kind 'bare' takes no 'args'"
    ]


def test_an_unknown_kind_lists_what_is_installed(refused):
    (problem,) = refused("directroy")
    assert problem.startswith(
        "trees[0].tree: no tree named 'directroy' (did you mean 'directory'?); installed: bare, catalog, directory, lab"
    )


def test_a_kind_that_an_official_plugin_brings_names_it(write):
    loaded = load({"catalog": {"uri": "x"}}, environ={})
    with pytest.raises(InvalidConfiguration, match=r"no tree named 'catalog'.*it comes with tiled-sql-catalog"):
        plan_mounts(loaded, Composition(discover(third_party=False)))


def test_a_wrong_option_is_told_with_its_key(refused):
    assert refused({"tree": "lab", "path": "/", "args": {"beamline": "x", "nme": "y"}}) == [
        "trees[0].args.nme: unknown key; did you mean 'name'?; known: beamline, name",
        "trees[0].args.beamline: 'x': expected `int`, got `str`",
    ]


def test_a_missing_option_is_told(refused):
    assert refused("lab") == ["trees[0].args: the key 'beamline' is missing"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("beside_nothing:tree", "no module named 'beside_nothing', which 'beside_nothing:tree' refers to"),
        ("beside_trees:nothing", "module 'beside_trees' has no 'nothing'"),
        ("beside_broken:tree", "module 'beside_broken' cannot be imported: ModuleNotFoundError"),
        ("tiled.examples.generated:tree", "modules of 'tiled' are called 'tiledkernel' here"),
    ],
)
def test_a_reference_to_nothing_says_which_part_is_wrong(refused, reference, message):
    (problem,) = refused(reference)
    assert message in problem


def test_what_a_tree_raises_is_told_with_its_entry(build, write):
    with pytest.raises(InvalidConfiguration, match=r"trees\[0\]: the tree cannot be built: LookupError") as caught:
        build("beside_trees:failing")
    assert isinstance(caught.value.__cause__, LookupError)


def test_what_a_tree_refuses_is_told_as_it_is(refused):
    assert refused("beside_trees:plain_refusal") == ["trees[0]: the folder is empty"]


def test_args_that_a_function_does_not_take_are_told(refused):
    (problem,) = refused({"tree": "beside_trees:Made", "path": "/", "args": {"nope": 1}})
    assert "unexpected keyword argument 'nope'" in problem


def at(*paths):
    return [{"tree": "bare", "path": path} for path in paths]


def test_trees_side_by_side(build):
    assert list(build(*at("/a/b", "/a/c", "/ab", "/d/"))) == ["/a/b", "/a/c", "/ab", "/d"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("/a", "/a/b"), "trees[1].path: '/a/b' lies inside '/a', the path of trees[0]"),
        (("/a/b/c", "/a"), "trees[0].path: '/a/b/c' lies inside '/a', the path of trees[1]"),
        (("/", "/a"), "trees[1].path: '/a' lies inside '/', the path of trees[0]"),
        (("/a", "//a/"), "trees[1].path: '/a' is also the path of trees[0]"),
    ],
)
def test_trees_must_not_overlap(refused, paths, message):
    assert refused(*at(*paths)) == [message]


@pytest.mark.parametrize("path", ["/..", "/a/./b", "/a/../b"])
def test_dots_are_no_path(refused, path):
    assert "'.' and '..' cannot be part of a path" in refused(*at(path))[0]


@pytest.mark.parametrize("top_level", [{}, {"trees": []}])
def test_nothing_to_serve_is_an_error(refused, top_level):
    assert refused(**top_level) == ["expected exactly one of 'trees' (with at least one entry) and 'catalog'"]


def test_trees_beside_a_catalog_are_an_error(refused):
    assert refused("bare", catalog={"beamline": 1})[-1].startswith("expected exactly one of")


def test_the_mistakes_of_all_trees_are_told_at_once(refused):
    assert len(refused({"tree": "nothing", "path": "/a"}, {"tree": "lab", "path": "/b"})) == 2
