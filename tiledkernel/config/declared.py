"""The specs that a configuration declares, with the functions that hold nodes to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tiledkernel import references
from tiledkernel.config.document import InvalidConfiguration, KeyPath, Problem
from tiledkernel.config.load import Loaded
from tiledkernel.errors import ConfigurationError


def declared_specs(loaded: Loaded) -> dict[str, Callable[..., Any] | None]:
    """Each spec with its validator; InvalidConfiguration names those that cannot be had."""
    problems: list[Problem] = []
    found: dict[str, Callable[..., Any] | None] = {}
    for index, declared in enumerate(loaded.configuration.specs):
        key: KeyPath = ("specs", index, "validator")
        if declared.spec in found:
            key = ("specs", index, "spec")
            problems.append(Problem(loaded.document.origin(key), key, f"{declared.spec!r} is declared twice"))
            continue
        try:
            found[declared.spec] = None if declared.validator is None else _function(declared.validator)
        except ConfigurationError as error:
            problems.append(Problem(loaded.document.origin(key), key, str(error)))
    if problems:
        raise InvalidConfiguration(problems)
    return found


def _function(reference: str) -> Callable[..., Any]:
    try:
        found = references.load(reference)
    except ConfigurationError:
        raise
    except Exception as error:  # a module may raise anything
        raise ConfigurationError(f"{reference!r} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ConfigurationError(f"{reference!r} is no function, but of type {type(found).__name__}")
    function: Callable[..., Any] = found
    return function
