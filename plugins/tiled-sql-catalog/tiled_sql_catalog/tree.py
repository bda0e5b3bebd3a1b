"""A catalog as a tree of the configuration."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from tiled_sql_catalog import revisions
from tiled_sql_catalog.container import CatalogContainer
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import PoolSizes, is_memory
from tiled_sql_catalog.fence import Fence
from tiled_sql_catalog.files import Files
from tiled_sql_catalog.node import Catalog
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.structures import Structures
from tiled_sql_catalog.sweeping import enlist, identity, sweep_soon
from tiled_sql_catalog.vault import Vault
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.storing import FILE, Location, StorageTable, parse_location
from tiledkernel.nodes.writing import Change

logger = logging.getLogger(__name__)


class Bucket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bucket of an object store: `provider` is 's3', 'azure' or 'google', `config` what its library wants to know."""

    provider: str
    uri: str
    config: dict[str, Any] = field(default_factory=dict)


class CatalogOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a catalog.

    - `uri`: of its database: 'sqlite:////path/to/catalog.db', 'postgresql://...', or the path of a file.
    - `writable_storage`: where uploaded data go: folders (made if missing), URIs of databases for tables that grow
      ('duckdb:///...', 'sqlite:///...', 'postgresql://...'), buckets. For each dataset the first location is used
      that its kind of data can be kept in. Without any the catalog takes no data.
    - `readable_storage`: folders, or file URIs of folders, that registered files may lie in, besides the writable ones;
      and data that were uploaded some time, and are only to be read now.
    - `init_if_not_exists`: make the catalog in an empty database; several servers had better not all try.
    - `metadata`, `specs`, `top_level_access_tags`: of the root node; they are set when the server starts.
    - `adapters_by_mimetype`: media type -> 'module:function', readers that go before those of plugins.
    - `mount_node`: keys of the node to serve as the root, as '/a/b' or a list.
    - `create_mount_nodes_if_not_exist`: make the containers down to it, if they are missing.
    - `catalog_pool_size`, `catalog_max_overflow`: connections that stay open, and how many more there may be.
    - `storage_pool_size`, `storage_max_overflow`: the same for databases that tables are kept in.
    """

    uri: str
    writable_storage: list[str | Bucket] = field(default_factory=list)
    readable_storage: list[str] = field(default_factory=list)
    init_if_not_exists: bool = False
    metadata: dict[str, Any] | None = None
    specs: list[str] | None = None
    top_level_access_tags: list[str] | None = None
    adapters_by_mimetype: dict[str, str] = field(default_factory=dict)
    mount_node: str | list[str] | None = None
    create_mount_nodes_if_not_exist: bool = False
    catalog_pool_size: int = 5
    catalog_max_overflow: int = 10
    storage_pool_size: int = 5
    storage_max_overflow: int = 10


def build_catalog(
    options: CatalogOptions, composition: Composition, database: Database | None = None
) -> CatalogContainer:
    """The root of a catalog; ConfigurationError if there is none, or none that this version works with.

    A `database` that is given is used instead of a new one for the URI, and left open if this fails.
    """
    locations = [_location(given) for given in options.writable_storage]
    _check_usable(locations, composition)
    folders = [location.folder for location in locations if location.scheme == FILE]
    readable = [_readable(given) for given in options.readable_storage]
    fence = Fence([*(location.folder for location in readable), *folders], composition.adopt)
    files = Files(composition, fence, options.adapters_by_mimetype)
    given = database
    database = database or Database(options.uri, PoolSizes(options.catalog_pool_size, options.catalog_max_overflow))
    try:
        if options.init_if_not_exists:
            revisions.init(database, if_not_exists=True)
        else:
            revisions.check(database)
        store = Store(database)
        owner = identity(database, store.root())
        for location in locations:
            _enlist(location, owner)
        top = _mounted(store, options.mount_node, make=options.create_mount_nodes_if_not_exist)
        structures = Structures(composition.families)
        vault = Vault(store, StorageTable(composition.storages, locations, readable), structures)
        tree = CatalogContainer(Catalog(store, fence, vault, files, structures), _described(store, top, options))
    except BaseException:
        if given is None:
            database.close()
        raise
    tree.live = True
    if not is_memory(database.url):  # which knows nothing of what lies in a folder from before
        sweep_soon(database, tuple(locations), owner)
    return tree


def _location(given: str | Bucket) -> Location:
    """A place for uploaded data; a folder is made if it is missing."""
    location = parse_location(given if isinstance(given, str) else asdict(given))
    if location.scheme == FILE:
        try:
            location.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"writable_storage: {given!r} cannot be a folder: {error.strerror}") from error
    return location


def _check_usable(locations: Iterable[Location], composition: Composition) -> None:
    """ConfigurationError if nothing that is installed could ever keep data in one of the places."""
    known = {FILE}.union(*(storage.schemes for storage in composition.storages.values()))
    for location in locations:
        if location.scheme not in known:
            raise ConfigurationError(
                f"writable_storage: no installed plugin keeps data in {location.public_uri!r}: expected a place of the "
                f"kind {', '.join(sorted(known))}"
            )


def _enlist(location: Location, owner: str) -> None:
    try:
        enlist(location, owner)
    except OSError as error:
        raise ConfigurationError(
            f"writable_storage: {location.folder} cannot be written: {error.strerror}. Let the server write there, "
            "or name another folder"
        ) from error


def _readable(text: str) -> Location:
    """A folder that may be read, now or once it is there; ConfigurationError if something else has its name."""
    location = parse_location(text)
    if location.scheme != FILE or location.folder.is_file():
        raise ConfigurationError(f"readable_storage: {text!r} is no folder: expected the path of one")
    if not location.folder.is_dir():
        logger.warning("readable_storage: there is no folder %s yet", location.folder)
    return location


def _mounted(store: Store, place: str | list[str] | None, *, make: bool) -> Node:
    """The container that is the root for those who look in from here."""
    keys = [key for key in place.split("/") if key] if isinstance(place, str) else list(place or ())
    node = store.root()
    for number, key in enumerate(keys):
        found = store.child(node, key)
        if found is None and make:
            found = store.create(node, key)
        if found is None or found.family != "container" or found.sources:
            raise ConfigurationError(
                f"mount_node: the catalog has no container at '/{'/'.join(keys[: number + 1])}': make it first, or say "
                "'create_mount_nodes_if_not_exist: true'"
            )
        node = found
    return node


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
