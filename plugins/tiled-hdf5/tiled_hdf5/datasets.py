"""HDF5 datasets as arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
from h5py import h5d, h5t, h5z
from msgspec import Struct
from numpy.typing import NDArray

from tiled_hdf5.attributes import read_attributes
from tiled_hdf5.chunks import choose_grid
from tiled_hdf5.dimensions import dimension_names
from tiled_hdf5.elements import Field, fixed_dtype, object_fields, to_fixed
from tiled_hdf5.files import Files, OpenFile, stamp_of
from tiled_hdf5.outside import files_behind, raw_segments
from tiled_hdf5.raw import Segment, read_segments
from tiled_hdf5.widths import measure
from tiledkernel.errors import Unavailable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY, ArrayStructure
from tiledkernel.nodes.protocols import EncodedBlock
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec


class _Elements(Struct, frozen=True):
    """What is in the file and what is served of it."""

    shape: tuple[int, ...]  # without the axes that the elements have if they are arrays themselves
    served_shape: tuple[int, ...]
    dtype: Any  # as served; a numpy.dtype
    texts: tuple[Field, ...]  # leaves without a fixed size


class HDF5Dataset:
    """A dataset: attributes as metadata, storage chunks as chunks, dimension labels as dims."""

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, dataset: h5d.DatasetID) -> None:
        self._id = dataset
        self._dataset = h5py.Dataset(dataset, readonly=True)  # lets h5py keep what it knows of it

    @property
    def current(self) -> bool:
        """Whether what is open is what is on disk, as far as the kernel, which watches the served file, cannot tell."""
        return True

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The dataset's attributes."""
        return read_attributes(self._id)

    @cached_property
    def structure(self) -> ArrayStructure:
        """Unavailable if the elements are of a kind that no array can hold."""
        elements = self._elements
        extra = elements.served_shape[len(elements.shape) :]
        stored = None if self._is_null else self._dataset.chunks
        grid = choose_grid(elements.served_shape, None if stored is None else stored + extra, elements.dtype.itemsize)
        dims = None if extra else dimension_names(self.metadata, len(elements.shape))
        return describe_array(elements.served_shape, elements.dtype, grid, dims)

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements; texts as bytes of fixed width."""
        dtype = self._direct_dtype
        if dtype is None or 0 in cut.shape:
            return self._read_converted(cut)
        found = self._dataset[cut.index]
        return found if type(found) is np.ndarray and found.dtype == dtype else np.asarray(found).astype(dtype)

    def encoded_block(self, block: tuple[int, ...]) -> EncodedBlock | None:
        """The chunk as it rests, if deflate is its only filter and nothing would have to be cut or converted."""
        chunk = self._deflated_chunk
        if chunk is None or len(block) != len(chunk):
            return None
        offset = tuple(index * step for index, step in zip(block, chunk, strict=True))
        if any(start + step > length for start, step, length in zip(offset, chunk, self._elements.shape, strict=True)):
            return None  # at the edge the chunk is longer than the block
        try:
            if self._id.get_chunk_info_by_coord(offset).byte_offset is None:
                return None  # never written: all fill value
            mask, data = self._id.read_direct_chunk(offset)
        except (OSError, RuntimeError):  # reading it decoded says what is wrong
            return None
        return EncodedBlock("deflate", data) if mask == 0 else None

    @cached_property
    def _is_null(self) -> bool:
        """Whether there is no dataspace at all, only a type; served as an array without elements."""
        return self._dataset.shape is None

    @cached_property
    def _elements(self) -> _Elements:
        shape = (0,) if self._is_null else tuple(map(int, self._dataset.shape))
        try:
            stored = self._id.dtype
        except (TypeError, ValueError, NotImplementedError) as error:
            raise Unavailable(
                f"the element type has no counterpart in numpy ({error}): read it in the file itself"
            ) from error
        inner, extra = (stored, ()) if stored.subdtype is None else stored.subdtype
        texts = tuple(object_fields(inner))
        if texts:
            self._check_filters()
        dtype = fixed_dtype(inner, measure(self._dataset, texts) if texts else {})
        return _Elements(shape, shape + extra, dtype, texts)

    @cached_property
    def _direct_dtype(self) -> np.dtype[Any] | None:
        """The element type, if what h5py reads can be handed on; None if it must be converted."""
        self._check_filters()
        elements = self._elements
        return None if elements.texts or elements.served_shape != elements.shape else elements.dtype

    def _read_converted(self, cut: Cut) -> NDArray[Any]:
        elements = self._elements
        if 0 in cut.shape:
            return np.empty(cut.shape, elements.dtype)
        ndim = len(elements.shape)
        outer = cut.index[:ndim]
        found = np.asarray(self._dataset[outer])
        if len(cut.index) > ndim:  # the elements are arrays: the rest of the cut goes through them
            kept = sum(isinstance(part, slice) for part in outer)
            found = found[(slice(None),) * kept + cut.index[ndim:]]
        if elements.texts:
            return to_fixed(found, elements.dtype, elements.texts, self._dataset.file.id)
        return np.asarray(found).astype(elements.dtype, copy=False)

    def _check_filters(self) -> None:
        """Unavailable if the dataset rests in a form that this installation cannot decode."""
        plist = self._id.get_create_plist()
        for number in range(plist.get_nfilters()):
            code, _, _, name = plist.get_filter(number)
            if not h5z.filter_avail(code):
                known = name.decode("utf-8", "replace").partition(";")[0] if name else "unnamed"
                raise Unavailable(
                    f"the data are compressed with HDF5 filter {code} ({known}), which is not installed here: "
                    "install hdf5plugin (pip install 'tiled-hdf5[filters]') and start the server anew"
                )

    @property
    def _rests_as_served(self) -> bool:
        """Whether the elements in the file are, byte by byte, those that are served."""
        elements = self._elements
        if elements.texts or elements.served_shape != elements.shape or self._is_null:
            return False
        resting = self._id.get_type()
        return bool(
            resting.get_size() == elements.dtype.itemsize and h5t.py_create(self._id.dtype, logical=True).equal(resting)
        )

    @cached_property
    def _deflated_chunk(self) -> tuple[int, ...] | None:
        """The chunk shape, if chunks are served as they are stored and rest as zlib streams of their elements."""
        chunk = self._dataset.chunks
        plist = self._id.get_create_plist()
        if chunk is None or plist.get_nfilters() != 1 or plist.get_filter(0)[0] != h5z.FILTER_DEFLATE:
            return None
        served = tuple(lengths[0] for lengths in self.structure.chunks)
        return tuple(chunk) if served == tuple(chunk) and self._rests_as_served else None

    def __repr__(self) -> str:
        return f"<HDF5Dataset {self._dataset.name!r}>"


class ScatteredDataset(HDF5Dataset):
    """A dataset whose numbers rest in files other than the served one, which the kernel does not watch."""

    def __init__(self, dataset: h5d.DatasetID, files: set[Path]) -> None:
        super().__init__(dataset)
        self._files = sorted(files)
        self._opened = self.stamp(None)

    @property
    def current(self) -> bool:
        """Whether none of those files has changed since the dataset was opened."""
        return self.stamp(None) == self._opened

    def stamp(self, cut: Cut | None) -> Hashable:
        """How the other files look on disk, whatever the cut: only HDF5 knows which of them it touches."""
        del cut
        return tuple(map(stamp_of, self._files))


class RawDataset(ScatteredDataset):
    """A dataset with external storage: its bytes lie in raw files, which we read ourselves.

    HDF5 would look for them in the working directory.
    """

    def __init__(self, dataset: h5d.DatasetID, segments: tuple[Segment, ...], others: set[Path]) -> None:
        super().__init__(dataset, others | {segment.path for segment in segments})
        self._segments = segments

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, from the raw files."""
        if not self._rests_as_served:
            raise Unavailable("the raw files hold elements that would have to be converted: read them with HDF5 itself")
        return read_segments(self._segments, self._elements.shape, self._elements.dtype, cut)


def open_dataset(files: Files, source: OpenFile, dataset: h5d.DatasetID) -> HDF5Dataset:
    """The node of a dataset; BrokenLink if its numbers rest where they may not be read."""
    others = set() if source is files.main else {source.path}
    plist = dataset.get_create_plist()
    segments = raw_segments(files, source, dataset, plist)
    if segments:
        return RawDataset(dataset, segments, others)
    if plist.get_layout() == h5d.VIRTUAL:
        others |= files_behind(files, source, dataset)
    return ScatteredDataset(dataset, others) if others else HDF5Dataset(dataset)
