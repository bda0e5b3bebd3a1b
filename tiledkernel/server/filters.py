"""The filters of a search: from query parameters to queries, with the meaning that each query type registered."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from tiledkernel import references
from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.queries import StructureFamily, StructureFamilyQuery
from tiledkernel.records import QueryType

MAX_FILTERS = 100
_NAME = re.compile(r"filter\[([^\]]*)\]\[condition\]\[([^\]]*)\]")


class Filter(Struct, frozen=True):
    """A query, and the function that tells whether a child matches it."""

    name: str
    query: Any
    matches: Callable[[Any, str, Any], bool]

    def __call__(self, key: str, node: Any) -> bool:
        """Whether the child `node` under `key` is to be kept."""
        return self.matches(self.query, key, node)


class QueryTable:
    """The query types of a server, which has nodes of these families."""

    def __init__(self, types: Iterable[QueryType], families: Iterable[str]) -> None:
        self._types = {record.name: record for record in types}
        self._families = frozenset({*families, *StructureFamily})

    @property
    def names(self) -> list[str]:
        """Names of all query types, in order of registration."""
        return list(self._types)

    def filters(self, values: Mapping[str, list[str]]) -> list[Filter]:
        """The filters among query parameters; the i-th values of one query's fields make its i-th instance."""
        found: dict[str, dict[str, list[str]]] = {}
        for parameter, texts in values.items():
            if parameter.startswith("filter["):
                name, field = self._split(parameter)
                found.setdefault(name, {})[field] = texts
        if sum(_count(fields) for fields in found.values()) > MAX_FILTERS:
            raise BadRequest(f"too many filters: at most {MAX_FILTERS} can be combined")
        return [filter_ for name, fields in found.items() for filter_ in self._instances(name, fields)]

    def _split(self, parameter: str) -> tuple[str, str]:
        match = _NAME.fullmatch(parameter)
        if match is None:
            raise Unprocessable(
                f"{parameter[:120]!r} is no filter: expected filter[<query>][condition][<field>]",
                "query",
                parameter[:120],
            )
        name, field = match[1], match[2]
        if name not in self._types:
            near = difflib.get_close_matches(name, self._types, n=1)
            raise BadRequest(
                f"no query named {name[:80]!r}{f', did you mean {near[0]!r}?' if near else ''}; "
                f"this server knows: {', '.join(self._types)}"
            )
        return name, field

    def _instances(self, name: str, fields: Mapping[str, list[str]]) -> Iterator[Filter]:
        record = self._types[name]
        kind = references.load(record.query)
        matches = references.load(record.matches)
        for position in range(_count(fields)):
            texts = {field: values[position] for field, values in fields.items() if position < len(values)}
            query = kind.decode(**texts)
            if isinstance(query, StructureFamilyQuery):
                self._check_family(query)
            yield Filter(name, query, matches)

    def _check_family(self, query: StructureFamilyQuery) -> None:
        if query.value not in self._families:
            raise Unprocessable(
                f"no structure family {query.value!r}: this server knows {', '.join(sorted(self._families))}",
                "query", f"filter[{query.name}][condition][value]", value=query.value,
            )  # fmt: skip


def _count(fields: Mapping[str, list[str]]) -> int:
    return max(map(len, fields.values()))
