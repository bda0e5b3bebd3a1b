"""Datasets of xarray as containers of their variables."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import xarray

from tiled_xarray.specs import COORDINATE, DATA_VARIABLE, DATASET
from tiled_xarray.variable import VariableArray
from tiledkernel.families.container.structure import FAMILY
from tiledkernel.specs import Spec, as_spec


class DatasetNode(Mapping[str, VariableArray]):
    """A container of the data variables and then the coordinates of a dataset, all described with it."""

    family: ClassVar[str] = FAMILY

    def __init__(
        self,
        dataset: xarray.Dataset,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec | str] = (),
    ) -> None:
        self._dataset = dataset
        self._names = {str(name): name for name in (*dataset.data_vars, *dataset.coords)}
        self.metadata: Mapping[str, Any] = {"attrs": dict(dataset.attrs), **(metadata or {})}
        self.specs = tuple(dict.fromkeys([*(as_spec(spec) for spec in specs), DATASET]))

    def __getitem__(self, key: str) -> VariableArray:
        name = self._names[key]
        role = COORDINATE if name in self._dataset.coords else DATA_VARIABLE
        return VariableArray(self._dataset.variables[name], specs=(role,))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def inlined(self, depth: int) -> bool:
        """Always: a client that reads a dataset needs to know all of its variables."""
        del depth
        return True

    def __repr__(self) -> str:
        return f"<DatasetNode of {list(self._names)}>"


def adopt_dataset(
    live: xarray.Dataset, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> DatasetNode:
    """A container node for a dataset, which may change unseen."""
    del generation
    return DatasetNode(live, metadata=metadata, specs=specs)


def adopt_array(
    live: xarray.DataArray, metadata: Mapping[str, Any] | None, specs: Sequence[Spec | str], generation: Hashable
) -> VariableArray:
    """An array node for the values of a DataArray, with its dimensions and attributes but without coordinates."""
    del generation
    return VariableArray(live.variable, metadata=metadata, specs=specs)
