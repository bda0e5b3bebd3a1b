"""Every kind of Zarr content, held to the contract of readers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiled_zarr
import zarr
from numcodecs import BZ2, LZ4, LZMA, Blosc, Delta, FixedScaleOffset, GZip, Zlib, Zstd
from zarr.codecs import (
    BloscCodec,
    BytesCodec,
    Crc32cCodec,
    GzipCodec,
    ShardingCodec,
    TransposeCodec,
    ZstdCodec,
)

from tiledkernel.testing import ReaderContract, Sample

PACKED = np.dtype([("id", "<i4"), ("name", "S5"), ("x", "<f8")])
NESTED = np.dtype([("id", ">i4"), ("where", "<f8", (2, 3)), ("inner", [("a", "u1"), ("b", ">f4")])])


def numbers() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(1)
    orders = {"|": ["i1", "u1", "b1"], "<": ["i2", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]}
    orders[">"] = orders["<"]
    codes = [order + code for order, known in orders.items() for code in known]
    arrays = {f"types/{code[1:]}_{ord(code[0])}": chance.integers(0, 100, (7, 5)).astype(code) for code in codes}
    arrays["types/fixed_text"] = np.array([[b"ab", b"c"], [b"", b"defg"]])
    arrays["types/fixed_unicode"] = np.array([["ab", "naïve"], ["", "π"]])
    arrays["types/opaque"] = np.array([b"\x00\x01\x02", b"abc"], "V3")
    arrays["types/dates"] = np.array(["2024-01-01", "NaT"], "M8[ns]")
    arrays["types/days"] = np.array(["2024-01-01", "NaT"], "M8[D]")
    arrays["types/durations"] = np.array([5, -3, 0], "m8[25us]")
    arrays["shapes/scalar"] = np.array(3.5)
    arrays["shapes/empty"] = np.empty((0,), "i4")
    arrays["shapes/zero_axis"] = np.empty((3, 0, 2))
    arrays["shapes/five"] = chance.random((2, 3, 4, 3, 2))
    record = np.zeros((4, 3), PACKED)
    record["id"] = np.arange(12).reshape(4, 3)
    record["name"] = b"pi"
    record["x"] = chance.random((4, 3))
    arrays["records/packed"] = record
    return arrays


def chunk_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(max(1, -(-length // 2)) for length in shape)


def write_numbers(root: zarr.Group, arrays: dict[str, np.ndarray]) -> None:
    for name, data in arrays.items():
        array = root.create_array(name, shape=data.shape, dtype=data.dtype, chunks=chunk_of(data.shape))
        if data.size:
            array[...] = data


class TestZarr2Reader(ReaderContract):
    reader = tiled_zarr.READER
    heavy = ("zarr", "numcodecs", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        arrays = numbers()
        chance = np.random.default_rng(2)
        root = zarr.open_group(tmp_path / "all.zarr", mode="w", zarr_format=2, attributes={"title": "a test"})
        write_numbers(root, arrays)
        for name, options in {
            "plain": {"compressors": None},
            "zlib": {"compressors": Zlib()}, "gzip": {"compressors": GZip()}, "zstd": {"compressors": Zstd()},
            "blosc": {"compressors": Blosc()}, "lz4": {"compressors": LZ4()}, "bz2": {"compressors": BZ2()},
            "lzma": {"compressors": LZMA()}, "fortran": {"order": "F"}, "delta": {"filters": [Delta("<i4")]},
            "nested": {"chunk_key_encoding": {"name": "v2", "separator": "/"}},
            "scaled": {"filters": [FixedScaleOffset(10, 2, "<i4", "<i2")], "compressors": Zstd()},
        }.items():  # fmt: skip
            data = chance.integers(0, 1000, (25, 17)).astype("<i4")
            arrays[f"chunked/{name}"] = data
            root.create_array(f"chunked/{name}", shape=data.shape, dtype=data.dtype, chunks=(10, 8), **options)[...] = (
                data
            )
        sparse = root.create_array("chunked/sparse", shape=(25, 17), dtype="<f4", chunks=(10, 8), fill_value=np.nan)
        sparse[12, 3:] = 1
        arrays["chunked/sparse"] = sparse[...]
        words = np.array(["", "a", "naïve", "words"], object)
        root.create_array("texts", shape=(4,), dtype=str, chunks=(3,))[...] = words
        arrays["texts"] = words.astype("U5")
        zarr.consolidate_metadata(root.store)
        by_hand(tmp_path / "all.zarr" / "records" / "nested", arrays)
        return Sample(path=tmp_path / "all.zarr", arrays=arrays, metadata={"": {"title": "a test"}})


def by_hand(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Records with arrays in them, which the specification of version 2 has and the library does not write."""
    nested = np.zeros(5, NESTED)
    nested["where"] = np.arange(30).reshape(5, 2, 3)
    nested["inner"]["b"] = 2.5
    folder.mkdir()
    inner = [["a", "|u1"], ["b", ">f4"]]
    described = {
        "zarr_format": 2, "shape": [5], "chunks": [3], "order": "C", "compressor": {"id": "zlib", "level": 1},
        "dtype": [["id", ">i4"], ["where", "<f8", [2, 3]], ["inner", inner]], "filters": None, "fill_value": None,
    }  # fmt: skip
    (folder / ".zarray").write_text(json.dumps(described))
    padded = np.zeros(6, NESTED)
    padded[:5] = nested
    for number in range(2):
        (folder / str(number)).write_bytes(Zlib().encode(padded[number * 3 : number * 3 + 3].tobytes()))
    arrays["records/nested"] = nested


class TestZarr3Reader(ReaderContract):
    reader = tiled_zarr.READER
    heavy = ("zarr", "numcodecs", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        arrays = numbers()
        chance = np.random.default_rng(2)
        root = zarr.open_group(tmp_path / "all.zarr", mode="w", zarr_format=3, attributes={"title": "a test"})
        big = {name: data for name, data in arrays.items() if data.dtype.byteorder == ">"}
        write_numbers(root, {name: data for name, data in arrays.items() if name not in big})
        for name, data in big.items():
            root.create_array(
                name,
                shape=data.shape,
                dtype=data.dtype,
                chunks=chunk_of(data.shape),
                serializer=BytesCodec(endian="big"),
            )[...] = data
        for name, options in {
            "plain": {"compressors": None},
            "gzip": {"compressors": GzipCodec()}, "zstd": {"compressors": ZstdCodec(checksum=True)},
            "blosc": {"compressors": BloscCodec()}, "checked": {"compressors": [GzipCodec(), Crc32cCodec()]},
            "transposed": {"filters": TransposeCodec(order=(1, 0))}, "sharded": {"shards": (20, 16)},
            "plain_shards": {"shards": (20, 16), "compressors": None},
            "old_keys": {"chunk_key_encoding": {"name": "v2", "separator": "."}},
            "shards_at_start": {"serializer": ShardingCodec(
                chunk_shape=(10, 8), index_location="start", codecs=[TransposeCodec(order=(1, 0)), BytesCodec()]
            ), "chunks": (20, 16), "compressors": None},
        }.items():  # fmt: skip
            data = chance.integers(0, 1000, (25, 17)).astype("<i4")
            arrays[f"chunked/{name}"] = data
            chosen = {"chunks": (10, 8)} | options
            root.create_array(f"chunked/{name}", shape=data.shape, dtype=data.dtype, **chosen)[...] = data
        for name, shards in {"sparse": None, "sparse_shards": (20, 16)}.items():
            sparse = root.create_array(
                f"chunked/{name}", shape=(45, 17), dtype="<f4", chunks=(10, 8), shards=shards, fill_value=np.nan
            )
            sparse[12, 3:] = 1
            arrays[f"chunked/{name}"] = sparse[...]
        spaces = root.create_array("shapes/rows", shape=(4, 3, 5), dtype="<i2", chunks=(2, 3, 2), fill_value=7)
        spaces[1] = 1
        arrays["shapes/rows"] = spaces[...]
        words = np.array(["", "a", "naïve", "words"], object)
        root.create_array("texts", shape=(4,), dtype=str, chunks=(3,))[...] = words
        arrays["texts"] = words.astype("U5")
        zarr.consolidate_metadata(root.store)
        return Sample(path=tmp_path / "all.zarr", arrays=arrays, metadata={"": {"title": "a test"}})


class TestZarrRootArray(ReaderContract):
    reader = tiled_zarr.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        data = np.arange(60.0).reshape(12, 5)
        zarr.create_array(tmp_path / "one.zarr", data=data, chunks=(5, 5), attributes={"unit": "m", "nan": np.nan})
        return Sample(path=tmp_path / "one.zarr", arrays={"": data}, metadata={"": {"unit": "m"}})
