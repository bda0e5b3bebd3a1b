"""ZIP archives of buffers: written piece by piece without holding them twice, and read back where they lie.

The content of each entry begins at a multiple of 64 bytes, so that numbers can be used where they are in the archive.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from tiledkernel.encoding import Body

Buffer: TypeAlias = Any  # whatever has a contiguous buffer: a numpy array, bytes

PIECE = 1 << 20  # bytes
MAX_DIRECTORY = 1 << 20  # bytes that the list of the entries may have: some ten thousand of them
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same data make the same archive, whenever that is
_ALIGNMENT = 64  # bytes
_NEEDED = 16  # bytes: what begins at a multiple of that can be used where it is
_HEADER = struct.Struct("<4s22xHH")  # of an entry: how it begins, and the lengths of its name and of what is extra
_EXTRA = struct.Struct("<HHH")
_ALIGNING = 0xD935  # what is extra and only there to move the content, as other programs call it
_ENCRYPTED = 0x1
_ODD = (struct.error, NotImplementedError, ValueError, OSError, OverflowError)  # what a list of nonsense leads to


class _Pipe(io.RawIOBase):
    """Collects what is written to it, until somebody takes it."""

    def __init__(self) -> None:
        self.pieces: list[Any] = []
        self.position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(data)
        self.position += len(data)
        return len(data)

    def take(self) -> list[Any]:
        """What has been written since the last time."""
        taken, self.pieces = self.pieces, []
        return taken


def write_archive(entries: Iterable[tuple[str, Buffer]]) -> Body:
    """An archive of uncompressed entries; large ones are sent from where they are."""
    views = [(name, _as_bytes(buffer)) for name, buffer in entries]
    return _pieces(views) if sum(view.nbytes for _, view in views) > PIECE else _at_once(views)


def whole_archive(entries: Iterable[tuple[str, Buffer]]) -> memoryview:
    """The same in one piece."""
    return _at_once((name, _as_bytes(buffer)) for name, buffer in entries)


def _at_once(views: Iterable[tuple[str, memoryview]]) -> memoryview:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, view in views:
            with archive.open(_entry(name, view, sink.tell()), "w") as entry:
                entry.write(view)
    return sink.getbuffer()


def _as_bytes(buffer: Buffer) -> memoryview:
    view = memoryview(buffer)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _pieces(views: Iterable[tuple[str, memoryview]]) -> Iterator[Any]:
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, view in views:
            with archive.open(_entry(name, view, pipe.position), "w") as entry:
                for start in range(0, view.nbytes, PIECE):
                    entry.write(view[start : start + PIECE])
                    yield from pipe.take()
    yield from pipe.take()


def _entry(name: str, view: memoryview, position: int) -> zipfile.ZipInfo:
    """What is said of an entry that begins at a position."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.file_size = view.nbytes
    filling = -(position + _HEADER.size + len(name.encode()) + _EXTRA.size) % _ALIGNMENT
    info.extra = _EXTRA.pack(_ALIGNING, 2 + filling, _ALIGNMENT) + bytes(filling)
    return info


def read_archive(body: Buffer, limit: int | None = None, *, checked: bool = True) -> dict[str, memoryview]:
    """The entries of an archive by their names, where they lie if they can be used there.

    zipfile.BadZipFile if it is none, or damaged (which is looked at if it is to be `checked`), or if its entries would
    have more than `limit` bytes.
    """
    view = _as_bytes(body)
    try:
        with zipfile.ZipFile(_Window(view)) as archive:
            infos = archive.infolist()
    except _ODD as error:
        raise zipfile.BadZipFile(f"its list of entries cannot be read: {error}") from error
    names = [info.filename for info in infos]
    if len({*names}) < len(names):
        raise zipfile.BadZipFile("several entries have the same name")
    if limit is not None and (total := sum(info.file_size for info in infos)) > limit:
        raise zipfile.BadZipFile(f"the entries have {total:_} bytes, and at most {limit:_} belong here")
    return {info.filename: _content(view, info, checked=checked) for info in infos}


def _content(view: memoryview, info: zipfile.ZipInfo, *, checked: bool) -> memoryview:
    header = view[max(0, info.header_offset) : info.header_offset + _HEADER.size]
    if len(header) != _HEADER.size or info.flag_bits & _ENCRYPTED:
        raise zipfile.BadZipFile(f"the entry {info.filename[:80]!r} cannot be read")
    begins, name_length, extra_length = _HEADER.unpack(header)
    start = info.header_offset + _HEADER.size + name_length + extra_length
    stored = view[start : start + info.compress_size]
    if begins != b"PK\3\4" or len(stored) != info.compress_size:
        raise zipfile.BadZipFile(f"the entry {info.filename[:80]!r} is cut off")
    content = _unpacked(stored, info, start)
    if len(content) != info.file_size or (checked and zlib.crc32(content) != info.CRC):
        raise zipfile.BadZipFile(f"the entry {info.filename[:80]!r} is damaged: its checksum is another one")
    return content


def _unpacked(stored: memoryview, info: zipfile.ZipInfo, start: int) -> memoryview:
    if info.compress_type == zipfile.ZIP_STORED:
        return stored if start % _NEEDED == 0 else memoryview(bytes(stored))
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile(
            f"the entry {info.filename[:80]!r} is compressed in a way that is not taken: store it, or deflate it"
        )
    try:
        return memoryview(zlib.decompressobj(-zlib.MAX_WBITS).decompress(stored, info.file_size + 1))
    except zlib.error as error:
        raise zipfile.BadZipFile(f"the entry {info.filename[:80]!r} is damaged: {error}") from error


class _Window(io.RawIOBase):
    """A buffer as a file, of which little is read at once: an archive whose list of entries is long is refused."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._position = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._view)}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, len(self._view) - self._position)
        size = left if size < 0 else min(size, left)
        if size > MAX_DIRECTORY:
            raise zipfile.BadZipFile("it has too many entries")
        found = bytes(self._view[self._position : self._position + size])
        self._position += size
        return found
