"""Arrays with codecs that are not undone here, read by the library `zarr`.

It is asked for what it knows and nothing more: each read goes through its event loop in a thread of its own, and
costs many times what reading a chunk of a common kind costs here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import LocalStore

from tiled_zarr.codecs import Damaged
from tiled_zarr.folders import StoreFolder
from tiledkernel.errors import KernelError

MAX_FILE = 4 << 30


class FolderStore(LocalStore):
    """The library's view of a store, whose files are read as everywhere else here; `check` looks at each chunk."""

    def __init__(self, folder: StoreFolder, check: Callable[[bytes], None] | None) -> None:
        super().__init__(folder.path, read_only=True)
        self._folder = folder
        self._check = check

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """The bytes at `key`, or the part of them that is asked for; None if there is no such file."""
        raw = self._read(key, byte_range)
        if raw is None:
            return None
        if self._check is not None and byte_range is None and not key.endswith("zarr.json"):
            self._check(raw)
        return (prototype or default_buffer_prototype()).buffer.from_bytes(raw)

    def _read(self, key: str, byte_range: ByteRequest | None) -> bytes | None:
        match byte_range:
            case None:
                return self._folder.read(key, MAX_FILE)
            case RangeByteRequest(start, end):
                return self._folder.read_part(key, start, end)
            case OffsetByteRequest(offset):
                return self._folder.read_part(key, offset, None)
            case SuffixByteRequest(suffix):
                return self._folder.read_part(key, -suffix, None) if suffix else b""


class LibraryArray:
    """An array as the library opens it."""

    def __init__(self, store: FolderStore, key: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about element types that the specification does not have yet
            self._array = zarr.open_array(store, path=key, mode="r", zarr_format=3)

    def read(self, index: tuple[Any, ...]) -> NDArray[Any]:
        """The selected elements; Damaged if the library cannot make anything of what is there."""
        try:
            return np.asarray(self._array[index])
        except KernelError:
            raise
        except Exception as error:
            raise Damaged(str(error) or type(error).__name__) from error
