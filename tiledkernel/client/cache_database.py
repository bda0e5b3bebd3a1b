"""Open the database of a response cache: make it, recognise it, or begin anew; leave what belongs to others alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from pathlib import Path

from tiledkernel.client.cache_dir import make_private

APPLICATION_ID = 0x746B7263  # "tkrc", in the header of the file, where SQLite keeps room for it
VERSION = 1

_PATIENCE = 2.0  # seconds to wait for another process that writes
_PATIENCE_AT_FIRST = 20.0  # while many processes begin at once, one of them makes the tables

# `used` numbers the answers by their last use; a clock would jump, and give two of them one number. The body stands
# last, so that the columns before it are read without it. `state` has one row, which triggers keep right.
_SCHEMA = """
CREATE TABLE state (salt BLOB NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL);
CREATE TABLE answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    address TEXT NOT NULL,
    variant BLOB NOT NULL,
    size INTEGER NOT NULL,
    used INTEGER NOT NULL,
    received REAL NOT NULL,
    checksum INTEGER NOT NULL,
    head BLOB NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (address, variant)
);
CREATE UNIQUE INDEX answers_by_use ON answers (used);
CREATE TRIGGER answer_added AFTER INSERT ON answers
    BEGIN UPDATE state SET count = count + 1, size = size + new.size; END;
CREATE TRIGGER answer_removed AFTER DELETE ON answers
    BEGIN UPDATE state SET count = count - 1, size = size - old.size; END;
"""


class NotACache(RuntimeError):
    """The file is something else, or of no use, and stays as it is."""


def open_database(path: Path, *, readonly: bool) -> sqlite3.Connection:
    """A connection that any one thread at a time may use, to a database that is whole as far as one look tells."""
    if readonly:
        return _open_to_read(path)
    make_private(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite would let others read it
    inode = inode_of(path)
    try:
        return _open_to_write(path)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:  # it is ours, and damaged
        discard(path, inode)
        return open_database(path, readonly=False)


def inode_of(path: Path) -> int | None:
    """Which file a path names at this moment."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def discard(path: Path, inode: int | None) -> None:
    """Remove a damaged database, unless another process has done so and made a new one."""
    if inode_of(path) == inode:
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _open_to_read(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise FileNotFoundError(
            f"there is no cache {str(path)!r}: a read-only one needs a file that was written before"
        )
    connection = _connect(path, "mode=ro")
    try:
        version = _version_of(connection, path)
    except sqlite3.OperationalError:  # even reading needs a second file beside it, unless nobody can be writing
        connection.close()
        connection = _connect(path, "mode=ro&immutable=1")
        version = _version_of(connection, path)
    if version != VERSION:
        connection.close()
        raise NotACache(
            f"the cache {str(path)!r} has the layout {version}, not {VERSION}: open it once without readonly=True, "
            "which begins a new one"
        )
    try:
        _look(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise NotACache(f"the cache {str(path)!r} is damaged: open it once without readonly=True") from error
    return connection


def _open_to_write(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "mode=rw")
    try:
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_AT_FIRST * 1000:.0f}")
        version = _version_of(connection, path)
        if version < VERSION:
            connection.execute("PRAGMA synchronous = OFF")  # a file that was not finished is begun anew
            _make(connection)
        with contextlib.suppress(sqlite3.OperationalError):  # another process is about to do the same
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = NORMAL")  # after a power cut the last answers may be missing
        connection.execute(f"PRAGMA journal_size_limit = {16 << 20}").fetchall()
        _look(connection)
        connection.execute(f"PRAGMA busy_timeout = {_PATIENCE * 1000:.0f}")
    except BaseException:
        connection.close()
        raise
    return connection


def _look(connection: sqlite3.Connection) -> None:
    """sqlite3.DatabaseError if the tables cannot be read."""
    connection.execute("SELECT * FROM state, answers LIMIT 1").fetchall()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,  # transactions are begun by name
        check_same_thread=False,  # whoever uses it holds a lock
    )


def _version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The layout of a cache, 0 for an empty file; NotACache for anything else, and for a layout of the future."""
    try:
        found: int = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        used = found != 0 or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        found, version, used = -1, 0, True
    if not used:
        return 0
    if found != APPLICATION_ID:
        raise NotACache(f"{str(path)!r} is not a response cache but something else: give another filepath=")
    if version > VERSION:
        raise NotACache(
            f"the cache {str(path)!r} was written by a newer version of tiledkernel: upgrade, or give another filepath="
        )
    return version


def _make(connection: sqlite3.Connection) -> None:
    """Make the tables instead of those of an older layout, unless another process has just done so."""
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # so that `clear` can give back the room
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("PRAGMA user_version").fetchone()[0] >= VERSION:
            return
        old = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (name,) in old.fetchall():
            connection.execute(f'DROP TABLE "{name}"')
        for statement in _statements(_SCHEMA):
            connection.execute(statement)
        connection.execute("INSERT INTO state VALUES (?, 0, 0)", (secrets.token_bytes(32),))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit in between."""
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements
