"""Asks the database of the user office."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from tiledkernel.access.logins import Identity

NOBODY = (b"", b"", "")


class UserOffice:
    """Knows users by the digests of their passwords."""

    confirmation_message = "Welcome, {id}."

    def __init__(self, database: str) -> None:
        self._database = f"{Path(database).resolve().as_uri()}?mode=ro"

    def authenticate(self, username: str, password: str) -> Identity | None:
        """The user, with the proposal that they came for; None if that is not their password."""
        query = "SELECT salt, digest, proposal FROM people WHERE name = ?"
        with closing(sqlite3.connect(self._database, uri=True)) as database:
            salt, digest, proposal = database.execute(query, (username,)).fetchone() or NOBODY
        given = hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)
        return Identity(id=username, state={"proposal": proposal}) if secrets.compare_digest(given, digest) else None


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a configuration says under `args`."""

    database: str


def build(options: Options) -> UserOffice:
    """The login that a configuration asks for."""
    return UserOffice(options.database)
