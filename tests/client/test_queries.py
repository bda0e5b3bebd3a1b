from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tiledkernel.errors import Unprocessable
from tiledkernel.queries import (
    QUERIES,
    AccessTagsFilter,
    Comparison,
    Contains,
    Eq,
    FullText,
    In,
    Key,
    KeyLookup,
    KeyPresent,
    KeysFilter,
    Like,
    NotEq,
    NotIn,
    Query,
    Regex,
    SpecQuery,
    SpecsQuery,
    StructureFamilyQuery,
    format_filters,
)

EXAMPLES: list[tuple[Query, str, dict[str, str]]] = [
    (FullText("red dog"), "fulltext", {"text": "red dog"}),
    (KeyLookup("a"), "lookup", {"key": "a"}),
    (KeysFilter(["a", "b"]), "keys_filter", {"keys": '["a","b"]'}),
    (Regex("a", "^b"), "regex", {"key": "a", "pattern": "^b", "case_sensitive": "true"}),
    (Eq("a.b", "red"), "eq", {"key": "a.b", "value": '"red"'}),
    (Eq("a", None), "eq", {"key": "a", "value": "null"}),
    (NotEq("a", [1, 2]), "noteq", {"key": "a", "value": "[1,2]"}),
    (Comparison("lt", "a", 1.5), "comparison", {"operator": "lt", "key": "a", "value": "1.5"}),
    (Contains("a", 1), "contains", {"key": "a", "value": "1"}),
    (In("a", [1, "x"]), "in", {"key": "a", "value": '[1,"x"]'}),
    (NotIn("a", []), "notin", {"key": "a", "value": "[]"}),
    (KeyPresent("a", exists=False), "keypresent", {"key": "a", "exists": "false"}),
    (Like("a", "r%"), "like", {"key": "a", "pattern": '"r%"'}),
    (SpecsQuery(["a"], ["b"]), "specs", {"include": '["a"]', "exclude": '["b"]'}),
    (SpecQuery("a"), "specs", {"include": '["a"]', "exclude": "[]"}),
    (AccessTagsFilter(["a"]), "access_tags_filter", {"tags": '["a"]'}),
    (StructureFamilyQuery("array"), "structure_family", {"value": "array"}),
]


@pytest.mark.parametrize(("query", "name", "fields"), EXAMPLES, ids=lambda value: str(value)[:40])
def test_a_query_is_written_as_the_protocol_has_it(query: Query, name: str, fields: dict[str, str]) -> None:
    assert (query.name, query.encode()) == (name, fields)


@pytest.mark.parametrize("query", [example[0] for example in EXAMPLES], ids=str)
def test_a_query_is_read_back_as_it_was_written(query: Query) -> None:
    assert type(query).decode(**query.encode()) == query


def test_every_query_has_an_example() -> None:
    assert {type(query) for query, _, _ in EXAMPLES} == set(QUERIES)


@pytest.mark.parametrize("query", [example[0] for example in EXAMPLES], ids=str)
def test_a_query_is_neither_true_nor_false(query: Query) -> None:
    with pytest.raises(TypeError, match=r"\.search\("):
        bool(query)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Key("a") == 1, Eq("a", 1)),
        (Key("a") != 1, NotEq("a", 1)),
        (Key("a") < 1, Comparison("lt", "a", 1)),
        (Key("a") <= 1, Comparison("le", "a", 1)),
        (Key("a") > 1, Comparison("gt", "a", 1)),
        (Key("a") >= 1, Comparison("ge", "a", 1)),
    ],
)
def test_comparing_a_key_makes_a_query(made: Any, expected: Any) -> None:
    assert repr(made) == repr(expected)


def test_in_and_not_say_which_query_to_use() -> None:
    with pytest.raises(TypeError, match="Contains"):
        _ = 1 in Key("a")
    with pytest.raises(TypeError, match="KeyPresent"):
        _ = not Key("a")


@pytest.mark.parametrize(
    ("query", "fields", "reason"),
    [
        (Eq, {"key": "a"}, "missing"),
        (Eq, {"key": "a", "value": "red"}, "double quotes"),
        (Eq, {"key": "a", "value": "[" * 50_000}, "JSON"),
        (Eq, {"key": "a", "value": "1", "extra": "1"}, "no such field"),
        (Eq, {"key": "a" * 100_001, "value": "1"}, "longer than"),
        (In, {"key": "a", "value": "1"}, "JSON list"),
        (KeysFilter, {"keys": "[1]"}, "list of strings"),
        (Comparison, {"operator": "eq", "key": "a", "value": "1"}, "'lt', 'le', 'gt' or 'ge'"),
        (KeyPresent, {"key": "a", "exists": "maybe"}, "'true' or 'false'"),
        (Like, {"key": "a", "pattern": "1"}, "JSON string"),
        (Regex, {"key": "a", "pattern": "("}, "no regular expression"),
        (StructureFamilyQuery, {"value": "a sandwich"}, "array"),
        (FullText, {"text": " - "}, "at least one word"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(query: type[Query], fields: dict[str, str], reason: str) -> None:
    with pytest.raises(Unprocessable, match=reason) as caught:
        query.decode(**fields)
    assert caught.value.where[1].startswith(f"filter[{query.name}][condition][")


def test_optional_fields_have_defaults() -> None:
    assert KeyPresent.decode(key="a") == KeyPresent("a", exists=True)
    assert Regex.decode(key="a", pattern="b") == Regex("a", "b", case_sensitive=True)


def test_sequences_may_be_any_iterable() -> None:
    assert In("a", (n for n in (1, 2))) == In("a", [1, 2])


@pytest.mark.parametrize("make", [lambda: In("a", "abc"), lambda: SpecsQuery("abc"), lambda: KeysFilter(1)])
def test_a_text_is_no_list(make: Any) -> None:
    with pytest.raises(TypeError, match="must be a list"):
        make()


def test_numpy_values_are_searched_as_numbers() -> None:
    assert Eq("a", np.int64(3)).encode()["value"] == "3"


def test_infinity_is_refused_because_no_metadata_can_hold_it() -> None:
    with pytest.raises(ValueError, match="inf"):
        Eq("a", float("inf")).encode()


def test_what_is_no_family_or_operator_is_refused_when_it_is_written() -> None:
    with pytest.raises(ValueError, match="'a sandwich' is no name of a structure family"):
        StructureFamilyQuery("a sandwich")
    with pytest.raises(ValueError, match="eq"):
        Comparison("eq", "a", 1)  # type: ignore[arg-type]


def test_a_family_that_a_plugin_may_have_is_left_to_the_server() -> None:
    assert StructureFamilyQuery("sandwich").encode() == {"value": "sandwich"}


def test_full_text_is_divided_into_words_as_all_backends_divide_it() -> None:
    assert FullText("Dark-red, DOG's dark").words == ("dark", "red", "dog", "s")


def test_several_queries_keep_their_fields_together() -> None:
    assert format_filters([Eq("a", 1), Eq("b", 2)]) == [
        ("filter[eq][condition][key]", "a"),
        ("filter[eq][condition][value]", "1"),
        ("filter[eq][condition][key]", "b"),
        ("filter[eq][condition][value]", "2"),
    ]
