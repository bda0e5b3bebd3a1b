"""The blosc2 content coding: a body is one compressed chunk, or several one after the other."""

from __future__ import annotations

import blosc2

_HEADER = 16  # bytes; sizes stand at 4 (decoded) and 12 (with this header), as little-endian 32-bit numbers


class Decoder:
    """Decodes each chunk as soon as it is complete."""

    def __init__(self) -> None:
        self._held = bytearray()

    def decompress(self, data: bytes) -> bytes:
        """The chunks that are complete with `data`."""
        self._held += data
        ready = []
        while (size := self._chunk_size()) is not None and len(self._held) >= size:
            ready.append(blosc2.decompress2(bytes(memoryview(self._held)[:size])))
            del self._held[:size]
        return ready[0] if len(ready) == 1 else b"".join(ready)

    def _chunk_size(self) -> int | None:
        if len(self._held) < _HEADER:
            return None
        size = int.from_bytes(self._held[12:16], "little")
        if size < _HEADER:
            raise ValueError("the body is no blosc2 data: a chunk claims to be smaller than its header")
        return size

    def flush(self) -> bytes:
        """Nothing; an incomplete chunk is an error."""
        if self._held:
            raise ValueError(f"the body ends within a blosc2 chunk, {len(self._held)} bytes after its start")
        return b""
