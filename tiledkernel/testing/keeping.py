"""A catalog of one data source, for tests of storages: it is a file, so that several processes can know it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from tiledkernel import references
from tiledkernel.errors import NotFound
from tiledkernel.nodes.durable import write_file
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import Location, new_name
from tiledkernel.records import Storage

Moment: TypeAlias = Literal["before", "after"]


class FileKeeper:
    """Keeps a data source in a file; assets that it does not have any more are deleted, as a catalog does."""

    def __init__(self, path: Path, storage: Storage, location: Location) -> None:
        self.path = path
        self._storage = storage
        self._location = location
        self.dies: Moment | None = None  # the process does, around the next commit

    def current(self) -> DataSource:
        """The data source as it is by now; NotFound if the node is gone."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=DataSource)
        except FileNotFoundError:
            raise NotFound("no such entry") from None

    def commit(self, source: DataSource) -> None:
        """Let the catalog say this from now on."""
        before = self.current()
        if self.dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        write_file(self.path, msgspec.json.encode(source))
        if self.dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        kept = {asset.data_uri for asset in source.assets}
        gone = tuple(asset for asset in before.assets if asset.data_uri not in kept)
        if gone:
            references.load(self._storage.delete)(msgspec.structs.replace(before, assets=gone), self._location)


class Kept:
    """Data in a storage, as a catalog has them: `open()` is what each request does."""

    def __init__(self, path: Path, storage: Storage, location: Location) -> None:
        self.storage = storage
        self.location = location
        self.keeper = FileKeeper(path, storage, location)

    @classmethod
    def create(cls, folder: Path, storage: Storage, location: Location, structure: Any) -> Kept:
        """New data of a structure; what a client sent is built-in types, as here."""
        source = DataSource(
            structure_family=storage.family, structure=msgspec.to_builtins(structure), management="writable"
        )
        made = references.load(storage.create)(source, location, new_name())
        path = folder / f"{new_name()}.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(made, id=1)))
        return cls(path, storage, location)

    def open(self) -> Any:
        """The node, to be read and written."""
        return references.load(self.storage.open)(self.keeper.current(), self.location, self.keeper)

    def delete(self) -> None:
        """Remove the data."""
        references.load(self.storage.delete)(self.keeper.current(), self.location)


def at_once(*actions: Callable[[], Any]) -> None:
    """Do things at the same time, each in a thread; raise what one of them raises."""
    barrier = threading.Barrier(len(actions))
    failures: list[BaseException] = []

    def run(action: Callable[[], Any]) -> None:
        barrier.wait(30)
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]
