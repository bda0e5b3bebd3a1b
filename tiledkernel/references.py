"""`"module:object"` references: imported when they are needed, with errors that say which part is wrong."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from tiledkernel.errors import ConfigurationError

_beside: ContextVar[Path | None] = ContextVar("beside", default=None)


def load(reference: str) -> Any:
    """The object that `"module:object"` names; ConfigurationError if there is none.

    What the module raises while it is imported is not caught: it is the module's own error.
    """
    module_name, separator, attributes = reference.partition(":")
    if not separator or not module_name or not attributes:
        raise ConfigurationError(f"{reference!r} is no reference to an object: expected 'module:object'")
    try:
        value: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise ConfigurationError(f"no module named {error.name!r}, which {reference!r} refers to") from error
        raise
    for attribute in attributes.split("."):
        try:
            value = getattr(value, attribute)
        except AttributeError:
            raise ConfigurationError(f"module {module_name!r} has no {attributes!r}") from None
    return value


def installed(module: str) -> bool:
    """Whether a module could be imported, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


@contextmanager
def modules_beside(directory: Path | None) -> Iterator[None]:
    """Let references name modules that lie in `directory`, beside the file that holds the references."""
    if directory is None:
        yield
        return
    entry = str(directory)
    sys.path.insert(0, entry)
    token = _beside.set(directory)
    try:
        yield
    finally:
        _beside.reset(token)
        sys.path.remove(entry)


def beside(path: str | Path) -> Path:
    """Where a file is that a configuration names: in the folder of the configuration, else in the working directory."""
    given, directory = Path(path), _beside.get()
    found = given if directory is None else directory / given
    return found if found.exists() else given
