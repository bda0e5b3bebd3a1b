"""What each query means."""

from __future__ import annotations

import datetime
import enum
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiledkernel import builtins, references, wire
from tiledkernel import queries as q
from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.families.container.memory import MemoryContainer

MEANINGS = {record.name: record.matches for record in builtins.register_queries()}


def node(**metadata: Any) -> MemoryContainer:
    return MemoryContainer({}, metadata=metadata)


def matches(query: Any, found: Any, key: str = "k") -> bool:
    return references.load(MEANINGS[query.name])(query, key, found)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Colour(enum.Enum):
    RED = "red"


NOON = datetime.datetime(2014, 9, 6, 12, tzinfo=datetime.UTC)

EQUAL = [
    (1, 1.0),
    (np.int64(1), 1),
    (np.float32(0.5), 0.5),
    (np.bool_(1), True),
    (np.str_("red"), "red"),
    (np.array([1, 2]), [1, 2]),
    ((1, 2), [1.0, 2]),
    (None, None),
    (float("nan"), None),
    ([1, [True, None]], [1, [True, None]]),
    ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}),
    (NOON, "2014-09-06T12:00:00Z"),
    (NOON, NOON),
    (b"\x00", wire.BYTES_PREFIX + "AA=="),
    (Colour.RED, "red"),
    (np.datetime64("2014-09-06"), "2014-09-06"),
    ("", ""),
]
DIFFERENT = [
    (0, "0"),
    (0, False),
    (1, True),
    (1.0, True),
    ("red", "Red"),
    (None, 0),
    (None, False),
    (None, ""),
    ([], {}),
    ([1], [True]),
    ([1, 2], [2, 1]),
    ([1], 1),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": 0}, {"a": False}),
]


@pytest.mark.parametrize(("stored", "asked"), EQUAL)
def test_equal_values_match(stored, asked) -> None:
    assert matches(q.Eq("x", asked), node(x=stored))
    assert not matches(q.NotEq("x", asked), node(x=stored))
    assert matches(q.In("x", ["other", asked]), node(x=stored))
    assert matches(q.Contains("x", asked), node(x=[0.25, stored]))


@pytest.mark.parametrize(("stored", "asked"), DIFFERENT)
def test_values_that_differ_if_only_in_type_do_not_match(stored, asked) -> None:
    assert not matches(q.Eq("x", asked), node(x=stored))
    assert matches(q.NotEq("x", asked), node(x=stored))
    assert not matches(q.In("x", [asked]), node(x=stored))
    assert matches(q.NotIn("x", [asked]), node(x=stored))


@pytest.mark.parametrize(
    "query",
    [
        q.Eq("x", None),
        q.NotEq("x", 1),
        q.In("x", [None]),
        q.NotIn("x", [1]),
        q.Contains("x", None),
        q.Like("x", "%"),
        q.Regex("x", ""),
    ],
)
def test_a_node_without_the_key_matches_no_statement_about_its_value(query) -> None:
    assert not matches(query, node(y=1))


def test_in_nothing_finds_nothing_and_not_in_nothing_finds_all() -> None:
    assert not matches(q.In("x", []), node(x=1))
    assert matches(q.NotIn("x", []), node(x=1))
    assert matches(q.NotIn("x", []), node())


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("a", True),
        ("a.b", True),
        ("a.b.c", True),
        ("a.b.d", False),
        ("a.e", False),
        ("f.g", False),
        ("list.0", False),
        ("n.1", True),
        ("", False),
        ("..", False),
    ],
)
def test_dots_descend_into_objects_only(key, found) -> None:
    tree = node(**{"a": {"b": {"c": None}}, "f.g": 1, "list": [1], "n": {1: "one"}})
    assert matches(q.KeyPresent(key), tree) is found
    assert matches(q.KeyPresent(key, exists=False), tree) is not found


ORDERED = [
    ("lt", 1, 2, True),
    ("lt", 2, 2, False),
    ("le", 2, 2.0, True),
    ("gt", 2.5, 2, True),
    ("ge", 2, 3, False),
    ("lt", "a", "b", True),
    ("gt", "a", "B", True),
    ("lt", np.float64(1), 2, True),
    ("lt", "1", 2, False),
    ("gt", "1", 0, False),
    ("ge", True, 1, False),
    ("ge", 1, True, False),
    ("ge", None, None, False),
    ("le", [1], [2], False),
    ("lt", NOON, "2015", True),
]


@pytest.mark.parametrize(("operator", "stored", "asked", "found"), ORDERED)
def test_only_numbers_or_strings_are_compared_with_their_like(operator, stored, asked, found) -> None:
    assert matches(q.Comparison(operator, "x", asked), node(x=stored)) is found


def test_a_string_contains_nothing() -> None:
    assert not matches(q.Contains("x", "e"), node(x="red"))
    assert not matches(q.Contains("x", "red"), node(x="red"))
    assert not matches(q.Contains("x", "a"), node(x={"a": 1}))


LIKE = [
    ("red", "red", True),
    ("RED", "red", True),
    ("dark red", "%red", True),
    ("redder", "%red", False),
    ("dark red wine", "%red%", True),
    ("abcabd", "%ab_", True),
    ("abab", "ab%ab", True),
    ("ab", "ab%ab", False),
    ("aXbXc", "a%b%c", True),
    ("acb", "a%b%c", False),
    ("cat", "c_t", True),
    ("ct", "c_t", False),
    ("a\nb", "a%b", True),
    ("a\nb", "a_b", True),
    ("a\n", "a", False),
    ("100%", "100\\%", False),
    ("100\\5", "100\\%", True),
    ("a.c", "a.c", True),
    ("abc", "a.c", False),
    ("ÄRGER", "ärger", False),
    ("", "", True),
    ("", "%", True),
    ("x", "", False),
    (5, "5", False),
    (None, "%", False),
]


@pytest.mark.parametrize(("stored", "pattern", "found"), LIKE)
def test_like_knows_two_wildcards(stored, pattern, found) -> None:
    assert matches(q.Like("x", pattern), node(x=stored)) is found


@given(st.text("aB%_", max_size=8), st.text("aAb", max_size=10))
def test_like_agrees_with_sqlite(pattern: str, text: str) -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    try:
        (expected,) = connection.execute("SELECT ? LIKE ?", (text, pattern)).fetchone()
    finally:
        connection.close()
    assert matches(q.Like("x", pattern), node(x=text)) is bool(expected)


def test_a_pattern_of_many_wildcards_does_not_hang() -> None:
    start = time.monotonic()
    assert not matches(q.Like("x", "%a" * 400 + "%b"), node(x="a" * 10_000))
    assert time.monotonic() - start < 2


def test_a_pattern_that_is_too_long_is_refused() -> None:
    with pytest.raises(Unprocessable, match="too long"):
        matches(q.Like("x", "a" * 1001), node(x="a"))


FULL_TEXT = [
    ("dog", {"animal": "dog"}, True),
    ("DOG", {"animal": "a Dog, barking"}, True),
    ("do", {"animal": "dog"}, False),
    ("animal", {"animal": "dog"}, False),
    ("dark-red", {"c": "red, not dark"}, True),
    ("dark red", {"a": "dark", "b": {"c": ["x", {"d": "red"}]}}, True),
    ("dark red", {"a": "dark"}, False),
    ('"quoted', {"a": "it is (quoted)"}, True),
    ("5", {"a": 5}, False),
    ("5", {"a": "5 mm"}, True),
    ("true", {"a": True}, False),
    ("r*", {"a": "red"}, False),
    ("dog OR cat", {"a": "dog"}, False),
    ("été", {"a": "L'ÉTÉ"}, True),
    ("2014", {"a": NOON}, True),
    ("gold", {"a": np.array(["silver", "gold"])}, True),
]


@pytest.mark.parametrize(("text", "metadata", "found"), FULL_TEXT)
def test_full_text_matches_whole_words_in_values(text, metadata, found) -> None:
    assert matches(q.FullText(text), node(**metadata)) is found


@pytest.mark.parametrize("text", ["", " ", "-!?"])
def test_full_text_without_words_is_refused(text) -> None:
    with pytest.raises(Unprocessable, match="at least one word"):
        matches(q.FullText(text), node(a="b"))


def test_specs_are_included_and_excluded_by_name() -> None:
    tagged = MemoryContainer({}, specs=["a", "b"])
    assert matches(q.SpecsQuery(["a"]), tagged)
    assert matches(q.SpecsQuery([]), tagged)
    assert not matches(q.SpecsQuery(["a", "c"]), tagged)
    assert not matches(q.SpecsQuery(["a"], ["b"]), tagged)
    assert matches(q.SpecsQuery([], ["c"]), tagged)


def test_the_family_is_compared() -> None:
    assert matches(q.StructureFamilyQuery("container"), node())
    assert not matches(q.StructureFamilyQuery("array"), node())


def test_keys_are_looked_up_and_filtered() -> None:
    assert matches(q.KeyLookup("k"), node())
    assert not matches(q.KeyLookup("other"), node())
    assert matches(q.KeysFilter(["a", "k"]), node())
    assert not matches(q.KeysFilter([]), node())


def test_nodes_without_access_tags_match_no_tag() -> None:
    assert not matches(q.AccessTagsFilter(["public"]), node())


def test_nodes_with_access_tags_match_any_of_them() -> None:
    class Tagged(MemoryContainer):
        access_tags = frozenset({"public", "beamline"})

    assert matches(q.AccessTagsFilter(["secret", "public"]), Tagged({}))
    assert not matches(q.AccessTagsFilter(["secret"]), Tagged({}))
    assert not matches(q.AccessTagsFilter([]), Tagged({}))


def test_every_query_has_a_meaning() -> None:
    assert set(MEANINGS) == {query.name for query in q.QUERIES}
    assert all(callable(references.load(reference)) for reference in MEANINGS.values())


@given(JSON)
def test_every_json_value_equals_itself_after_a_trip_over_the_wire(value: Any) -> None:
    travelled = q.Eq.decode(**q.Eq("x", value).encode())
    assert matches(travelled, node(x=value))


@given(JSON, JSON)
def test_equality_and_its_negation_are_opposites(one: Any, other: Any) -> None:
    holder = node(x=one)
    equal = matches(q.Eq("x", other), holder)
    assert matches(q.NotEq("x", other), holder) is not equal
    assert matches(q.In("x", [other]), holder) is equal
    assert matches(q.NotIn("x", [other]), holder) is not equal
    assert matches(q.Contains("x", other), node(x=[one])) is equal
    assert matches(q.Eq("x", one), node(x=other)) is equal


def test_long_lists_cost_one_look_up_per_node() -> None:
    query = q.In("x", list(range(20_000)))
    start = time.monotonic()
    assert sum(matches(query, node(x=number)) for number in range(5_000)) == 5_000
    assert time.monotonic() - start < 2


def test_a_value_that_is_nested_too_deeply_is_the_callers_mistake() -> None:
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(BadRequest, match="nested"):
        matches(q.Eq("x", deep), node(x=1))
