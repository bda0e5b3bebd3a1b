"""Archives of buffers: any program reads them, their buffers are used where they lie, and hostile ones are refused."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from tiled_awkward import archives
from tiled_awkward.archives import read_archive, whole_archive, write_archive

ENTRIES = {"node0-offsets": np.arange(7), "é": np.arange(5, dtype="u1"), "nothing": b"", "node1-data": np.arange(3.0)}


def packed(compression: int = zipfile.ZIP_STORED, **entries: bytes) -> bytearray:
    """As other programs write it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return bytearray(sink.getvalue())


@pytest.mark.parametrize("at_once", [True, False])
def test_other_programs_read_what_is_written(monkeypatch, at_once) -> None:
    monkeypatch.setattr(archives, "PIECE", 1 << 20 if at_once else 8)
    body = write_archive(ENTRIES.items())
    whole = bytes(body) if at_once else b"".join(map(bytes, body))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: bytes(memoryview(content).cast("B")) for name, content in ENTRIES.items()
        }


def test_what_is_written_is_used_where_it_lies() -> None:
    body = bytearray(whole_archive(ENTRIES.items()))
    found = read_archive(body)
    where = np.frombuffer(body, np.uint8).ctypes.data
    for name, content in ENTRIES.items():
        assert bytes(found[name]) == bytes(memoryview(content).cast("B"))
        if len(found[name]):
            view = np.frombuffer(found[name], np.uint8)
            assert 0 < view.ctypes.data - where < len(body)
            assert view.ctypes.data % 8 == 0


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_other_programs_write_is_read(compression) -> None:
    found = read_archive(packed(compression, a=b"1", bb=bytes(1000), c=b""))
    assert {name: bytes(content) for name, content in found.items()} == {"a": b"1", "bb": bytes(1000), "c": b""}


def changed(body: bytearray, place: int, content: bytes) -> bytearray:
    body[place : place + len(content)] = content
    return body


def twice() -> bytearray:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", b"2")
    return bytearray(sink.getvalue())


def directory_of(body: bytearray) -> int:
    return body.index(b"PK\1\2")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "not a zip file"),
        (lambda: b"no archive", "not a zip file"),
        (lambda: packed(a=b"1")[:-3], "not a zip file"),
        (lambda: changed(packed(a=b"12345"), 31, b"x"), "'a' is damaged"),
        (lambda: changed(packed(a=b"12345"), 0, b"XX"), "'a' is cut off"),
        (lambda: changed(packed(zipfile.ZIP_DEFLATED, a=bytes(99)), 31, b"\xff\xff"), "'a' is damaged"),
        (lambda: packed(zipfile.ZIP_BZIP2, a=bytes(99)), "store it, or deflate it"),
        (lambda: packed(zipfile.ZIP_LZMA, a=bytes(99)), "store it, or deflate it"),
        (lambda: changed(body := packed(a=b"1"), directory_of(body) + 8, b"\1"), "cannot be read"),  # encrypted
        (lambda: changed(body := packed(a=b"1"), directory_of(body) + 42, b"\0\0\0\x40"), "cannot be read"),  # far away
        (lambda: changed(body := packed(a=b"1"), directory_of(body) + 6, b"\xff"), "list of entries"),  # version
        (twice, "several entries have the same name"),
        (lambda: packed(zipfile.ZIP_DEFLATED, a=bytes(2_000_000)), "2_000_000 bytes, and at most 1_000_000"),
        (lambda: packed(**{f"{number:0200}": b"" for number in range(6000)}), "too many entries"),
    ],
)  # fmt: skip
def test_hostile_archives_are_refused(make, reason) -> None:
    with pytest.raises(zipfile.BadZipFile, match=reason):
        read_archive(make(), limit=1_000_000)


def test_an_entry_that_says_it_is_small_is_not_unpacked_further() -> None:
    body = packed(zipfile.ZIP_DEFLATED, a=bytes(10_000_000))
    place = directory_of(body)
    body[place + 24 : place + 28] = struct.pack("<I", 100)  # its size, in the list of entries
    with pytest.raises(zipfile.BadZipFile, match="'a' is damaged"):
        read_archive(body, limit=1000)
