"""Data that the catalog keeps itself: which storage makes room for them, reads, writes and removes them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from msgspec import structs

from tiled_sql_catalog.records import Node
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.structures import Structures
from tiledkernel import references
from tiledkernel.errors import NotFound
from tiledkernel.nodes.durable import locked, remove_emptied
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import FILE, Keeper, StorageTable, new_name, path_of_uri
from tiledkernel.nodes.writing import Draft

logger = logging.getLogger(__name__)

EXTERNAL = "external"


def has_room(draft: Draft) -> bool:
    """Whether the catalog itself keeps data of a node, or is going to."""
    return any(source.management != EXTERNAL for source in draft.data_sources)


class Vault:
    """The storages, seen from the catalog."""

    def __init__(self, store: Store, storages: StorageTable, structures: Structures) -> None:
        self._store = store
        self._storages = storages
        self.structures = structures

    def with_room(self, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts with room for the data that they are to have; none is left if one of them gets none."""
        placed: list[Draft] = []
        try:
            for draft in drafts:
                placed.append(self._with_room(draft))  # noqa: PERF401 - what was placed before a failure is needed
        except BaseException:
            self.clear(placed)
            raise
        return placed

    def _with_room(self, draft: Draft) -> Draft:
        if not has_room(draft):
            return draft
        placed = [source if source.management == EXTERNAL else self._place(source) for source in draft.data_sources]
        return structs.replace(draft, data_sources=tuple(placed))

    def _place(self, source: DataSource) -> DataSource:
        storage, location = self._storages.choose(source.structure_family, source.mimetype)
        made: DataSource = references.load(storage.create)(
            structs.replace(self.structures.decoded(source), mimetype=storage.media_type), location, new_name()
        )
        return made

    def clear(self, drafts: Iterable[Draft]) -> None:
        """Remove the room of drafts that became no nodes."""
        for draft in drafts:
            self.remove(source for source in draft.data_sources if source.management != EXTERNAL)

    def close(self) -> None:
        """Let go of what the storages have open."""
        self._storages.close()

    def keeps(self, source: DataSource) -> bool:
        """Whether a storage knows how to read data that the catalog keeps."""
        return source.management != EXTERNAL and self._storages.of(source) is not None

    def may_write(self, source: DataSource) -> bool:
        """Whether data may be changed: those of a writer that lie in a place for uploads."""
        found = self._storages.of(source)
        return source.management == "writable" and found is not None and found[1] in self._storages.locations

    def open(self, node: Node, source: DataSource) -> Any:
        """The data, to be read, and to be written if they may be."""
        found = self._storages.of(source)
        assert found is not None, "asked before"
        storage, location = found
        keeper = SourceKeeper(self._store, self, node, source.id)
        return references.load(storage.open)(self.structures.decoded(source), location, keeper)

    def remove(self, sources: Iterable[DataSource], *, waiting: bool = False) -> None:
        """Remove data that no node has any more; what cannot be removed now is swept some day.

        With `waiting`, those who are writing to them come to their end before.
        """
        for source in sources:
            try:
                self._remove(source, waiting=waiting)
            except Exception:
                logger.warning("data of the form %s could not be removed", source.mimetype, exc_info=True)

    def _remove(self, source: DataSource, *, waiting: bool) -> None:
        elsewhere = [asset for asset in source.assets if not asset.data_uri.startswith(f"{FILE}:")]
        for asset in source.assets:
            if asset not in elsewhere:
                self._remove_path(asset.data_uri, waiting=waiting)
        found = self._storages.of(source) if elsewhere else None
        if found is not None:
            storage, location = found
            references.load(storage.delete)(structs.replace(source, assets=tuple(elsewhere)), location)

    def _remove_path(self, uri: str, *, waiting: bool) -> None:
        location = next((each for each in self._storages.locations if each.scheme == FILE and each.holds(uri)), None)
        if location is None:
            return  # not a place that this catalog may write to
        path = path_of_uri(uri)
        folder = path if path.is_dir() else path.parent
        with locked(folder) if waiting and folder.is_dir() else nullcontext():
            if folder == path:
                shutil.rmtree(path)
                return
            path.unlink(missing_ok=True)
            if folder.parent.parent == location.folder:  # it has the files of one dataset, not of many
                remove_emptied(folder)


class SourceKeeper(Keeper):
    """The catalog, as what stores the data of one node sees it."""

    def __init__(self, store: Store, vault: Vault, node: Node, source: int | None) -> None:
        self._store = store
        self._vault = vault
        self._node = node
        self._source = source

    def current(self) -> DataSource:
        """The data source as it is by now; NotFound if the node is gone."""
        for source in self._store.data_sources(self._node).get(self._node.id, ()):
            if source.id == self._source and source.assets:  # none, if it is being deleted at this moment
                return self._vault.structures.decoded(source)
        raise NotFound(f"{self._node.key!r} is gone: it was deleted")

    def commit(self, source: DataSource) -> None:
        """Let the catalog say this from now on; assets that it does not have any more are deleted."""
        dropped = self._store.exchange_source(self._node, structs.replace(source, id=self._source))
        self._vault.remove([structs.replace(source, assets=tuple(dropped))] if dropped else [])
