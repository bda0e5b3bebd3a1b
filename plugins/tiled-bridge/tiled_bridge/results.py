"""What adapters return, as numpy arrays of the shape that was asked for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.families.array.memory import fixed_size


def computed(found: Any) -> Any:
    """What a lazy collection, such as those of dask, stands for; anything else as it is."""
    compute = getattr(found, "compute", None)
    return compute() if callable(compute) else found


def as_numpy(found: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of this shape, if what was found has as many elements, or more along its first axis."""
    array = fixed_size(np.asarray(computed(found)))
    if array.shape == shape:
        return array
    if array.size == math.prod(shape):
        return array.reshape(shape)
    if array.ndim == len(shape) > 0 and array.shape[1:] == shape[1:] and len(array) > shape[0]:
        return array[: shape[0]]
    return array  # the server refuses it, and says both shapes
