"""A disk that is full at any moment of a write: 507 and a sentence, nothing half made; and then all goes well again.

Each call of the operating system that may find no room fails in turn, and all after it, until a request gets through.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from .api import InProcess, array_node, kept_data, named_data, table_node
from .killed_writers import (
    Blocks,
    ExtendedArray,
    ExtendedRagged,
    Partitions,
    ReplacedArray,
    ReplacedSparse,
    ReplacedTable,
    Writer,
)

CALLS = ("write", "fsync", "mkdir", "replace", "link", "rename")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[InProcess]:
    api = InProcess(tmp_path)
    yield api
    api.close()


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """A block in which the disk is full after so many calls; what it gives tells how many there were."""

    @contextmanager
    def full(calls: int) -> Iterator[Callable[[], int]]:
        counter = itertools.count()
        seen = [0]

        def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **given: Any) -> Any:
                seen[0] = next(counter)
                if seen[0] >= calls:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real(*arguments, **given)

            return call

        with monkeypatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, wrapped(getattr(os, name)))
            yield lambda: seen[0]

    return full


def check_refusal(response: Any) -> None:
    assert response.status_code == 507, response.text
    assert "full" in response.json()["detail"] or "no room" in response.json()["detail"]


NEW = {
    "array": array_node("x", (4, 6), [[2, 2], [3, 3]]),
    "table": table_node("x", npartitions=3),
    "csv": table_node("x", "text/csv"),
    "arrow": table_node("x", "application/vnd.apache.arrow.file"),
    "sparse": ReplacedSparse("x").node(),
    "ragged": ExtendedRagged("x").node(),
    "awkward": {
        "structure_family": "awkward",
        "id": "x",
        "data_sources": [
            {
                "structure_family": "awkward",
                "structure": {"length": 2, "form": {"class": "NumpyArray", "primitive": "int64", "form_key": "node0"}},
            }
        ],
    },
}


@pytest.mark.parametrize("family", NEW)
def test_nothing_is_made_where_there_is_no_room(api, full_after, family) -> None:
    for calls in itertools.count():
        with full_after(calls):
            response = api("POST", "metadata/", json=NEW[family])
        if response.status_code == 200:
            break
        check_refusal(response)
        assert not kept_data(api.data)
        assert api("GET", "metadata/x").status_code == 404
    assert calls > 1, "the disk was not needed"
    assert api.get("metadata/x")["data"]["id"] == "x"


@pytest.mark.parametrize(
    "kind", [ReplacedArray, Blocks, ExtendedArray, ReplacedTable, Partitions, ReplacedSparse, ExtendedRagged]
)
def test_what_was_there_stays_where_there_is_no_room_for_more(api, full_after, kind) -> None:
    writer: Writer = kind("x")
    writer.begin(api)
    writer.step(api)
    for calls in itertools.count():
        writer.begun = writer.done + 1
        with full_after(calls):
            response = writer.write(api, writer.begun)
        if response.status_code == 200:
            break
        check_refusal(response)
        writer.check(api)
        assert kept_data(api.data) == set(named_data(api))
    assert calls > 1, "the disk was not needed"
    writer.done = writer.begun
    writer.check(api)
    for _ in range(3):
        writer.step(api)
    writer.check(api)
    assert kept_data(api.data) == set(named_data(api))


@pytest.mark.parametrize("family", [*NEW, "container"])
def test_a_database_that_has_no_room_loses_nothing(api, family) -> None:
    api.make(id="a", metadata={"n": 1})
    engine = api.tree.store.database.engine

    def limit(connection: Any, record: Any) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    event.listen(engine, "connect", limit)
    api.tree.store.database.close()  # so that new connections are made
    node = NEW.get(family, {"structure_family": "container", "id": "x"}) | {"metadata": {"text": "x" * 10**6}}
    check_refusal(api("POST", "metadata/", json=node))
    check_refusal(api("PUT", "metadata/a", json={"metadata": {"text": "x" * 10**6}}))
    assert not kept_data(api.data)
    assert api.keys() == ["a"]
    assert api.get("metadata/a")["data"]["attributes"]["metadata"] == {"n": 1}
    event.remove(engine, "connect", limit)
    api.tree.store.database.close()
    api.make(**node)
    assert api.keys() == ["a", "x"]
