"""Formats that can be sent while the data are read are: the first bytes leave before the last piece is made."""

from __future__ import annotations

import asyncio

import numpy as np
import pyarrow
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.table.memory import MemoryTable

PIECES = 16


class SlowArray(MemoryArray):
    """An array of 16 chunks of 4 MiB that counts how often it is read."""

    def __init__(self, ndim: int) -> None:
        shape = (PIECES, 512, 1024) if ndim == 3 else (PIECES * 64, 8192)
        super().__init__(np.broadcast_to(1.0, shape), chunks=(shape[0] // PIECES, *shape[1:]))
        self.in_memory = False
        self.reads = 0

    def read(self, cut):
        self.reads += 1
        return super().read(cut)


class SlowTable(MemoryTable):
    """A table of 16 partitions that counts how many have been read."""

    in_memory = False

    def __init__(self) -> None:
        super().__init__(pyarrow.table({"a": np.arange(400_000), "b": np.arange(400_000) / 7}), npartitions=PIECES)
        self.reads = 0

    def read_partition(self, partition, columns):
        self.reads += 1
        return super().read_partition(partition, columns)


async def reads_at_first_bytes(app, node, path: str, query: bytes) -> tuple[int, int]:
    """How many pieces had been read when the first bytes left, and how many bytes came in all."""
    first: list[int] = []
    size = 0
    done = asyncio.Event()

    async def receive():
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal size
        body = message.get("body", b"")
        if len(body) and not first:
            first.append(node.reads)
        size += len(body)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            done.set()

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query, "root_path": "",
        "headers": [(b"host", b"x"), (b"accept-encoding", b"identity")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    await app(scope, receive, send)
    return first[0], size


@pytest.mark.parametrize(
    ("media_type", "ndim", "least"),
    [
        ("application/octet-stream", 3, 64 << 20),
        ("image/tiff", 3, 64 << 20),
        ("text/csv", 2, 32 << 20),
        ("json", 3, 32 << 20),
    ],
)
def test_the_first_bytes_of_an_array_leave_before_the_last_piece_is_read(serve, media_type, ndim, least):
    node = SlowArray(ndim)
    caller = serve({"a": node})
    query = f"format={media_type}".encode()
    reads, size = caller.call(reads_at_first_bytes(caller.app, node, "/api/v1/array/full/a", query))
    assert reads <= 3 < node.reads == PIECES
    assert size >= least


@pytest.mark.parametrize("media_type", ["text/csv", "application/json-seq", "text/html"])
def test_the_first_bytes_of_a_table_leave_before_the_last_partition_is_read(serve, media_type):
    node = SlowTable()
    caller = serve({"t": node})
    query = f"format={media_type}".encode()
    reads, size = caller.call(reads_at_first_bytes(caller.app, node, "/api/v1/table/full/t", query))
    assert reads <= 4 < node.reads == PIECES
    assert size > 4 << 20
