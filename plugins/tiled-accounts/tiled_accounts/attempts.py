"""Limits on guessing: who has failed a few times waits, longer after each failure, wherever the nodes are.

An attempt counts as failed from its beginning, so that many at once are no way around; success takes that back.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from tiled_accounts.database import Database
from tiled_accounts.schema import attempts
from tiled_accounts.times import MINUTE, SECOND, now
from tiledkernel.errors import TooManyRequests

FORGOTTEN = 15 * MINUTE  # after the latest failure
LONGEST = 300  # seconds that anybody waits


class Subject(Struct, frozen=True):
    """What is tried, or who tries: `free` failures cost nothing."""

    kind: str
    name: str
    free: int

    @property
    def digest(self) -> bytes:
        """Under which it is kept, whatever its length."""
        return hashlib.sha256(f"{self.kind}\0{self.name}".encode("utf-8", "surrogatepass")).digest()

    def wait(self, failures: int) -> int:
        """Seconds after the latest of so many failures."""
        return min(LONGEST, 2 ** min(failures - self.free, 20)) if failures >= self.free else 0


def of_user(provider: str, username: str) -> Subject:
    """The passwords of a user name, whether there is such a user or not."""
    return Subject("user", f"{provider}\0{username.casefold()}", 10)


def of_address(address: str | None, kind: str, free: int) -> tuple[Subject, ...]:
    """Whoever comes from an address; nobody if it is not known."""
    found = network(address)
    return (Subject(kind, found, free),) if found is not None else ()


def network(address: str | None) -> str | None:
    """What an address is counted as; None if it is not known, or that of a proxy on the same machine."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if found.is_loopback:
        return None
    if found.version == 6:  # of which everybody has 2**64
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def begin(database: Database, subjects: Sequence[Subject]) -> None:
    """Count an attempt; TooManyRequests if it comes too early."""

    def work(connection: Connection) -> int:
        moment = now()
        digests = [each.digest for each in subjects]
        rows = connection.execute(select(attempts).where(attempts.c.subject.in_(digests)).with_for_update())
        found = {row.subject: row for row in rows if row.latest > moment - FORGOTTEN}
        counts = {each: found[each.digest].failures if each.digest in found else 0 for each in subjects}
        ends = [found[each.digest].latest + each.wait(count) * SECOND for each, count in counts.items() if count]
        if (until := max(ends, default=0)) > moment:
            return until - moment
        for each, count in counts.items():
            _set(connection, each, count + 1, moment)
        return 0

    if wait := database.write(work):
        seconds = -(-wait // SECOND)
        raise TooManyRequests(f"too many failed attempts: try again in {seconds} s", seconds)


def _set(connection: Connection, subject: Subject, failures: int, moment: int) -> None:
    where = attempts.c.subject == subject.digest
    if not connection.execute(update(attempts).where(where).values(failures=failures, latest=moment)).rowcount:
        connection.execute(insert(attempts).values(subject=subject.digest, failures=failures, latest=moment))


def forget(connection: Connection, proven: Subject) -> None:
    """Forget all failures of what has been proven."""
    connection.execute(delete(attempts).where(attempts.c.subject == proven.digest))


def take_back(connection: Connection, subjects: Sequence[Subject]) -> None:
    """This one attempt did not fail; those before did."""
    for subject in subjects:
        where = attempts.c.subject == subject.digest
        connection.execute(update(attempts).where(where).values(failures=attempts.c.failures - 1))


def purge(connection: Connection, moment: int) -> None:
    """Forget what is long ago."""
    connection.execute(delete(attempts).where(attempts.c.latest <= moment - FORGOTTEN))
