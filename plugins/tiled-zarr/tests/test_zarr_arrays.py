"""Arrays: which files a slice opens, resting chunks, dims, damage, stamps."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import zarr
import zstandard
from numcodecs import Blosc, Zlib
from tiled_zarr import arrays, chunks
from tiled_zarr.chunks import MAX_BLOCKS, choose_grid, count_touched, touched
from tiled_zarr.folders import StoreFolder
from tiled_zarr.reader import open_zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec

from tiledkernel.errors import Gone, NotReady, TooLarge, Unavailable
from tiledkernel.nodes.protocols import RestsEncoded, Stamped
from tiledkernel.slices import Cut, cut_shape
from tiledkernel.testing.comparisons import basic_indices

DATA = np.arange(25 * 17, dtype="<i4").reshape(25, 17)


def written(path: Path, data=DATA, **options):
    zarr.create_array(path, data=data, **{"chunks": (10, 8)} | options)
    return open_zarr(path)


def cut(node, *parts) -> Cut:
    return cut_shape(parts, node.structure.shape)


def read(node, *parts):
    return node.read(cut(node, *parts))


# which chunks


def test_a_slice_opens_only_the_chunks_that_it_touches(path, opened):
    node = written(path)
    opened.clear()
    assert read(node, slice(9, 12), 3).tolist() == DATA[9:12, 3].tolist()
    assert opened == ["c/0/0", "c/1/0"]


def test_steps_skip_chunks(path, opened):
    node = written(path, np.arange(100), chunks=(10,))
    opened.clear()
    assert read(node, slice(None, None, 45)).tolist() == [0, 45, 90]
    assert opened == ["c/0", "c/4", "c/9"]


def test_an_empty_slice_opens_nothing(path, opened):
    node = written(path)
    opened.clear()
    assert read(node, slice(3, 3)).shape == (0, 17)
    assert opened == []


def test_of_a_shard_its_index_is_read_and_the_chunks_that_are_touched(path, monkeypatch):
    node = written(path, shards=(20, 16))
    sizes = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *given: sizes.append(given[1]) or real(*given))
    assert read(node, 0, slice(0, 3)).tolist() == DATA[0, :3].tolist()
    assert len(sizes) == 2
    assert sizes[0] == 4 * 16 + 4


def test_a_missing_shard_is_looked_for_once(path, monkeypatch):
    zarr.create_array(path, shape=(40, 40), chunks=(10, 10), shards=(40, 40), dtype="f4", fill_value=3)
    node = open_zarr(path)
    asked = []
    real = StoreFolder.read_part
    monkeypatch.setattr(StoreFolder, "read_part", lambda *given: asked.append(given[1]) or real(*given))
    assert (read(node) == 3).all()
    assert asked == ["c/0/0"]


@pytest.mark.parametrize("shape", [(), (1,), (7,), (5, 9), (3, 4, 5)])
@pytest.mark.parametrize("step", [1, 2, 3, 10])
def test_the_touched_parts_make_up_what_numpy_selects(shape, step):
    data = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    chunk = (step,) * len(shape)
    for index in basic_indices(shape, 40):
        wanted = cut_shape(index, shape)
        found = np.full(wanted.shape, -1)
        parts = list(touched(wanted, chunk))
        for part in parts:
            bounds = tuple(slice(at * step, at * step + step) for at in part.index)
            found[part.place] = data[bounds][part.inside]
        assert found.tolist() == data[wanted.index].tolist()
        assert len(parts) <= count_touched(wanted, chunk)
        assert len({part.index for part in parts}) == len(parts)


def test_no_grid_has_too_many_blocks():
    grid = choose_grid((10_000_000, 30), (10, 10), 8)
    assert np.prod([-(-length // step) for length, step in zip((10_000_000, 30), grid, strict=True)]) <= MAX_BLOCKS
    assert grid == (10_000 // 10 * 10, 30) or grid[0] % 10 == 0


def test_chunks_too_large_to_be_sent_are_divided():
    assert np.prod(choose_grid((1 << 20, 1 << 10), (1 << 20, 1 << 10), 8)) * 8 <= chunks.MAX_BLOCK


def test_a_selection_in_too_many_chunks_is_refused_before_it_is_read(path, monkeypatch):
    monkeypatch.setattr(arrays, "MAX_TOUCHED", 5)
    node = written(path)
    with pytest.raises(TooLarge, match="9 chunks"):
        read(node)


def test_an_absurd_shape_costs_nothing_until_it_is_read(path):
    zarr.create_array(path, shape=(1 << 60,), chunks=(1,), dtype="u1")
    node = open_zarr(path)
    assert node.stamp(None) is None
    assert len(node.structure.chunks[0]) <= MAX_BLOCKS
    assert read(node, (1 << 60) - 1) == 0


# what is said of an array


@pytest.mark.parametrize("version", [2, 3])
def test_dimension_names_are_dims(path, version):
    attributes = {"_ARRAY_DIMENSIONS": ["y", "x"]} if version == 2 else {}
    names = {} if version == 2 else {"dimension_names": ["y", "x"]}
    node = written(path, zarr_format=version, attributes=attributes, **names)
    assert node.structure.dims == ("y", "x")


def test_an_axis_without_a_name_is_called_by_its_number(path):
    assert written(path, dimension_names=["y", None]).structure.dims == ("y", "dim_1")


def test_names_that_do_not_fit_are_no_dims(path):
    assert written(path, attributes={"_ARRAY_DIMENSIONS": ["y"]}).structure.dims is None


def test_storage_chunks_are_the_chunks(path):
    assert written(path).structure.chunks == ((10, 10, 5), (8, 8, 1))


def test_of_shards_the_chunks_inside_are_the_chunks(path):
    assert written(path, shards=(20, 16)).structure.chunks == ((10, 10, 5), (8, 8, 1))


def test_big_endian_elements_are_served_as_they_rest(path):
    node = written(path, DATA, serializer=BytesCodec(endian="big"))
    assert node.structure.data_type.endianness == "big"
    assert read(node).dtype == np.dtype(">i4")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "fill", [np.nan, np.inf, -np.inf, 1.5, complex(1, -2), complex(np.nan, np.inf), True, 250, "text", b"raw",
             np.datetime64("2024-01-01", "ns"), np.datetime64("NaT", "ns"), np.timedelta64(7, "s")], ids=repr,
)  # fmt: skip
def test_missing_chunks_are_the_fill_value(path, version, fill):
    expected = np.array(fill)
    zarr.create_array(path, shape=(3,), chunks=(2,), dtype=expected.dtype, fill_value=fill, zarr_format=version)
    found = read(open_zarr(path))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, np.full(3, expected))


def test_a_fill_value_of_a_record(path):
    dtype = np.dtype([("a", "<i4"), ("b", "S3")])
    zarr.create_array(path, shape=(3,), chunks=(2,), dtype=dtype, fill_value=np.array((7, b"x"), dtype)[()])
    assert read(open_zarr(path)).tolist() == [(7, b"x")] * 3


def test_a_fill_value_written_as_its_bits(path):
    written(path, np.ones(3), chunks=(3,), fill_value=0.0)
    described = json.loads((path / "zarr.json").read_text())
    described["fill_value"] = "0x7ff8000000000000"
    (path / "zarr.json").write_text(json.dumps(described))
    shutil.rmtree(path / "c")
    assert np.isnan(read(open_zarr(path))).all()


# codecs


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (20, 16), "compressors": None, "serializer": ShardingCodec(
            chunk_shape=(10, 8), codecs=[ShardingCodec(chunk_shape=(5, 8), codecs=[BytesCodec(), BloscCodec()])])},
        {"compressors": {"name": "numcodecs.lz4", "configuration": {}}},
        {"filters": [{"name": "numcodecs.delta", "configuration": {"dtype": "<i4"}}]},
        {"chunks": (20, 16), "serializer": ShardingCodec(chunk_shape=(10, 8)), "compressors": GzipCodec()},
    ],
    ids=["shards in shards", "a compressor", "a filter", "compressed shards"],
)  # fmt: skip
def test_codecs_that_only_the_library_knows_are_left_to_it(path, options):
    node = written(path, **options)
    for index in basic_indices(DATA.shape, 5):
        wanted = cut_shape(index, DATA.shape)
        assert node.read(wanted).tolist() == DATA[wanted.index].tolist()


def test_the_library_too_reads_only_the_chunks_that_are_touched(path, opened):
    node = written(path, compressors={"name": "numcodecs.lz4", "configuration": {}})
    read(node, 0, 0)
    opened.clear()
    read(node, slice(9, 12), 3)
    assert sorted(opened) == ["c/0/0", "c/1/0"]


def test_axes_may_rest_in_any_order(path):
    data = np.arange(60).reshape(3, 4, 5)
    turned = [TransposeCodec(order=(2, 0, 1)), TransposeCodec(order=(1, 0, 2))]
    assert read(written(path, data, chunks=(2, 3, 4), filters=turned)).tolist() == data.tolist()


# chunks as they rest


@pytest.mark.parametrize(
    ("options", "coding", "decode"),
    [
        ({"compressors": GzipCodec()}, "gzip", gzip.decompress),
        ({"compressors": ZstdCodec()}, "zstd", lambda data: zstandard.ZstdDecompressor().decompress(data)),
        ({"compressors": Zlib(), "zarr_format": 2}, "deflate", zlib.decompress),
    ],
    ids=["gzip", "zstd", "zlib"],
)
def test_a_chunk_is_given_as_it_rests(path, options, coding, decode):
    node = written(path, **options)
    assert isinstance(node, RestsEncoded)
    block = node.encoded_block((1, 1))
    assert block.coding == coding
    assert decode(block.data) == DATA[10:20, 8:16].tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {"compressors": None}, {"compressors": BloscCodec()}, {"compressors": [GzipCodec(), Crc32cCodec()]},
        {"filters": TransposeCodec(order=(1, 0)), "compressors": GzipCodec()}, {"shards": (20, 16)},
        {"zarr_format": 2, "order": "F", "compressors": Zlib()},
    ],
    ids=["raw", "blosc", "checked", "transposed", "sharded", "fortran"],
)  # fmt: skip
def test_chunks_in_another_form_are_not_given_as_they_rest(path, options):
    assert written(path, **options).encoded_block((0, 0)) is None


def test_neither_are_chunks_at_the_edge_nor_missing_ones(path):
    node = written(path, compressors=GzipCodec())
    assert node.encoded_block((2, 0)) is None
    (path / "c/0/0").unlink()
    assert node.encoded_block((0, 0)) is None


def test_a_damaged_chunk_is_not_given_as_it_rests(path):
    node = written(path, compressors=ZstdCodec())
    assert node.encoded_block((0, 0)) is not None
    whole = (path / "c/0/0").read_bytes()
    (path / "c/0/0").write_bytes(whole[:-5])
    with pytest.raises(Unavailable, match="c/0/0"):
        node.encoded_block((0, 0))


def test_an_intact_chunk_is_looked_into_once(path, monkeypatch):
    node = written(path, compressors=ZstdCodec())
    node.encoded_block((0, 0))
    monkeypatch.setattr(arrays.Layout, "decode", lambda *_: pytest.fail("it was decoded again"))
    assert node.encoded_block((0, 0)) is not None


# damage

_KINDS = {
    "raw": {"compressors": None}, "gzip": {"compressors": GzipCodec()}, "zstd": {"compressors": ZstdCodec()},
    "blosc": {"compressors": BloscCodec()}, "blosc of version 2": {"compressors": Blosc(), "zarr_format": 2},
    "shards": {"shards": (20, 16)}, "shards of blosc": {"shards": (20, 16), "compressors": BloscCodec()},
    "checked": {"compressors": Crc32cCodec()},
    "filtered": {"filters": [{"name": "numcodecs.delta", "configuration": {"dtype": "<i4"}}],
                 "compressors": BloscCodec()},
}  # fmt: skip


def first_chunk(path: Path) -> Path:
    return next(found for found in (path / "c/0/0", path / "0.0") if found.exists())


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("left", [0, 1, 16, 0.5, -1])
def test_a_truncated_chunk_is_an_error_and_never_numbers(path, kind, left):
    node = written(path, **_KINDS[kind])
    chunk = first_chunk(path)
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: int(len(whole) * left) if isinstance(left, float) else left])
    with pytest.raises(Unavailable, match="damaged"):
        read(node, slice(0, 10), slice(0, 8))


def test_an_error_names_the_chunk_and_the_others_can_be_read(path):
    node = written(path)
    (path / "c/1/0").write_bytes(b"nothing")
    with pytest.raises(Unavailable, match=r"'c/1/0' of 'store.zarr' is damaged"):
        read(node)
    assert read(node, 0).tolist() == DATA[0].tolist()


@pytest.mark.parametrize("kind", ["gzip", "zstd", "blosc"])
def test_a_chunk_that_is_larger_inside_than_declared_is_an_error(tmp_path, kind):
    bomb = written(tmp_path / "large.zarr", np.ones(10_000_000, "u1"), chunks=(10_000_000,), **_KINDS[kind])
    assert bomb.structure.shape == (10_000_000,)
    node = written(tmp_path / "small.zarr", np.ones(10, "u1"), chunks=(10,), **_KINDS[kind])
    shutil.copy(tmp_path / "large.zarr/c/0", tmp_path / "small.zarr/c/0")
    with pytest.raises(Unavailable, match=r"larger inside|can be meant"):
        read(node)


def test_a_flipped_bit_is_found_by_the_checksum(path):
    node = written(path, compressors=[Crc32cCodec()])
    raw = bytearray((path / "c/0/0").read_bytes())
    raw[5] ^= 1
    (path / "c/0/0").write_bytes(raw)
    with pytest.raises(Unavailable, match="checksum"):
        read(node)


def test_an_index_of_a_shard_that_leads_nowhere_is_an_error(path):
    node = written(path, chunks=(20, 16), compressors=None,
                   serializer=ShardingCodec(chunk_shape=(10, 8), index_codecs=[BytesCodec()]))  # fmt: skip
    raw = bytearray((path / "c/0/0").read_bytes())
    raw[-64:-56] = (1 << 40).to_bytes(8, "little")
    (path / "c/0/0").write_bytes(raw)
    with pytest.raises(Unavailable, match="in the middle of a chunk"):
        read(node)


def test_a_folder_or_a_pipe_in_the_place_of_a_chunk_is_an_error(path):
    node = written(path)
    (path / "c/0/0").unlink()
    (path / "c/0/0").mkdir()
    (path / "c/0/1").unlink()
    os.mkfifo(path / "c/0/1")
    for column in (0, 8):
        with pytest.raises(Unavailable, match="ordinary file"):
            read(node, 0, column)


def test_chunks_of_an_array_that_was_removed_are_no_fill_values(path):
    node = written(path)
    shutil.rmtree(path)
    with pytest.raises(Unavailable, match="removed while it was read"):
        read(node)


def test_missing_chunks_of_an_array_that_was_made_anew_are_not_taken_for_fill_values(path):
    node = written(path)
    zarr.create_array(path, shape=(5, 5), chunks=(5, 5), dtype="f8", overwrite=True)
    with pytest.raises(NotReady, match="ask again"):
        read(node)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [25]}, {"shape": [-1, 5]}, {"shape": "x"}, {"data_type": "float1"}, {"data_type": 5}, {"codecs": []},
        {"data_type": {"name": "raw_bytes", "configuration": {"length_bytes": 1 << 40}}}, {"fill_value": "x"},
        {"chunk_grid": {"name": "odd"}}, {"codecs": [{"name": "transpose", "configuration": {"order": [5, 6]}}]},
        {"zarr_format": 4}, {"node_type": "thing"}, {"chunk_key_encoding": {"name": "../"}},
        {"chunk_key_encoding": {"name": "default", "configuration": {"separator": "/../"}}},
        {"storage_transformers": [{"name": "x"}]},
    ],
    ids=str,
)  # fmt: skip
def test_metadata_that_cannot_be_understood_are_an_error(path, change):
    written(path)
    described = json.loads((path / "zarr.json").read_text()) | change
    (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(Gone, match=r"zarr\.json"):
        open_zarr(path)


# stamps and threads


def test_a_stamp_changes_with_the_chunks_that_are_touched_and_no_others(path):
    node = written(path)
    assert isinstance(node, Stamped)
    here, there = cut(node, slice(0, 5)), cut(node, slice(20, 25))
    before = node.stamp(here), node.stamp(there), node.stamp(None)
    assert before == (node.stamp(here), node.stamp(there), node.stamp(None))
    chunk = path / "c/0/0"
    chunk.write_bytes(chunk.read_bytes() + b"x")
    assert node.stamp(here) != before[0]
    assert node.stamp(there) == before[1]
    assert node.stamp(None) != before[2]


def test_a_chunk_that_comes_changes_the_stamp(path):
    node = written(path)
    (path / "c/0/0").rename(path / "aside")
    before = node.stamp(None)
    (path / "aside").rename(path / "c/0/0")
    assert node.stamp(None) != before


def test_arrays_of_the_common_kinds_need_no_event_loop(path):
    before = set(threading.enumerate())
    node = written(path)
    known = set(threading.enumerate())
    read(node)
    assert set(threading.enumerate()) == known >= before
