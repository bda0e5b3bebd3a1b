"""What each query means: the reference that every backend, in memory or in SQL, agrees with.

One predicate per query, `matches_<name>(query, key, node)`. Values are compared as `tiledkernel.nodes.values` says.
`matches_regex` lives in `patterns.py`, because its library costs time to load.
Choices that the protocol leaves open:

- a literal dot in a metadata key cannot be addressed: dots always descend;
- `Contains` looks for an element of a list; a string contains nothing;
- `Comparison` compares numbers with numbers and strings (by code point) with strings, and nothing else;
- `Like` and `Regex` match strings only; `Like` ignores the case of ASCII letters and knows no escape character;
- `FullText` looks at text values only, not at keys, at any depth, also inside lists.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol, runtime_checkable

from tiledkernel import queries
from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.nodes import values
from tiledkernel.nodes.prepared import Prepared
from tiledkernel.nodes.protocols import Node
from tiledkernel.specs import as_spec

MAX_PATTERN = 1000  # characters of a `Like`

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def _freeze(value: Any) -> Hashable:
    try:
        return values.frozen(values.json_value(value))
    except RecursionError:
        raise BadRequest("a search for a value that is nested this deeply is not possible") from None


_wanted: Prepared[queries.Eq | queries.NotEq | queries.Contains, Hashable] = Prepared(
    lambda query: _freeze(query.value)
)
_listed: Prepared[queries.In | queries.NotIn, frozenset[Hashable]] = Prepared(
    lambda query: frozenset(map(_freeze, query.value))
)
_keys: Prepared[queries.KeysFilter, frozenset[str]] = Prepared(lambda query: frozenset(query.keys))


@Prepared
def _words(query: queries.FullText) -> tuple[str, ...]:
    if not query.words:
        raise Unprocessable(
            f"a full text search for {query.text[:80]!r} finds nothing: expected at least one word",
            "query", "filter[fulltext][condition][text]", value=query.text[:80],
        )  # fmt: skip
    return query.words


@runtime_checkable
class Tagged(Protocol):
    """A node that carries access tags; those in memory do not."""

    @property
    def access_tags(self) -> frozenset[str]:
        """The tags that an access policy goes by."""


def matches_eq(query: queries.Eq, key: str, node: Node) -> bool:
    """Whether the value is there and equal."""
    del key
    found = values.look_up(node.metadata, query.key)
    return found is not values.MISSING and values.frozen(found) == _wanted(query)


def matches_noteq(query: queries.NotEq, key: str, node: Node) -> bool:
    """Whether the value is there and different, be it in type alone."""
    del key
    found = values.look_up(node.metadata, query.key)
    return found is not values.MISSING and values.frozen(found) != _wanted(query)


def matches_comparison(query: queries.Comparison, key: str, node: Node) -> bool:
    """Whether the value is a number, or a string, on the right side of the query's number or string."""
    del key
    found, limit = values.look_up(node.metadata, query.key), values.json_value(query.value)
    comparable = (isinstance(found, str) and isinstance(limit, str)) or (
        values.is_number(found) and values.is_number(limit)
    )
    return comparable and _OPERATORS[query.operator](found, limit)


def matches_contains(query: queries.Contains, key: str, node: Node) -> bool:
    """Whether the value is a list with such an element."""
    del key
    found = values.look_up(node.metadata, query.key)
    return isinstance(found, list) and _wanted(query) in map(values.frozen, found)


def matches_in(query: queries.In, key: str, node: Node) -> bool:
    """Whether the value is there and one of those listed; an empty list finds nothing."""
    del key
    found = values.look_up(node.metadata, query.key)
    return found is not values.MISSING and values.frozen(found) in _listed(query)


def matches_notin(query: queries.NotIn, key: str, node: Node) -> bool:
    """Whether the value is there and none of those listed; an empty list finds every node."""
    del key
    if not query.value:
        return True
    found = values.look_up(node.metadata, query.key)
    return found is not values.MISSING and values.frozen(found) not in _listed(query)


def matches_keypresent(query: queries.KeyPresent, key: str, node: Node) -> bool:
    """Whether the key is there, also if its value is null; or is not, if that is asked."""
    del key
    return (values.look_up(node.metadata, query.key) is not values.MISSING) == query.exists


def matches_like(query: queries.Like, key: str, node: Node) -> bool:
    """Whether the value is a string that fits the pattern as a whole."""
    del key
    found = values.look_up(node.metadata, query.key)
    return isinstance(found, str) and _compile_like(query.pattern).fullmatch(found) is not None


@lru_cache(maxsize=256)
def _compile_like(pattern: str) -> re.Pattern[str]:
    """A regular expression in which every '%' but the last is atomic, so that nothing can backtrack for long.

    The leftmost place for the text after a '%' is always good enough, since another '%' follows it.
    """
    if len(pattern) > MAX_PATTERN:
        raise Unprocessable(
            f"a pattern of {len(pattern)} characters is too long: at most {MAX_PATTERN} are taken",
            "query", "filter[like][condition][pattern]", value=pattern[:80],
        )  # fmt: skip
    first, *others = ["".join("." if c == "_" else re.escape(c) for c in part) for part in pattern.split("%")]
    middle = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    last = f".*{others[-1]}" if others else ""
    # With re.ASCII, re.IGNORECASE folds ASCII letters only, as SQL backends do.
    return re.compile(first + middle + last, re.DOTALL | re.IGNORECASE | re.ASCII)


def matches_fulltext(query: queries.FullText, key: str, node: Node) -> bool:
    """Whether all words of the query are among those in the node's text values."""
    del key
    missing = set(_words(query))
    for text in _texts(node.metadata):
        missing.difference_update(queries.split_words(text))
        if not missing:
            return True
    return False


def _texts(value: Any) -> Iterator[str]:
    """All strings in a metadata value, at any depth; not the keys."""
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            pending.extend(value.values())
        elif isinstance(value, (list, tuple, set, frozenset)):
            pending.extend(value)
        elif not isinstance(value, (int, float, type(None))):  # datetimes, numpy arrays of strings ...
            converted = values.json_value(value)
            if isinstance(converted, (str, list, dict)):
                pending.append(converted)


def matches_specs(query: queries.SpecsQuery, key: str, node: Node) -> bool:
    """Whether the node has all specs to include and none to exclude, whatever their version."""
    del key
    names = {as_spec(spec).name for spec in node.specs}
    return names.issuperset(query.include) and names.isdisjoint(query.exclude or ())


def matches_structure_family(query: queries.StructureFamilyQuery, key: str, node: Node) -> bool:
    """Whether the node is of this family."""
    del key
    return node.family == query.value


def matches_keys_filter(query: queries.KeysFilter, key: str, node: Node) -> bool:
    """Whether the key is one of those listed; an empty list finds nothing."""
    del node
    return key in _keys(query)


def matches_lookup(query: queries.KeyLookup, key: str, node: Node) -> bool:
    """Whether this is the key; two look-ups of different keys find nothing."""
    del node
    return key == query.key


def matches_access_tags_filter(query: queries.AccessTagsFilter, key: str, node: Node) -> bool:
    """Whether the node carries one of these tags; one without tags never does."""
    del key
    return isinstance(node, Tagged) and not node.access_tags.isdisjoint(query.tags)
