"""Readers of a site's own: a function of a path, or a class that is made from URIs, as they are.

    def read_counts(path):
        return numpy.loadtxt(path)

    adapters_by_mimetype = {"application/x-counts": read_counts}

A function gets the path of one file; if its first parameter is called after a URI (`uri`, `data_uri`), it gets that. A
class has `from_uris(*uris)` and takes any number of files. Parameters that were given when the file was registered
are handed on as keyword arguments. What comes out is a node, or anything that a family adopts.

A key `multipart/related;type=...` names what makes one node of several files of that type.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tiledkernel import references
from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.paths import file_uri

SITE = "your own reader"  # what answers for such a reader in messages
MANY = "multipart/related;type="


class SiteReader:
    """Opens files with what a site has named: `one` for a single file, `many` for several."""

    def __init__(self, name: str, one: Any, many: Any) -> None:
        self.name = name
        self._one = one
        self._many = many if many is not None else one if _from_uris(one) else None

    @property
    def takes_one(self) -> bool:
        """Whether a single file can become a node."""
        return self._one is not None

    @property
    def takes_many(self) -> bool:
        """Whether several files can become one node."""
        return self._many is not None

    def open(self, paths: Sequence[Path], parameters: Mapping[str, Any], *, many: bool) -> Any:
        """What is made of the first file, or of all of them."""
        target: Any = self._many if many else self._one
        chosen = list(paths) if many else [paths[0]]
        build = _from_uris(target)
        if build is not None:
            return build(*map(file_uri, chosen), **parameters)
        given = [file_uri(path) for path in chosen] if _wants_uri(target) else chosen
        return target(tuple(given) if many else given[0], **parameters)


def site_readers(targets: Mapping[str, Any]) -> dict[str, SiteReader]:
    """The readers by media type of functions and classes, or of references to such ("module:object").

    ConfigurationError names what is none.
    """
    loaded = {media_type.replace(" ", ""): _load(media_type, target) for media_type, target in targets.items()}
    singles = {media_type.removeprefix(MANY): None for media_type in loaded}
    return {
        media_type: SiteReader(
            _name_of(loaded.get(media_type, loaded.get(MANY + media_type))),
            loaded.get(media_type),
            loaded.get(MANY + media_type),
        )
        for media_type in singles
    }


def _load(media_type: str, target: Any) -> Any:
    found = references.load(target) if isinstance(target, str) else target
    if not callable(found) and _from_uris(found) is None:
        raise ConfigurationError(
            f"{media_type}: {found!r} is no reader: expected a function of a path, or a class with 'from_uris'"
        )
    return found


def _name_of(target: Any) -> str:
    return f"{getattr(target, '__module__', '?')}:{getattr(target, '__qualname__', type(target).__name__)}"


def _from_uris(target: Any) -> Callable[..., Any] | None:
    found: Callable[..., Any] | None = getattr(target, "from_uris", None)
    return found


def _wants_uri(function: Callable[..., Any]) -> bool:
    try:
        first = next(iter(inspect.signature(function).parameters), "")
    except ValueError:  # written in C
        return False
    return "uri" in first.lower()
