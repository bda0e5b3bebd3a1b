"""A configuration as it was written: plain values, each with the place that it came from."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct, field

from tiledkernel.errors import ConfigurationError

KeyPath: TypeAlias = tuple[str | int, ...]
COMMAND_LINE = "command line"
SECRET = ("key", "secret", "password", "token")
_KEY_IN_URI = re.compile(r"(api_key=)[^&'\"\s]+")


class Document(Struct):
    """Values, and for key paths where they were written ('config.yml:3', 'environment variable X', '--port').

    `from_text` holds the paths of values that the environment supplied: they are text, whatever type is expected.
    `unset` names the variable that a value refers to and that is not set.
    """

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    from_text: set[KeyPath] = field(default_factory=set)
    unset: dict[KeyPath, str] = field(default_factory=dict)

    def put(self, path: KeyPath, value: Any, origin: str, *, text: bool = False) -> None:
        """Set one value, over whatever was there; what is not a mapping on the way to it is left to be reported."""
        inner: Any = self.data
        for key in path[:-1]:
            inner = inner.setdefault(key, {}) if isinstance(inner, dict) else None
        if not isinstance(inner, dict):
            return
        inner[path[-1]] = value
        for stale in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[stale]
        self.from_text = {known for known in self.from_text if known[: len(path)] != path}
        self.origins[path] = origin
        if text:
            self.from_text.add(path)

    def origin(self, path: KeyPath) -> str:
        """Where the value at `path`, or the nearest thing around it, was written."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return "configuration"

    def at(self, path: KeyPath) -> Any:
        """The value at `path`; None where there is none."""
        value: Any = self.data
        for key in path:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def part(self, path: KeyPath) -> Document:
        """What stands at `path`, as a document of its own; changes to it stay in it."""
        length = len(path)

        def below(known: KeyPath) -> bool:
            return known[:length] == path

        return Document(
            data=copy.deepcopy(self.at(path)),
            origins={
                (): self.origin(path),
                **{key[length:]: place for key, place in self.origins.items() if below(key)},
            },
            from_text={key[length:] for key in self.from_text if below(key)},
            unset={key[length:]: name for key, name in self.unset.items() if below(key)},
        )


class Problem(Struct, frozen=True):
    """One mistake in a configuration."""

    origin: str
    path: KeyPath
    message: str

    def __str__(self) -> str:
        if self.origin == COMMAND_LINE:  # no key was written there
            return self.message
        where = f"{self.origin}: {format_path(self.path)}" if self.path else self.origin
        return f"{where}: {self.message}"


class InvalidConfiguration(ConfigurationError):
    """A configuration with mistakes; the message has a line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(map(str, self.problems)))


def format_path(path: KeyPath) -> str:
    """A key path as people write it: `trees[0].path`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def show(path: KeyPath, value: Any) -> str:
    """A value for a message, shortened, and hidden if it is a secret."""
    if any(isinstance(key, str) and any(word in key.lower() for word in SECRET) for key in path):
        return "the value (not shown)"
    text = _KEY_IN_URI.sub(r"\1...", repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
