"""Arrays over HTTP: every kind of element, every slice, every block."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest

from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.slices import format_slice
from tiledkernel.testing.comparisons import basic_indices, same

NUMBERS = ["?", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8", "c8", "c16"]
DATES = [f"{kind}8[{unit}]" for kind in "mM" for unit in ("Y", "D", "h", "10ms", "us", "ns")] + ["m8"]
RECORD = np.dtype([("a", [("x", "<f8"), ("y", ">i2")]), ("b", "<f4", (2, 3)), ("t", "M8[s]"), ("n", "U3"), ("s", "S2")])
DTYPES = [
    *(f"{order}{name}" for name in NUMBERS for order in "<>"),
    *(f"{order}{name}" for name in DATES for order in "<>"),
    "<g",
    "<G",
    "S3",
    "<U4",
    ">U4",
    "V3",
    RECORD,
    np.dtype([("a", "u1"), ("b", "f8")], align=True),
]


def sample(dtype: Any, shape: tuple[int, ...] = (3, 4)) -> np.ndarray:
    """Some elements of a type, with whatever is special about it."""
    dtype = np.dtype(dtype)
    if dtype.fields:
        array = np.zeros(shape, dtype)
        for name in dtype.names or ():
            base, inner = dtype.fields[name][0].subdtype or (dtype.fields[name][0], ())
            array[name] = sample(base, shape + inner)
        return array
    numbers = np.arange(np.prod(shape)).reshape(shape)
    if dtype.kind in "SU":
        return numbers.astype(dtype)
    if dtype.kind == "V":
        return numbers.astype("S3").view(dtype)
    array = numbers.astype(dtype)
    if dtype.kind in "fcmM":
        array.flat[-1] = np.nan if dtype.kind in "fc" else "NaT"
    return array


def described(caller: Any, path: str) -> tuple[ArrayStructure, np.dtype]:
    structure = msgspec.convert(caller.json(f"metadata/{path}")["data"]["attributes"]["structure"], ArrayStructure)
    return structure, to_numpy(structure.data_type)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_elements_of_every_type_arrive_as_they_are(connect, dtype) -> None:
    array = sample(dtype)
    caller = connect({"a": MemoryArray(array, chunks=(2, 3))})
    structure, wire = described(caller, "a")
    assert structure.shape == (3, 4)
    assert same(caller.array("array/full/a", (3, 4), wire), array)
    assert same(caller.array("array/block/a?block=1,1", (1, 1), wire), array[2:, 3:])


@pytest.mark.parametrize("dtype", ["<f8", ">i2", "S3", RECORD], ids=str)
def test_every_slice_selects_what_numpy_selects(connect, dtype) -> None:
    array = sample(dtype, (4, 3, 2))
    caller = connect({"a": array})
    _, wire = described(caller, "a")
    for index in basic_indices((4, 3, 2), 40):
        expected = array[index]
        text = format_slice(index)
        shape = ",".join(map(str, expected.shape)) or "scalar"
        found = caller.array(f"array/full/a?slice={text}&expected_shape={shape}", expected.shape, wire)
        assert same(found, expected), text


def test_the_blocks_of_an_irregular_grid_are_the_array(connect) -> None:
    array = np.arange(70.0).reshape(7, 10)
    caller = connect({"a": MemoryArray(array, chunks=((3, 4), (1, 4, 5)))})
    rows = [
        np.concatenate(
            [caller.array(f"array/block/a?block={i},{j}", (height, width), "f8") for j, width in enumerate((1, 4, 5))],
            1,
        )
        for i, height in enumerate((3, 4))
    ]
    np.testing.assert_array_equal(np.concatenate(rows), array)


def test_a_slice_applies_within_its_block(connect) -> None:
    array = np.arange(70).reshape(7, 10)
    caller = connect({"a": MemoryArray(array, chunks=((3, 4), (5, 5)))})
    for text, index in (
        ("1", 1),
        (":,2", (slice(None), 2)),
        ("::-1,::2", (slice(None, None, -1), slice(None, None, 2))),
    ):
        expected = array[3:, 5:][index]
        np.testing.assert_array_equal(
            caller.array(f"array/block/a?block=1,1&slice={text}", expected.shape, array.dtype), expected
        )


def test_an_array_without_dimensions_is_one_block(connect) -> None:
    caller = connect({"a": MemoryArray(3.5)})
    structure = caller.json("metadata/a")["data"]["attributes"]["structure"]
    assert (structure["shape"], structure["chunks"]) == ([], [])
    assert caller.json("metadata/a")["data"]["links"]["block"].endswith("/array/block/a?block=")
    assert caller.array("array/full/a?expected_shape=scalar", (), "f8") == 3.5
    assert caller.array("array/block/a?block=", (), "f8") == 3.5


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_an_array_without_elements_is_an_empty_body(connect, shape) -> None:
    caller = connect({"a": np.zeros(shape)})
    response = caller.get("array/full/a")
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "0")
    assert caller.json("metadata/a")["data"]["attributes"]["structure"]["shape"] == list(shape)


def test_names_of_dimensions_are_described(connect) -> None:
    caller = connect({"a": MemoryArray(np.zeros((2, 3)), dims=("y", "x"))})
    assert caller.json("metadata/a")["data"]["attributes"]["structure"]["dims"] == ["y", "x"]


def test_the_links_of_an_array_name_one_place_for_each_axis(connect) -> None:
    links = connect({"a b": np.zeros((2, 3))}).json("metadata/a b")["data"]["links"]
    assert links == {
        "self": "http://data.example/api/v1/metadata/a%20b",
        "full": "http://data.example/api/v1/array/full/a%20b",
        "block": "http://data.example/api/v1/array/block/a%20b?block={0},{1}",
    }


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("full/a?slice=9", 400, "index 9 is out of bounds for axis 0 with size 3"),
        ("full/a?slice=0,,1", 400, "empty part"),
        ("full/a?slice=::0", 400, "step of 0"),
        ("full/a?slice=0,0,0", 400, "3 parts, but the array has 2 dimensions"),
        ("full/a?slice=1:2:3:4", 422, "not understood"),
        ("full/a?slice=...", 422, "not understood"),
        ("full/a?expected_shape=9,9", 422, "has the shape '3,4'"),
        ("full/a?expected_shape=x", 422, "write 'scalar', or integers"),
        ("full/a?expected_shape=-3", 422, "write 'scalar', or integers"),
        ("full/a?expected_shape=", 422, "write 'scalar', or integers"),
        ("full/a?expected_shape=scalar", 422, "has the shape '3,4'"),
        ("full/a?slice=0,0&expected_shape=1", 422, "has the shape 'scalar'"),
        ("block/a", 422, "'block' is missing"),
        ("block/a?block=", 422, "no block"),
        ("block/a?block=0", 422, "no block '0': this array has (2, 2) blocks"),
        ("block/a?block=0,0,0", 422, "no block"),
        ("block/a?block=2,0", 422, "no block '2,0'"),
        ("block/a?block=99999999999,0", 422, "no block"),
        ("block/a?block=" + "9" * 40 + ",0", 422, "not understood"),
        ("block/a?block=-1,0", 422, "not understood"),
        ("block/a?block=0,0&slice=5", 422, "does not fit the block"),
        ("block/a?block=0,0&expected_shape=3,4", 422, "has the shape '2,2'"),
        ("full/a?sclice=0", 422, "did you mean 'slice'?"),
        ("full/t", 404, "of family 'container'"),
        ("full/nope", 404, "no such entry: ['nope']"),
        ("full/a/b", 404, "'a' is an array, which has no children"),
        ("full", 404, "of family 'container'"),
    ],
)
def test_a_mistake_is_explained(connect, query, status, sentence) -> None:
    caller = connect({"a": MemoryArray(np.zeros((3, 4)), chunks=(2, 2)), "t": {}})
    response = caller.get(f"array/{query}")
    assert response.status_code == status
    assert sentence in response.text.replace('\\"', '"')
    assert response.headers["content-type"] == "application/json"


def test_a_selection_above_the_limit_is_refused_and_its_parts_are_not(connect) -> None:
    caller = connect({"a": MemoryArray(np.zeros((10, 10)), chunks=(2, 2))}, response_bytesize_limit=100)
    refused = caller.get("array/full/a")
    assert refused.status_code == 400
    assert "use 'slice' or 'block'" in refused.json()["detail"]
    assert caller.get("array/full/a?format=json").status_code == 400
    assert caller.get("array/full/a?slice=0").status_code == 200
    assert caller.get("array/block/a?block=1,1").status_code == 200


def test_an_array_larger_than_memory_costs_nothing_to_refuse(connect) -> None:
    caller = connect({"a": np.broadcast_to(np.float64(1), (10**6, 10**6))})
    assert caller.get("array/full/a").status_code == 400
    np.testing.assert_array_equal(caller.array("array/full/a?slice=-1,:5", (5,), "f8"), np.ones(5))


@pytest.mark.parametrize(
    ("shape", "text"), [((3000, 500), ""), ((3000, 500), "::-1"), ((500, 3000), ":,::3"), ((2, 700_000), "")]
)
def test_large_arrays_arrive_whole(connect, shape, text) -> None:
    array = np.random.default_rng(0).random(shape)
    caller = connect({"a": array, "f": np.asfortranarray(array)})
    index = tuple(slice(*[int(n) if n else None for n in part.split(":")]) for part in text.split(",")) if text else ()
    expected = array[index]
    for path in "af":
        found = caller.array(f"array/full/{path}?slice={text}", expected.shape, "f8")
        np.testing.assert_array_equal(found, expected)


def test_every_combination_of_blocks_and_chunks_of_a_cube_is_found(connect) -> None:
    array = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    caller = connect({"a": MemoryArray(array, chunks=(2, 3, 2))})
    for block in itertools.product(range(3), range(2), range(2)):
        part = array[tuple(slice(b * n, (b + 1) * n) for b, n in zip(block, (2, 3, 2), strict=True))]
        text = ",".join(map(str, block))
        np.testing.assert_array_equal(caller.array(f"array/block/a?block={text}", part.shape, array.dtype), part)
