"""A catalog that Tiled 0.2.20 wrote is taken over: its tree, whatever is said about nodes, and where their data rest.

The old database is only read, and the bytes of the data stay where they are. Data sources and assets keep their ids,
and a node's id is one more than it was, so that children stay in their order and links to files stay valid. Everything
happens in one transaction, in pieces of a bounded size: afterwards the new catalog holds all of it, or is as empty as
before. What has no place in the new catalog, or is not what it should be, is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from tiled_sql_catalog import revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.taking import Notes, Progress, Report, take
from tiled_sql_catalog.tiled_tables import OldCatalog, opened

_ACCESS = "who may do what with a tag is said by the access policy of the configuration"
_NO_PLACE = "a catalog has no place for them"
_FOREIGN = "this table is not part of a catalog of Tiled 0.2.20"
_ROWS = "WHERE mimetype IN ('application/x-tiled-sql-table', 'application/x-ragged+sql')"  # of data sources
_LAYOUT = (
    "their rows lie in a database as Tiled lays them out, which is not read here: while a server of Tiled runs, "
    "tiledkernel.client.sync.copy brings them along"
)
_INDEX_OF_TEXT = "metadata_fts5"  # with the tables beside it, whose names begin so
#: Tables whose rows are taken over, or follow from those that are.
_TAKEN: Final = frozenset(
    {
        "alembic_version", "nodes", "nodes_closure", "revisions", "structures", "data_sources", "assets",
        "data_source_asset_association", "access_tags", "node_access_tags_association",
    }
)  # fmt: skip
#: Tables whose rows stay behind, with what they are and why.
_STAYING: Final[Mapping[str, tuple[str, str]]] = {
    "access_grants": ("grants of access tags", _ACCESS),
    "access_tag_owners_association": ("owners of access tags", _ACCESS),
    "access_tags_principals": ("principals of access tags", _ACCESS),
    "webhooks": ("webhooks", _NO_PLACE),
    "webhook_deliveries": ("deliveries of webhooks", _NO_PLACE),
    "entities": ("entities", _NO_PLACE),
    "links": ("links between entities", _NO_PLACE),
    "namespaces": ("namespaces of links", _NO_PLACE),
    "entity_access_tags_association": ("access tags of entities", _NO_PLACE),
    "link_access_tags_association": ("access tags of links", _NO_PLACE),
}


def adopt(
    old_uri: str, new: Database | Store, *, rehearse: bool = False, on_progress: Progress | None = None
) -> Report:
    """Take over the catalog of Tiled in a database into an empty catalog, which is made if there is none.

    With `rehearse` everything is tried and reported, and nothing is kept. `on_progress` is told from time to time how
    many nodes there are by now, and how many there will be. ConfigurationError if there is no such catalog, if it is
    of another version, or if the new one is not empty.
    """
    database = new.database if isinstance(new, Store) else new
    with opened(old_uri) as old:
        revisions.init(database, if_not_exists=True)

        def work(connection: Connection) -> Report:
            notes = Notes()
            taken = take(old, connection, notes, on_progress or _silently)
            _note_what_stays(old, notes)
            report = Report(taken, notes.left())
            if rehearse:
                raise _Rehearsed(report)
            return report

        try:
            return database.write(work)
        except _Rehearsed as rehearsed:
            return rehearsed.report


def _silently(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


class _Rehearsed(Exception):
    """Takes back what was written, although nothing went wrong."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def _note_what_stays(old: OldCatalog, notes: Notes) -> None:
    for table in sorted(old.tables - _TAKEN):
        if not table.startswith(_INDEX_OF_TEXT) and (count := old.count(table)):
            what, reason = _STAYING.get(table, (f"rows of {table}", _FOREIGN))
            notes.add(what, reason, count=count)
    if count := old.count("data_sources", _ROWS):
        notes.add("tables that grow and ragged arrays", _LAYOUT, count=count)
    if count := old.count("assets", "WHERE hash_type IS NOT NULL"):
        notes.add("checksums of assets", _NO_PLACE, count=count)
    if count := old.count("access_tags", "WHERE is_public AND name <> 'public'"):
        notes.add("access tags that are public", _ACCESS, count=count)
    unused = "NOT EXISTS (SELECT 1 FROM node_access_tags_association WHERE tag_id = access_tags.id)"
    if count := old.count("access_tags", f"WHERE name <> 'public' AND {unused}"):
        notes.add("access tags", "no node has them", count=count)
    unused = "NOT EXISTS (SELECT 1 FROM data_source_asset_association WHERE asset_id = assets.id)"
    if count := old.count("assets", f"WHERE {unused}"):
        notes.add("assets", "no data source needs them", count=count)
