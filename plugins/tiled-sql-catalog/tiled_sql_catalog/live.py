"""Catalogs made in Python, for programs that serve them themselves and for tests."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import msgspec

from tiled_sql_catalog.container import CatalogContainer
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.tree import CatalogOptions, build_catalog
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.plugins import discover

_MEMORY = "sqlite://"
_named: weakref.WeakValueDictionary[str, Database] = weakref.WeakValueDictionary()
_naming = threading.RLock()


def from_uri(uri: str | PathLike[str], *, composition: Composition | None = None, **options: Any) -> CatalogContainer:
    """The catalog in a database.

    The tree can be given to `build_app`, to one application after the other or to several at once, and be closed with
    its method `close`.

    Parameters
    ----------
    uri
        'sqlite:////path/to/catalog.db', 'postgresql://...', or the path of a file.
    composition
        The plugins that take part; all that are installed, if none is given.
    **options
        The keys of `catalog` in a configuration: `init_if_not_exists`, `writable_storage`, `readable_storage`,
        `metadata`, `specs`, `adapters_by_mimetype`, `mount_node` ...

    Examples
    --------
    >>> tree = from_uri("catalog.db", init_if_not_exists=True, writable_storage=["data"])
    >>> app = build_app(tree)
    """
    return build_catalog(_options(fspath(uri), options), _composition(composition))


def in_memory(
    *, named_memory: str | None = None, composition: Composition | None = None, **options: Any
) -> CatalogContainer:
    """A catalog in a database that exists in this process only.

    Parameters
    ----------
    named_memory
        All catalogs with this name are of one database, which lasts as long as one of them. Without a name, the
        database is new.
    composition, **options
        See `from_uri`.

    Examples
    --------
    >>> tree = in_memory(writable_storage=["data"])
    >>> same = in_memory(named_memory="scratch"), in_memory(named_memory="scratch")
    """
    chosen = _options(_MEMORY, {"init_if_not_exists": True, **options})
    with _naming:
        database = _database(named_memory)
        return build_catalog(chosen, _composition(composition), database)


def _database(name: str | None) -> Database:
    found = _named.get(name) if name is not None else None
    if found is None:
        found = Database(_MEMORY)
        if name is not None:
            _named[name] = found
    return found


def _options(uri: str, options: Mapping[str, Any]) -> CatalogOptions:
    """Checked as those of a configuration are; paths may be objects."""
    plain = {name: _texts(value) for name, value in options.items()}
    try:
        return msgspec.convert({"uri": uri, **plain}, CatalogOptions)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the options of a catalog: {error}") from error


def _texts(value: Any) -> Any:
    """Paths as text, alone or in a list."""
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_texts(one) for one in value]
    return value


def _composition(given: Composition | None) -> Composition:
    return Composition(discover()) if given is None else given
