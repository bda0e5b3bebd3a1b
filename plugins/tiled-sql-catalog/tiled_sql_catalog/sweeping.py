"""Data that no node has: what a process left that was killed between making room and saying so in the catalog.

A folder knows the catalogs that ever wrote to it, and only its sole owner sweeps it. What is swept is put aside for a
week before it is deleted, in case the database was an old copy.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import select

from tiled_sql_catalog.database import Database
from tiled_sql_catalog.dialects import is_memory
from tiled_sql_catalog.records import Node
from tiled_sql_catalog.schema import assets
from tiledkernel.nodes.storing import FILE, Location, path_of_uri

logger = logging.getLogger(__name__)

SAFE_AGE = 3600.0  # seconds; what is younger may belong to a node that is being made
KEPT = 7 * 86_400.0  # seconds that swept data are kept
OWNERS = ".tiled-catalogs"  # a line for each catalog that writes to the folder
ASIDE = ".tiled-swept"
_STRANGER = "another"  # whose data were in the folder before anybody said so
_FLEETING = "in-memory"  # of all databases in memory, which know nothing of a folder that outlives them
_NAME = re.compile(r"([0-9a-f]{32})(\.[a-z0-9]+)?")  # as `tiledkernel.nodes.storing.new_name` makes them
_SHELF = re.compile(r"[0-9a-f]{2}")


def identity(database: Database, root: Node) -> str:
    """What tells a catalog from all others, and from a copy of it elsewhere."""
    if is_memory(database.url):
        return _FLEETING
    place = database.url.set(username=None, password=None).render_as_string()
    if database.dialect.one_writer and database.url.database:
        place = os.path.realpath(database.url.database)
    return blake2b(f"{place} {root.created}".encode(), digest_size=16).hexdigest()


def enlist(location: Location, owner: str) -> None:
    """Let a folder know that a catalog writes to it; for other kinds of places there is nothing to know."""
    if location.scheme != FILE:
        return
    known = _owners(location.folder)
    if owner in known:
        return
    lines = [owner] if known or not any(_data_in(location.folder)) else [_STRANGER, owner]
    with (location.folder / OWNERS).open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def _owners(folder: Path) -> set[str]:
    try:
        return set((folder / OWNERS).read_text().split())
    except FileNotFoundError:
        return set()


def sweep(database: Database, location: Location, owner: str, older_than: float = SAFE_AGE) -> list[Path]:
    """Put data aside that no node has and that nobody changed for so many seconds; where they were.

    Nothing is swept in a folder that other catalogs write to as well.
    """
    if location.scheme != FILE or _owners(location.folder) != {owner}:
        return []
    _delete_old(location.folder / ASIDE)
    candidates = [path for path in _data_in(location.folder) if time.time() - _changed(path) >= older_than]
    if not candidates:
        return []
    known = _known(database, location)
    removed = [path for path in candidates if path.name[:32] not in known]
    for path in removed:
        (location.folder / ASIDE).mkdir(exist_ok=True)
        os.utime(path)  # so that it is known when it was put aside
        path.rename(location.folder / ASIDE / path.name)
    return removed


def _delete_old(aside: Path) -> None:
    for path in aside.iterdir() if aside.is_dir() else ():
        if time.time() - path.stat().st_mtime < KEPT:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sweep_soon(database: Database, locations: tuple[Location, ...], owner: str) -> None:
    """Sweep in a thread of its own, which is no obstacle to an exit."""
    folders = [location for location in locations if location.scheme == FILE]
    if folders:
        threading.Thread(target=_sweep_all, args=(database, folders, owner), name="tiled-sweep", daemon=True).start()


def _sweep_all(database: Database, locations: list[Location], owner: str) -> None:
    for location in locations:
        try:
            removed = sweep(database, location, owner)
        except Exception:
            logger.warning("data that no node has could not be swept", exc_info=True)
        else:
            if removed:
                logger.info("put %d data sets aside that no node has, in %s", len(removed), location.folder)


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
