"""Who used what last: collected in memory, since it changes with every request, and written now and then."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from sqlalchemy import BigInteger, Connection, Table, bindparam, or_, update

from tiled_accounts.database import Database
from tiled_accounts.recognised import Known
from tiled_accounts.schema import keys, principals
from tiled_accounts.times import SECOND


class Activity:
    """The latest activity of keys and principals, as far as it is not yet in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[int, float] = {}
        self._principals: dict[int, float] = {}
        self._flushing = threading.Lock()

    def note(self, known: Known, moment: float) -> None:
        """A credential is used at a moment, in seconds."""
        self._principals[known.principal] = moment
        if known.key is not None:
            self._keys[known.key] = moment

    @property
    def pending(self) -> bool:
        """Whether something is to be written."""
        return bool(self._principals)

    def flush(self) -> None:
        """Write what was collected."""
        with self._flushing:
            taken = (keys, self._keys), (principals, self._principals)
            self._keys, self._principals = {}, {}
            if any(moments for _, moments in taken):

                def work(connection: Connection) -> None:
                    for table, moments in taken:
                        _write(connection, table, moments)

                self._database.write(work)


def _write(connection: Connection, table: Table, moments: Mapping[int, float]) -> None:
    """Move activities forward, never back: other nodes write theirs, too."""
    if moments:
        moved = bindparam("moment", type_=BigInteger)
        earlier = or_(table.c.latest_activity.is_(None), table.c.latest_activity < moved)
        statement = update(table).where(table.c.id == bindparam("number"), earlier).values(latest_activity=moved)
        rows = [{"number": number, "moment": int(moment * SECOND)} for number, moment in sorted(moments.items())]
        connection.execute(statement, rows)
