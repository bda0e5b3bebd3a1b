"""What all nodes of a catalog have in common: a row, what can be changed about it, and where its data rest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from msgspec import Struct, structs

from tiled_sql_catalog.admission import Admission
from tiled_sql_catalog.conditions import Condition
from tiled_sql_catalog.fence import Fence
from tiled_sql_catalog.files import Files
from tiled_sql_catalog.paths import check_key
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.shapes import Shape
from tiled_sql_catalog.sight import CatalogSight
from tiled_sql_catalog.sources import check_source
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.structures import Structures
from tiled_sql_catalog.vault import EXTERNAL, Vault
from tiledkernel.errors import Conflict, NotAllowed, NotFound, Unprocessable
from tiledkernel.families.array.registered import check_registered
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.protocols import Asset, DataSource, Words
from tiledkernel.nodes.writing import Change, Draft, Revision
from tiledkernel.specs import Spec

_NO_TAGS: frozenset[str] = frozenset()


class Catalog(Struct, frozen=True):
    """What the nodes of one catalog share."""

    store: Store
    fence: Fence
    vault: Vault
    files: Files
    structures: Structures
    sight: CatalogSight | None = None  # of whoever asks; None: everything is visible

    @property
    def visible(self) -> tuple[Condition, ...]:
        """What nodes have to meet to be there."""
        return () if self.sight is None else self.sight.conditions

    def admitted(self, drafts: Iterable[Draft]) -> list[Draft]:
        """Drafts that can be stored, whose registered files may be read, with their sizes."""
        admission = Admission(self.fence)
        return [self._admitted(draft, admission) for draft in drafts]

    def _admitted(self, draft: Draft, admission: Admission) -> Draft:
        if draft.key is not None:
            check_key(draft.key)
        if not draft.data_sources:
            return draft
        sources = tuple([self.admitted_source(each, admission) for each in draft.data_sources])
        return structs.replace(draft, data_sources=sources)

    def admitted_source(self, source: DataSource, admission: Admission | None = None) -> DataSource:
        """A data source that can be stored, whose registered files may be read, with their sizes."""
        check_source(source)
        if source.management != EXTERNAL:
            return source
        self.files.check_readable(source)
        if isinstance(source.structure, ArrayStructure):
            check_registered(source.structure)
        admit = (admission or Admission(self.fence)).admit
        sized = [structs.replace(asset, size=admit(asset)) for asset in source.assets]
        return structs.replace(source, assets=tuple(sized))


class SourceBatch:
    """The data sources of nodes that were found together, asked for together when one of them is needed.

    So are the numbers of children, where some are hidden.
    """

    def __init__(self, catalog: Catalog, nodes: Sequence[Node]) -> None:
        self._catalog = catalog
        self._nodes = [node for node in nodes if node.sources]
        self._found: dict[int, list[DataSource]] | None = None
        self._shapes: dict[int, Shape] | None = None
        self._all = nodes
        self._counts: dict[int, int] | None = None

    def count(self, node: Node) -> int:
        """How many visible children one of the nodes has."""
        if self._counts is None:
            containers = [each for each in self._all if each.family == "container" and each.children]
            self._counts = self._catalog.store.counts(containers, self._catalog.visible) if containers else {}
        return self._counts.get(node.id, 0)

    def of(self, node: Node) -> list[DataSource]:
        """The data sources of one of the nodes."""
        if self._found is None:
            self._found = self._catalog.store.data_sources(*self._nodes) if self._nodes else {}
        return self._found.get(node.id, [])

    def shape(self, node: Node) -> Shape | None:
        """What the data of one of the nodes look like; None if nobody said."""
        if self._shapes is None:
            self._shapes = self._catalog.store.shapes(*self._nodes) if self._nodes else {}
        return self._shapes.get(node.id)


class CatalogNode:
    """A node as its row was when it was read."""

    family: str
    plain_metadata = True  # they come from JSON

    @property
    def swift(self) -> bool:
        """Whether it is found and described within microseconds: a database in a file keeps nobody waiting."""
        return self.catalog.store.database.swift

    def __init__(self, catalog: Catalog, row: Node, batch: SourceBatch | None = None) -> None:
        self.catalog = catalog
        self._row = row
        self._batch = batch

    @property
    def row(self) -> Node:
        """The node's own row."""
        return self._row

    @property
    def key(self) -> str:
        """The last part of its path."""
        return self._row.key

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the owner says about the data."""
        return self.row.metadata

    @property
    def metadata_text(self) -> str:
        """The same, as JSON."""
        return self.row.metadata_text

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Promises beyond the structure."""
        return self.row.specs

    @property
    def access_tags(self) -> frozenset[str] | None:
        """What an access policy goes by; None if it has no say."""
        return self.row.access_tags or _NO_TAGS

    def _words(self, form: Hashable, count: int = 0) -> Words:
        row = self.row
        return Words(form, row.metadata_text, row.specs_text, row.tags_text or "[]", count)

    def version_of(self) -> int:
        """How often the row was changed."""
        return self.row.version

    def _with(self, row: Node) -> Self:
        return type(self)(self.catalog, row)

    def change(self, make: Callable[[Any], Change]) -> Self:
        """The node after what `make` wants of it; what it was is kept as a revision."""
        return self._with(self.catalog.store.change(self._row, lambda row: make(self._with(row))))

    def claim(self, version: int) -> None:
        """Count the version up; PreconditionFailed if it is another one."""
        self.catalog.store.claim(self._row, version)

    def delete(self, *, recursive: bool = False, external_only: bool = True, version: int | None = None) -> None:
        """Delete it; Conflict if it is not empty, or data would be lost, and that is not allowed."""
        gone = self.catalog.store.delete(self._row, recursive=recursive, external_only=external_only, version=version)
        self.catalog.vault.remove(gone, waiting=True)

    # Revisions

    def revisions(self, *, offset: int, limit: int) -> tuple[list[Revision], int]:
        """What it was, oldest first, and how many revisions there are."""
        return self.catalog.store.revisions(self._row, offset=offset, limit=limit)

    def delete_revision(self, number: int) -> None:
        """Forget one; NotFound if there is none of that number."""
        self.catalog.store.delete_revision(self._row, number)

    # Where its data rest

    def data_sources(self) -> list[DataSource]:
        """Where they rest; empty if the node has no data."""
        if not self._row.sources:
            return []
        return self._together.of(self._row)

    @property
    def _together(self) -> SourceBatch:
        if self._batch is None:
            self._batch = SourceBatch(self.catalog, [self._row])
        return self._batch

    def asset_path(self, asset_id: int, relative_path: str | None = None) -> Path:
        """The checked path of a file to hand out; of a directory, `relative_path` says which of its files."""
        return self.catalog.fence.file_of(self._asset(asset_id), relative_path)

    def manifest(self, asset_id: int) -> list[str]:
        """Relative paths of all files in a directory."""
        return self.catalog.fence.files_of(self._asset(asset_id))

    def _asset(self, asset_id: int) -> Asset:
        assets = [asset for source in self.data_sources() for asset in source.assets]
        if not assets:
            raise NotAllowed(f"{self.key!r} has no assets: no files stand behind it")
        for asset in assets:
            if asset.id == asset_id:
                return asset
        raise NotFound(f"no asset {asset_id}: those of {self.key!r} are listed with its data sources")

    def replace_source(self, source: DataSource, *, version: int | None = None) -> None:
        """Describe a registered data source anew: assets that are new are added, the others stay."""
        before = next((known for known in self.data_sources() if known.id == source.id), None)
        if before is None:
            raise NotFound(f"{self.key!r} has no data source {source.id}")
        if before.management != EXTERNAL:
            raise NotAllowed(f"the data of {self.key!r} are kept by the server, which knows what they look like")
        for name in ("management", "structure_family"):
            if getattr(source, name) != getattr(before, name):
                raise Unprocessable(
                    f"the {name} of a data source cannot change from {getattr(before, name)!r} to "
                    f"{getattr(source, name)!r:.80}", "body", "data_source", name,
                )  # fmt: skip
        self.catalog.store.replace_data_source(self._row, self.catalog.admitted_source(source), version=version)

    def detach(self, asset_id: int, *, external_only: bool = True) -> tuple[Asset | None, bool]:
        """Take an asset from the node: the asset if nobody else has it, and whether its data went too."""
        self._asset(asset_id)
        holder = next(source for source in self.data_sources() if any(each.id == asset_id for each in source.assets))
        internal = holder.management != EXTERNAL
        if internal and external_only:
            raise Conflict(
                f"the server keeps the data of asset {asset_id}: 'external_only=false' deletes these data as well"
            )
        dropped = self.catalog.store.detach_asset(self._row, asset_id)
        if dropped is None or not internal:
            return dropped, False
        self.catalog.vault.remove([structs.replace(holder, assets=(dropped,))], waiting=True)
        return dropped, True
