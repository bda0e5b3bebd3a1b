"""Memory of an array, laid out for bytes that arrive one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STAGE = 1 << 20  # bytes of rows that are collected before they are copied to places apart


def targets(array: NDArray[Any]) -> Iterator[memoryview]:
    """Views to fill in order with the elements of `array` in row-major order.

    They are the array's own memory where that is contiguous. Narrow rows that lie apart are collected, and copied
    when the next view is asked for.
    """
    if array.flags.c_contiguous:
        yield array.reshape(-1).view(np.uint8).data
        return
    row = array.nbytes // len(array)
    if row > _STAGE:
        for part in array:
            yield from targets(part)
        return
    step = max(1, _STAGE // row)
    for start in range(0, len(array), step):
        part = array[start : start + step]
        stage = np.empty(part.shape, part.dtype)
        yield stage.reshape(-1).view(np.uint8).data
        part[...] = stage
