"""Data sources: where the data of nodes rest, what they look like, and the files that they need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from tiled_sql_catalog.dialects import Dialect
from tiled_sql_catalog.schema import assets, associations, data_sources, structures
from tiledkernel import wire
from tiledkernel.errors import NotFound, Unprocessable
from tiledkernel.nodes.protocols import Asset, DataSource

MANAGEMENTS = ("external", "immutable", "locked", "writable")
MAX_ASSETS = 1_000_000  # of one data source
MAX_URI = 8192  # characters
_BATCH = 500


def add_source(connection: Connection, dialect: Dialect, node: int, source: DataSource) -> int:
    """Store a data source of a node; its id."""
    _check(source)
    identity = connection.execute(
        insert(data_sources).returning(data_sources.c.id), _row(connection, dialect, source) | {"node": node}
    ).scalar_one()
    _associate(connection, dialect, identity, source.assets)
    return int(identity)


def replace_source(connection: Connection, dialect: Dialect, node: int, source: DataSource) -> None:
    """Describe a data source anew; new assets are added, and those that there are stay."""
    _check(source)
    mine = (data_sources.c.id == source.id) & (data_sources.c.node == node)
    previous = connection.execute(select(data_sources.c.structure).where(mine)).scalar()
    if previous is None:
        raise NotFound(f"this node has no data source {source.id}")
    row = _row(connection, dialect, source)
    connection.execute(update(data_sources).where(mine).values(**row))
    _associate(connection, dialect, int(source.id or 0), source.assets)
    if previous != row["structure"]:
        drop_structures(connection, [previous])


def sources_of(connection: Connection, nodes: Sequence[int]) -> dict[int, list[DataSource]]:
    """The data sources of nodes, with their assets in the order of their numbers."""
    found: dict[int, list[DataSource]] = {}
    columns = (data_sources, structures.c.content)
    statement = select(*columns).join(structures).where(data_sources.c.node.in_(nodes)).order_by(data_sources.c.id)
    rows = connection.execute(statement).all()
    files = _assets_of(connection, [row.id for row in rows])
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
    return [asset for asset in _drop_assets(connection, {asset for asset, _ in touched}) if asset.id in internal]


def drop_structures(connection: Connection, ids: Iterable[bytes]) -> None:
    """Forget those structures that no data source has any more."""
    used = exists().where(data_sources.c.structure == structures.c.id)
    for batch in batches(ids):
        connection.execute(delete(structures).where(structures.c.id.in_(batch), ~used))


def _drop_assets(connection: Connection, ids: Iterable[int]) -> list[Asset]:
    used = exists().where(associations.c.asset == assets.c.id)
    dropped: list[Asset] = []
    for batch in batches(ids):
        gone = connection.execute(delete(assets).where(assets.c.id.in_(batch), ~used).returning(assets)).all()
        dropped += [
            Asset(data_uri=row.uri, is_directory=row.is_directory, parameter=None, id=row.id, size=row.size)
            for row in gone
        ]
    return dropped


def _check(source: DataSource) -> None:
    if source.management not in MANAGEMENTS:
        raise Unprocessable(
            f"{source.management!r:.80} is no way to manage data: expected one of {', '.join(MANAGEMENTS)}",
            "body", "data_sources", "management",
        )  # fmt: skip
    if len(source.assets) > MAX_ASSETS:
        raise Unprocessable(
            f"{len(source.assets)} assets are too many: at most {MAX_ASSETS} are taken", "body", "data_sources"
        )
    for asset in source.assets:
        if len(asset.data_uri) > MAX_URI or "\0" in asset.data_uri or not _is_unicode(asset.data_uri):
            raise Unprocessable(
                f"{asset.data_uri[:80]!r} can be no URI of a file: it is longer than {MAX_URI} characters, or contains "
                "a NUL character", "body", "data_sources", "assets",
            )  # fmt: skip


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _row(connection: Connection, dialect: Dialect, source: DataSource) -> dict[str, Any]:
    return {
        "structure": _structure(connection, dialect, source.structure),
        "family": str(source.structure_family),
        "media_type": source.mimetype,
        "parameters": text_of(source.parameters),
        "properties": text_of(source.properties),
        "management": source.management,
    }


def _structure(connection: Connection, dialect: Dialect, structure: Any) -> bytes:
    """The id of a structure, which is stored unless an equal one is."""
    content = wire.encode_json(structure)
    identity = blake2b(content, digest_size=16).digest()
    statement = dialect.insert(structures).values(id=identity, content=content.decode())
    # An update that changes nothing keeps the row from being dropped by another writer until we are done.
    held = statement.on_conflict_do_update(index_elements=["id"], set_={"content": statement.excluded.content})
    connection.execute(held)
    return identity


def _associate(connection: Connection, dialect: Dialect, source: int, files: Sequence[Asset]) -> None:
    known = {
        (uri, parameter, num)
        for uri, parameter, num in connection.execute(
            select(assets.c.uri, associations.c.parameter, associations.c.num)
            .join(assets)
            .where(associations.c.data_source == source)
        )
    }
    for file in files:
        asset = _asset(connection, dialect, file)
        if (file.data_uri, file.parameter, file.num) not in known:
            connection.execute(
                insert(associations),
                {"data_source": source, "asset": asset, "parameter": file.parameter, "num": file.num},
            )


def _asset(connection: Connection, dialect: Dialect, file: Asset) -> int:
    """The id of an asset; one file is one asset, whoever needs it, and a size that was unknown is learnt."""
    digest = blake2b(file.data_uri.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    statement = dialect.insert(assets).values(
        digest=digest, uri=file.data_uri, is_directory=file.is_directory, size=file.size
    )
    size = func.coalesce(statement.excluded.size, assets.c.size)
    held = statement.on_conflict_do_update(index_elements=["digest"], set_={"size": size})
    return int(connection.execute(held.returning(assets.c.id)).scalar_one())


def _assets_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Asset]]:
    found: dict[int, list[Asset]] = {}
    statement = (
        select(associations.c.data_source, associations.c.parameter, associations.c.num, assets)
        .join(assets)
        .where(associations.c.data_source.in_(ids))
        .order_by(associations.c.data_source, func.coalesce(associations.c.num, -1), associations.c.id)
    )
    for source, parameter, num, id_, _, uri, is_directory, size in connection.execute(statement):
        asset = Asset(data_uri=uri, is_directory=is_directory, parameter=parameter, num=num, id=id_, size=size)
        found.setdefault(source, []).append(asset)
    return found


def text_of(content: Any) -> str:
    """JSON as it is stored."""
    return wire.encode_json(wire.plain(content)).decode()


def batches(ids: Iterable[Any]) -> Iterable[list[Any]]:
    """The ids in lists that a statement can hold."""
    found = list(ids)
    return (found[start : start + _BATCH] for start in range(0, len(found), _BATCH))
