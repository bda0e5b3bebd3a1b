"""The file that answers are kept in: an SQLite database that threads and processes share.

What goes wrong with it costs a request, never an answer: a file that stays locked or is full stores nothing, one
that turns out to be damaged is replaced by a new one. Only what is found on opening is an error, because then
a person is there to read it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from tiledkernel.client.cache_database import NotACache, discard, inode_of, open_database
from tiledkernel.client.cache_entries import Head, Key, Row
from tiledkernel.client.logs import logger

T = TypeVar("T")

_ANY_THREAD = sqlite3.threadsafety > 0  # how SQLite was built: 0 means that only one thread may use it

_FIND = """
SELECT id, received, checksum, head, body, used = (SELECT max(used) FROM answers)
FROM answers WHERE address = ? AND variant = ?
"""
_TOUCH = "UPDATE answers SET used = (SELECT max(used) FROM answers) + 1 WHERE id = ?"
_ADD = """
INSERT INTO answers (address, variant, size, used, received, checksum, head, body)
VALUES (?, ?, ?, (SELECT coalesce(max(used), 0) FROM answers) + 1, ?, ?, ?, ?)
"""
_REPLACE_HEAD = "UPDATE answers SET head = ?, checksum = ?, received = ? WHERE id = ?"
_REMOVE = "DELETE FROM answers WHERE address = ? AND variant = ?"
_REMOVE_RESOURCE = "DELETE FROM answers WHERE address = ? OR (address >= ? AND address < ?)"

# Walk the index from the least recently used on, until enough lies behind.
_EVICT = """
WITH RECURSIVE oldest (used, excess) AS (
    SELECT (SELECT min(used) FROM answers), (SELECT size FROM state) - ?
    UNION ALL
    SELECT (SELECT min(used) FROM answers WHERE used > oldest.used),
        excess - (SELECT size FROM answers WHERE answers.used = oldest.used)
    FROM oldest WHERE excess > 0
)
DELETE FROM answers WHERE used IN (SELECT used FROM oldest WHERE excess > 0)
"""


_decode_head = msgspec.msgpack.Decoder(Head).decode
_encode_head = msgspec.msgpack.Encoder().encode


class CacheFile:
    """One open file; any thread may use it, and a process that is forked off opens it anew."""

    def __init__(self, path: Path, *, readonly: bool) -> None:
        self.path = path
        self.readonly = readonly
        self.closed = False
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self.salt = b""
        self._open()
        _open_files.add(self)

    # Reading

    def find(self, key: Key) -> Row | None:
        """The answer filed under a key, which from now on is the one that was used last."""
        found = self._try(lambda connection: connection.execute(_FIND, key).fetchone(), None)
        if found is None:
            return None
        identity, received, checksum, head, body, newest = found
        if zlib.crc32(body, zlib.crc32(head)) != checksum:
            logger.warning("an answer in the cache %s is damaged and is forgotten: %s", self.path, key.address)
            self.remove(key)
            return None
        if not newest:
            self._write(lambda connection: connection.execute(_TOUCH, (identity,)))
        return Row(identity, received, _decode_head(head), body)

    def state(self) -> tuple[int, int]:
        """How many answers are stored, and the bytes of their bodies."""
        found = self._try(lambda connection: connection.execute("SELECT count, size FROM state").fetchone(), None)
        return (0, 0) if found is None else (found[0], found[1])

    # Writing: each says whether it worked

    def add(self, key: Key, head: Head, body: bytes, received: float, capacity: int) -> bool:
        """File an answer, and remove the least recently used ones that exceed the capacity."""
        packed = _encode_head(head)
        values = (*key, len(body), received, zlib.crc32(body, zlib.crc32(packed)), packed, body)

        def add(connection: sqlite3.Connection) -> None:
            connection.execute(_REMOVE, key)
            connection.execute(_ADD, values)
            connection.execute(_EVICT, (capacity,))

        return self._write(add)

    def replace_head(self, row: Row) -> bool:
        """Bring an answer up to date, unless another one has taken its place."""
        packed = _encode_head(row.head)
        values = (packed, zlib.crc32(row.body, zlib.crc32(packed)), row.received, row.identity)
        return self._write(lambda connection: connection.execute(_REPLACE_HEAD, values))

    def evict(self, capacity: int) -> bool:
        """Remove the least recently used answers that exceed the capacity."""
        return self._write(lambda connection: connection.execute(_EVICT, (capacity,)))

    def remove(self, key: Key) -> bool:
        """Remove one answer."""
        return self._write(lambda connection: connection.execute(_REMOVE, key))

    def remove_resource(self, address: str) -> bool:
        """Remove all answers of one address, whatever their query and whosever they are."""
        path = address.partition("?")[0]
        bounds = (path, f"{path}?", f"{path}@")  # "@" is the character after "?"
        return self._write(lambda connection: connection.execute(_REMOVE_RESOURCE, bounds))

    def clear(self) -> bool:
        """Remove all answers, also from the disk."""

        def shrink(connection: sqlite3.Connection) -> bool:
            connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page only
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return True

        cleared = self._write(lambda connection: connection.execute("DELETE FROM answers"))
        return cleared and self._try(shrink, otherwise=False)

    @property
    def writable_here(self) -> bool:
        """Whether this thread may write."""
        return not self.closed and not self.readonly and self._usable_here

    @property
    def _usable_here(self) -> bool:
        return _ANY_THREAD or threading.get_ident() == self._thread

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> bool:
        if self.readonly:
            return False

        def commit(connection: sqlite3.Connection) -> bool:
            with connection:  # commits, or undoes
                connection.execute("BEGIN IMMEDIATE")
                work(connection)
            return True

        return self._try(commit, otherwise=False)

    def _try(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if not self._usable_here:
            return otherwise
        with self._lock:
            if self.closed:
                raise ValueError(f"the cache {str(self.path)!r} is closed: make a new one")
            try:
                return work(self._connection or self._open())
            except (sqlite3.OperationalError, NotACache, OSError) as error:
                logger.debug("the cache %s is of no use at this moment: %s", self.path, error)
            except sqlite3.DatabaseError as error:
                logger.warning("the cache %s is damaged%s: %s", self.path, self._begin_anew(), error)
            return otherwise

    # Life

    def _open(self) -> sqlite3.Connection:
        self._connection = open_database(self.path, readonly=self.readonly)
        self._inode = inode_of(self.path)
        self.salt = self._connection.execute("SELECT salt FROM state").fetchone()[0]
        return self._connection

    def _begin_anew(self) -> str:
        if self.readonly:
            return ""
        self._disconnect()
        with contextlib.suppress(OSError):  # Windows keeps what another process has open
            discard(self.path, self._inode)
        return " and begins anew"

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close the file; doing so again changes nothing."""
        with self._lock:
            self.closed = True
            self._disconnect()

    def leave_to_parent(self) -> None:
        """In a process that was just forked off: do not touch the connection of the parent."""
        _inherited.append(self._connection)  # closing it is not ours either
        self._connection = None
        self._thread = threading.get_ident()
        self._lock = threading.Lock()  # the old one may be held by a thread that does not exist here

    def __del__(self) -> None:
        self.close()


_open_files: weakref.WeakSet[CacheFile] = weakref.WeakSet()
_inherited: list[sqlite3.Connection | None] = []


def _after_fork() -> None:
    for file in list(_open_files):
        file.leave_to_parent()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)
