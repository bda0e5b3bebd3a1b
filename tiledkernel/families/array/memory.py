"""Arrays that live in memory."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from msgspec import UNSET
from numpy.typing import ArrayLike, NDArray

from tiledkernel.blocks import Chunks
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec, as_spec

_generations = itertools.count()


class MemoryArray:
    """An array node around a numpy array (or a list, or a scalar), read without copying.

    `chunks` is a chunk shape or the chunk lengths per axis, `dims` names the axes. Call `touch()` after changing
    the data in place, so that caches outside notice; a `generation` of None says that nobody can tell.
    """

    family: ClassVar[str] = FAMILY

    def __init__(  # noqa: PLR0913 - all but the first are optional, and named
        self,
        array: ArrayLike,
        *,
        chunks: Sequence[int] | Chunks | None = None,
        dims: Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
        generation: Hashable = UNSET,
    ) -> None:
        self.array = fixed_size(np.asarray(array))
        self.in_memory = not isinstance(array, np.memmap)  # whose pages may have to be fetched from a disk
        self.structure = describe_array(self.array.shape, self.array.dtype, chunks, dims)
        self.metadata: Mapping[str, Any] = {} if metadata is None else metadata
        self.specs = tuple(as_spec(spec) for spec in specs)
        self._packed = to_numpy(self.structure.data_type)
        self._generation = next(_generations) if generation is UNSET else generation

    def read(self, cut: Cut) -> NDArray[Any]:
        """A view of the selected elements; records are repacked if they were padded."""
        selected = np.asarray(self.array[cut.index])
        return selected if selected.dtype == self._packed else selected.astype(self._packed)

    def stamp(self, cut: Cut | None) -> Hashable:
        """The generation of the data, or None; `touch()` makes a new one."""
        del cut
        return self._generation

    def touch(self) -> None:
        """Say that the data have changed in place."""
        self._generation = next(_generations)

    def __repr__(self) -> str:
        return f"<MemoryArray shape={self.array.shape} dtype={self.array.dtype}>"


def fixed_size(array: NDArray[Any]) -> NDArray[Any]:
    """An array whose elements all have one size.

    An object array whose elements are arrays of one shape becomes one array with more dimensions; any other
    becomes an array of fixed-width strings. `StringDType` becomes fixed-width too.
    """
    if array.dtype.kind == "T":
        return array.astype(np.str_)
    if array.dtype.kind != "O":
        return array
    elements = [np.asarray(element) for element in array.flat]
    shapes = {element.shape for element in elements}
    if len(shapes) == 1 and shapes != {()} and all(element.dtype.kind in "biufc" for element in elements):
        return np.stack(elements).reshape(array.shape + elements[0].shape)
    if shapes <= {()}:
        return array.astype(np.str_)
    return np.array([str(element) for element in array.flat]).reshape(array.shape)


def adopt(
    live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> MemoryArray:
    """An array node for a numpy array, a scalar or a list of numbers; an array that can be written to may change."""
    fixed = isinstance(live, np.ndarray) and not live.flags.writeable and live.base is None
    return MemoryArray(live, metadata=metadata, specs=specs, generation=generation if fixed else None)
