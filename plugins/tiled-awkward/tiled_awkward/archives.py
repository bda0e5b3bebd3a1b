"""ZIP archives of buffers: written piece by piece without holding them twice, and read back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from tiledkernel.encoding import Body

Buffer: TypeAlias = Any  # whatever has a contiguous buffer: a numpy array, bytes

PIECE = 1 << 20  # bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same data make the same archive, whenever that is


class _Pipe(io.RawIOBase):
    """Collects what is written to it, until somebody takes it."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(data)
        return len(data)

    def take(self) -> list[Any]:
        """What has been written since the last time."""
        taken, self.pieces = self.pieces, []
        return taken


def write_archive(entries: Iterable[tuple[str, Buffer]]) -> Body:
    """An archive of uncompressed entries; large ones are sent from where they are."""
    views = [(name, _as_bytes(buffer)) for name, buffer in entries]
    return _pieces(views) if sum(view.nbytes for _, view in views) > PIECE else _at_once(views)


def _at_once(views: Iterable[tuple[str, memoryview]]) -> memoryview:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, view in views:
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), bytes(view))
    return sink.getbuffer()


def _as_bytes(buffer: Buffer) -> memoryview:
    view = memoryview(buffer)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _pieces(views: Iterable[tuple[str, memoryview]]) -> Iterator[Any]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, view in views:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.file_size = view.nbytes
            with archive.open(info, "w") as entry:
                for start in range(0, view.nbytes, PIECE):
                    entry.write(view[start : start + PIECE])
                    yield from pipe.take()
    yield from pipe.take()


def read_archive(body: bytes | bytearray) -> dict[str, bytes]:
    """The entries of an archive by their names; zipfile.BadZipFile if it is none, or damaged."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
