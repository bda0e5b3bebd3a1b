"""Content codings: asked for, worthwhile, and the same data after decoding."""

from __future__ import annotations

import gzip
import importlib
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import zstandard

from tiledkernel import Compressor
from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.nodes.protocols import EncodedBlock
from tiledkernel.plugins import discover
from tiledkernel.server.compression import Codings, accepted_codings

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
SMOOTH = np.arange(100_000, dtype="i8")
NOISE = np.random.default_rng(0).integers(0, 256, 100_000, dtype="u1")


def body(caller, path: str, coding: str) -> tuple[dict[str, str], bytes]:
    """Headers and undecoded body of an answer."""
    messages = caller.raw("/api/v1/" + path.partition("?")[0], path.partition("?")[2].encode(), accept_encoding=coding)
    assert messages[0]["status"] == 200
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return headers, b"".join(message.get("body", b"") for message in messages[1:])


@pytest.fixture(scope="module")
def caller(connect_once):
    frame = pd.DataFrame({"A": SMOOTH, "B": ["text"] * len(SMOOTH)})
    tree = {
        "smooth": MemoryArray(SMOOTH, metadata={"text": "word " * 1000}),
        "noise": MemoryArray(NOISE),
        "small": MemoryArray(np.zeros(10)),
        "streamed": MemoryArray(np.asfortranarray(np.zeros((1200, 1200)))),
        "t": MemoryTable(frame),
    }
    return connect_once(tree)


@pytest.mark.parametrize("coding", DECODERS)
@pytest.mark.parametrize(
    "path",
    [
        "array/full/smooth",
        "array/full/smooth?format=json",
        "array/full/smooth?format=csv",
        "table/full/t",
        "table/full/t?format=csv",
        "metadata/smooth",
        "search/",
        "array/full/streamed",
    ],
)
def test_a_coded_answer_is_smaller_and_decodes_to_the_same(caller, path, coding) -> None:
    plain_headers, plain = body(caller, path, "identity")
    headers, coded = body(caller, path, coding)
    assert "content-encoding" not in plain_headers
    assert headers["content-encoding"] == coding
    assert len(coded) < 0.9 * len(plain)
    assert DECODERS[coding](coded) == plain
    assert headers["vary"] == "Accept, Accept-Encoding"


def test_a_complete_answer_tells_its_length_and_a_coded_stream_does_not(caller) -> None:
    headers, coded = body(caller, "array/full/smooth", "zstd")
    assert int(headers["content-length"]) == len(coded)
    assert "content-length" not in body(caller, "array/full/streamed", "zstd")[0]
    headers, plain = body(caller, "array/full/streamed", "identity")
    assert int(headers["content-length"]) == len(plain) == 1200 * 1200 * 8


@pytest.mark.parametrize(
    "path",
    [
        "array/full/noise",
        "array/full/small",
        "array/full/small?format=json",
        "metadata/noise",
        "table/full/t?format=application/json-seq",
    ],
)
@pytest.mark.parametrize("coding", [*DECODERS, "gzip, zstd"])
def test_what_hardly_gets_smaller_is_sent_as_it_is(caller, path, coding) -> None:
    headers, plain = body(caller, path, coding)
    assert "content-encoding" not in headers
    assert plain == body(caller, path, "identity")[1]


def test_noise_that_is_streamed_is_sent_as_it_is(connect) -> None:
    noise = np.asfortranarray(np.random.default_rng(0).integers(0, 256, (3000, 3000), dtype="u1"))
    headers, plain = body(connect({"a": noise}), "array/full/a", "gzip")
    assert "content-encoding" not in headers
    assert plain == noise.tobytes()


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, zstd", "zstd"),
        ("gzip,zstd", "zstd"),
        ("GZIP", "gzip"),
        ("*", "zstd"),
        ("gzip;q=1.0", "gzip"),
        ("gzip;q=0.9, zstd;q=0.1", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("*, zstd;q=0", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
        ("br", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("gzip;q=nan, zstd;q=nan", "zstd"),
        ("gzip;q=inf", "gzip"),
        ("gzip;q=-1", None),
        ("gzip;q=x", "gzip"),
        (";;,,;q=", None),
        ("gzip;q=0.5;x=y", "gzip"),
        ("a," * 10_000 + "gzip", None),
        ("deflate, gzip, br", "gzip"),
    ],
)
def test_the_best_coding_that_is_accepted_is_taken(caller, accepted, coding) -> None:
    assert body(caller, "array/full/smooth", accepted)[0].get("content-encoding") == coding


def test_qualities_are_read_from_the_header() -> None:
    assert accepted_codings("gzip;q=0.5, zstd, *;q=0") == {"gzip": 0.5, "zstd": 1.0, "*": 0.0}


def test_a_coding_that_fails_is_not_used(connect, monkeypatch, caplog) -> None:
    def fail(data, itemsize):
        raise MemoryError("no room")

    monkeypatch.setattr("tiledkernel.compressors.compress_gzip", fail)
    for path in ("array/full/a", "array/full/f"):
        headers, plain = body(connect({"a": SMOOTH, "f": np.asfortranarray(np.zeros((1200, 1200)))}), path, "gzip")
        assert "content-encoding" not in headers
        assert len(plain) in (SMOOTH.nbytes, 1200 * 1200 * 8)
    assert "content coding 'gzip' failed" in caplog.text


def test_many_different_headers_do_not_fill_the_memory(kernel) -> None:
    codings = Codings(kernel)
    for number in range(2000):
        codings.choose(b"gzip, x%d" % number + b"y" * 10_000, "text/csv")
    assert len(codings._chosen) <= 256
    assert max(len(header) for header, _ in codings._chosen) <= 500


@pytest.mark.parametrize("name", ["lz4", "blosc2"])
def test_codings_of_plugins_are_negotiated_and_decode_to_the_same(connect, name) -> None:
    module = importlib.import_module(f"tiled_{name}")
    composition = Composition(discover(third_party=False, extra={name: module}))
    caller = connect({"a": MemoryArray(SMOOTH, metadata={"text": "word " * 1000})}, composition=composition)
    headers, coded = body(caller, "array/full/a", f"gzip, zstd, {name}")
    assert headers["content-encoding"] == name
    assert len(coded) < 0.9 * SMOOTH.nbytes
    decode = {"lz4": _unlz4, "blosc2": _unblosc2}[name]
    assert decode(coded) == SMOOTH.tobytes()
    assert body(caller, "metadata/a", name)[0].get("content-encoding") == ("lz4" if name == "lz4" else None)


def _unlz4(coded: bytes) -> bytes:
    import lz4.block
    import lz4.frame

    return lz4.frame.decompress(coded) if coded[:4] == b"\x04\x22\x4d\x18" else lz4.block.decompress(coded)


def _unblosc2(coded: bytes) -> bytes:
    import blosc2

    return blosc2.decompress2(coded)


class Resting(MemoryArray):
    """An array whose blocks rest compressed with gzip."""

    def encoded_block(self, block: tuple[int, ...]) -> EncodedBlock | None:
        return (
            EncodedBlock("gzip", gzip.compress(self.array[block[0] * 50_000 : (block[0] + 1) * 50_000].tobytes()))
            if block[0] == 0
            else None
        )


def test_a_block_is_sent_as_it_rests_to_those_who_accept_its_coding(connect) -> None:
    caller = connect({"a": Resting(SMOOTH, chunks=(50_000,))})
    headers, coded = body(caller, "array/block/a?block=0", "gzip")
    assert (headers["content-encoding"], headers["x-tiledkernel-encoded"]) == ("gzip", "at-rest")
    assert gzip.decompress(coded) == SMOOTH[:50_000].tobytes()
    for path, accepted in (
        ("array/block/a?block=0", "identity"),
        ("array/block/a?block=0", "zstd"),
        ("array/block/a?block=1", "gzip"),
        ("array/block/a?block=0&slice=0:9", "gzip"),
        ("array/block/a?block=0&format=json", "gzip"),
    ):
        assert "x-tiledkernel-encoded" not in body(caller, path, accepted)[0]


def test_a_block_at_rest_is_not_read_for_a_client_that_has_it(connect) -> None:
    node = Resting(SMOOTH, chunks=(50_000,))
    caller = connect({"a": node})
    first = caller.get("array/block/a?block=0", headers={"accept-encoding": "gzip"})
    plain = caller.get("array/block/a?block=0")
    assert first.headers["etag"] != plain.headers["etag"]
    node.encoded_block = node.read = None  # type: ignore[method-assign,assignment] # nothing may be read any more
    for etag in (first.headers["etag"], plain.headers["etag"]):
        for coding in ("gzip", "identity"):
            headers = {"accept-encoding": coding, "if-none-match": etag}
            assert caller.get("array/block/a?block=0", headers=headers).status_code == 304


def test_a_compressor_whose_library_is_missing_is_not_offered(connect) -> None:
    from types import SimpleNamespace

    from tiledkernel import hookimpl

    @hookimpl
    def register_compressors():
        return [
            Compressor(
                coding="gone", compress="nowhere:x", stream="nowhere:x", needs=("a_module_that_is_not_there",), rank=0
            )
        ]

    composition = Composition(
        discover(third_party=False, extra={"gone": SimpleNamespace(register_compressors=register_compressors)})
    )
    assert "content-encoding" not in body(connect({"a": SMOOTH}, composition=composition), "array/full/a", "gone")[0]
