"""The sparse array of the example trees."""

from __future__ import annotations

import numpy as np
import sparse

SHAPE = (100, 100)
LEAST = 0.9  # random numbers below it are left out


def image() -> sparse.COO:
    """About a tenth of its elements are stored."""
    numbers = np.random.Generator(np.random.Philox(key=9)).random(SHAPE)
    return sparse.COO.from_numpy(np.where(numbers < LEAST, 0.0, numbers))
