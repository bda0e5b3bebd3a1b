"""Attributes as metadata, whatever their type."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from tiled_hdf5.reader import open_hdf5

from tiledkernel import wire

COLORS = h5py.enum_dtype({"RED": 0, "GREEN": 1}, basetype="i1")
PAIR = np.dtype([("x", "f4"), ("name", h5py.string_dtype())])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("naïve", "naïve"),
        (np.bytes_("fixed"), "fixed"),
        (np.array([b"a", b"bc"]), ["a", "bc"]),
        (["one", "two"], ["one", "two"]),
        (np.float32(2.5), 2.5),
        (np.longdouble(2.5), 2.5),
        (np.array([[1, 2], [3, 4]], ">i2"), [[1, 2], [3, 4]]),
        (np.array([1.5, np.nan], np.float16), [1.5, None]),
        (True, True),
        (np.array([True, False]), [True, False]),
        (1 + 2j, [1.0, 2.0]),
        (h5py.Empty("f4"), None),
        (np.array((1.5, "n"), PAIR), {"x": 1.5, "name": "n"}),
        (np.array([(1.5, "n")], PAIR), [{"x": 1.5, "name": "n"}]),
        (np.empty((0, 3)), []),
        (np.int64(2**62), 2**62),
        (np.uint64(2**64 - 1), 2**64 - 1),
    ],
    ids=repr,
)
def test_an_attribute_becomes_plain_json(tmp_path: Path, value, expected):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["value"] = value
    metadata = open_hdf5(tmp_path / "a.h5").metadata
    assert wire.decode_json(wire.encode_json(wire.plain(metadata))) == {"value": expected}
    assert wire.encode_msgpack(wire.plain(metadata))


def attributes(tmp_path: Path, write) -> dict:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write(file)
    return wire.decode_json(wire.encode_json(wire.plain(open_hdf5(tmp_path / "a.h5").metadata)))


def test_references_become_paths(tmp_path):
    def write(file):
        file["group/data"] = np.arange(10)
        file.attrs["object"] = file["group"].ref
        file.attrs["objects"] = np.array([file["group"].ref, file["group/data"].ref], h5py.ref_dtype)
        file.attrs["region"] = file["group/data"].regionref[2:5]
        file.attrs.create("nothing", h5py.h5r.Reference(), dtype=h5py.ref_dtype)

    assert attributes(tmp_path, write) == {
        "object": "/group",
        "objects": ["/group", "/group/data"],
        "region": "/group/data",
        "nothing": None,
    }


def test_a_dangling_reference_is_missing(tmp_path):
    def write(file):
        file["gone"] = 1
        file.attrs["object"] = file["gone"].ref
        del file["gone"]

    assert attributes(tmp_path, write) == {"object": None}


def test_enumerations_and_ragged_lists(tmp_path):
    def write(file):
        file.attrs.create("color", 1, dtype=COLORS)
        ragged = np.empty(2, object)
        ragged[:] = [np.array([1, 2], "i4"), np.array([3], "i4")]
        file.attrs.create("ragged", ragged, dtype=h5py.vlen_dtype("i4"))

    assert attributes(tmp_path, write) == {"color": 1, "ragged": [[1, 2], [3]]}


def test_text_that_is_no_utf8_is_sent_as_bytes(tmp_path):
    def write(file):
        file.attrs["fixed"] = np.bytes_(b"caf\xe9")
        file.attrs.create("variable", b"caf\xe9", dtype=h5py.string_dtype())
        one = h5py.h5a.create(file.id, b"n\xe9", h5py.h5t.NATIVE_INT8, h5py.h5s.create(h5py.h5s.SCALAR))
        one.write(np.array(1, "i1"))

    prefix = wire.BYTES_PREFIX
    assert attributes(tmp_path, write) == {"fixed": prefix + "Y2Fm6Q==", "variable": prefix + "Y2Fm6Q==", "n\\xe9": 1}


def test_an_attribute_that_cannot_be_read_says_so_and_hides_no_other(tmp_path):
    def write(file):
        kind = h5py.h5t.UNIX_D32LE
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        h5py.h5a.create(file.id, b"time", kind, space)
        file.attrs["other"] = 3

    found = attributes(tmp_path, write)
    assert found["other"] == 3
    assert found["time"].startswith("unreadable: ")


def test_a_huge_attribute_is_described(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file.attrs["huge"] = np.zeros(300_000)
    assert open_hdf5(tmp_path / "a.h5").metadata == {"huge": "not shown: 2_400_000 bytes, of shape (300000,)"}
