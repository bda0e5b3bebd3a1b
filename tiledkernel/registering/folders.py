"""A folder and a container, brought into agreement: what is new is made, what has changed is described anew.

Files are opened in a few threads; the nodes of one folder are stored in the order of their keys, many with one request
where the server takes that, while the next files are being opened.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, structs

from tiledkernel.client.calls import call_node
from tiledkernel.client.classes import build_client
from tiledkernel.client.messages import item_of
from tiledkernel.client.plans import Plan, ask_message, together
from tiledkernel.errors import KernelError
from tiledkernel.nodes.files import FileEntry, FileUnavailable, Shelf
from tiledkernel.nodes.walk import Item, Rules, marked, scan
from tiledkernel.nodes.walkers import Settings, walk
from tiledkernel.registering import remote
from tiledkernel.registering.describing import Described, describe
from tiledkernel.registering.remote import Present
from tiledkernel.registering.report import ADDED, REMOVED, UNCHANGED, UPDATED, Report

T = TypeVar("T")
BATCH = 128  # files that one thread opens, and nodes that one request brings
AHEAD = 4  # batches of one folder that are opened while others are being stored
FOLDERS = 4  # folders at a time
SERVER, WALK = "the server", "the walk"  # who refuses, in messages


class Target(Struct, frozen=True):
    """A container that stands for a folder; whether it has just been made, and whether subfolders are entered."""

    folder: Path
    uri: str
    is_new: bool = False
    deep: bool = True


class Opened(Struct, frozen=True):
    """A file that was looked at: described, or unchanged since it was, or failed."""

    item: Item
    stamp: Hashable = None
    described: Described | None = None
    failed: BaseException | None = None


class Registering:
    """One directory and one container of a server.

    `overwrite` removes what is registered there and not in the directory. With `remembers`, files that have not
    changed since they were last looked at are not opened again.
    """

    def __init__(
        self,
        node: Any,
        shelf: Shelf,
        rules: Rules,
        *,
        overwrite: bool,
        remembers: bool = False,
    ) -> None:
        self.report = Report()
        self.folders: dict[Path, str] = {}
        self._node = node
        self._context = node.context
        self._shelf = shelf
        self._rules = rules
        self._overwrite = overwrite
        self._known: dict[tuple[Path, str], Hashable] | None = {} if remembers else None
        self._at_once = remote.BATCHES in node.context.server_info.library_version
        self._pool = ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 2), "tiledkernel-register")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, plan: Plan[T]) -> T:
        """What a plan comes to, whichever kind of client the caller has."""
        if inspect.iscoroutinefunction(self._context.run):
            found: T = await self._context.run(plan)
            return found
        return await asyncio.to_thread(self._context.run, plan)

    # Folders

    async def tree(self, *targets: Target) -> None:
        """Bring folders, and what is below them, into agreement with their containers."""
        waiting: asyncio.Queue[Target] = asyncio.Queue()
        for target in targets:
            waiting.put_nowait(target)

        async def work() -> None:
            while True:
                target = await waiting.get()
                for inner in await self._folder(target):
                    waiting.put_nowait(inner)
                waiting.task_done()

        workers = [asyncio.create_task(work()) for _ in range(FOLDERS)]
        everything = asyncio.create_task(waiting.join())
        try:
            done, _ = await asyncio.wait([everything, *workers], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (everything, *workers):
                task.cancel()
            await asyncio.gather(everything, *workers, return_exceptions=True)

    async def _folder(self, target: Target) -> list[Target]:
        """Do one folder; its subfolders."""
        self.folders[target.folder] = target.uri
        there = {} if target.is_new else await self.run(remote.listing_children(target.uri))
        if self._rules.walkers and self._overwrite:
            there = await self._emptied(target.uri, there)
        try:
            items = await self._items(target)
        except KernelError as error:  # a folder that cannot be read
            self.report.fail(target.folder, WALK, str(error))
            return []
        made = await self._nodes(target, items, there)
        if self._overwrite:  # at last: a directory that the server refuses does not empty the container
            await self._remove(target.uri, [key for key in there if key not in items], there)
        inner = [
            Target(target.folder / item.names[0], remote.child_uri(target.uri, key), key in made)
            for key, item in items.items()
            if item.claim is None and (key in made or key in there)
        ]
        return [each for each in inner if target.deep or each.is_new or each.folder not in self.folders]

    async def _items(self, target: Target) -> dict[str, Item]:
        """What a folder holds, by key."""
        walked = None
        if self._rules.walkers:
            item = item_of(await self.run(ask_message(call_node(target.uri))))
            container = build_client(self._context, item, self._node.structure_clients)
            walked = await walk(container, Settings(target.folder, self._shelf.root, self._rules))
        listing = await asyncio.to_thread(scan, target.folder, self._shelf.root, self._rules, None, walked)
        for level, text in sorted(listing.messages):
            self.report.tell(level, text)
        return {
            key: item if item.claim is not None else marked(target.folder, item, self._rules) or item
            for key, item in listing.items.items()
        }

    async def _emptied(self, uri: str, there: Mapping[str, Present]) -> dict[str, Present]:
        """Walkers may make nodes themselves: what is registered goes before they come; what is left."""
        await self._remove(uri, list(there), there)
        return await self.run(remote.listing_children(uri))

    async def _remove(self, uri: str, keys: Sequence[str], there: Mapping[str, Present]) -> None:
        gone = [key for key in keys if there[key].is_folder or there[key].is_external]
        for key in sorted(set(keys) - set(gone)):
            self.report.tell(logging.INFO, f"left {key!r} as it is: the server itself keeps its data")
        refusals = await self.run(together(remote.removing(remote.child_uri(uri, key)) for key in gone))
        for key, refusal in zip(gone, refusals, strict=True):
            if refusal is None:
                self.report.count(REMOVED, f"removed {key!r}")
            else:
                self.report.tell(logging.WARNING, f"left {key!r} as it is: {refusal}")

    # Nodes

    async def one(self, folder: Path, uri: str, item: Item) -> None:
        """Bring a single file, or a directory in the format of a reader, into agreement with a child of a container."""
        found = await self.run(remote.looking_at(remote.child_uri(uri, item.key)))
        there = {} if found is None else {item.key: remote.present(found)}
        await self._nodes(Target(folder, uri), {item.key: item}, there)

    async def _nodes(self, target: Target, items: Mapping[str, Item], there: Mapping[str, Present]) -> set[str]:
        """Bring the items of a folder into agreement with the children of its container; the keys that were made."""
        loop = asyncio.get_running_loop()
        pending: list[asyncio.Future[list[Opened]]] = []
        made: set[str] = set()
        batches = _batches(list(items.values()))
        try:
            while True:
                while len(pending) < AHEAD and (batch := next(batches, None)) is not None:
                    known = self._unchanged_since(target.folder, there)
                    pending.append(loop.run_in_executor(self._pool, self._look, target.folder, batch, known))
                if not pending:
                    return made
                made |= await self._store(target, await pending.pop(0), there)
        finally:
            for future in pending:
                future.cancel()

    def _unchanged_since(self, folder: Path, there: Mapping[str, Present]) -> Callable[[str], Hashable]:
        """The stamp that a file had when it was stored, if it still is; for `_look`, which is another thread's."""
        known = self._known or {}
        return lambda key: known.get((folder, key)) if key in there else None

    def _look(self, folder: Path, items: Sequence[Item], known: Callable[[str], Hashable]) -> list[Opened]:
        return [self._look_at(folder, item, known(item.key)) for item in items]

    def _look_at(self, folder: Path, item: Item, known: Hashable) -> Opened:
        if item.claim is None:
            return Opened(item, described=Described(item.key))
        try:
            entry = FileEntry(item, folder, self._shelf)
            stamp = entry.stamp()
            if known is not None and stamp == known:
                return Opened(item, stamp)
            return Opened(item, stamp, describe(entry, item))
        except Exception as error:  # noqa: BLE001 - a reader may raise anything; it is reported, and the walk goes on
            return Opened(item, failed=error)

    async def _store(self, target: Target, batch: Sequence[Opened], there: Mapping[str, Present]) -> set[str]:
        """Make or change the nodes of files that were looked at; the keys of those that are new."""
        new: list[Opened] = []
        old: list[Opened] = []
        for opened in batch:
            if opened.failed is not None:
                self._fail(target.folder, opened.item, opened.failed)
            elif opened.described is None:
                self._note(target.folder, opened, UNCHANGED)
            else:
                (old if opened.item.key in there else new).append(opened)
        made = await self._create(target, new, ADDED)
        outcomes = await asyncio.gather(*(self._agree(target, opened, there[opened.item.key]) for opened in old))
        again = [opened for opened in outcomes if opened is not None]
        return made | await self._create(target, again, UPDATED)

    async def _create(self, target: Target, opened: Sequence[Opened], verb: str) -> set[str]:
        """Make nodes; the keys of those that were made."""
        drafts = [each.described.draft() for each in opened if each.described is not None]
        if not drafts:
            return set()
        refusals = await self.run(remote.creating_many(target.uri, drafts, at_once=self._at_once))
        made = set()
        for each, refusal in zip(opened, refusals, strict=True):
            if refusal is None:
                made.add(each.item.key)
                self._note(target.folder, each, verb)
            elif refusal.response.status_code != HTTPStatus.CONFLICT or not await self._meet(target, each):
                self._refuse(target.folder, each, str(refusal))
        return made

    async def _meet(self, target: Target, opened: Opened) -> bool:
        """Whether a node that was in the way, made by another or by an earlier attempt, could be brought to agree."""
        assert opened.described is not None
        found = await self.run(remote.looking_at(remote.child_uri(target.uri, opened.item.key)))
        there = None if found is None else remote.present(found)
        if there is None or not (
            remote.is_same(opened.described, there) or remote.can_be_updated(opened.described, there)
        ):
            return False
        await self._agree(target, opened, there)
        return True

    async def _agree(self, target: Target, opened: Opened, there: Present) -> Opened | None:
        """Leave a node as it is, or describe it anew; what is to be made again, if it had to go."""
        described = opened.described
        assert described is not None
        uri = remote.child_uri(target.uri, described.key)
        if remote.is_same(described, there):
            self._note(target.folder, opened, UNCHANGED)
        elif not (there.is_folder or there.is_external):
            self._refuse(target.folder, opened, f"the key {described.key!r} is taken by data that the server keeps")
        elif not self._overwrite and not remote.shares_files(described, there):
            self._refuse(target.folder, opened, f"the key {described.key!r} is taken by a node of other files")
        elif remote.can_be_updated(described, there):
            refusal = await self.run(remote.replacing_source(uri, described, there))
            if refusal is None:
                self._note(target.folder, opened, UPDATED)
            else:
                self._refuse(target.folder, opened, str(refusal))
        else:
            refusal = await self.run(remote.removing(uri))
            if refusal is None:
                return structs.replace(opened, described=described.with_metadata_of(there.family, there.metadata))
            self._refuse(target.folder, opened, str(refusal))
        return None

    # What there is to say

    def _note(self, folder: Path, opened: Opened, verb: str) -> None:
        if self._known is not None and opened.stamp is not None:
            self._known[folder, opened.item.key] = opened.stamp
        if opened.item.claim is not None:
            count = len(opened.item.names)
            more = f" and {count - 1} more" if count > 1 else ""
            self.report.count(verb, f"{verb} {opened.item.key!r}: {folder / opened.item.names[0]}{more}")

    def _fail(self, folder: Path, item: Item, error: BaseException) -> None:
        plugin = item.claim.plugin if item.claim is not None else WALK
        reason = str(error) or type(error).__name__
        if isinstance(error, FileUnavailable):
            reason, error = error.reason, error.__cause__ or error
        self.report.fail(folder / item.names[0], plugin, reason, error)

    def _refuse(self, folder: Path, opened: Opened, reason: str) -> None:
        self.report.fail(folder / opened.item.names[0], SERVER, reason)


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
