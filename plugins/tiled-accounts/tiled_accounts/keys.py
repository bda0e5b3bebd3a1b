"""API keys: secrets that programs present, with the scopes and tags to which they are restricted."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, func, insert, select

from tiled_accounts.schema import keys, principals
from tiledkernel.access.scopes import INHERIT
from tiledkernel.errors import BadRequest

MAX_KEYS = 100  # of one principal
EIGHT = 8
BYTES = 36
_SECRET = re.compile(rf"[0-9a-f]{{{2 * BYTES}}}")


class Key(Struct, frozen=True, kw_only=True):
    """A key as the database knows it: everything but the secret."""

    number: int
    principal: int
    first_eight: str
    expires: int | None
    note: str | None
    scopes: frozenset[str]
    access_tags: frozenset[str] | None
    latest_activity: int | None

    def scopes_within(self, held: frozenset[str]) -> frozenset[str]:
        """What it confers while its principal holds these scopes."""
        return held if INHERIT in self.scopes else self.scopes & held


def digest_of(secret: str) -> bytes:
    """What is kept of a secret: it is random, so nobody can guess what the digest is of."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def could_be(secret: str) -> bool:
    """Whether a text has the form of a key."""
    return _SECRET.fullmatch(secret) is not None


def find(connection: Connection, secret: str) -> Key | None:
    """The key with a secret."""
    digest = digest_of(secret)
    chosen = select(keys).where(keys.c.first_eight == secret[:EIGHT], keys.c.digest == digest)
    row = connection.execute(chosen).one_or_none()
    return _key(row) if row is not None and secrets.compare_digest(row.digest, digest) else None


def of(connection: Connection, numbers: Sequence[int], moment: int) -> dict[int, list[Key]]:
    """The keys of some principals, without those that have expired."""
    lasting = keys.c.expires.is_(None) | (keys.c.expires > moment)
    found: dict[int, list[Key]] = {}
    for row in connection.execute(select(keys).where(keys.c.principal.in_(numbers), lasting).order_by(keys.c.id)):
        found.setdefault(row.principal, []).append(_key(row))
    return found


def create(  # noqa: PLR0913 - all that a key is made of
    connection: Connection, principal: int, scopes: Sequence[str], *,
    access_tags: Sequence[str] | None, expires: int | None, note: str | None, moment: int,
) -> tuple[Key, str]:  # fmt: skip
    """A new key and its secret, which nobody can tell later; BadRequest if there are too many."""
    connection.execute(select(principals.c.id).where(principals.c.id == principal).with_for_update())
    own = keys.c.principal == principal
    lasting = keys.c.expires.is_(None) | (keys.c.expires > moment)
    if connection.execute(select(func.count()).select_from(keys).where(own, lasting)).scalar_one() >= MAX_KEYS:
        raise BadRequest(f"there are {MAX_KEYS} API keys already, which is the most: revoke some")
    taken = set(connection.execute(select(keys.c.first_eight).where(own)).scalars())
    secret = secrets.token_hex(BYTES)
    while secret[:EIGHT] in taken:  # by which a principal's keys are told apart
        secret = secrets.token_hex(BYTES)
    tags = None if access_tags is None else _encode(access_tags)
    row = insert(keys).values(
        principal=principal, first_eight=secret[:EIGHT], digest=digest_of(secret), created=moment, expires=expires,
        note=note, scopes=_encode(scopes), access_tags=tags,
    )  # fmt: skip
    return _key(connection.execute(row.returning(*keys.c)).one()), secret


def revoke(connection: Connection, principal: int, first_eight: str) -> bool:
    """Take a key away; whether there was one."""
    own = (keys.c.principal == principal) & (keys.c.first_eight == first_eight)
    return bool(connection.execute(delete(keys).where(own)).rowcount)


def purge(connection: Connection, moment: int) -> None:
    """Forget keys that have expired."""
    connection.execute(delete(keys).where(keys.c.expires <= moment))


def _encode(texts: Sequence[str]) -> str:
    return msgspec.json.encode(sorted(set(texts))).decode()


def _decode(text: str) -> frozenset[str]:
    return msgspec.json.decode(text, type=frozenset[str])


def _key(row: Row[Any]) -> Key:
    return Key(
        number=row.id, principal=row.principal, first_eight=row.first_eight, expires=row.expires, note=row.note,
        scopes=_decode(row.scopes), access_tags=None if row.access_tags is None else _decode(row.access_tags),
        latest_activity=row.latest_activity,
    )  # fmt: skip
