"""Datasets: chunks, dims, resting bytes, elements that need care."""

from __future__ import annotations

import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiled_hdf5 import widths
from tiled_hdf5.chunks import MAX_BLOCKS, choose_grid
from tiled_hdf5.reader import open_hdf5

from tiledkernel.errors import Unavailable
from tiledkernel.nodes.protocols import EncodedBlock, RestsEncoded
from tiledkernel.slices import cut_shape


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.h5"


def written(path: Path, data=None, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=data, **options)
    return open_hdf5(path)["x"]


def read(node):
    return node.read(cut_shape((), node.structure.shape))


def test_storage_chunks_are_the_chunks(path):
    assert written(path, np.zeros((10, 7)), chunks=(4, 3)).structure.chunks == ((4, 4, 2), (3, 3, 1))


def test_tiny_chunks_are_joined_along_the_last_axes_first():
    grid = choose_grid((1_000_000, 100, 100), (1, 10, 10), 4)
    assert grid == (100, 100, 100)


@pytest.mark.parametrize("shape", [(10_000_000,), (3, 5_000_000), (1_000_001, 7), (200, 200, 200, 2)])
def test_no_grid_has_too_many_blocks(shape):
    stored = (1,) * len(shape)
    grid = choose_grid(shape, stored, 8)
    assert np.prod([-(-length // step) for length, step in zip(shape, grid, strict=True)]) <= MAX_BLOCKS
    assert choose_grid(shape, None, 1 << 20)


def test_grids_are_whole_multiples_of_the_stored_chunks():
    grid = choose_grid((99_999, 1000), (3, 7), 8)
    assert grid[1] == 1000
    assert grid[0] % 3 == 0


def test_a_contiguous_dataset_is_divided_into_blocks(path):
    assert written(path, np.zeros((4000, 400))).structure.chunks[0][0] * 400 * 8 <= 4 << 20


def test_dimension_labels_are_dims(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((2, 3, 4))
        file["x"].dims[0].label = "time"
        file["row"] = np.arange(3)
        file["row"].make_scale("row")
        file["x"].dims[1].attach_scale(file["row"])
    assert open_hdf5(path)["x"].structure.dims == ("time", "row", "dim_2")


def test_without_labels_there_are_no_dims(path):
    assert written(path, np.zeros((2, 3))).structure.dims is None


def test_attributes_that_only_look_like_labels_are_no_dims(path):
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((2, 3))
        file["x"].attrs["DIMENSION_LIST"] = "not a list"
    assert open_hdf5(path)["x"].structure.dims is None


def test_a_deflated_chunk_is_given_as_it_rests(path):
    data = np.arange(100.0).reshape(10, 10)
    node = written(path, data, chunks=(4, 5), compression="gzip")
    assert isinstance(node, RestsEncoded)
    block = node.encoded_block((1, 1))
    assert isinstance(block, EncodedBlock)
    assert block.coding == "deflate"
    assert zlib.decompress(block.data) == data[4:8, 5:10].tobytes()


def test_a_chunk_at_the_edge_is_not_given_as_it_rests(path):
    node = written(path, np.arange(10.0), chunks=(4,), compression="gzip")
    assert node.encoded_block((1,)) is not None
    assert node.encoded_block((2,)) is None


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "lzf"}, {"compression": "gzip", "shuffle": True}, {"compression": "gzip", "fletcher32": True}],
    ids=str,
)
def test_chunks_in_another_form_are_not_given_as_they_rest(path, options):
    assert written(path, np.arange(8), chunks=(4,), **options).encoded_block((0,)) is None


def test_a_chunk_that_was_never_written_is_not_given_as_it_rests(path):
    node = written(path, shape=(8,), dtype="i4", chunks=(4,), compression="gzip", fillvalue=3)
    assert node.encoded_block((0,)) is None
    assert read(node).tolist() == [3] * 8


def test_a_chunk_that_skipped_its_filter_is_not_given_as_it_rests(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("x", (4,), "<i4", chunks=(4,), compression="gzip")
        dataset.id.write_direct_chunk((0,), np.arange(4, dtype="<i4").tobytes(), filter_mask=1)
    node = open_hdf5(path)["x"]
    assert node.encoded_block((0,)) is None
    assert read(node).tolist() == [0, 1, 2, 3]


def test_joined_chunks_are_not_given_as_they_rest(path):
    node = written(path, np.zeros(20_001, "i1"), chunks=(1,), compression="gzip")
    assert node.structure.chunks[0][0] == 3
    assert node.encoded_block((0,)) is None


def test_elements_that_h5py_converts_are_not_given_as_they_rest(path):
    with h5py.File(path, "w") as file:
        kind = h5py.h5t.STD_I16LE.copy()
        kind.set_precision(12)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_deflate(4)
        space = h5py.h5s.create_simple((4,))
        dataset = h5py.h5d.create(file.id, b"x", kind, space, plist)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(-2, 2, dtype="<i2"))
    node = open_hdf5(path)["x"]
    assert node.encoded_block((0,)) is None
    assert read(node).tolist() == [-2, -1, 0, 1]


def ragged(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("x", (2,), h5py.vlen_dtype("f4"))
        dataset[0] = [1, 2, 3]
        dataset.attrs["unit"] = "mm"
        file["y"] = [1, 2]
    return open_hdf5(path)


def test_ragged_elements_say_why_they_cannot_be_read(path):
    root = ragged(path)
    with pytest.raises(Unavailable, match="lists of different lengths"):
        root["x"].structure  # noqa: B018 - describing it is what fails
    assert root["x"].metadata == {"unit": "mm"}
    assert read(root["y"]).tolist() == [1, 2]


def test_ragged_fields_of_records_are_named(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2,), np.dtype([("id", "i4"), ("hits", h5py.vlen_dtype("f4"))]))
    with pytest.raises(Unavailable, match="field 'hits' holds lists"):
        open_hdf5(path)["x"].structure  # noqa: B018 - describing it is what fails


def test_types_without_a_counterpart_say_so(path):
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"x", h5py.h5t.UNIX_D32LE, h5py.h5s.create_simple((4,)))
    with pytest.raises(Unavailable, match="no counterpart in numpy"):
        open_hdf5(path)["x"].structure  # noqa: B018 - describing it is what fails


def test_a_missing_filter_is_named_and_fails_alone(path):
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(31999, h5py.h5z.FLAG_OPTIONAL, ())
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((4,)), plist)
        file["y"] = [1, 2]
    root = open_hdf5(path)
    assert root["x"].structure.shape == (4,)
    with pytest.raises(Unavailable, match=r"HDF5 filter 31999 .* install hdf5plugin"):
        read(root["x"])
    assert read(root["y"]).tolist() == [1, 2]


def test_a_damaged_chunk_is_an_error_not_numbers(path):
    written(path, np.zeros(1000, "i4"), chunks=(1000,), fletcher32=True)
    content = bytearray(path.read_bytes())
    content[-2000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(OSError, match="read"):
        read(open_hdf5(path)["x"])


def test_a_very_long_dataset_of_texts_is_measured_in_part(path, monkeypatch):
    monkeypatch.setattr(widths, "PIECE", 10)
    monkeypatch.setattr(widths, "MAX_PIECES", 4)
    texts = ["four"] * 1000
    texts[15] = "a word that is longer"
    node = written(path, texts, dtype=h5py.string_dtype())
    assert node.structure.data_type.itemsize == 8
    assert node.read(cut_shape((slice(0, 2),), (1000,))).tolist() == [b"four", b"four"]
    with pytest.raises(Unavailable, match="text of 21 bytes does not fit the declared 8"):
        node.read(cut_shape((15,), (1000,)))


def test_wide_texts_are_served_in_small_blocks(path):
    texts = ["x" * 100_000] + ["y"] * 9_999
    node = written(path, texts, dtype=h5py.string_dtype(), chunks=(10_000,))
    assert node.structure.chunks[0][0] * 100_000 <= 4 << 20


def test_an_enumeration_is_read_as_its_numbers(path):
    node = written(path, [0, 1, 1], dtype=h5py.enum_dtype({"OFF": 0, "ON": 1}, basetype="u1"))
    assert read(node).dtype == np.uint8
    assert read(node).tolist() == [0, 1, 1]
