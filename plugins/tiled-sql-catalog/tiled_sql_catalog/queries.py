"""Queries as conditions over the index; their meaning is that of `tiledkernel.nodes.search`.

`Like` and `Regex` look at texts, which no database matches quite alike: the different texts at a place are matched by
the kernel's own functions, and the query then asks for those that fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select

from tiled_sql_catalog.conditions import Anything, Condition, Has, HasAny, HasOneOf, Keyed, Not, Nothing, Within
from tiled_sql_catalog.entries import ELEMENT, FAMILY, SPEC, TAG, VALUE, WHOLE, WORD, address
from tiled_sql_catalog.schema import entries, nodes
from tiled_sql_catalog.scopes import Holding, Scope
from tiled_sql_catalog.sortable import AFTER_TEXT, LIST, NUMBER, TEXT, identity, is_exact, key_of, text_key, text_of
from tiledkernel import queries as q
from tiledkernel import wire
from tiledkernel.errors import BadRequest, UnsupportedQuery
from tiledkernel.nodes import values
from tiledkernel.nodes.patterns import matches_regex
from tiledkernel.nodes.search import matches_fulltext, matches_like

MAX_TEXTS = 1_000_000  # that one pattern is matched against
MAX_FITTING = 20_000  # of them that may fit it
_BATCH = 5000


class Foreign(Exception):
    """A query that the catalog cannot run."""


class Sample:
    """Stands for a node, where only its metadata are asked about."""

    family = ""
    specs = ()

    def __init__(self, metadata: dict[str, Any]) -> None:
        self.metadata = metadata


def translate(connection: Connection, scope: Scope, query: Any) -> list[Condition]:
    """The conditions that together say what the query asks; Foreign if the catalog cannot say it."""
    make = _TRANSLATIONS.get(type(query))
    if make is not None:
        return [make(query)]
    if isinstance(query, q.FullText):
        return list(_full_text(query))
    if isinstance(query, q.Like):
        return [_fitting(connection, scope, query, matches_like)]
    if isinstance(query, q.Regex):
        return [_fitting(connection, scope, query, matches_regex)]
    raise Foreign(query)


def _equal(key: str, value: Any) -> tuple[int, bytes]:
    """The entry of a node that has this value at a place."""
    try:
        found = key_of(value)
    except RecursionError:
        raise BadRequest("a search for a value that is nested this deeply is not possible") from None
    return address(WHOLE if found >= LIST else VALUE, key), found


def _present(key: str) -> Condition:
    return Within(address(VALUE, key))


def _eq(query: q.Eq) -> Condition:
    return Has(*_equal(query.key, query.value))


class PresentBut(Condition, frozen=True):
    """The place is there, and none of these values is."""

    key: str
    pairs: tuple[tuple[int, bytes], ...]

    def clause(self, scope: Holding, place: Any) -> Any:
        """Both together."""
        there, wrong = _present(self.key), HasAny(self.pairs)
        return there.clause(scope, place) & ~wrong.clause(scope, place)


def _noteq(query: q.NotEq) -> Condition:
    return PresentBut(query.key, (_equal(query.key, query.value),))


def _in(query: q.In) -> Condition:
    pairs = dict.fromkeys(_equal(query.key, value) for value in query.value)
    if not pairs:
        return Nothing()
    return Has(*next(iter(pairs))) if len(pairs) == 1 else HasAny(tuple(pairs))


def _notin(query: q.NotIn) -> Condition:
    if not query.value:
        return Anything()
    return PresentBut(query.key, tuple(dict.fromkeys(_equal(query.key, value) for value in query.value)))


def _contains(query: q.Contains) -> Condition:
    _, found = _equal(query.key, query.value)
    return Has(address(ELEMENT, query.key), found)


def _comparison(query: q.Comparison) -> Condition:
    limit = values.json_value(query.value)
    if isinstance(limit, str):
        first, last = TEXT, AFTER_TEXT
    elif values.is_number(limit):
        first, last = NUMBER, TEXT
    else:
        return Nothing()
    key = identity(limit)
    if not is_exact(key):
        raise Foreign(query)  # texts that begin alike are in no order that the index knows
    place = address(VALUE, query.key)
    if query.operator in ("lt", "le"):
        return Within(place, first, key, with_high=query.operator == "le")
    return Within(place, key, last, after_low=query.operator == "gt")


def _keypresent(query: q.KeyPresent) -> Condition:
    return _present(query.key) if query.exists else Not(_present(query.key))


def _keyed(keys: Iterable[str]) -> Condition:
    return Keyed(frozenset(key for key in keys if _is_text(key)))


def _is_text(key: str) -> bool:
    """Whether a database can compare this with a key."""
    return "\0" not in key and not any("\ud800" <= letter <= "\udfff" for letter in key)


def _specs(query: q.SpecsQuery) -> Condition:
    return SpecNames(tuple(dict.fromkeys(query.include)), tuple(dict.fromkeys(query.exclude or ())))


class SpecNames(Condition, frozen=True):
    """All of some specs are there, and none of others."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]

    def clause(self, scope: Holding, place: Any) -> Any:
        """One look-up for each."""
        found = Anything().clause(scope, place)
        for name in self.include:
            found &= Has(address(SPEC), text_key(name)).clause(scope, place)
        for name in self.exclude:
            found &= ~Has(address(SPEC), text_key(name)).clause(scope, place)
        return found


def _tagged(query: q.AccessTagsFilter) -> Condition:
    pairs = tuple((address(TAG), text_key(tag)) for tag in dict.fromkeys(query.tags))
    return HasAny(pairs) if pairs else Nothing()


_TRANSLATIONS: Final[dict[type, Callable[[Any], Condition]]] = {
    q.Eq: _eq,
    q.NotEq: _noteq,
    q.In: _in,
    q.NotIn: _notin,
    q.Contains: _contains,
    q.Comparison: _comparison,
    q.KeyPresent: _keypresent,
    q.KeyLookup: lambda query: _keyed([query.key]),
    q.KeysFilter: lambda query: _keyed(query.keys),
    q.SpecsQuery: _specs,
    q.AccessTagsFilter: _tagged,
    q.StructureFamilyQuery: lambda query: Has(address(FAMILY), text_key(str(query.value))),
}


def everywhere(queries: Sequence[Any]) -> tuple[Condition, ...] | None:
    """Conditions that say the same wherever a node is, however deep; None if there are none for a query."""
    found: list[Condition] = []
    for query in queries:
        make = _TRANSLATIONS.get(type(query))
        if make is None:
            return None
        if isinstance(query, q.AccessTagsFilter):
            found.append(_one_of(query))
        else:
            try:
                found.append(make(query))
            except Foreign:
                return None
    return tuple(found)


def _one_of(query: q.AccessTagsFilter) -> Condition:
    keys = tuple([text_key(tag) for tag in dict.fromkeys(query.tags)])
    if not keys:
        return Nothing()
    return HasOneOf(address(TAG), keys) if len(keys) > 1 else Has(address(TAG), keys[0])


def _full_text(query: q.FullText) -> Iterator[Condition]:
    matches_fulltext(query, "", Sample({}))  # refuses a text without words, in the words of every other tree
    for word in query.words:
        yield Has(address(WORD), text_key(word))


def _fitting(connection: Connection, scope: Scope, query: Any, matches: Callable[[Any, str, Any], bool]) -> Condition:
    """The condition that a text is among those at its place that fit a pattern."""
    place = address(VALUE, query.key)
    fitting: list[tuple[int, bytes]] = []
    for count, key in enumerate(_texts(connection, scope, place)):
        text = text_of(key) if is_exact(key) else _long_text(connection, scope, place, key, query.key)
        if text is not None and matches(query, "", Sample(_nested(query.key, text))):
            fitting.append((place, key))
        if count >= MAX_TEXTS or len(fitting) > MAX_FITTING:
            raise UnsupportedQuery(
                f"the query {query.name!r} is not supported here: more than {MAX_TEXTS} different texts are at "
                f"{query.key[:80]!r}, or more than {MAX_FITTING} of them fit: narrow the pattern, or search for values"
            )
    if not fitting:
        matches(query, "", Sample(_nested(query.key, "")))  # refuses a bad pattern, also if nothing is there
        return Nothing()
    return HasAny(tuple(fitting))


def _texts(connection: Connection, scope: Scope, place: int) -> Iterator[bytes]:
    """The keys of the different texts at a place, in order."""
    value, last = entries.c.value, TEXT
    keys: list[bytes] = []
    there = select(value).distinct().where(scope.holds(entries.c.parent), entries.c.address == place)
    first = True
    while first or len(keys) == _BATCH:
        beyond = value >= last if first else value > last
        some = there.where(beyond, value < AFTER_TEXT).order_by(value).limit(_BATCH)
        keys = [bytes(key) for key in connection.execute(some).scalars()]
        yield from keys
        last, first = (keys[-1] if keys else last), False


def _long_text(connection: Connection, scope: Scope, place: int, key: bytes, dotted: str) -> str | None:
    """A text that is longer than its key, from a node that has it."""
    having = select(func.min(entries.c.node)).where(
        scope.holds(entries.c.parent), entries.c.address == place, entries.c.value == key
    )
    text = connection.execute(select(nodes.c.metadata).where(nodes.c.id == having.scalar_subquery())).scalar()
    found = None if text is None else values.look_up(wire.decode_json(text), dotted)
    return found if isinstance(found, str) else None


def _nested(dotted: str, value: Any) -> dict[str, Any]:
    """Metadata with one value at a dotted place."""
    for part in reversed(dotted.split(".")):
        value = {part: value}
    found: dict[str, Any] = value
    return found


def split(connection: Connection, scope: Scope, queries: Sequence[Any]) -> tuple[list[Condition], list[Any]]:
    """The conditions of the queries that the catalog can run, and the queries that are left."""
    conditions: list[Condition] = []
    left: list[Any] = []
    for query in queries:
        try:
            conditions += translate(connection, scope, query)
        except Foreign:
            left.append(query)
    return conditions, left
