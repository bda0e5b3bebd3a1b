"""Datasets as NetCDF files, version 4, which are HDF5 files too.

Variables are written piece by piece as they are read, none is held whole; the file is made on the disk and sent from
there. What NetCDF lacks is stored by the conventions for climate data (CF) and those of xarray, so that opening the
file gives the dataset back: dates and durations as integers that count a unit, truth values as bytes, texts of bytes as
rows of characters. Attributes are those under `attrs` in the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiled_xarray.attributes import writable
from tiled_xarray.chosen import Variable, chosen_variables, sizes_of
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable, TooLarge
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.slabs import slabs
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.server.blame import Blaming
from tiledkernel.server.spooled import spooled

NOT_A_TIME = np.iinfo(np.int64).min
_UNITS = {
    "D": "days",
    "h": "hours",
    "m": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
_STORED = frozenset("biufcmMSU")  # kinds of elements


class Stored(Struct, frozen=True):
    """How a variable is stored: element type, attributes that say what it stands for, and what a missing value is."""

    dtype: np.dtype[Any]
    told: Mapping[str, Any] = {}
    missing: int | None = None


def encode(payload: ContainerPayload, context: Encoding) -> Iterator[bytes]:
    """A NetCDF file with the variables that were asked for and their coordinates; TooLarge says when it is refused."""
    variables = list({variable.name: variable for variable in chosen_variables(payload, _fits)}.values())
    nbytes = sum(variable.payload.nbytes for variable in variables)
    if payload.limit is not None and nbytes > payload.limit:
        raise TooLarge(
            f"this dataset is {nbytes:_} bytes, more than the {payload.limit:_} that this server sends at once: "
            "name fewer variables with 'field', or read them one by one as arrays"
        )
    plan = [(variable, _stored(variable)) for variable in variables]
    sizes = sizes_of(variables)
    attributes = context.metadata.get("attrs")
    return spooled(partial(_write, plan=plan, sizes=sizes, attributes=attributes))


def _fits(variable: Variable) -> bool:
    """Whether NetCDF has a place for a variable."""
    return variable.entry.node.structure.data_type.kind in _STORED


def _stored(variable: Variable) -> Stored:
    dtype = variable.payload.dtype
    if dtype.kind not in _STORED:
        raise NotAcceptable(
            f"NetCDF has no place for {variable.name!r}, whose elements are {dtype}: name other variables with 'field'"
        )
    if "/" in variable.name or "\0" in variable.name:
        raise NotAcceptable(f"{variable.name!r} cannot be the name of a variable in NetCDF: name others with 'field'")
    if dtype.kind in "mM":
        return _stored_time(variable.name, dtype)
    if dtype.kind == "b":
        return Stored(np.dtype(np.int8), {"dtype": "bool"})
    if dtype.kind == "U":
        return Stored(h5py.string_dtype())
    if dtype.kind == "S":
        return Stored(np.dtype("S1"))
    return Stored(_numbers(dtype))


def _numbers(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type for numbers: floats of 32 and 64 bits are those that NetCDF has."""
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    return np.dtype(np.complex128) if dtype.kind == "c" and dtype.itemsize > 16 else dtype


def _stored_time(name: str, dtype: np.dtype[Any]) -> Stored:
    unit, count = np.datetime_data(dtype)
    if unit not in _UNITS or count != 1:
        raise NotAcceptable(f"NetCDF has no unit for {dtype}, as {name!r} is: name other variables with 'field'")
    told = {"units": _UNITS[unit], "dtype": f"timedelta64[{unit}]"}
    if dtype.kind == "M":
        told = {"units": f"{_UNITS[unit]} since 1970-01-01", "calendar": "proleptic_gregorian"}
    return Stored(np.dtype(np.int64), told, NOT_A_TIME)


def _write(path: Path, *, plan: Sequence[tuple[Variable, Stored]], sizes: Mapping[str, int], attributes: Any) -> None:
    coordinates = [variable for variable, _ in plan if variable.is_coordinate and variable.dims != (variable.name,)]
    with h5netcdf.File(path, "w") as file:
        file.dimensions = dict(sizes)
        file.attrs.update(writable(attributes))
        mentioned: set[str] = set()
        for variable, stored in plan:
            target = _create(file, variable, stored)
            belonging = [] if variable.is_coordinate else _belonging(variable, coordinates)
            mentioned.update(belonging)
            if belonging:
                target.attrs["coordinates"] = " ".join(belonging)
            with variable.entry.guard, Blaming(variable.entry):
                _fill(target, variable.payload)
        if others := [variable.name for variable in coordinates if variable.name not in mentioned]:
            file.attrs["coordinates"] = " ".join(others)


def _belonging(variable: Variable, coordinates: Sequence[Variable]) -> list[str]:
    """The names of the coordinates that say where the elements of a data variable are."""
    return [coordinate.name for coordinate in coordinates if set(coordinate.dims) <= set(variable.dims)]


def _create(file: h5netcdf.File, variable: Variable, stored: Stored) -> h5netcdf.Variable:
    dims = variable.dims
    if variable.payload.dtype.kind == "S":
        width = max(1, variable.payload.dtype.itemsize)
        dims = (*dims, f"string{width}")
        if dims[-1] not in file.dimensions:
            file.dimensions[dims[-1]] = width
    target = file.create_variable(variable.name, dims, stored.dtype, fillvalue=stored.missing)
    with Blaming(variable.entry):
        attributes = writable(variable.entry.node.metadata.get("attrs"))
    target.attrs.update({**attributes, **stored.told})
    return target


def _fill(target: h5netcdf.Variable, payload: ArrayPayload) -> None:
    if 0 in payload.shape:
        return
    cuts = slabs(payload.cut, payload.node.structure.chunks, payload.dtype.itemsize)
    for cut, slab in zip(cuts, payload.slabs(), strict=True):
        if slab.dtype.kind == "S":
            target[(*cut.index, slice(None))] = _characters(slab)
        else:
            target[cut.index] = _converted(slab, target.dtype)


def _characters(slab: NDArray[Any]) -> NDArray[Any]:
    """Each text as a row of single characters."""
    texts = slab.astype("S1") if not slab.dtype.itemsize else np.ascontiguousarray(slab)
    return texts.reshape(*slab.shape, 1).view("S1")


def _converted(slab: NDArray[Any], dtype: Any) -> NDArray[Any]:
    if slab.dtype.kind == "U":
        texts = np.char.encode(slab, "utf-8", "replace").astype(object)
        if any(b"\0" in text for text in texts.flat):
            raise NotAcceptable("a text holds a NUL, at which it would end in NetCDF: ask for another format")
        return texts
    return slab.astype(np.int64).astype(dtype) if slab.dtype.kind in "mM" else slab.astype(dtype, copy=False)
