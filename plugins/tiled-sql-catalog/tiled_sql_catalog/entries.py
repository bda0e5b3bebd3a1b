"""What the index knows of a node: addresses, each with the keys of what is there.

An address stands for an aspect of nodes and a dotted place in their metadata. It is a number, the digest of both, so
that no table of places has to be kept. What is indexed follows from the node alone: to take it out of the index again,
the same entries are made once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from tiled_sql_catalog.sortable import identity, sort_key, text_key
from tiledkernel import wire
from tiledkernel.errors import Unprocessable
from tiledkernel.queries import split_words
from tiledkernel.specs import Spec

MAX_ENTRIES = 100_000  # of one node
MAX_DEPTH = 100  # of its metadata

VALUE: Final = "value"  # what is at a place, in order
WHOLE: Final = "whole"  # the list or object at a place, by its identity
ELEMENT: Final = "element"  # an element of the list at a place
WORD: Final = "word"  # a word of any text
FAMILY: Final = "family"
SPEC: Final = "spec"
SPECS: Final = "specs"  # all specs, in their order
TAG: Final = "tag"

_SHORT = 100  # characters of a text that is remembered

Entry: TypeAlias = tuple[int, bytes]


@lru_cache(maxsize=65_536)
def address(aspect: str, place: str = "") -> int:
    """The number of an aspect at a place."""
    text = f"{aspect}\0{place}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), signed=True)


def entries_of(
    metadata: Mapping[str, Any],
    family: str,
    specs: Sequence[Spec],
    tags: Iterable[str] | None,
    *,
    bounded: bool = True,
) -> set[Entry]:
    """Everything to index of a node with these (JSON) metadata; Unprocessable if that is too much.

    What is stored already is not `bounded`: another catalog, which this one took over, may have had other bounds.
    """
    found = {(address(FAMILY), text_key(family)), (address(SPECS), text_key(specs_text(specs)))}
    found.update((address(SPEC), text_key(spec.name)) for spec in specs)
    found.update((address(TAG), text_key(tag)) for tag in tags or ())
    _add_metadata(found, metadata, bounded=bounded)
    return found


def specs_text(specs: Sequence[Spec]) -> str:
    """A list of specs as it is stored."""
    return wire.encode_json([{"name": spec.name, "version": spec.version} for spec in specs]).decode()


def _add_metadata(found: set[Entry], metadata: Mapping[str, Any], *, bounded: bool) -> None:
    """Add what metadata hold to what was found before."""
    pending: list[tuple[str | None, Any, int]] = [*_inside(None, metadata, 0, top=True)]
    while pending:
        place, value, depth = pending.pop()
        if place is not None:
            found.add((address(VALUE, place), sort_key(value)))
        if isinstance(value, str):
            found.update(_words(value) if len(value) <= _SHORT else _split(value))
        elif isinstance(value, (list, dict)):
            if depth >= MAX_DEPTH and value and bounded:
                raise Unprocessable(
                    f"these metadata are nested more than {MAX_DEPTH} deep: use flatter ones", "body", "metadata"
                )
            if place is not None:
                found.add((address(WHOLE, place), identity(value)))
            if isinstance(value, dict):
                pending += _inside(place, value, depth + 1)
            else:
                if place is not None:
                    found.update((address(ELEMENT, place), identity(item)) for item in value)
                pending += [(None, item, depth + 1) for item in value]
        if len(found) > MAX_ENTRIES and bounded:
            raise Unprocessable(
                f"these metadata hold more than {MAX_ENTRIES} values and words, more than can be searched: store long "
                "lists as an array, and long texts as a file",
                "body", "metadata",
            )  # fmt: skip


def _split(text: str) -> list[Entry]:
    word = address(WORD)
    return [(word, text_key(part)) for part in split_words(text)]


_words = lru_cache(maxsize=4096)(_split)  # metadata of many nodes hold the same texts


def _inside(
    place: str | None, value: Mapping[str, Any], depth: int, *, top: bool = False
) -> Iterator[tuple[str | None, Any, int]]:
    """What an object holds, by its place; nothing can be addressed inside lists, nor below a key with a dot."""
    for key, item in value.items():
        if "." in key or (place is None and not top):
            yield None, item, depth
        else:
            yield key if top else f"{place}.{key}", item, depth
