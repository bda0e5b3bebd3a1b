"""What changes in a directory that is watched is registered while it happens."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiledkernel.client import ClientError
from tiledkernel.client.register import Report, watch
from tiledkernel.registering import folders, remote
from tiledkernel.registering.folders import Registering

PATIENCE = 20.0  # seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "watched"
    path.mkdir()
    return path


class Watching:
    """A watch that runs in an event loop; `reports` are those of its rounds."""

    def __init__(self, node: Any, folder: Path, **settings: Any) -> None:
        self.reports: list[Report] = []
        self._node = node.__dict__.get("_real", node)
        self._folder = folder
        self._settings = settings

    async def during(self, work: Callable[[], Awaitable[None]]) -> None:
        """Watch until the work is done."""
        started = asyncio.Event()
        task = asyncio.create_task(
            watch(
                self._node,
                self._folder,
                initial_walk_complete_event=started,
                on_change=self.reports.append,
                **self._settings,
            )
        )
        waiting = asyncio.create_task(started.wait())
        try:
            await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            await asyncio.wait_for(work(), PATIENCE)
        finally:
            for each in (task, waiting):
                each.cancel()
            await asyncio.gather(task, waiting, return_exceptions=True)


@pytest.fixture
def watching(catalog: Any, face: Any, folder: Path) -> Iterator[Callable[..., Watching]]:
    """`watching(work)`: watch the folder during `work`, with clients of both kinds."""

    def run(work: Callable[[], Awaitable[None]], path: Path = folder, **settings: Any) -> Watching:
        made = Watching(catalog, path, **settings)
        coroutine = made.during(work)
        if hasattr(face, "wait_for"):
            face.wait_for(coroutine)
        else:
            asyncio.run(coroutine)
        return made

    return run


def until(condition: Callable[[], bool]) -> Awaitable[None]:
    """Wait for something to become true of the catalog; it is asked in a thread, beside the loop that watches."""

    async def wait() -> None:
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)

    return wait()


def test_files_that_come_change_and_go_are_followed(catalog, folder, watching) -> None:
    np.save(folder / "a.npy", [1])

    async def work() -> None:
        np.save(folder / "b.npy", [1, 2])
        await until(lambda: sorted(catalog) == ["a", "b"])
        np.save(folder / "b.npy", [1, 2, 3])
        await until(lambda: catalog["b"].shape == (3,))
        (folder / "a.npy").unlink()
        await until(lambda: list(catalog) == ["b"])

    watching(work)
    assert catalog["b"].read().tolist() == [1, 2, 3]


def test_folders_that_come_and_go_are_followed(catalog, folder, tmp_path, watching) -> None:
    (tmp_path / "ready" / "inner").mkdir(parents=True)
    np.save(tmp_path / "ready" / "inner" / "x.npy", [1])

    async def work() -> None:
        (tmp_path / "ready").rename(folder / "moved in")
        await until(lambda: "moved in/inner/x" in catalog)
        np.save(folder / "moved in" / "inner" / "y.npy", [2])
        await until(lambda: sorted(catalog["moved in/inner"]) == ["x", "y"])
        shutil.rmtree(folder / "moved in")
        await until(lambda: list(catalog) == [])

    watching(work)


def test_a_growing_sequence_grows(catalog, folder, watching) -> None:
    np.save(folder / "s0.npy", [0])

    async def work() -> None:
        for number in (1, 2, 3):
            np.save(folder / f"s{number}.npy", [number])
            await until(lambda: catalog["s"].refresh().shape == (number + 1, 1))  # noqa: B023 - awaited

    watching(work)
    assert catalog["s"].read().tolist() == [[0], [1], [2], [3]]


def test_what_changes_during_the_first_walk_is_not_missed(catalog, folder, watching, monkeypatch) -> None:
    """The file comes after its folder was listed, and before the walk is over."""
    np.save(folder / "a.npy", [1])
    look = Registering._look_at

    def look_and_write(self: Any, folder: Path, item: Any, known: Any) -> Any:
        if item.key == "a" and not (folder / "late.npy").exists():
            np.save(folder / "late.npy", [7])
        return look(self, folder, item, known)

    monkeypatch.setattr(Registering, "_look_at", look_and_write)

    async def work() -> None:
        await until(lambda: sorted(catalog) == ["a", "late"])

    watching(work)


def test_only_files_that_have_changed_are_opened_again(catalog, folder, watching, monkeypatch) -> None:
    opened: list[str] = []
    describe = folders.describe

    def noting(entry: Any, item: Any) -> Any:
        opened.append(item.key)
        return describe(entry, item)

    monkeypatch.setattr(folders, "describe", noting)
    for name in ("a", "b", "sub/c"):
        (folder / name).parent.mkdir(exist_ok=True)
        np.save(folder / f"{name}.npy", [1])

    async def work() -> None:
        opened.clear()
        np.save(folder / "b.npy", [1, 2])
        await until(lambda: catalog["b"].refresh().shape == (2,))

    watching(work)
    assert set(opened) == {"b"}


def test_a_file_that_is_registered_by_itself_is_followed(catalog, folder, watching) -> None:
    np.save(folder / "x.npy", [1])

    async def work() -> None:
        np.save(folder / "x.npy", [1, 2])
        await until(lambda: catalog["x"].refresh().shape == (2,))

    watching(work, folder / "x.npy")


def test_a_half_written_file_is_registered_when_it_is_whole(catalog, folder, watching) -> None:
    np.save(folder / "a.npy", np.arange(100))
    whole = (folder / "a.npy").read_bytes()
    (folder / "a.npy").write_bytes(whole[:50])

    async def work() -> None:
        (folder / "a.npy").write_bytes(whole)
        await until(lambda: list(catalog) == ["a"])

    first = watching(work).reports[0]
    assert [failure.path.name for failure in first.failures] == ["a.npy"]


def test_what_the_server_could_not_take_it_gets_again(catalog, folder, watching, monkeypatch) -> None:
    monkeypatch.setattr("tiledkernel.client.register._PAUSE", 0.1)
    create = remote.creating_many
    refusals = 0

    def overwhelmed(*arguments: Any, **settings: Any) -> Any:
        nonlocal refusals
        if refusals:
            return create(*arguments, **settings)
        refusals += 1
        raise ClientError("503: overwhelmed", request=None, response=None)

    async def work() -> None:
        monkeypatch.setattr(remote, "creating_many", overwhelmed)
        np.save(folder / "a.npy", [1])
        await until(lambda: list(catalog) == ["a"])

    watching(work)
    assert refusals == 1


def test_a_change_shows_within_seconds(catalog, folder, watching) -> None:
    async def work() -> None:
        begun = time.monotonic()
        np.save(folder / "a.npy", [1])
        await until(lambda: list(catalog) == ["a"])
        assert time.monotonic() - begun < 10

    watching(work)
