"""An array that changes by itself, to see caches notice."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

PERIOD = 3.0  # seconds


class CountingArray:
    """A (3, 3) array of float64 whose elements all count the periods since it was made, from 1."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()
    in_memory: ClassVar[bool] = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.structure = describe_array((3, 3), np.dtype(np.float64))
        self.metadata: Mapping[str, Any] = {}
        self._clock = clock
        self._start = clock()

    @property
    def count(self) -> int:
        """The period that it is now."""
        return 1 + int((self._clock() - self._start) // PERIOD)

    def read(self, cut: Cut) -> NDArray[np.float64]:
        """The current count, everywhere."""
        return np.full(cut.shape, float(self.count))

    def stamp(self, cut: Cut | None) -> Hashable:
        """The current count."""
        del cut
        return self.count

    def __repr__(self) -> str:
        return f"<CountingArray at {self.count}>"
