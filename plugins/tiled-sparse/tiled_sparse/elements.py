"""The stored elements of a sparse array, and what a selection leaves of them."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tiledkernel.slices import Cut

Coordinates: TypeAlias = NDArray[np.integer[Any]]


class Elements(NamedTuple):
    """Elements in the order of their coordinates: `coords` has one row per dimension, one column per element."""

    coords: Coordinates
    data: NDArray[Any]
    shape: tuple[int, ...]


def in_order(elements: Elements) -> Elements:
    """The elements sorted by their coordinates, the first dimension first."""
    if not elements.shape:
        return elements
    order = np.lexsort(elements.coords[::-1])
    return Elements(elements.coords[:, order], elements.data[order], elements.shape)


def select(elements: Elements, cut: Cut) -> Elements:
    """The elements inside a cut, with coordinates relative to its beginning, in the order of these."""
    coords, data = _rows(elements, cut)
    kept = np.ones(len(data), np.bool_)
    columns: list[Coordinates] = []
    for axis, part in enumerate(cut.index):
        column = coords[axis]
        if isinstance(part, int):
            kept &= column == part
            continue
        kept &= (column >= part.start) & (column < part.stop)
        column = column - part.start
        if part.step != 1:
            kept &= column % part.step == 0
            column = column // part.step
        columns.append(column)
    chosen = np.stack([column[kept] for column in columns]) if columns else np.empty((0, int(kept.sum())), np.int64)
    return Elements(chosen, data[kept], cut.shape)


def _rows(elements: Elements, cut: Cut) -> tuple[Coordinates, NDArray[Any]]:
    """The elements whose first coordinate may lie in the cut, found without looking at the others."""
    if not cut.index:
        return elements.coords, elements.data
    part = cut.index[0]
    low, high = (part, part + 1) if isinstance(part, int) else (part.start, part.stop)
    start, stop = np.searchsorted(elements.coords[0], [low, high])
    return elements.coords[:, start:stop], elements.data[start:stop]


def flipped(elements: Elements, axes: tuple[int, ...]) -> Elements:
    """The elements of the array turned round along some axes."""
    if not axes:
        return elements
    coords = elements.coords.copy()
    for axis in axes:
        coords[axis] = elements.shape[axis] - 1 - coords[axis]
    return in_order(Elements(coords, elements.data, elements.shape))
