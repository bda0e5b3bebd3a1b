"""Abilities: protocols that are asked for at run time."""

from __future__ import annotations

from abc import ABC
from typing import Any


class Ability(ABC):
    """Base of the abilities: whatever has the methods has the ability, without inheriting.

    An ABC rather than a runtime protocol, because `isinstance` is asked for every request and ABCs remember
    the answer for each class.
    """

    @classmethod
    def __subclasshook__(cls, kind: type) -> Any:
        if not cls.__abstractmethods__:  # a class that has the ability, not the ability itself
            return NotImplemented
        return all(callable(getattr(kind, name, None)) for name in cls.__abstractmethods__)
