"""A server that is killed while many write to it: what was acknowledged is there, whole, and nothing else is torn."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tiled_sql_catalog.sweeping import ASIDE, OWNERS, SAFE_AGE

from .api import KEY, Api, kept_data, named_data
from .killed_writers import ALL, Writer


class Killed:
    """A server of a catalog that can be killed while writers write, and started again."""

    def __init__(self, start: Callable[..., Any], uri: str, folder: Path, tables: str) -> None:
        places = ("--write", folder / "data", "--write", tables)
        self._start = lambda: start("serve", "catalog", uri, "--init", "--api-key", KEY, *places, cwd=folder)
        self.data = folder / "data"
        self.server: Any = None
        self.api: Any = None

    def start(self) -> Api:
        self.server = self._start()
        self.api = Api(self.server.url)
        return self.api

    def kill(self) -> None:
        """End it at once, if that has not happened, and see that nothing had surprised it."""
        self.server.process.kill()
        self.server.process.wait(30)
        self.api.close()
        said = "".join(self.server.said)
        assert "Traceback" not in said, said

    def kill_while(self, writers: list[Writer], seconds: float) -> int:
        """Let all write at once, and kill the server after so many seconds; how many steps were acknowledged."""
        before, failures = sum(writer.done for writer in writers), []

        def run(writer: Writer) -> None:
            try:
                while True:
                    writer.step(self.api)
            except httpx.TransportError:
                pass
            except Exception as error:  # noqa: BLE001 - looked at below
                failures.append(error)

        threads = [threading.Thread(target=run, args=(writer,)) for writer in writers]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.server.process.kill()
        for thread in threads:
            thread.join(60)
        assert not failures, failures
        self.kill()
        return sum(writer.done for writer in writers) - before


@pytest.fixture
def killed(start_server, kind: str, uri: str, tmp_path: Path) -> Iterator[Killed]:
    tables = uri if kind == "postgresql" else f"sqlite:///{tmp_path / 'tables.db'}"
    killed = Killed(start_server, uri, tmp_path, tables)
    yield killed
    killed.kill()


def torture(killed: Killed, rounds: int, seconds: float) -> None:
    writers = [kind(kind.__name__) for kind in ALL]
    api = killed.start()
    for writer in writers:
        writer.begin(api)
    steps = 0
    for _ in range(rounds):
        steps += killed.kill_while(writers, random.uniform(seconds / 2, seconds))
        left = kept_data(killed.data)
        api = killed.start()
        for writer in writers:
            writer.check(api)
        assert kept_data(killed.data) == left, "what is young may belong to a node that is being made"
        assert set(named_data(api)) <= left
    assert steps >= len(writers), "too little was written to learn anything"


def test_a_killed_server_has_kept_all_that_it_acknowledged(killed) -> None:
    torture(killed, rounds=2, seconds=2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_server_that_is_killed_again_and_again_loses_nothing(killed) -> None:
    torture(killed, rounds=8, seconds=4)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_what_a_killed_server_left_is_swept_once_it_is_old_and_by_its_owner(killed, start_server, tmp_path) -> None:
    api = killed.start()
    writers = [kind(kind.__name__) for kind in ALL]
    for writer in writers:
        writer.begin(api)
        writer.step(api)
    named = set(named_data(api))
    killed.kill()
    orphan = killed.data / "ab" / ("ab" * 16)  # as it is left between making room and saying so in the catalog
    orphan.mkdir(parents=True)
    (orphan / "partition-0.parquet").write_bytes(b"PAR1")
    killed.start()
    killed.kill()
    assert orphan.exists(), "it is young"
    then = time.time() - 2 * SAFE_AGE
    for path in [*killed.data.rglob("*")]:
        os.utime(path, (then, then))
    api = killed.start()
    deadline = time.monotonic() + 30
    while orphan.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (killed.data / ASIDE / orphan.name / "partition-0.parquet").read_bytes() == b"PAR1"
    assert kept_data(killed.data) == named == set(named_data(api))
    for writer in writers:
        writer.check(api)
    assert len((killed.data / OWNERS).read_text().split()) == 1
