"""A catalog as a tree of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field

from tiled_sql_catalog import revisions
from tiled_sql_catalog.container import CatalogContainer
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import PoolSizes
from tiled_sql_catalog.leaves import Leaves
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.writing import Change
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError


class CatalogOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a catalog.

    - `uri`: of its database: 'sqlite:////path/to/catalog.db', 'postgresql://...', or the path of a file.
    - `readable_storage`: folders, or file URIs of folders, that registered files may lie in.
    - `init_if_not_exists`: make the catalog in an empty database; several servers had better not all try.
    - `metadata`, `specs`, `top_level_access_tags`: of the root node; they are set when the server starts.
    - `mount_node`: keys of the node to serve as the root, as '/a/b' or a list.
    - `catalog_pool_size`, `catalog_max_overflow`: connections that stay open, and how many more there may be.
    """

    uri: str
    readable_storage: list[str] = field(default_factory=list)
    init_if_not_exists: bool = False
    metadata: dict[str, Any] | None = None
    specs: list[str] | None = None
    top_level_access_tags: list[str] | None = None
    mount_node: str | list[str] | None = None
    catalog_pool_size: int = 5
    catalog_max_overflow: int = 10


def build_catalog(options: CatalogOptions, composition: Composition) -> CatalogContainer:
    """The root of a catalog; ConfigurationError if there is none, or none that this version works with."""
    readable = [_folder(text) for text in options.readable_storage]
    database = Database(options.uri, PoolSizes(options.catalog_pool_size, options.catalog_max_overflow))
    try:
        if options.init_if_not_exists:
            revisions.init(database, if_not_exists=True)
        else:
            revisions.check(database)
        store = Store(database)
        root = _described(store, _mounted(store, options.mount_node), options)
        tree = CatalogContainer(store, root, Leaves(store, readable, composition))
    except BaseException:
        database.close()
        raise
    tree.live = True
    return tree


def _folder(text: str) -> Path:
    """A folder that may be read; ConfigurationError if there is none of that name."""
    parts = urlsplit(text)
    folder = Path(unquote(parts.path) if parts.scheme == "file" else text).expanduser()
    if not folder.is_dir():
        raise ConfigurationError(f"readable_storage: {text!r} is no folder: expected the path of one that exists")
    return folder


def _mounted(store: Store, place: str | list[str] | None) -> Node:
    keys = [key for key in place.split("/") if key] if isinstance(place, str) else list(place or ())
    if not keys:
        return store.root()
    found = store.look_up(store.root(), keys)
    if found is None or found.family != "container":
        raise ConfigurationError(
            f"mount_node: the catalog has no container at '/{'/'.join(keys)}': make it first, or leave the option out"
        )
    return found


def _described(store: Store, root: Node, options: CatalogOptions) -> Node:
    """The root with the metadata, specs and tags of the configuration, where it says any."""
    change = Change(
        metadata=options.metadata,
        specs=options.specs,
        access_tags=options.top_level_access_tags,
        drop_revision=True,
    )
    wanted = (options.metadata, options.specs, options.top_level_access_tags)
    found = (root.metadata, [spec.name for spec in root.specs], sorted(root.access_tags or ()))
    if all(want is None or want == have for want, have in zip(wanted, found, strict=True)):
        return root
    return store.replace(root, change)
