"""Element types on the wire are those of numpy, both ways."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.structure import DataType

CAPTURED = [
    ("float64", {"endianness": "little", "kind": "f", "itemsize": 8, "dt_units": None}),
    ("uint8", {"endianness": "not_applicable", "kind": "u", "itemsize": 1, "dt_units": None}),
    (">i4", {"endianness": "big", "kind": "i", "itemsize": 4, "dt_units": None}),
    ("bool", {"endianness": "not_applicable", "kind": "b", "itemsize": 1, "dt_units": None}),
    ("<U7", {"endianness": "little", "kind": "U", "itemsize": 28, "dt_units": None}),
    ("S3", {"endianness": "not_applicable", "kind": "S", "itemsize": 3, "dt_units": None}),
    ("M8[D]", {"endianness": "little", "kind": "M", "itemsize": 8, "dt_units": "[D]"}),
    ("m8[10ms]", {"endianness": "little", "kind": "m", "itemsize": 8, "dt_units": "[10ms]"}),
    ("c16", {"endianness": "little", "kind": "c", "itemsize": 16, "dt_units": None}),
]
NESTED = np.dtype([("a", [("x", "<f8"), ("y", ">i2")]), ("b", "<f4", (2, 3))])


@pytest.mark.parametrize(("dtype", "expected"), CAPTURED)
def test_a_type_is_described_as_the_protocol_has_it(dtype: str, expected: dict[str, Any]) -> None:
    assert msgspec.to_builtins(from_numpy(np.dtype(dtype))) == expected


def test_a_record_lists_its_fields_packed() -> None:
    described = msgspec.to_builtins(from_numpy(NESTED))
    assert described["itemsize"] == 34
    assert [field["name"] for field in described["fields"]] == ["a", "b"]
    assert described["fields"][0]["shape"] is None
    assert described["fields"][1]["shape"] == [2, 3] or described["fields"][1]["shape"] == (2, 3)
    assert described["fields"][0]["dtype"]["fields"][1]["dtype"]["endianness"] == "big"


@pytest.mark.parametrize(
    "dtype",
    [dtype for dtype, _ in CAPTURED]
    + ["<i8", ">u2", "<f2", ">f8", ">c8", "<U1", ">U5", "S1", "V4", "M8[ns]", ">M8[us]", "m8", "M8[25s]", NESTED],
)
def test_a_type_survives_the_way_to_the_wire_and_back(dtype: Any) -> None:
    dtype = np.dtype(dtype)
    decoded = msgspec.json.decode(msgspec.json.encode(from_numpy(dtype)), type=DataType)
    assert to_numpy(decoded) == dtype


def test_padding_is_never_described() -> None:
    padded = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    assert padded.itemsize == 16
    assert from_numpy(padded).itemsize == 9
    assert to_numpy(from_numpy(padded)) == np.dtype([("a", "u1"), ("b", "f8")])


@pytest.mark.parametrize("dtype", [object, np.dtype([("a", object)])])
def test_objects_have_no_type_on_the_wire(dtype: Any) -> None:
    with pytest.raises(TypeError, match="no fixed size per element"):
        from_numpy(np.dtype(dtype))


@pytest.mark.parametrize(
    "described",
    [
        DataType(itemsize=8),
        DataType(itemsize=8, kind="O", endianness="little"),
        DataType(itemsize=8, kind="f"),
    ],
)
def test_what_describes_no_type_is_refused(described: DataType) -> None:
    with pytest.raises(ValueError, match="not an element type"):
        to_numpy(described)
