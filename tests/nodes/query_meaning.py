"""What each query means, written down a second time: slowly, plainly, and without looking at the code under test.

Metadata are what JSON can hold. `expected(corpus, queries)` are the keys that all queries together find.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tiledkernel import queries as q


class Item(Struct, frozen=True):
    """A node as a search sees it."""

    metadata: dict[str, Any]
    family: str = "array"
    specs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


Corpus = Mapping[str, Item]
ABSENT = object()


def expected(corpus: Corpus, asked: Sequence[Any]) -> list[str]:
    return [key for key, item in corpus.items() if all(MEANINGS[type(query)](query, key, item) for query in asked)]


def value_at(item: Item, key: str) -> Any:
    """Dots descend into objects; there is no way into a list."""
    found: Any = item.metadata
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return ABSENT
        found = found[part]
    return found


def is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: typed, numbers by what they amount to, objects in any order of their keys."""
    if is_number(one) and is_number(other):
        return one == other
    if isinstance(one, float):  # JSON has no infinity, and nothing that is not a number: they are null
        one = one if math.isfinite(one) else None
    if isinstance(other, float):
        other = other if math.isfinite(other) else None
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


def eq(query: q.Eq, key: str, item: Item) -> bool:
    found = value_at(item, query.key)
    return found is not ABSENT and same(found, query.value)


def noteq(query: q.NotEq, key: str, item: Item) -> bool:
    found = value_at(item, query.key)
    return found is not ABSENT and not same(found, query.value)


def comparison(query: q.Comparison, key: str, item: Item) -> bool:
    found, limit = value_at(item, query.key), query.value
    if not (is_number(found) and is_number(limit)) and not (isinstance(found, str) and isinstance(limit, str)):
        return False
    if query.operator in ("lt", "le"):
        return found < limit or (query.operator == "le" and found == limit)
    return found > limit or (query.operator == "ge" and found == limit)


def contains(query: q.Contains, key: str, item: Item) -> bool:
    found = value_at(item, query.key)
    return isinstance(found, list) and any(same(element, query.value) for element in found)


def in_(query: q.In, key: str, item: Item) -> bool:
    found = value_at(item, query.key)
    return found is not ABSENT and any(same(found, value) for value in query.value)


def notin(query: q.NotIn, key: str, item: Item) -> bool:
    if not query.value:
        return True
    found = value_at(item, query.key)
    return found is not ABSENT and not any(same(found, value) for value in query.value)


def keypresent(query: q.KeyPresent, key: str, item: Item) -> bool:
    present = value_at(item, query.key) is not ABSENT
    return present if query.exists else not present


def ascii_lower(text: str) -> str:
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def fits(text: str, pattern: str) -> bool:
    """SQL's LIKE, one character at a time."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(fits(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and fits(text[1:], pattern[1:])


def like(query: q.Like, key: str, item: Item) -> bool:
    found = value_at(item, query.key)
    return isinstance(found, str) and fits(ascii_lower(found), ascii_lower(query.pattern))


def regex(query: q.Regex, key: str, item: Item) -> bool:
    found = value_at(item, query.key)
    flags = re.NOFLAG if query.case_sensitive else re.IGNORECASE
    return isinstance(found, str) and re.search(query.pattern, found, flags) is not None


def words(text: str) -> set[str]:
    separated = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in text.lower())
    return set(separated.split())


def texts(value: Any) -> list[str]:
    """All strings in a value, however deep; keys are no values."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for element in inner for text in texts(element)]


def fulltext(query: q.FullText, key: str, item: Item) -> bool:
    present = {word for text in texts(item.metadata) for word in words(text)}
    return words(query.text) <= present


def specs(query: q.SpecsQuery, key: str, item: Item) -> bool:
    return all(name in item.specs for name in query.include) and not any(
        name in item.specs for name in query.exclude or ()
    )


def structure_family(query: q.StructureFamilyQuery, key: str, item: Item) -> bool:
    return str(query.value) == item.family


def keys_filter(query: q.KeysFilter, key: str, item: Item) -> bool:
    return key in query.keys


def lookup(query: q.KeyLookup, key: str, item: Item) -> bool:
    return key == query.key


def access_tags_filter(query: q.AccessTagsFilter, key: str, item: Item) -> bool:
    return any(tag in item.tags for tag in query.tags)


MEANINGS: dict[type, Callable[[Any, str, Item], bool]] = {
    q.FullText: fulltext,
    q.KeyLookup: lookup,
    q.KeysFilter: keys_filter,
    q.Regex: regex,
    q.Eq: eq,
    q.NotEq: noteq,
    q.Comparison: comparison,
    q.Contains: contains,
    q.In: in_,
    q.NotIn: notin,
    q.KeyPresent: keypresent,
    q.Like: like,
    q.SpecsQuery: specs,
    q.AccessTagsFilter: access_tags_filter,
    q.StructureFamilyQuery: structure_family,
}
