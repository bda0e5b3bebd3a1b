"""Arrays as PNG images, looked at with another decoder's eyes: the pixels that Pillow reads back."""

from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import tiled_exporters
from PIL import Image
from tiled_exporters import png

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.media_types import Offer
from tiledkernel.plugins import discover

PNG = Encoding(Offer("image/png"))
RANDOM = np.random.default_rng(0)


def payload_of(array):
    return SimpleNamespace(shape=array.shape, dtype=array.dtype, read=lambda: array)


def pixels(array):
    image = Image.open(io.BytesIO(png.encode(payload_of(array), PNG)))
    assert image.format == "PNG"
    return np.asarray(image)


def scaled(array):
    """The plain definition: from the 1st to the 99th percentile."""
    low, high = np.percentile(array, [1, 99])
    return np.rint((np.clip(array.astype("f8"), low, high) - low) / (high - low) * 255).astype("u1")


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">i2", ">i4", "u8", "i8", "f2", "<f4", ">f8", "longdouble"])
def test_values_are_scaled_between_the_1st_and_99th_percentile(dtype):
    array = RANDOM.normal(60, 20, size=(40, 30)).clip(0, 120).astype(dtype)
    assert np.array_equal(pixels(array), scaled(array.astype("f8")))


def test_truth_is_white():
    assert pixels(np.array([[True, False], [False, True]])).tolist() == [[255, 0], [0, 255]]


def test_complex_numbers_are_shown_by_their_magnitude():
    array = RANDOM.normal(size=(20, 20)) + 1j * RANDOM.normal(size=(20, 20))
    assert np.array_equal(pixels(array), scaled(np.abs(array)))


def test_unsigned_integers_beyond_the_signed_range_keep_their_order():
    array = np.array([[0, 2**63, 2**64 - 1]], "u8")
    assert pixels(array)[0, 0] < pixels(array)[0, 1] < pixels(array)[0, 2]


def test_colours_are_scaled_together():
    array = RANDOM.integers(50, 200, size=(20, 30, 3)).astype("u1")
    assert np.array_equal(pixels(array), scaled(array))


def test_opacity_is_not_brightness():
    array = RANDOM.integers(50, 200, size=(20, 30, 4)).astype("u1")
    result = pixels(array)
    assert np.array_equal(result[..., 3], array[..., 3])
    assert np.array_equal(result[..., :3], scaled(array[..., :3]))


def test_opacity_of_floats_runs_from_0_to_1():
    array = np.ones((2, 2, 4))
    array[0, 0, 3] = 0.0
    assert pixels(array)[..., 3].tolist() == [[0, 255], [255, 255]]


@pytest.mark.parametrize("shape", [(1, 6, 5), (1, 1, 1, 6, 5), (1, 6, 5, 3)])
def test_leading_axes_of_length_one_do_not_count(shape):
    array = RANDOM.normal(size=shape)
    assert pixels(array).shape == tuple(length for length in shape if length > 1)


@pytest.mark.parametrize("value", [0.0, 7.0, -1e300, 1e-320, np.nan, np.inf, -np.inf])
def test_a_constant_image_is_one_colour(value):
    assert len(np.unique(pixels(np.full((5, 5), value)))) == 1


def test_an_image_of_one_pixel_is_an_image():
    assert pixels(np.array([[3]])).shape == (1, 1)


def test_a_single_bright_pixel_on_a_constant_ground_is_seen():
    array = np.zeros((100, 100))
    array[50, 50] = 1e-9
    assert pixels(array)[50, 50] == 255
    assert pixels(array).sum() == 255


def test_nan_and_infinities_do_not_shift_the_scale():
    array = RANDOM.normal(size=(50, 50))
    spoiled = array.copy()
    spoiled[0, :3] = np.nan, np.inf, -np.inf
    rest = np.delete(array.ravel(), [0, 1, 2])
    low, high = np.percentile(rest, [1, 99])
    result = pixels(spoiled)
    assert result[0, :3].tolist() == [0, 255, 0]
    assert np.array_equal(result[1:], np.rint((np.clip(array[1:], low, high) - low) / (high - low) * 255))


def test_the_widest_range_of_floats_does_not_overflow():
    array = np.array([[-1.7e308, 0.0, 1.7e308]])
    assert pixels(array)[0, 0] == 0
    assert pixels(array)[0, 1] in (127, 128)
    assert pixels(array)[0, 2] == 255


def test_a_large_image_is_scaled_in_bands_like_a_small_one(monkeypatch):
    array = RANDOM.normal(size=(64, 50))
    whole = pixels(array)
    monkeypatch.setattr(png, "_BAND", 130)
    assert np.array_equal(pixels(array), whole)


def test_percentiles_of_a_large_image_come_from_a_selection(monkeypatch):
    array = RANDOM.normal(size=(300, 300))
    exact = pixels(array).astype(int)
    monkeypatch.setattr(png, "_SAMPLE", 20_000)
    assert np.abs(pixels(array).astype(int) - exact).max() < 16


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((), r"\(\) is no image.*text/csv"),
        ((5,), r"\(5,\) is no image.*text/csv"),
        ((2, 6, 5), r"\(2, 6, 5\) is no image.*'slice=0'"),
        ((7, 2, 6, 5), r"\(7, 2, 6, 5\) is no image.*'slice=0,0'"),
        ((2, 6, 5, 3), r"\(2, 6, 5, 3\) is no image.*slice"),
        ((0, 5), r"\(0, 5\) has no pixels"),
        ((20_000, 20_000), r"20000 x 20000 pixels .*'slice=::10,::10'"),
    ],
)
def test_what_is_no_image_is_refused_unread_with_a_way_out(shape, sentence):
    payload = SimpleNamespace(shape=shape, dtype=np.dtype("f8"))
    with pytest.raises(NotAcceptable, match=sentence):
        png.encode(payload, PNG)


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", "m8[s]", [("a", "i4")], "V4"])
def test_what_has_no_brightness_is_refused(dtype):
    with pytest.raises(NotAcceptable, match=r"no brightness.*text/csv"):
        png.encode(payload_of(np.zeros((3, 4), dtype)), PNG)


def test_loading_the_plugin_does_not_import_pillow():
    code = "import sys, tiled_exporters as t; t.register_serializers(); assert not {'PIL', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_kernel_finds_the_format():
    record = Composition(discover()).serializers["array image/png"]
    assert record in tiled_exporters.register_serializers()
    assert references.load(record.encode) is png.encode
    assert record.suffixes == ("png",)
