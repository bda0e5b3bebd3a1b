"""A variable of xarray as an array node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import xarray
from numpy.typing import NDArray

from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.dtypes import KINDS
from tiledkernel.families.array.memory import fixed_size
from tiledkernel.families.array.structure import FAMILY, ArrayStructure
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec, as_spec


class VariableArray:
    """A variable with its dimensions and attributes; one that rests in a file is read where it is sliced.

    Variables of texts, and others whose elements have no fixed size, are read whole to find one.
    """

    family: ClassVar[str] = FAMILY

    def __init__(
        self,
        variable: xarray.Variable,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
    ) -> None:
        self._variable = variable
        self.metadata: Mapping[str, Any] = {"attrs": dict(variable.attrs), **(metadata or {})}
        self.specs = tuple(as_spec(spec) for spec in specs)

    @cached_property
    def _fixed(self) -> NDArray[Any] | None:
        """The elements, if they had to be given a fixed size."""
        dtype = self._variable.dtype
        if isinstance(dtype, np.dtype) and dtype.kind in KINDS:
            return None
        return fixed_size(np.asarray(self._variable.values))

    @cached_property
    def structure(self) -> ArrayStructure:
        """Shape, chunks (those of dask, if it is divided by it), element type and names of the dimensions."""
        variable = self._variable
        dtype = variable.dtype if self._fixed is None else self._fixed.dtype
        return describe_array(variable.shape, dtype, variable.chunks, [str(name) for name in variable.dims])

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements."""
        if self._fixed is not None:
            return np.asarray(self._fixed[cut.index])
        return np.asarray(self._variable[cut.index].values)

    def __repr__(self) -> str:
        return f"<VariableArray dims={self._variable.dims} shape={self._variable.shape} dtype={self._variable.dtype}>"
