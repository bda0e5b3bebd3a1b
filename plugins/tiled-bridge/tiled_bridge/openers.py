"""Readers of a site's own: a class that is made from URIs, or a function of a path or a URI."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tiled_bridge.calls import settle
from tiledkernel import references
from tiledkernel.errors import ConfigurationError

PATHS = frozenset({"path", "filepath", "file_path", "file", "filename", "paths", "filepaths"})


class Opener:
    """Opens files with what a reference names.

    A class with `from_uris` gets the URIs of the files; anything else that can be called gets one file: its path if
    the first parameter is named or annotated so, else its URI.
    """

    def __init__(self, reference: str) -> None:
        target = references.load(reference)
        self._many: Callable[..., Any] | None = getattr(target, "from_uris", None)
        if self._many is None and not callable(target):
            raise ConfigurationError(
                f"{reference!r} is no reader: expected a class with 'from_uris', or a function of a path or a URI"
            )
        self._one: Callable[..., Any] = target
        self._takes_path = self._many is None and _takes_path(target)

    def open(self, path: Path) -> Any:
        """What the reader makes of a file, or of a directory in a format of its own."""
        if self._many is not None:
            return settle(self._many(uri_of(path)))
        return settle(self._one(path if self._takes_path else uri_of(path)))

    def open_many(self, paths: tuple[Path, ...]) -> Any:
        """What the reader makes of several files."""
        assert self._many is not None, "only classes with from_uris are offered sequences"
        return settle(self._many(*map(uri_of, paths)))

    @property
    def takes_many(self) -> bool:
        """Whether several files can become one node."""
        return self._many is not None


class Openers:
    """The openers of this process, each under a name by which a `Reader` can refer to it."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, reference: str) -> str:
        """Where the opener for a reference is found: `"module:object"`, to be followed by a method."""
        name = self._names.get(reference)
        if name is None:
            opener = Opener(reference)
            name = self._names[reference] = f"opener_{len(self._names)}"
            setattr(self, name, opener)
        return f"{__name__}:OPENERS.{name}"


OPENERS = Openers()


def uri_of(path: Path) -> str:
    """The URI of a file, in the form that Tiled writes them."""
    return f"file://localhost{quote(path.as_posix())}"


def _takes_path(function: Callable[..., Any]) -> bool:
    """Whether the first parameter wants a path; ValueError if there is none."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C
        return False
    first = next(iter(parameters), None)
    if first is None:
        raise ConfigurationError(f"{function!r} is no reader: expected a parameter for a path or a URI")
    annotation = first.annotation if isinstance(first.annotation, str) else getattr(first.annotation, "__name__", "")
    return first.name in PATHS or annotation.rpartition(".")[2] in {"Path", "PurePath", "PathLike"}
