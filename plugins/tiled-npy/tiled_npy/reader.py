"""A NumPy file as an array."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from numpy.typing import NDArray

from tiled_npy.chunks import choose_npy_chunk
from tiled_npy.header import Header, read_header
from tiledkernel.errors import NotReady
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.nodes.stamps import Stamp, stamp_of_status
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class NpyArray:
    """The array in a file; the file is open only while it is read, and only what a cut touches is."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()
    metadata: ClassVar[Mapping[str, Any]] = MappingProxyType({})  # the format has none

    def __init__(self, path: Path, header: Header, stamp: Stamp) -> None:
        self._path = path
        self._header = header
        self._stamp = stamp
        self.structure = describe_array(header.shape, header.dtype, choose_npy_chunk(header))

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, in the byte order of the file."""
        with self._path.open("rb", buffering=0) as file:
            if stamp_of_status(os.fstat(file.fileno())) != self._stamp:
                raise NotReady(f"{self._path.name!r} has changed since it was opened: ask again")
            return self._header.read(file, cut)

    def __repr__(self) -> str:
        return f"<NpyArray {self._path.name!r} {self._header.shape} {self._header.dtype}>"


def open_npy(path: Path) -> NpyArray:
    """The node of a file, of which only the header is read."""
    with path.open("rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        return NpyArray(path, read_header(file, path.name, status.st_size), stamp_of_status(status))
