"""Reading everything, to see whether it can be read."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tiledkernel.client import Context, aio, from_context, record_history, smoke
from tiledkernel.client.errors import ServerError
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.bytes.reader import OpaqueBytes
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.server import Settings, build_app

BASE = "http://local-tiled-app/api/v1/metadata"
FRAME = pd.DataFrame({"p": range(5), "q": list("abcde")})


class BrokenArray(MemoryArray):
    """Promises elements, and has none."""

    def read(self, cut: Any) -> Any:
        raise OSError("the disk is gone")


def tree(**more: Any) -> dict[str, Any]:
    inner = MemoryContainer({"b": np.arange(3), "t": MemoryTable(FRAME, npartitions=2), **more})
    return {"a": np.ones((2, 2)), "outer": MemoryContainer({"inner": inner}), "files": OpaqueBytes()}


@pytest.fixture(params=["waiting", "asynchronous"])
def smoked(request: pytest.FixtureRequest, kernel: Any, impatient: None) -> Any:
    """What `smoke.read` says of the node at a path in a tree, for clients of both kinds: `smoked(tree, *path)`."""

    def read(root: Any, *path: str, structure_clients: Any = "numpy", **options: bool) -> list[str]:
        app = build_app(root, settings=Settings(allow_anonymous_access=True), composition=kernel)
        if request.param == "waiting":
            with Context.from_app(app, raise_server_exceptions=False) as context:
                return smoke.read(from_context(context, structure_clients, path), **options)
        return asyncio.run(read_asynchronously(app, path, structure_clients, options))

    return read


async def read_asynchronously(app: Any, path: Any, structure_clients: Any, options: dict[str, bool]) -> list[str]:
    async with await aio.AsyncContext.from_app(app, raise_server_exceptions=False) as context:
        reading = smoke.read(await aio.from_context(context, structure_clients, path), **options)
        assert inspect.isawaitable(reading)
        return await reading


def paths(history: Any) -> list[str]:
    found = [request.url.path.removeprefix("/api/v1/") for request in history.requests]
    return sorted(path for path in found if path.startswith(("array", "table")))


def test_everything_below_is_read(smoked: Any) -> None:
    with record_history() as history:
        assert smoked(tree()) == []
    assert paths(history) == [
        "array/full/a",
        "array/full/outer/inner/b",
        "table/partition/outer/inner/t",
        "table/partition/outer/inner/t",
    ]


def test_what_cannot_be_read_is_told_and_all_else_read(smoked: Any) -> None:
    with record_history() as history:
        assert smoked(tree(a=BrokenArray(np.ones(2)), z=np.ones(1))) == [f"{BASE}/outer/inner/a"]
    assert "array/full/outer/inner/z" in paths(history)


def test_kinds_of_data_that_nothing_shows_are_told(smoked: Any) -> None:
    known = {"container": "tiledkernel.families.container.client:Container"}
    only_arrays = known | {"array": "tiledkernel.families.array.client:ArrayClient"}
    assert smoked(tree(), structure_clients=only_arrays) == [f"{BASE}/outer/inner/t", f"{BASE}/files"]


def test_a_container_that_cannot_be_listed_is_told(smoked: Any) -> None:
    class Unlisted(MemoryContainer):
        def __iter__(self) -> Any:
            raise OSError("the disk is gone")

    assert smoked({"a": np.ones(1), "lost": Unlisted({"x": np.ones(1)})}) == [f"{BASE}/lost"]


def test_it_may_stop_at_the_first_failure(smoked: Any) -> None:
    with pytest.raises(ServerError):
        smoked(tree(a=BrokenArray(np.ones(2))), strict=True)


def test_it_tells_what_it_does(smoked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    smoked(tree(x=BrokenArray(np.ones(2))), "outer", verbose=True)
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if line.startswith(BASE)]
    assert told[:2] == [f"{BASE}/outer/inner/b", f"{BASE}/outer/inner/t"]
    assert told[2].startswith(f"{BASE}/outer/inner/x: ServerError: 500")
    assert len(told) == 3


def test_a_single_node_can_be_read(smoked: Any) -> None:
    assert smoked(tree(), "outer", "inner", "t") == []
    assert smoked({"x": BrokenArray(np.ones(2))}, "x") == [f"{BASE}/x"]


def test_large_arrays_are_read_chunk_by_chunk(smoked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "LARGE", 100)
    with record_history() as history:
        assert smoked({"x": MemoryArray(np.ones((4, 6)), chunks=((2, 2), (3, 3)))}) == []
    slices = [request.url.params["slice"] for request in history.requests if "/array/" in request.url.path]
    assert slices == ["0:2,0:3", "0:2,3:6", "2:4,0:3", "2:4,3:6"]


def test_what_is_read_later_is_computed(smoked: Any) -> None:
    with record_history() as history:
        assert smoked(tree(), structure_clients="dask") == []
    assert "array/full/a" in paths(history)


def test_a_composite_is_read_as_its_parts(smoked: Any) -> None:
    parts = {"arr": np.ones((2, 2)), "t": MemoryTable(FRAME)}
    with record_history() as history:
        assert smoked({"co": MemoryContainer(parts, specs=["composite"])}) == []
    assert paths(history) == ["array/full/co/arr", "table/partition/co/t"]
