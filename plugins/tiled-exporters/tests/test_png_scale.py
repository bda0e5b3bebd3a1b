"""What a PNG says about its brightness."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tiled_exporters import png

from tiledkernel.encoding import Encoding
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.media_types import Offer
from tiledkernel.slices import cut_shape


def texts(array, name=""):
    payload = ArrayPayload(MemoryArray(array), cut_shape((), array.shape))
    image = Image.open(io.BytesIO(png.encode(payload, Encoding(Offer("image/png"), name))))
    return image.text


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.arange(101.0).reshape(1, 101), "values of float64: black is 1, white is 99 (the 1st and 99th percentile"),
        (np.arange(101).reshape(1, 101) * 1j, "magnitudes of complex128: black is 1, white is 99"),
        (np.array([[True, False]]), "values of bool: black is 0"),
        (np.full((2, 2), 7, "u2"), "values of uint16: black is 7, white is 7 (the extremes"),
        (np.array([[np.nan, np.inf]]), "no value is finite"),
        (np.arange(48.0).reshape(3, 4, 4), "the fourth channel is opacity, not stretched"),
    ],
)
def test_a_png_says_which_values_are_black_and_white(array, told):
    assert told in texts(array)["Description"]


def test_a_png_has_the_name_of_the_node_as_its_title():
    assert texts(np.zeros((2, 2)), "Bär 1")["Title"] == "Bär 1"
    assert texts(np.zeros((2, 2)), "日本")["Title"] == "日本"
    assert "Title" not in texts(np.zeros((2, 2)))
