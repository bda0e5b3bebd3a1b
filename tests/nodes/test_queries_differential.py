"""Every query means the same everywhere: each backend finds what a second, plain reading of its meaning finds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiledkernel import queries as q

from .query_backends import BACKENDS, Backend
from .query_meaning import MEANINGS, Corpus, Item, expected

# Few keys and few values, so that what is asked for is often there, or is nearly what is there.
KEYS = ("a", "b", "é", "1", "list")
PLACES = ("a", "b", "é", "1", "list", "a.b", "a.b.a", "b.1", "list.0", "nobody", "", "a.")
SPECS = ("one", "two", "xarray_dataset")
TAGS = ("public", "beamline")
NAMES = ("k0", "k1", "Key", "key", "with space", "ü", "日本", "100%", "_x", "x+y&z=1")
TEXTS = ("", "a", "A", "red", "Red", "dark red", "dark-red RED", "1", "true", "null", "100%", "a_b", "été", "ÉTÉ",
         "x\ny", "日本 dog", 'say "dog"', "it's", "Straße", "\\d")  # fmt: skip
NUMBERS = (0, 1, -1, 2, 10, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30,
           0.0, -0.0, 1.0, 1.5, -1.5, 2.0**53, 1e30, 1e300, 5e-324, 0.1)  # fmt: skip
PATTERNS = ("", "^[aA]", "E", "[^a]", "red$", "[0-9]+", "re?d", ".", r"\bred\b", "(a|r)", "É", r"\.", r"^\s*$", "x.y")
WILDCARDS = (
    "",
    "%",
    "_",
    "a%",
    "%red%",
    "%RED",
    "r_d",
    "%_%",
    "__",
    "100%",
    "a_b",
    "ÉTÉ",
    "été",
    "x%y",
    "\\%",
    "%a%a%",
)
WORDS = (
    "red",
    "RED",
    "dark red",
    "red dark",
    "dark-red",
    "dog",
    "do",
    "été",
    "a_b",
    "1",
    "true",
    "straße",
    "a",
    '"dog"',
)

# Null characters are left out: not every database can store them.
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=4)
numbers = st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.sampled_from((None, True, False, *NUMBERS, *TEXTS)) | numbers | texts
lists = st.lists(leaves | st.lists(leaves, max_size=2), max_size=3)
objects = st.dictionaries(st.sampled_from(KEYS), leaves | lists | st.dictionaries(st.sampled_from(KEYS), leaves))
values = st.one_of(leaves, leaves, lists, objects)
stored = st.one_of(values, values, values, st.sampled_from((math.nan, math.inf, [1, math.nan], ...)))  # ...: absent
items = st.builds(
    Item,
    metadata=st.fixed_dictionaries(dict.fromkeys(KEYS, stored)).map(
        lambda metadata: {key: value for key, value in metadata.items() if value is not ...}
    ),
    family=st.sampled_from(("array", "container")),
    specs=st.lists(st.sampled_from(SPECS), unique=True).map(tuple),
    tags=st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
)
corpora = st.dictionaries(st.sampled_from(NAMES), items, min_size=4, max_size=6).map(
    lambda corpus: dict(sorted(corpus.items()))  # a folder is in this order, whatever it was filled in
)


def parts(value: Any) -> list[Any]:
    """A value, and everything inside it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(part for element in inner for part in parts(element))]


def is_json(value: Any) -> bool:
    """Whether one can ask for a value: JSON, in which queries travel, knows no infinity."""
    return all(math.isfinite(part) for part in parts(value) if isinstance(part, float))


def spots(metadata: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """All places in metadata that can be named, with what is there."""
    found = [(f"{above}{key}", value) for key, value in metadata.items()]
    return found + [spot for place, value in found if isinstance(value, dict) for spot in spots(value, f"{place}.")]


def near(value: Any) -> list[Any]:
    """Values that are taken for `value` by whoever confuses types, cases, orders or rounding."""
    found = [value, value, value, value, str(value), [value], None, 0]
    if isinstance(value, bool | int | float) and is_json(value):
        found += [float(value), int(value), bool(value), value + 1, value - 1, str(int(value))]
    if isinstance(value, str):
        found += [
            value.lower(),
            value.upper(),
            value[:-1],
            f"{value} ",
            {"1": 1, "true": True, "null": None}.get(value),
        ]
    if isinstance(value, list):
        found += [value[::-1], value[:-1], *value]
    if isinstance(value, dict):
        found += [dict(reversed(value.items())), dict(list(value.items())[:-1]), list(value)]
    return [candidate for candidate in found if is_json(candidate)]


def patterns(text: str) -> list[str]:
    """Wildcards for a text, some of which fit it."""
    return [text, text.swapcase(), f"{text[:1]}%", f"%{text[-1:]}", f"%{text[1:-1]}%", "_" * len(text), f"_{text[1:]}"]


def asked_in(corpus: Corpus) -> dict[type, st.SearchStrategy[Any]]:
    """Queries of each class: about what is there, what is nearly there, or something else."""
    there = [("nobody", 1)] + [spot for item in corpus.values() for spot in spots(item.metadata)]
    found_texts = [(place, value) for place, value in there if isinstance(value, str)] or [("a", "red")]
    elements = [(place, part) for place, value in there if isinstance(value, list) for part in value] or [("a", 1)]
    nearly = st.sampled_from([(place, other) for place, value in there for other in near(value)])
    statement = nearly | st.tuples(st.sampled_from(PLACES), values)
    element = statement | st.sampled_from([(place, other) for place, part in elements for other in near(part)])
    several = st.tuples(statement, st.lists(values, max_size=2)).map(
        lambda drawn: (drawn[0][0], [drawn[0][1], *drawn[1]])
    )
    several |= st.tuples(st.sampled_from(PLACES), st.lists(values, max_size=2))
    place = st.sampled_from([*(place for place, _ in found_texts), *PLACES])
    wildcards = st.sampled_from([(place, made) for place, text in found_texts for made in patterns(text)])
    some_words = st.sampled_from([*WORDS, *(text for _, text in found_texts if q.split_words(text))])
    names = st.sampled_from((*NAMES, "nobody"))
    some_specs = st.lists(st.sampled_from((*SPECS, "none")), max_size=2)
    return {
        q.FullText: st.builds(q.FullText, some_words),
        q.KeyLookup: st.builds(q.KeyLookup, names),
        q.KeysFilter: st.builds(q.KeysFilter, st.lists(names, max_size=4)),
        q.Regex: st.builds(q.Regex, place, st.sampled_from(PATTERNS), st.booleans()),
        q.Eq: statement.map(lambda pair: q.Eq(*pair)),
        q.NotEq: statement.map(lambda pair: q.NotEq(*pair)),
        q.Comparison: st.tuples(st.sampled_from(("lt", "le", "gt", "ge")), statement).map(
            lambda drawn: q.Comparison(drawn[0], *drawn[1])
        ),
        q.Contains: element.map(lambda pair: q.Contains(*pair)),
        q.In: several.map(lambda pair: q.In(*pair)),
        q.NotIn: several.map(lambda pair: q.NotIn(*pair)),
        q.KeyPresent: st.builds(q.KeyPresent, place, st.booleans()),
        q.Like: (wildcards | st.tuples(place, st.sampled_from(WILDCARDS))).map(lambda pair: q.Like(*pair)),
        q.SpecsQuery: st.builds(q.SpecsQuery, some_specs, some_specs),
        q.AccessTagsFilter: st.builds(q.AccessTagsFilter, st.lists(st.sampled_from((*TAGS, "none")), max_size=2)),
        q.StructureFamilyQuery: st.builds(q.StructureFamilyQuery, st.sampled_from(("array", "container", "table"))),
    }


@pytest.fixture(scope="module")
def backends(connect_once: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Backend]:
    """All of them are asked about the same corpus, since making one costs more than asking."""
    return {kind.__name__: kind(connect_once, tmp_path_factory.mktemp("corpora")) for kind in BACKENDS}


def held_to(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )


def compare(backends: dict[str, Backend], corpus: Corpus, asked: Iterable[Sequence[Any]]) -> None:
    for backend in backends.values():
        backend.store(corpus)
    for together in asked:
        found = {name: backend.ask(together) for name, backend in backends.items()}
        assert found == dict.fromkeys(backends, expected(corpus, together)), together


@pytest.mark.parametrize("kind", q.QUERIES, ids=lambda kind: kind.name)
def test_each_query_finds_what_it_means(backends: dict[str, Backend], kind: type) -> None:
    @held_to(15)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        corpus = data.draw(corpora)
        asked = data.draw(st.lists(asked_in(corpus)[kind], min_size=5, max_size=10))
        compare(backends, corpus, [[query] for query in asked])

    check()


def test_queries_together_find_what_each_of_them_finds(backends: dict[str, Backend]) -> None:
    @held_to(25)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        corpus = data.draw(corpora)
        together = st.lists(st.one_of(*asked_in(corpus).values()), max_size=4)
        compare(backends, corpus, data.draw(st.lists(together, min_size=1, max_size=4)))

    check()


def test_every_query_has_a_second_meaning() -> None:
    assert set(MEANINGS) == set(q.QUERIES)
    assert set(asked_in({})) == set(q.QUERIES)
