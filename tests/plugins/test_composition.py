"""Plugins that claim the same name are told apart by the configuration, never by chance."""

from __future__ import annotations

import numpy as np
import pytest

from tiledkernel import Compressor, Serializer, TreeKind, hookimpl
from tiledkernel.composition import Composition
from tiledkernel.errors import AmbiguousName, PluginError, UnknownName
from tiledkernel.plugins import discover


def with_trees(name: str, build: str) -> object:
    class Plugin:
        @staticmethod
        @hookimpl
        def register_trees():
            return [TreeKind(name=name, build=build)]

    return Plugin()


def with_serializer(**record: object) -> object:
    class Plugin:
        @staticmethod
        @hookimpl
        def register_serializers():
            return [Serializer(target="array", media_type="application/x-both", encode="m:o", **record)]

    return Plugin()


def compose(prefer: dict[str, str] | None = None, **plugins: object) -> Composition:
    return Composition(discover(third_party=False, extra=plugins), prefer)


def test_a_name_that_two_plugins_claim_names_both_and_what_to_do():
    with pytest.raises(AmbiguousName, match=r"tree 'lab' is registered by both 'one' and 'two'; .*prefer"):
        compose(one=with_trees("lab", "one:build"), two=with_trees("lab", "two:build"))


@pytest.mark.parametrize("winner", ["one", "two"])
def test_the_configuration_decides_who_has_a_name(winner):
    plugins = {"one": with_trees("lab", "one:build"), "two": with_trees("lab", "two:build")}
    composition = compose({"lab": winner}, **plugins)
    assert composition.trees["lab"].build == f"{winner}:build"
    assert composition.trees.plugin_of("lab") == winner


def test_a_preference_for_a_third_plugin_decides_nothing():
    with pytest.raises(AmbiguousName):
        compose({"lab": "three"}, one=with_trees("lab", "one:build"), two=with_trees("lab", "two:build"))


def test_disabling_one_plugin_ends_a_clash(install):
    source = "@hookimpl\ndef register_trees():\n    return [TreeKind(name='lab', build='m:o')]"
    install("one", source)
    install("two", source)
    with pytest.raises(AmbiguousName):
        Composition(discover())
    assert Composition(discover(disable=["two"])).trees.plugin_of("lab") == "one"


def test_one_plugin_cannot_register_a_name_twice():
    class Twice:
        @staticmethod
        @hookimpl
        def register_trees():
            return [TreeKind(name="lab", build="a:b"), TreeKind(name="lab", build="c:d")]

    with pytest.raises(AmbiguousName):
        compose({"lab": "twice"}, twice=Twice())


def test_formats_clash_by_family_and_media_type():
    with pytest.raises(AmbiguousName, match="serializer 'array application/x-both'"):
        compose(one=with_serializer(), two=with_serializer())


def test_a_format_whose_library_is_missing_is_not_offered():
    composition = compose(one=with_serializer(needs=("a_library_that_is_not_there",)))
    assert "application/x-both" not in [format_.media_type for format_ in composition.serializers_for("array")]


def test_formats_are_listed_by_rank():
    composition = compose(one=with_serializer(rank=0))
    assert composition.serializers_for("array")[0].media_type == "application/x-both"


def test_a_coding_whose_library_is_missing_is_not_offered():
    class Plugin:
        @staticmethod
        @hookimpl
        def register_compressors():
            return [Compressor(coding="x-none", compress="m:o", stream="m:o", needs=("not_there",))]

    assert "x-none" not in compose(plugin=Plugin()).compressors


def test_a_miss_lists_what_is_installed_and_what_is_near():
    with pytest.raises(
        UnknownName, match=r"no tree named 'directroy' \(did you mean 'directory'\?\); installed: directory"
    ):
        compose().trees["directroy"]


def test_live_objects_become_nodes_of_the_family_that_adopts_them():
    assert compose().adopt(np.zeros(3)).family == "array"
    assert compose().adopt({"a": np.zeros(3)}).family == "container"


def test_subclasses_are_adopted_like_their_bases():
    class Table(dict):
        pass

    assert compose().adopt(Table()).family == "container"


def test_a_node_is_left_as_it_is():
    node = compose().adopt({})
    assert compose().adopt(node) is node


def test_what_no_family_adopts_is_named_with_what_could_be():
    with pytest.raises(
        PluginError, match=r"no family adopts builtins\.complex objects; expected a node or one of: .*numpy\.ndarray"
    ):
        compose().adopt(3j)
