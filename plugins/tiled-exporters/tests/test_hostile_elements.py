"""Shapes and elements that exporters stumble over: an answer that opens, or a sentence; never a failure of ours."""

from __future__ import annotations

import io
import json

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

ARRAYS = {
    "scalar": np.array(2.5),
    "one": np.array([[[7]]]),
    "empty": np.zeros((0, 3)),
    "empty_stack": np.zeros((2, 0, 3)),
    "nan": np.full((3, 3), np.nan),
    "infinite": np.array([[np.inf, -np.inf], [np.nan, 0.0]]),
    "truth": np.array([[True, False], [False, True]]),
    "complex": np.array([[1 + 2j, np.nan], [0, 1j]]),
    "wide": np.ones((2, 2), np.longdouble),
    "half": np.ones((2, 2), np.float16),
    "unsigned": np.array([[2**64 - 1, 0]], np.uint64),
    "swapped": np.arange(6, dtype=">i4").reshape(2, 3),
    "texts": np.array([["=1+1", "<b>"], ["\0", "日本"]]),
    "bytes": np.array([b"\xff\0x", b""]),
    "no_width": np.zeros((2, 2), "U0"),
    "dates": np.array([["2026-01-02", "NaT"]], "M8[ns]"),
    "far_dates": np.array(["-9999-01-01", "9999-01-01"], "M8[s]"),
    "odd_dates": np.array([1, 2], "M8[25s]"),
    "durations": np.array([1, "NaT"], "m8[ms]"),
    "records": np.array([("a", 1.0, (1, 2))], [("name", "U4"), ("x", ">f8"), ("sub", "i2", (2,))]),
    "nested": np.zeros(2, [("a", [("b", "M8[D]"), ("c", "S2")])]),
    "void": np.zeros((2, 2), "V5"),
    "deep": np.zeros((1,) * 33),
    "five": np.zeros((2, 2, 2, 2, 2)),
    "thin": np.zeros((1, 100_000), np.uint8),
}
FORMATS = ["octet-stream", "json", "csv", "txt", "png", "tiff", "html", "xls"]


@pytest.fixture(scope="module")
def caller(serve_once):
    return serve_once({"all": ARRAYS, **ARRAYS})


@pytest.mark.parametrize("key", ARRAYS)
def test_every_array_leaves_or_a_sentence_says_why_not(caller, key):
    for name in FORMATS:
        media_type = f"application/{name}" if name == "octet-stream" else name
        response = caller.get(f"array/full/{key}?format={media_type}")
        assert response.status_code in {200, 406}, (name, response.text)
        if response.status_code == 406:
            detail = response.json()["detail"]
            assert "choose" in detail or "ask for" in detail, (name, detail)
            assert "Error" not in detail, (name, detail)


@pytest.mark.parametrize("key", ARRAYS)
def test_a_client_is_told_exactly_which_formats_succeed(caller, key):
    item = caller.get(f"metadata/{key}").json()["data"]
    refused = set((item["meta"] or {}).get("unsuitable_formats", ()))
    offered = set(caller.get("").json()["formats"]["array"])
    assert refused <= offered
    succeeded = {name for name in offered if caller.get(f"array/full/{key}?format={name}").status_code == 200}
    assert succeeded == offered - refused


@pytest.mark.parametrize("key", [key for key, array in ARRAYS.items() if array.dtype.kind in "biufc" and array.size])
def test_numbers_leave_as_tiff_whatever_they_are(caller, key):
    array = ARRAYS[key]
    response = caller.get(f"array/full/{key}?format=tiff")
    if key == "five":
        assert "'slice=0'" in response.json()["detail"]
        assert caller.get("array/full/five?format=tiff&slice=0").status_code == 200
        return
    found = tifffile.imread(io.BytesIO(response.content))
    expected = array.astype("u1") * 255 if array.dtype.kind == "b" else array
    assert np.array_equal(found, expected.reshape(found.shape), equal_nan=True)


@pytest.mark.parametrize(
    "key", ["one", "nan", "infinite", "truth", "complex", "wide", "half", "unsigned", "swapped", "thin"]
)
def test_images_of_all_numbers_leave_as_png(caller, key):
    image = Image.open(io.BytesIO(caller.body(f"array/full/{key}?format=png")))
    assert image.size == ARRAYS[key].shape[-1:-3:-1]


def test_all_of_them_leave_in_one_file(caller):
    file = h5py.File(io.BytesIO(caller.body("container/full/all?format=h5")))
    left_out = json.loads(file.attrs["tiledkernel_left_out"])
    assert set(left_out) == {"deep"}
    assert set(file) == set(ARRAYS) - {"deep"}
    for key in file:
        assert file[key].shape == ARRAYS[key].shape
        if ARRAYS[key].dtype.kind in "biufcV" and not ARRAYS[key].dtype.names:
            assert np.array_equal(file[key][()], ARRAYS[key], equal_nan=ARRAYS[key].dtype.kind in "fc")


@pytest.mark.parametrize("text", ["::-1", ":0", "...", "0,0,0,0", "abc", ",", "1:2:0", "9" * 30])
@pytest.mark.parametrize("name", ["png", "tiff", "html"])
def test_strange_slices_are_a_mistake_of_the_caller(caller, name, text):
    assert caller.get(f"array/full/swapped?format={name}&slice={text}").status_code in {200, 400, 406, 422}


def test_every_slice_that_reading_takes_leaves(caller):
    for text, index in (("::-1", np.s_[::-1]), (":,::2", np.s_[:, ::2]), ("-1:", np.s_[-1:])):
        found = tifffile.imread(io.BytesIO(caller.body(f"array/full/swapped?format=tif&slice={text}")))
        assert np.array_equal(found, ARRAYS["swapped"][index])
