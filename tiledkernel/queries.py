"""Search terms: what each asks, and its text form on the wire.

A query travels as parameters `filter[<name>][condition][<field>]=<text>`. `encode` gives the texts of the fields,
`decode` is its inverse and refuses what cannot be meant. What a query *means* is decided by the node that is
searched; all nodes agree. Queries chain: `node.search(a).search(b)` finds what matches both.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal, NoReturn, Protocol, Self, get_args

import msgspec
from msgspec import Struct

from tiledkernel.errors import Unprocessable
from tiledkernel.query_texts import FLAG, JSON_TEXT, LIST, TEXT, TEXTS, VALUE, Codec

MAX_TEXT = 100_000  # characters in one field
Operator = Literal["lt", "gt", "le", "ge"]
_WORD = re.compile(r"\w+")
_FAMILY = re.compile(r"[a-z][a-z0-9_-]{0,99}")


class StructureFamily(enum.StrEnum):
    """The kinds of structures that the protocol knows; plugins may bring more."""

    array = "array"
    awkward = "awkward"
    bytes = "bytes"
    container = "container"
    ragged = "ragged"
    sparse = "sparse"
    table = "table"


class SearchQuery(Protocol):
    """Anything that can be searched for: those below, and those that a plugin adds."""

    @property
    def name(self) -> str:
        """Its name on the wire."""

    def encode(self) -> dict[str, str]:
        """The text of each field."""


class Query(Struct, frozen=True):
    """Base of the queries; a subclass names itself and says how each of its fields travels.

    `optional` fields may be left out of a request; their default is then taken.
    """

    name: ClassVar[str]
    codecs: ClassVar[dict[str, Codec]]
    optional: ClassVar[frozenset[str]] = frozenset()

    def encode(self) -> dict[str, str]:
        """The text of each field."""
        return {field: codec.format(getattr(self, field)) for field, codec in self.codecs.items()}

    @classmethod
    def decode(cls, **fields: str) -> Self:
        """The query that these texts describe; Unprocessable says which field is wrong and why."""
        unknown = sorted(fields.keys() - cls.codecs.keys())
        if unknown:
            _refuse(cls.name, unknown[0], fields[unknown[0]], f"no such field: expected {', '.join(cls.codecs)}")
        missing = [field for field in cls.codecs if field not in fields and field not in cls.optional]
        if missing:
            _refuse(cls.name, missing[0], None, f"missing: {cls.name!r} needs {', '.join(cls.codecs)}")
        values = {field: _parse_field(cls.name, field, text, cls.codecs[field]) for field, text in fields.items()}
        try:
            return cls(**values)
        except ValueError as error:
            _refuse(cls.name, next(iter(fields)), next(iter(fields.values())), str(error))

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"queries such as {type(self).__name__} are neither true nor false: `and`, `or`, `not` and chained "
            "comparisons cannot combine them; chain `.search(first).search(second)` to find what matches both"
        )


def _parse_field(query: str, field: str, text: str, codec: Codec) -> Any:
    if len(text) > MAX_TEXT:
        _refuse(query, field, text[:80], f"longer than {MAX_TEXT} characters")
    try:
        return codec.parse(text)
    except ValueError as error:
        _refuse(query, field, text[:80], str(error))


def _refuse(query: str, field: str, value: str | None, reason: str) -> NoReturn:
    parameter = f"filter[{query}][condition][{field}]"
    shown = "" if value is None else f" {value[:80]!r}"
    raise Unprocessable(f"{parameter}{shown}: {reason}", "query", parameter, value=value)


class FullText(Query, frozen=True):
    """Nodes with all these words, in any order and letter case, in the text values of their metadata."""

    name: ClassVar[str] = "fulltext"
    codecs: ClassVar[dict[str, Codec]] = {"text": TEXT}

    text: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words to look for, in lower case; whatever is no letter, digit or underscore separates them."""
        return tuple(dict.fromkeys(split_words(self.text)))

    @classmethod
    def decode(cls, **fields: str) -> Self:
        """As for every query; a text without words is refused."""
        query = super().decode(**fields)
        if not query.words:
            _refuse(cls.name, "text", query.text, "expected at least one word made of letters or digits")
        return query


def split_words(text: str) -> list[str]:
    """The words of a text in lower case, as full text search compares them."""
    return _WORD.findall(text.lower())


class KeyLookup(Query, frozen=True):
    """The child with exactly this key, if it is among the results of the other queries."""

    name: ClassVar[str] = "lookup"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT}

    key: str


Lookup = KeyLookup


class KeysFilter(Query, frozen=True):
    """Children whose key is one of these."""

    name: ClassVar[str] = "keys_filter"
    codecs: ClassVar[dict[str, Codec]] = {"keys": TEXTS}

    keys: list[str]

    def __post_init__(self) -> None:
        _store_list(self, "keys")


class Regex(Query, frozen=True):
    """Nodes with a text at `key` in which the regular expression `pattern` is found."""

    name: ClassVar[str] = "regex"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "pattern": TEXT, "case_sensitive": FLAG}
    optional: ClassVar[frozenset[str]] = frozenset({"case_sensitive"})

    key: str
    pattern: str
    case_sensitive: bool = True

    @classmethod
    def decode(cls, **fields: str) -> Self:
        """As for every query; a pattern that is no regular expression is refused."""
        query = super().decode(**fields)
        try:
            re.compile(query.pattern)
        except (re.error, OverflowError, RecursionError, Warning) as error:  # a warning, where they are errors
            _refuse(cls.name, "pattern", query.pattern, f"no regular expression: {error}")
        return query


class Eq(Query, frozen=True):
    """Nodes whose metadata has exactly this value at `key`; 1 equals 1.0 but not '1'."""

    name: ClassVar[str] = "eq"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "value": VALUE}

    key: str
    value: Any


class NotEq(Query, frozen=True):
    """Nodes whose metadata has `key` with another value than this."""

    name: ClassVar[str] = "noteq"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "value": VALUE}

    key: str
    value: Any


class Comparison(Query, frozen=True):
    """Nodes whose value at `key` is less or greater than this one; 'lt', 'le', 'gt' or 'ge'."""

    name: ClassVar[str] = "comparison"
    codecs: ClassVar[dict[str, Codec]] = {"operator": TEXT, "key": TEXT, "value": VALUE}

    operator: Operator
    key: str
    value: Any

    def __post_init__(self) -> None:
        if self.operator not in get_args(Operator):
            raise ValueError(f"no operator {self.operator!r}: expected 'lt', 'le', 'gt' or 'ge'")


class Contains(Query, frozen=True):
    """Nodes whose metadata has a list at `key` of which `value` is an element."""

    name: ClassVar[str] = "contains"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "value": VALUE}

    key: str
    value: Any


class In(Query, frozen=True):
    """Nodes whose value at `key` is one of these; an empty list finds nothing."""

    name: ClassVar[str] = "in"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "value": LIST}

    key: str
    value: list[Any]

    def __post_init__(self) -> None:
        _store_list(self, "value")


class NotIn(Query, frozen=True):
    """Nodes that have `key` with none of these values; an empty list finds all nodes."""

    name: ClassVar[str] = "notin"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "value": LIST}

    key: str
    value: list[Any]

    def __post_init__(self) -> None:
        _store_list(self, "value")


class KeyPresent(Query, frozen=True):
    """Nodes whose metadata has `key`, whatever its value; with `exists=False` those without it."""

    name: ClassVar[str] = "keypresent"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "exists": FLAG}
    optional: ClassVar[frozenset[str]] = frozenset({"exists"})

    key: str
    exists: bool = True


class Like(Query, frozen=True):
    """Nodes whose whole text at `key` fits a pattern: '%' stands for any characters, '_' for exactly one."""

    name: ClassVar[str] = "like"
    codecs: ClassVar[dict[str, Codec]] = {"key": TEXT, "pattern": JSON_TEXT}

    key: str
    pattern: str


class SpecsQuery(Query, frozen=True):
    """Nodes with all specs of `include` and none of `exclude`, by name."""

    name: ClassVar[str] = "specs"
    codecs: ClassVar[dict[str, Codec]] = {"include": TEXTS, "exclude": TEXTS}
    optional: ClassVar[frozenset[str]] = frozenset({"include", "exclude"})

    include: list[str] = []
    exclude: list[str] | None = None

    def __post_init__(self) -> None:
        _store_list(self, "include")
        if self.exclude is None:
            msgspec.structs.force_setattr(self, "exclude", [])
        _store_list(self, "exclude")


def SpecQuery(name: str) -> SpecsQuery:  # noqa: N802 - reads as a query, as its siblings do
    """Nodes with the spec of this name."""
    return SpecsQuery([name])


class StructureFamilyQuery(Query, frozen=True):
    """Nodes of one structure family."""

    name: ClassVar[str] = "structure_family"
    codecs: ClassVar[dict[str, Codec]] = {"value": TEXT}

    value: StructureFamily | str

    def __post_init__(self) -> None:
        if self.value in StructureFamily.__members__:
            msgspec.structs.force_setattr(self, "value", StructureFamily(self.value))
        elif not _FAMILY.fullmatch(self.value):
            raise ValueError(
                f"{self.value!r} is no name of a structure family: expected {', '.join(StructureFamily)}, "
                "or one that a plugin of the server brings"
            )


class AccessTagsFilter(Query, frozen=True):
    """Nodes that carry at least one of these access tags."""

    name: ClassVar[str] = "access_tags_filter"
    codecs: ClassVar[dict[str, Codec]] = {"tags": TEXTS}

    tags: list[str]

    def __post_init__(self) -> None:
        _store_list(self, "tags")


class Key:
    """A place in metadata, by its keys joined by dots; comparing it makes a query.

    >>> Key("sample.color") == "red"
    Eq(key='sample.color', value='red')
    """

    __hash__ = None  # type: ignore[assignment]  # equality makes a query
    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key

    def __eq__(self, value: object) -> Eq:  # type: ignore[override]
        return Eq(self.key, value)

    def __ne__(self, value: object) -> NotEq:  # type: ignore[override]
        return NotEq(self.key, value)

    def __lt__(self, value: Any) -> Comparison:
        return Comparison("lt", self.key, value)

    def __le__(self, value: Any) -> Comparison:
        return Comparison("le", self.key, value)

    def __gt__(self, value: Any) -> Comparison:
        return Comparison("gt", self.key, value)

    def __ge__(self, value: Any) -> Comparison:
        return Comparison("ge", self.key, value)

    def __contains__(self, value: object) -> NoReturn:
        raise TypeError(f"`in` cannot make a query: use Contains({self.key!r}, {value!r})")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(f"a Key cannot be iterated: use In({self.key!r}, [...]) or Contains({self.key!r}, value)")

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a Key is neither true nor false: use KeyPresent({self.key!r}) to ask whether it exists")

    def __repr__(self) -> str:
        return f"Key({self.key!r})"


def _store_list(query: Struct, field: str) -> None:
    value = getattr(query, field)
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{field} of {type(query).__name__} must be a list, not {value!r}: write [{value!r}]")
    msgspec.structs.force_setattr(query, field, list(value))


def format_filters(queries: Sequence[SearchQuery]) -> list[tuple[str, str]]:
    """The URL parameters of several queries; the i-th texts of a query's fields belong together."""
    return [
        (f"filter[{query.name}][condition][{field}]", text)
        for query in queries
        for field, text in query.encode().items()
    ]


QUERIES: tuple[type[Query], ...] = (
    FullText,
    KeyLookup,
    KeysFilter,
    Regex,
    Eq,
    NotEq,
    Comparison,
    Contains,
    In,
    NotIn,
    KeyPresent,
    Like,
    SpecsQuery,
    AccessTagsFilter,
    StructureFamilyQuery,
)
