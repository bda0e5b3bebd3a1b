"""Which arrays a format takes whole, told from their structure alone; slices of others may leave in it as well.

This is asked whenever an array is described, so that clients list no format that would be refused: it loads nothing.
"""

from __future__ import annotations

import math

from tiledkernel.families.array.structure import ArrayStructure

MAX_PIXELS = 100_000_000
MAX_TIFF_DIMENSIONS = 4  # leading ones of length 1 do not count
MAX_TIFF_PAGES = 100_000  # each has a directory of its own in the file
CHANNELS = (3, 4)  # lengths of a last axis that holds colours: RGB and RGBA
_NUMBERS = "biufc"


def as_png(structure: ArrayStructure) -> bool:
    """Whether a PNG can show the array: a plane of numbers, or of colours."""
    shape = without_leading_ones(structure.shape, 2)
    is_plane = len(shape) == 2 or (len(shape) == 3 and shape[-1] in CHANNELS)
    return _has_numbers(structure) and is_plane and 0 < math.prod(shape[:2]) <= MAX_PIXELS


def as_tiff(structure: ArrayStructure) -> bool:
    """Whether a TIFF can hold the array: planes of numbers, not too many."""
    shape = without_leading_ones(structure.shape, MAX_TIFF_DIMENSIONS)
    pages = math.prod(shape[: -3 if len(shape) > 2 and shape[-1] in CHANNELS else -2])
    return _has_numbers(structure) and len(shape) <= MAX_TIFF_DIMENSIONS and 0 not in shape and pages <= MAX_TIFF_PAGES


def without_leading_ones(shape: tuple[int, ...], least: int) -> tuple[int, ...]:
    """The shape without leading axes of length 1, as long as more than `least` axes remain."""
    while len(shape) > least and shape[0] == 1:
        shape = shape[1:]
    return shape


def _has_numbers(structure: ArrayStructure) -> bool:
    return structure.data_type.kind in tuple(_NUMBERS)
