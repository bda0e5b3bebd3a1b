"""What the metadata files of a store say about one of its nodes."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any, Literal

import numpy as np
from msgspec import Struct

from tiled_zarr.codecs import Layout
from tiled_zarr.elements import TEXT
from tiled_zarr.folders import StoreFolder
from tiled_zarr.shards import Shard
from tiledkernel.errors import Unavailable

MAX_METADATA = 256 << 20  # bytes; the root of a large store repeats what all its nodes say
MAX_NDIM = 64
MAX_LENGTH = (1 << 63) - 1

FILES = ("zarr.json", ".zarray", ".zgroup")


class KeyEncoding(Struct, frozen=True):
    """How the file of a chunk is called."""

    prefix: str
    separator: str

    def key(self, folder: str, index: tuple[int, ...]) -> str:
        """The key of a chunk of the array at `folder`."""
        parts = [self.prefix, *map(str, index)] if self.prefix else list(map(str, index)) or ["0"]
        name = self.separator.join(parts)
        return f"{folder}/{name}" if folder else name


class ArrayMetadata(Struct, frozen=True):
    """An array without its data.

    `chunk` is the shape of what lies in one file. `storage` says how to read it: as a `Layout`, as a `Shard` of
    smaller chunks, or None if only the library knows. `coding` is that of HTTP in which chunks rest, if they do.
    """

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    dtype: Any
    fill: Any
    attributes: Mapping[str, Any]
    dims: tuple[str, ...] | None
    keys: KeyEncoding
    storage: Layout | Shard | None
    coding: Literal["deflate", "gzip", "zstd"] | None = None
    outermost: str = ""  # the codec that was applied last
    version: Literal[2, 3] = 3

    def __post_init__(self) -> None:
        """Raise ValueError if shape and chunks cannot be."""
        if len(self.shape) > MAX_NDIM or len(self.chunk) != len(self.shape):
            raise ValueError(f"chunks {self.chunk} do not fit a shape of {self.shape}")
        if any(not 0 <= length <= MAX_LENGTH for length in self.shape):
            raise ValueError(f"{self.shape} is no shape")
        if any(not 1 <= length <= MAX_LENGTH for length in self.chunk):
            raise ValueError(f"{self.chunk} is no shape of a chunk")

    @property
    def is_text(self) -> bool:
        """Whether the elements are texts of variable length."""
        return bool(self.dtype == TEXT)

    def blank(self, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Elements that nobody wrote."""
        return np.full(shape, self.fill, self.dtype)


class GroupMetadata(Struct, frozen=True):
    """A group's attributes."""

    attributes: Mapping[str, Any]


class NodeFiles(Struct, frozen=True):
    """Which metadata files a node has, with the state that each is in."""

    name: str  # of the one that says what it is
    stamp: Hashable


def find_files(folder: StoreFolder, key: str) -> NodeFiles | None:
    """The metadata files at `key`; None if there is no node. Version 3 comes first, where both are there."""
    prefix = f"{key}/" if key else ""
    for name in FILES:
        stamp = folder.stamp(prefix + name)
        if stamp is not None:
            extra = None if name == "zarr.json" else folder.stamp(f"{prefix}.zattrs")
            return NodeFiles(name, (name, stamp, extra))
    return None


def read_json(folder: StoreFolder, key: str) -> Mapping[str, Any] | None:
    """The object in a metadata file; None if there is no such file. Unavailable if it is damaged."""
    raw = folder.read(key, MAX_METADATA)
    if raw is None:
        return None
    try:
        found = json.loads(raw)  # which takes NaN, as Zarr writes it
    except (ValueError, RecursionError) as error:
        raise Unavailable(f"{key!r} of {folder.name!r} is damaged: {error}") from error
    if not isinstance(found, dict):
        raise Unavailable(f"{key!r} of {folder.name!r} is damaged: expected a JSON object, not {str(found)[:40]!r}")
    return found


def attributes_in(described: Any) -> Mapping[str, Any]:
    """Attributes, if that is what they are."""
    return described if isinstance(described, Mapping) else {}


def dimension_names(names: Any, ndim: int) -> tuple[str, ...] | None:
    """One name per axis; those that have none are called 'dim_N'. None if no axis has a name."""
    if not isinstance(names, list) or len(names) != ndim or not any(isinstance(name, str) and name for name in names):
        return None
    return tuple(name if isinstance(name, str) and name else f"dim_{axis}" for axis, name in enumerate(names))
