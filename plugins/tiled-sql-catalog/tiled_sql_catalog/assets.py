"""The files that data sources need: one file is one asset, whoever needs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from sqlalchemy import Connection, delete, exists, select

from tiled_sql_catalog.content import check_text
from tiled_sql_catalog.dialects import Dialect
from tiled_sql_catalog.schema import assets, associations
from tiled_sql_catalog.statements import Among, batches
from tiledkernel.errors import Unprocessable
from tiledkernel.nodes.protocols import Asset

MAX_URI = 8192  # characters
_MOST = 2**63 - 1  # that fits a column
# An update keeps the row from being dropped by another writer until we are done, and a size that was unknown is learnt.
_KNOWN = "ON CONFLICT (digest) DO UPDATE SET size = coalesce(excluded.size, assets.size)"
_by_digest = Among(assets.c.digest, select(assets.c.id, assets.c.digest))


def check_asset(asset: Asset) -> None:
    """Unprocessable unless the asset can be stored."""
    uri = asset.data_uri
    if len(uri) > MAX_URI or "\0" in uri or not (uri.isascii() or _is_unicode(uri)):
        raise Unprocessable(
            f"{uri[:80]!r} can be no URI of a file: it is longer than {MAX_URI} characters, or contains a NUL "
            "character", "body", "data_sources", "assets",
        )  # fmt: skip
    for name, number in (("num", asset.num), ("size", asset.size)):
        if number is not None and not 0 <= number <= _MOST:
            raise Unprocessable(
                f"{name}={number!s:.40} is no number of an asset: expected 0 to {_MOST}",
                "body", "data_sources", "assets", name,
            )  # fmt: skip
    check_text(asset.parameter or "", "data_sources", "assets", "parameter")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def digest_of(uri: str) -> bytes:
    """By which an asset is found, since a URI is too long for an index."""
    return blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def associate(connection: Connection, dialect: Dialect, files: Sequence[tuple[int, Asset]]) -> None:
    """Note which files data sources, by their ids, need."""
    if not files:
        return
    known = _ids(connection, dialect, [file for _, file in files])
    rows = [(source, known[file.data_uri], file.parameter, file.num) for source, file in files]
    dialect.load(connection, associations, ("data_source", "asset", "parameter", "num"), rows, "")


def _ids(connection: Connection, dialect: Dialect, files: Iterable[Asset]) -> dict[str, int]:
    """The ids of assets by their URIs; those that are new are stored."""
    rows: dict[bytes, tuple[bytes, str, bool, int | None]] = {}
    for file in files:
        digest = digest_of(file.data_uri)
        if digest not in rows or file.size is not None:
            rows[digest] = (digest, file.data_uri, file.is_directory, file.size)
    names = ("digest", "uri", "is_directory", "size")
    dialect.load(connection, assets, names, sorted(rows.values()), _KNOWN)  # in one order, so that writers do not block
    return {rows[digest][1]: identity for identity, digest in _by_digest(connection, rows)}


_associated = Among(
    associations.c.data_source,
    select(
        associations.c.data_source, associations.c.id.label("association"), associations.c.parameter,
        associations.c.num, associations.c.asset, assets.c.uri, assets.c.is_directory, assets.c.size,
    ).join(assets),
)  # fmt: skip


def assets_of(connection: Connection, sources: Sequence[int]) -> dict[int, list[Asset]]:
    """The assets of data sources, by the sources' ids, in the order of their numbers."""
    rows = list(_associated(connection, sources))
    rows.sort(key=lambda row: (-1 if row.num is None else row.num, row.association))
    found: dict[int, list[Asset]] = {}
    for row in rows:
        asset = Asset(
            data_uri=row.uri, is_directory=bool(row.is_directory), parameter=row.parameter, num=row.num, id=row.asset,
            size=row.size,
        )  # fmt: skip
        found.setdefault(row.data_source, []).append(asset)
    return found


def drop_assets(connection: Connection, ids: Iterable[int]) -> list[Asset]:
    """Forget those assets that no data source needs any more; these."""
    used = exists().where(associations.c.asset == assets.c.id)
    dropped: list[Asset] = []
    for batch in batches(ids):
        gone = connection.execute(delete(assets).where(assets.c.id.in_(batch), ~used).returning(assets)).all()
        dropped += [
            Asset(data_uri=row.uri, is_directory=row.is_directory, parameter=None, id=row.id, size=row.size)
            for row in gone
        ]
    return dropped
