"""One kind of look-up by name: a miss says what is installed, a clash names both sides."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from tiledkernel.errors import AmbiguousName, UnknownName

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name, each with the plugin that it came from; names are unique.

    `prefer` maps a name to the plugin that wins when several claim it.
    """

    def __init__(self, kind: str, prefer: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._prefer = dict(prefer or {})
        self._things: dict[str, tuple[T, str]] = {}

    def add(self, name: str, thing: T, plugin: str) -> None:
        """Register; AmbiguousName if another plugin has the name and the configuration does not decide."""
        if name in self._things:
            holder = self._things[name][1]
            preferred = self._prefer.get(name)
            if preferred not in (holder, plugin) or holder == plugin:
                raise AmbiguousName(
                    f"{self.kind} {name!r} is registered by both {holder!r} and {plugin!r}; "
                    f"choose one in the configuration: 'prefer: {{{name!r}: {holder}}}', or disable a plugin"
                )
            if preferred == holder:
                return
        self._things[name] = (thing, plugin)

    def __getitem__(self, name: str) -> T:
        """The thing of this name; UnknownName lists what is installed."""
        try:
            return self._things[name][0]
        except KeyError:
            raise UnknownName(self.miss(name)) from None

    def get(self, name: str) -> T | None:
        """The thing of this name, or None."""
        entry = self._things.get(name)
        return entry[0] if entry else None

    def plugin_of(self, name: str) -> str:
        """The plugin that registered `name`."""
        return self._things[name][1]

    def miss(self, name: str) -> str:
        """The sentence for a name that is not registered."""
        known = ", ".join(sorted(self._things)) or "none"
        near = difflib.get_close_matches(name, self._things, n=1)
        return (
            f"no {self.kind} named {name!r}"
            + (f" (did you mean {near[0]!r}?)" if near else "")
            + f"; installed: {known}"
        )

    def __contains__(self, name: object) -> bool:
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def values(self) -> list[T]:
        """All things, in the order of registration."""
        return [thing for thing, _ in self._things.values()]

    def items(self) -> list[tuple[str, T]]:
        """All names and things, in the order of registration."""
        return [(name, thing) for name, (thing, _) in self._things.items()]
