"""An archive of NumPy arrays (`numpy.savez`) as a container."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from tiled_npy.chunks import PACKED, TARGET, choose_npy_chunk
from tiled_npy.header import Header, read_header
from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY, ArrayStructure
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.keys import distinct_keys
from tiledkernel.nodes.stamps import Stamp, stamp_of_status
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

SUFFIX = ".npy"
MAX_PACKED = 4 << 30  # bytes that a compressed array may expand to
_LOCAL_HEADER = 30  # bytes in front of a member's name
_ENCRYPTED = 0x1


class ArchivedArray:
    """One array of an archive, looked at when it is touched.

    One that is stored as it is (`numpy.savez`) is read in slices. One that is compressed (`numpy.savez_compressed`) is
    decompressed from its beginning up to what is wanted, and only that is kept.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()
    metadata: ClassVar[Mapping[str, Any]] = MappingProxyType({})  # the format has none

    def __init__(self, path: Path, stamp: Stamp, member: zipfile.ZipInfo) -> None:
        self._path = path
        self._stamp = stamp
        self._member = member
        self._packed = member.compress_type != zipfile.ZIP_STORED
        self._shown = f"{member.filename} in {path.name}"

    @cached_property
    def _header(self) -> Header:
        member = self._member
        if member.flag_bits & _ENCRYPTED:
            raise Unavailable(f"{self._shown!r} is encrypted: save it without a password")
        if self._packed and member.file_size > MAX_PACKED:
            raise Unavailable(
                f"{self._shown!r} expands to {member.file_size:_} bytes, more than the {MAX_PACKED:_} that are "
                "decompressed: save it with numpy.savez, or as a file of its own with numpy.save"
            )
        with self._opened() as file:
            start = file.tell()
            header = read_header(file, self._shown, member.file_size)
        return structs.replace(header, offset=start + header.offset)

    @cached_property
    def structure(self) -> ArrayStructure:
        """Shape, chunks and element type."""
        target = PACKED if self._packed else TARGET
        return describe_array(self._header.shape, self._header.dtype, choose_npy_chunk(self._header, target))

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements."""
        header = self._header
        with self._opened() as file:
            return header.read(file, cut)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """A file that stands where the array begins: the archive itself, or what its member expands to."""
        with self._path.open("rb", buffering=0) as file:
            if stamp_of_status(os.fstat(file.fileno())) != self._stamp:
                raise NotReady(f"{self._path.name!r} has changed since it was opened: ask again")
            try:
                if self._packed:
                    with zipfile.ZipFile(file) as archive, archive.open(self._member) as member:
                        yield member
                else:
                    file.seek(_data_offset(file, self._member))
                    yield file
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                raise Unavailable(f"{self._shown!r} cannot be decompressed: {error}") from error

    def __repr__(self) -> str:
        return f"<ArchivedArray {self._member.filename!r} in {self._path.name!r}>"


def _data_offset(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: behind a header that repeats its name."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\3\4"):
        raise zipfile.BadZipFile("its header is damaged")
    name, extra = np.frombuffer(header[-4:], "<u2").tolist()
    return member.header_offset + _LOCAL_HEADER + int(name) + int(extra)


def open_npz(path: Path) -> MemoryContainer:
    """A container of the arrays in an archive, under their names; other members are left out."""
    with path.open("rb") as file:
        stamp = stamp_of_status(os.fstat(file.fileno()))
        try:
            with zipfile.ZipFile(file) as archive:
                members = [member for member in archive.infolist() if member.filename.endswith(SUFFIX)]
        except zipfile.BadZipFile as error:
            raise Unavailable(
                f"{path.name!r} is no archive, or was cut off while it was copied or written: {error}"
            ) from error
    keys = distinct_keys(member.filename.removesuffix(SUFFIX) for member in members)
    arrays = (ArchivedArray(path, stamp, member) for member in members)
    return MemoryContainer(MappingProxyType(dict(zip(keys, arrays, strict=True))))  # no dict: its arrays may block
