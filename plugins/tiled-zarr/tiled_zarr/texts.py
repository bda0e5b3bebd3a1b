"""Texts of variable length, as texts of fixed width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiledkernel.errors import Unavailable


def width_of(fill: Any, pieces: Iterable[NDArray[Any]]) -> np.dtype[Any]:
    """The type that the longest text has: bytes if there are any, else characters."""
    longest, letter = max(1, len(fill)), "U"
    for piece in pieces:
        for element in piece.flat:
            longest = max(longest, len(element))
            if isinstance(element, bytes):
                letter = "S"
    return np.dtype(f"{letter}{longest}")


def to_fixed(found: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Texts in their fixed width; Unavailable rather than a text cut short."""
    width = dtype.itemsize // (4 if dtype.kind == "U" else 1)
    longest = max(map(len, found.flat), default=0)
    if longest > width:
        raise Unavailable(
            f"a text of {longest} characters is longer than the {width} of those looked at before: it was written "
            "since, or there are too many to look at all; store them with a fixed width"
        )
    texts = found if dtype.kind == "U" else np.vectorize(_raw, otypes=[object])(found)
    return texts.astype(dtype)


def _raw(element: Any) -> bytes:
    return element.encode() if isinstance(element, str) else bytes(element)
