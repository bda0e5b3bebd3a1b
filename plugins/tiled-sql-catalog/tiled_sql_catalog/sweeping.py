"""Data that no node has: what a process left that was killed between making room and saying so in the catalog."""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from tiled_sql_catalog.database import Database
from tiled_sql_catalog.schema import assets
from tiledkernel.nodes.storing import FILE, Location, path_of_uri

logger = logging.getLogger(__name__)

SAFE_AGE = 3600.0  # seconds; what is younger may belong to a node that is being made
_NAME = re.compile(r"([0-9a-f]{32})(\.[a-z0-9]+)?")  # as `tiledkernel.nodes.storing.new_name` makes them
_SHELF = re.compile(r"[0-9a-f]{2}")


def sweep(database: Database, location: Location, older_than: float = SAFE_AGE) -> list[Path]:
    """Remove data in a folder that no node has and that nobody changed for so many seconds; what was removed."""
    if location.scheme != FILE or not location.folder.is_dir():
        return []
    candidates = [path for path in _data_in(location.folder) if time.time() - _changed(path) >= older_than]
    if not candidates:
        return []
    known = _known(database, location)
    removed = [path for path in candidates if path.name[:32] not in known]
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return removed


def sweep_soon(database: Database, locations: tuple[Location, ...]) -> None:
    """Sweep in a thread of its own, which is no obstacle to an exit."""
    folders = [location for location in locations if location.scheme == FILE]
    if folders:
        threading.Thread(target=_sweep_all, args=(database, folders), name="tiled-sweep", daemon=True).start()


def _sweep_all(database: Database, locations: list[Location]) -> None:
    for location in locations:
        try:
            removed = sweep(database, location)
        except Exception:
            logger.warning("data that no node has could not be swept", exc_info=True)
        else:
            if removed:
                logger.info("removed %d data sets that no node has from %s", len(removed), location.folder)


def _data_in(folder: Path) -> Iterator[Path]:
    for shelf in folder.iterdir():
        if _SHELF.fullmatch(shelf.name) and shelf.is_dir():
            yield from (path for path in shelf.iterdir() if _NAME.fullmatch(path.name))


def _changed(path: Path) -> float:
    """When a file, or a folder or one right in it, was last changed."""
    try:
        times = [path.stat().st_mtime]
        if path.is_dir():
            times += [inner.stat().st_mtime for inner in path.iterdir()]
    except FileNotFoundError:  # deleted while we were looking
        return time.time()
    return max(times)


def _known(database: Database, location: Location) -> set[str]:
    """The names in a location that nodes have data under."""
    found: set[str] = set()
    depth = len(location.folder.parts)
    with database.reading() as connection:
        for uri in connection.execution_options(yield_per=10_000).execute(select(assets.c.uri)).scalars():
            if location.holds(uri):
                parts = path_of_uri(uri).parts[depth:]
                found.update(part[:32] for part in parts[1:2])
    return found
