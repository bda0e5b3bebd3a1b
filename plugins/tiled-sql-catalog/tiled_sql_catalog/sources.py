"""Data sources: where the data of nodes rest, what they look like, and the files that they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, select, update

from tiled_sql_catalog.assets import assets_of, associate, check_asset, drop_assets
from tiled_sql_catalog.content import check_text, text_of
from tiled_sql_catalog.dialects import Dialect
from tiled_sql_catalog.schema import assets, associations, data_sources, structures
from tiled_sql_catalog.statements import Among, batches
from tiledkernel import wire
from tiledkernel.errors import NotFound, Unprocessable
from tiledkernel.nodes.protocols import Asset, DataSource

MANAGEMENTS = ("external", "immutable", "locked", "writable")
MAX_ASSETS = 1_000_000  # of one data source
_NAMES = ("id", "node", "structure", "family", "media_type", "parameters", "properties", "management")
# An update that changes nothing keeps the row from being dropped by another writer until we are done.
_HELD = "ON CONFLICT (id) DO UPDATE SET content = excluded.content"


def add_sources(connection: Connection, dialect: Dialect, found: Sequence[tuple[int, DataSource]]) -> None:
    """Store data sources of nodes, which are given by their ids."""
    if not found:
        return
    for _, source in found:
        check_source(source)
    ids = dialect.reserve(connection, data_sources, len(found))
    load_sources(connection, dialect, ids, found)
    files = [(identity, asset) for identity, (_, source) in zip(ids, found, strict=True) for asset in source.assets]
    associate(connection, dialect, files)


def load_sources(
    connection: Connection, dialect: Dialect, ids: Sequence[int], found: Sequence[tuple[int, DataSource]]
) -> None:
    """Store data sources of nodes under these ids, but not their assets."""
    held = _hold(connection, dialect, [source for _, source in found])
    rows = [
        (identity, node, structure, *_description(source))
        for identity, (node, source), structure in zip(ids, found, held, strict=True)
    ]
    dialect.load(connection, data_sources, _NAMES, rows, "")


def replace_source(connection: Connection, dialect: Dialect, node: int, source: DataSource) -> None:
    """Describe a data source anew; new assets are added, and those that there are stay."""
    _describe(connection, dialect, node, source)
    known = _associations(connection, int(source.id or 0))
    new = [(int(source.id or 0), asset) for asset in source.assets if _role(asset) not in known]
    associate(connection, dialect, new)


def exchange_source(connection: Connection, dialect: Dialect, node: int, source: DataSource) -> list[Asset]:
    """Describe a data source anew, with exactly its assets; those that the server kept and nobody needs any more."""
    management = _describe(connection, dialect, node, source)
    identity = int(source.id or 0)
    known, wanted = _associations(connection, identity), {_role(asset): asset for asset in source.assets}
    associate(connection, dialect, [(identity, asset) for role, asset in wanted.items() if role not in known])
    gone = [row for role, row in known.items() if role not in wanted]
    for batch in batches(row.id for row in gone):
        connection.execute(delete(associations).where(associations.c.id.in_(batch)))
    dropped = drop_assets(connection, {row.asset for row in gone})
    return [] if management == "external" else dropped


def detach_asset(connection: Connection, node: int, asset_id: int) -> tuple[Asset | None, bool]:
    """Take an asset from all data sources of a node: the asset if nobody else needs it, and whether the server kept it.

    NotFound if the node has no such asset.
    """
    rows = connection.execute(
        select(associations.c.id, data_sources.c.management)
        .join(data_sources)
        .where(data_sources.c.node == node, associations.c.asset == asset_id)
    ).all()
    if not rows:
        raise NotFound(f"this node has no asset {asset_id}")
    connection.execute(delete(associations).where(associations.c.id.in_([row.id for row in rows])))
    dropped = drop_assets(connection, [asset_id])
    return dropped[0] if dropped else None, any(row.management != "external" for row in rows)


def _describe(connection: Connection, dialect: Dialect, node: int, source: DataSource) -> str:
    """Store what is said about a data source, but for its assets; how its data were managed until now."""
    check_source(source)
    mine = (data_sources.c.id == source.id) & (data_sources.c.node == node)
    before = connection.execute(select(data_sources.c.structure, data_sources.c.management).where(mine)).first()
    if before is None:
        raise NotFound(f"this node has no data source {source.id}")
    (structure,) = _hold(connection, dialect, [source])
    row = dict(zip(_NAMES[2:], (structure, *_description(source)), strict=True))
    connection.execute(update(data_sources).where(mine).values(**row))
    if before.structure != structure:
        drop_structures(connection, [before.structure])
    return str(before.management)


def _role(asset: Asset) -> tuple[str, str | None, int | None]:
    return asset.data_uri, asset.parameter, asset.num


def _associations(connection: Connection, source: int) -> dict[tuple[str, str | None, int | None], Row[Any]]:
    """What a data source needs files for: rows of associations by URI, parameter and number."""
    rows = connection.execute(
        select(associations, assets.c.uri).join(assets).where(associations.c.data_source == source)
    )
    return {(row.uri, row.parameter, row.num): row for row in rows}


_described = Among(data_sources.c.node, select(data_sources, structures.c.content).join(structures))


def sources_of(connection: Connection, nodes: Sequence[int]) -> dict[int, list[DataSource]]:
    """The data sources of nodes, with their assets in the order of their numbers."""
    found: dict[int, list[DataSource]] = {}
    rows = sorted(_described(connection, nodes), key=lambda row: row.id)
    files = assets_of(connection, [row.id for row in rows])
    for row in rows:
        found.setdefault(row.node, []).append(
            DataSource(
                structure_family=row.family,
                structure=wire.decode_json(row.content),
                id=row.id,
                mimetype=row.media_type,
                parameters=wire.decode_json(row.parameters),
                properties=wire.decode_json(row.properties),
                assets=tuple(files.get(row.id, ())),
                management=row.management,
            )
        )
    return found


def internal_below(connection: Connection, nodes: Iterable[int]) -> list[int]:
    """Those of the nodes whose data the server keeps itself."""
    found: list[int] = []
    for batch in batches(nodes):
        statement = select(data_sources.c.node).where(
            data_sources.c.node.in_(batch), data_sources.c.management != "external"
        )
        found += connection.execute(statement).scalars()
    return found


def drop_sources(connection: Connection, nodes: Sequence[int]) -> list[Asset]:
    """Forget the data sources of nodes; the assets of data kept by the server that nobody needs any more."""
    rows = connection.execute(
        select(data_sources.c.id, data_sources.c.structure, data_sources.c.management).where(
            data_sources.c.node.in_(nodes)
        )
    ).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    mine = associations.c.data_source.in_(ids)
    touched = connection.execute(
        select(associations.c.asset, data_sources.c.management).join(data_sources).where(mine)
    ).all()
    connection.execute(delete(associations).where(mine))
    connection.execute(delete(data_sources).where(data_sources.c.id.in_(ids)))
    drop_structures(connection, {row.structure for row in rows})
    internal = {asset for asset, management in touched if management != "external"}
    return [asset for asset in drop_assets(connection, {asset for asset, _ in touched}) if asset.id in internal]


def drop_structures(connection: Connection, ids: Iterable[bytes]) -> None:
    """Forget those structures that no data source has any more."""
    used = exists().where(data_sources.c.structure == structures.c.id)
    for batch in batches(ids):
        connection.execute(delete(structures).where(structures.c.id.in_(batch), ~used))


def check_source(source: DataSource) -> None:
    """Unprocessable unless the data source can be stored."""
    if source.management not in MANAGEMENTS:
        raise Unprocessable(
            f"{source.management!r:.80} is no way to manage data: expected one of {', '.join(MANAGEMENTS)}",
            "body", "data_sources", "management",
        )  # fmt: skip
    check_text(source.mimetype or "", "data_sources", "mimetype")
    if len(source.assets) > MAX_ASSETS:
        raise Unprocessable(
            f"{len(source.assets)} assets are too many: at most {MAX_ASSETS} are taken", "body", "data_sources"
        )
    for asset in source.assets:
        check_asset(asset)


def _description(source: DataSource) -> tuple[str, str | None, str, str, str]:
    """The columns that say how data are to be read."""
    return (
        str(source.structure_family), source.mimetype, text_of(source.parameters), text_of(source.properties),
        source.management,
    )  # fmt: skip


def _hold(connection: Connection, dialect: Dialect, found: Sequence[DataSource]) -> list[bytes]:
    """The ids of the structures of data sources; equal ones are stored once."""
    ids: list[bytes] = []
    rows: dict[bytes, tuple[bytes, str]] = {}
    for source in found:
        content = wire.encode_json(source.structure)
        identity = blake2b(content, digest_size=16).digest()
        ids.append(identity)
        if identity not in rows:
            rows[identity] = (identity, content.decode())
    dialect.load(connection, structures, ("id", "content"), sorted(rows.values()), _HELD)
    return ids
