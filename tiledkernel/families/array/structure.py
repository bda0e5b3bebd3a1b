"""Shape, chunks and element type of an array, as http-api 3.1 and 3.2 have them on the wire."""

from __future__ import annotations

import math

from msgspec import UNSET, Struct, UnsetType

FAMILY = "array"


class DataType(Struct, frozen=True, kw_only=True):
    """An element type: a built-in scalar, or a record when `fields` is set.

    `itemsize` counts bytes. `kind` is numpy's letter, `dt_units` such as '[ns]' belongs to kinds m and M.
    """

    endianness: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    itemsize: int
    dt_units: str | UnsetType | None = UNSET
    fields: tuple[Field, ...] | UnsetType = UNSET


class Field(Struct, frozen=True, kw_only=True):
    """One field of a record; `shape` is that of its sub-array, or None."""

    name: str
    dtype: DataType
    shape: tuple[int, ...] | None


class ArrayStructure(Struct, frozen=True, kw_only=True):
    """An array without its data; `chunks` lists the chunk lengths along each axis and sums to `shape`."""

    data_type: DataType
    chunks: tuple[tuple[int, ...], ...]
    shape: tuple[int, ...]
    dims: tuple[str, ...] | None = None
    resizable: bool = False

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of the data in bytes."""
        return self.size * self.data_type.itemsize
