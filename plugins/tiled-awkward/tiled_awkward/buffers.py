"""The contiguous buffers that an array of nested lists is made of, and the way there and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward
import numpy as np
from msgspec import Struct


class Buffers(Struct, frozen=True):
    """A form (as a dictionary), a length, and buffers of bytes whose names begin with the form keys of its nodes."""

    form: dict[str, Any]
    length: int
    content: Mapping[str, Any]

    @property
    def nbytes(self) -> int:
        """Size of all buffers."""
        return sum(memoryview(buffer).nbytes for buffer in self.content.values())


def take_apart(array: awkward.Array) -> Buffers:
    """The buffers of an array, little-endian and without what slices have left over; not copied where they are so."""
    form, length, content = awkward.to_buffers(awkward.to_packed(array), byteorder="<")
    as_bytes = {name: np.ascontiguousarray(buffer).reshape(-1).view(np.uint8) for name, buffer in content.items()}
    return Buffers(form.to_dict(verbose=True), int(length), as_bytes)


def put_together(buffers: Buffers) -> awkward.Array:
    """The array that the buffers make up, without copying them."""
    return awkward.from_buffers(
        awkward.forms.from_dict(buffers.form), buffers.length, dict(buffers.content), byteorder="<"
    )
