"""The lz4 content coding: one raw LZ4 block behind its original size, 4 bytes little endian."""

from __future__ import annotations

from typing import Any

import lz4.block

from tiledkernel.errors import TooLarge

LARGEST = 0x7E000000  # bytes that one LZ4 block can hold


def compress(data: Any, itemsize: int) -> bytes:
    """`data` as one block; LZ4 does not care for the size of the items."""
    del itemsize
    view = memoryview(data).cast("B")
    _check_size(view.nbytes)
    block: bytes = lz4.block.compress(view, store_size=True)
    return block


def _check_size(nbytes: int) -> None:
    if nbytes > LARGEST:
        raise TooLarge(
            f"the lz4 coding holds at most {LARGEST} bytes, this answer has {nbytes} or more: "
            "leave lz4 out of Accept-Encoding (zstd and gzip have no such limit), or ask for a smaller slice"
        )


class Stream:
    """A body that comes in pieces.

    The original size stands in front of the block, so nothing can leave before the last piece is known: the pieces
    are held until then. Clients that read large streams do better with zstd.
    """

    def __init__(self, itemsize: int) -> None:
        self._itemsize = itemsize
        self._held = bytearray()

    def add(self, data: Any) -> bytes:
        """Nothing yet."""
        view = memoryview(data).cast("B")
        _check_size(len(self._held) + view.nbytes)
        self._held += view
        return b""

    def finish(self) -> bytes:
        """The block."""
        held, self._held = self._held, bytearray()
        return compress(held, self._itemsize)
