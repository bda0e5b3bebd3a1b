"""What compresses must come back, in the format that a peer decodes with the plain block function."""

from __future__ import annotations

import subprocess
import sys

import lz4.block
import numpy as np
import pytest
import tiled_lz4
from tiled_lz4 import coding
from tiled_lz4.coding import Stream, compress

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.errors import TooLarge
from tiledkernel.plugins import discover


@pytest.mark.parametrize("data", [b"", b"x", b"0123456789" * 1000, bytes(range(256)) * 3])
def test_bytes_come_back(data):
    assert lz4.block.decompress(compress(data, 1)) == data


def test_the_block_follows_its_original_size():
    body = compress(bytes(100_000), 8)
    assert int.from_bytes(body[:4], "little") == 100_000
    assert lz4.block.decompress(body[4:], uncompressed_size=100_000) == bytes(100_000)
    assert len(body) < 1000


def test_views_of_arrays_are_taken_as_they_are():
    array = np.arange(2000.0).reshape(40, 50)
    assert lz4.block.decompress(compress(memoryview(array), 8)) == array.tobytes()


def test_a_stream_of_pieces_is_one_block():
    pieces = [b"a" * 1000, memoryview(np.arange(10)), b"", b"tail"]
    stream = Stream(1)
    body = b"".join(map(stream.add, pieces)) + stream.finish()
    assert lz4.block.decompress(body) == b"".join(map(bytes, pieces))


def test_more_than_a_block_holds_is_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr(coding, "LARGEST", 100)
    with pytest.raises(TooLarge, match=r"Accept-Encoding.*zstd"):
        compress(bytes(101), 1)
    stream = Stream(1)
    stream.add(bytes(60))
    with pytest.raises(TooLarge):
        stream.add(bytes(60))


def test_loading_the_plugin_does_not_import_lz4():
    code = "import sys, tiled_lz4; tiled_lz4.register_compressors(); assert 'lz4' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_kernel_finds_the_coding():
    compressors = Composition(discover()).compressors
    assert compressors["lz4"] is tiled_lz4.COMPRESSOR
    assert references.load(compressors["lz4"].compress) is compress
