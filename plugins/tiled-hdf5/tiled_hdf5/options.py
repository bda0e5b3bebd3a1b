"""What can be said about HDF5 files when they are registered."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class HDF5Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to open a file, and what to show of it.

    - `dataset`: path of the dataset or group to show, instead of the root.
    - `slice`: which part of an array, as in '0,:10,::2'; of several files it is taken after they were joined.
    - `squeeze`: leave out the axes of length 1.
    - `swmr`: open files for reading while one program writes; None: the environment decides.
    - `libver`: which versions of the format are expected, as for `h5py.File`.
    - `locking`: whether to lock the file while it is open, which a reader needs not.
    """

    dataset: str | None = None
    slice: str | None = None
    squeeze: bool = False
    swmr: bool | None = None
    libver: Literal["earliest", "latest", "v108", "v110", "v112", "v114"] | None = None
    locking: bool = False


DEFAULTS = HDF5Options()
