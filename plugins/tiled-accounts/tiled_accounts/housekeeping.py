"""What is done now and then: activities are written, and what has expired is forgotten."""

from __future__ import annotations

import logging
import threading
import time

from sqlalchemy import Connection

from tiled_accounts import attempts, devices, keys, sessions, tickets
from tiled_accounts.activity import Activity
from tiled_accounts.database import Database
from tiled_accounts.times import now

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
PURGE_SECONDS = 600.0


class Housekeeping:
    """A thread that is started when somebody asks anything, and ends when it is stopped."""

    def __init__(self, database: Database, activity: Activity) -> None:
        self._database = database
        self._activity = activity
        self._lock = threading.Lock()
        self._end: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Make sure that the thread runs."""
        if self._end is not None:
            return
        with self._lock:
            if self._end is None:
                self._end = threading.Event()
                arguments = (self._end, self._database, self._activity)
                self._thread = threading.Thread(target=_keep, args=arguments, name="tiled-accounts", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread, and write what it has not yet written."""
        with self._lock:
            end, thread = self._end, self._thread
            self._end = self._thread = None
        if end is not None and thread is not None:
            end.set()
            thread.join()
            flush(self._activity)

    def __del__(self) -> None:
        if self._end is not None:
            self._end.set()


def _keep(end: threading.Event, database: Database, activity: Activity) -> None:
    purged = time.monotonic()
    while not end.wait(FLUSH_SECONDS):
        flush(activity)
        if time.monotonic() - purged >= PURGE_SECONDS:
            purged = time.monotonic()
            try:
                purge(database)
            except Exception:  # the next time it may work
                logger.exception("what has expired could not be purged")


def flush(activity: Activity) -> None:
    """Write activities; if that fails they are lost, which hurts nobody."""
    try:
        activity.flush()
    except Exception as error:  # noqa: BLE001 - whatever a database may raise
        logger.warning("the latest activities could not be written: %s", error)


def purge(database: Database) -> None:
    """Forget what has expired: pending logins, sessions, keys, attempts."""
    moment = now()

    def work(connection: Connection) -> None:
        for kind in (devices, tickets, sessions, keys, attempts):
            kind.purge(connection, moment)

    database.write(work)
