"""What compresses must come back, whatever the size of the items and of the pieces."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import blosc2
import numpy as np
import pytest
import tiled_blosc2
from tiled_blosc2.coding import FRAME, Stream, compress

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover


def decode(body: bytes) -> bytes:
    """As clients do: the header of each frame says how long it is."""
    return b"".join(map(blosc2.decompress2, frames(body)))


def frames(body: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(body):
        _, length, _ = blosc2.get_cbuffer_sizes(body[start : start + 32])
        yield body[start : start + length]
        start += length


@pytest.mark.parametrize("dtype", ["?", "u1", "<i2", ">f4", "f8", "c16", "U7", "S300", "V3"])
def test_every_item_size_comes_back(dtype):
    array = (np.arange(5000) % 7).astype("U1" if np.dtype(dtype).kind in "SUV" else "i8").astype(dtype)
    assert decode(compress(array.tobytes(), array.itemsize)) == array.tobytes()


@pytest.mark.parametrize("itemsize", [-1, 0, 1, 3, 255, 256, 5 * FRAME])
def test_an_item_size_that_blosc2_cannot_use_is_no_danger(itemsize):
    data = b"0123456789" * 1000
    assert decode(compress(data, itemsize)) == data


def test_nothing_compresses_to_something_that_decodes_to_nothing():
    assert decode(compress(b"", 8)) == b""


def test_views_are_taken_as_they_are():
    array = np.arange(2000.0).reshape(40, 50)
    assert decode(compress(memoryview(array), 8)) == array.tobytes()


def test_numbers_get_much_smaller():
    assert len(compress(np.arange(1 << 16).tobytes(), 8)) < (1 << 19) / 20


def test_a_large_body_is_several_frames_of_whole_items():
    array = np.resize(np.array([b"abc", b"d", b"ef"]), FRAME)
    body = compress(array.tobytes(), 3)
    sizes = [blosc2.get_cbuffer_sizes(frame)[0] for frame in frames(body)]
    assert len(sizes) == 4
    assert all(size <= FRAME and size % 3 == 0 for size in sizes)
    assert decode(body) == array.tobytes()


@pytest.mark.parametrize("piece", [1000, FRAME - 1, FRAME, 3 * FRAME])
def test_a_stream_of_pieces_comes_back(piece):
    data = np.arange(400_000, dtype="f8").tobytes()
    stream = Stream(8)
    body = b"".join(stream.add(data[start : start + piece]) for start in range(0, len(data), piece)) + stream.finish()
    assert decode(body) == data


def test_a_stream_gives_frames_before_its_end_and_holds_back_little():
    stream = Stream(8)
    assert sum(bool(stream.add(bytes(FRAME // 4))) for _ in range(40)) == 10


def test_an_empty_stream_is_empty():
    assert Stream(8).finish() == b""


def test_loading_the_plugin_does_not_import_blosc2():
    code = "import sys, tiled_blosc2; tiled_blosc2.register_compressors(); assert 'blosc2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_kernel_finds_the_coding_and_prefers_it_for_arrays():
    compressors = Composition(discover()).compressors
    assert compressors["blosc2"] is tiled_blosc2.COMPRESSOR
    array_codings = [
        c for c in compressors.values() if not c.media_types or "application/octet-stream" in c.media_types
    ]
    assert min(array_codings, key=lambda record: record.rank).coding == "blosc2"
    assert references.load(compressors["blosc2"].compress) is compress
    assert "application/json" not in compressors["blosc2"].media_types
