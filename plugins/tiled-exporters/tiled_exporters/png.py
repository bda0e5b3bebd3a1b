"""Arrays as PNG images.

Values are scaled so that the 1st percentile is black and the 99th is white; what lies beyond is clipped. That holds
for every numeric type, colour images of bytes included. NaN and infinities count for no percentile: NaN and -inf come
out black, inf white. A constant image is black. Complex numbers are shown by their magnitude. The alpha channel of an
RGBA image is opacity, not brightness: it is scaled by the range of its type (integers) or from 0..1 (others). The
text chunk `Description` says which values are black and white.
"""

from __future__ import annotations

import io
import math
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tiled_exporters.suits import CHANNELS, MAX_PIXELS, without_leading_ones
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable

_SAMPLE = 1 << 20  # values from which the percentiles are taken
_BAND = 1 << 20  # values scaled at a time
_LARGE, _SMALL = 8e307, 1e-300  # beyond these, differences and quotients overflow


class Payload(Protocol):
    """What the array family hands to an encoder."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its element type."""

    def read(self) -> NDArray[Any]:
        """The result."""


class Scale(NamedTuple):
    """Which values are black and white, and which rule made them so."""

    black: float
    white: float
    rule: str


def encode(payload: Payload, context: Encoding) -> bytes:
    """A PNG of a two-dimensional array, or of one whose last axis holds RGB or RGBA; NotAcceptable for others."""
    shape = _image_shape(payload.shape)
    if payload.dtype.kind not in "biufc":
        raise NotAcceptable(
            f"elements of type {payload.dtype} have no brightness, so they make no PNG image: "
            "ask for another format, such as 'text/csv'"
        )
    return draw(payload.read().reshape(shape), context.name)[0]


def draw(array: NDArray[Any], title: str = "") -> tuple[bytes, str]:
    """A PNG of numbers in the shape of an image, and a sentence on what its brightness means."""
    levels, scale = _to_levels(array)
    told = _describe(scale, array.dtype, opacity=array.shape[2:] == (4,))
    texts = PngInfo()
    if title:
        texts.add_text("Title", title.encode("utf-8", "replace").decode())
    texts.add_text("Description", told)
    texts.add_text("Software", "tiledkernel")
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="PNG", compress_level=3, pnginfo=texts)
    return buffer.getvalue(), told


def _describe(scale: Scale, dtype: np.dtype[Any], *, opacity: bool) -> str:
    quantity = "magnitudes of" if dtype.kind == "c" else "values of"
    text = f"{quantity} {dtype.name}: black is {scale.black:.9g}, white is {scale.white:.9g} ({scale.rule})"
    return f"{text}; the fourth channel is opacity, not stretched" if opacity else text


def _image_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """`shape` without leading axes of length 1; NotAcceptable says why it is no image."""
    squeezed = without_leading_ones(shape, 2)
    colour = len(squeezed) == 3 and squeezed[-1] in CHANNELS
    if len(squeezed) != 2 and not colour:
        raise NotAcceptable(
            f"an array of shape {shape} is no image: a PNG takes 2 dimensions, or 3 if the last has length 3 (RGB) "
            f"or 4 (RGBA); {_way_out(len(squeezed))}"
        )
    if 0 in squeezed:
        raise NotAcceptable(f"an array of shape {shape} has no pixels: choose a slice that is not empty")
    if math.prod(squeezed[:2]) > MAX_PIXELS:
        raise NotAcceptable(
            f"an image of {squeezed[0]} x {squeezed[1]} pixels is more than the {MAX_PIXELS} that a PNG may have here: "
            "choose a part, such as 'slice=:2000,:2000', or every tenth pixel, 'slice=::10,::10'"
        )
    return squeezed


def _way_out(ndim: int) -> str:
    if ndim < 2:
        return "ask for another format, such as 'text/csv'"
    return f"choose one image with a slice, such as 'slice={','.join('0' * (ndim - 2))}'"


def _to_levels(array: NDArray[Any]) -> tuple[NDArray[np.uint8], Scale]:
    """Brightness levels 0..255 of an image, and what they mean."""
    if array.ndim == 3 and array.shape[-1] == 4:
        colours, scale = _to_levels(array[..., :3])
        opacity = _scale(array[..., 3:], *_range_of_type(array.dtype))
        return np.concatenate([colours, opacity], axis=-1), scale
    scale = _limits(array)
    return _scale(array, scale.black, scale.white), scale


def _range_of_type(dtype: np.dtype[Any]) -> tuple[float, float]:
    """What no and full opacity are for values of this type."""
    return (0.0, float(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0.0, 1.0)


def _limits(array: NDArray[Any]) -> Scale:
    """The 1st and 99th percentile of the finite values; of a large image, of an even selection of them."""
    values = array.reshape(-1)
    # An odd step, so that the selection does not stay in the same columns of an image of even width.
    sample = _brightness(values[:: (values.size // _SAMPLE) | 1])
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return Scale(0.0, 0.0, "no value is finite")
    low, high = np.percentile(np.clip(finite, -_LARGE, _LARGE), [1, 99])
    if low == high:  # nearly constant: show what deviates
        rule = "the extremes, as nearly all values are the same"
        return Scale(float(finite.min()), float(finite.max()), rule)
    return Scale(float(low), float(high), "the 1st and 99th percentile of the finite values")


def _brightness(array: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers to look at, as floats in native byte order."""
    with np.errstate(over="ignore", invalid="ignore"):
        real: NDArray[np.float64] = (np.abs(array) if array.dtype.kind == "c" else array).astype(np.float64)
    return real


def _scale(array: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] to 0..255, in bands, so that little memory is needed besides the result."""
    levels = np.empty(array.shape, np.uint8)
    rows = max(1, _BAND // array[0].size)
    for start in range(0, len(array), rows):
        levels[start : start + rows] = _scale_band(_brightness(array[start : start + rows]), low, high)
    return levels


def _scale_band(band: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    half = high / 2 - low / 2  # halved first: the distance of two floats can be larger than any float
    if half < _SMALL:  # constant, or as good as: nothing to scale
        return np.where(band > low, 255.0, 0.0)
    clipped = np.clip(band, low, high)
    return np.rint(np.nan_to_num((clipped / 2 - low / 2) * (255 / half)))
