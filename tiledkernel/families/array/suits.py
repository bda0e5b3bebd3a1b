"""Which arrays a format takes whole, told from their structure alone: what clients list as formats."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from tiledkernel.families.array.structure import ArrayStructure, DataType


def as_json(structure: ArrayStructure) -> bool:
    """Whether JSON has all elements: complex numbers and time differences it has not."""
    return not {"c", "m"}.intersection(_kinds(structure.data_type))


def as_csv(structure: ArrayStructure) -> bool:
    """Whether lines and columns are enough."""
    return structure.ndim <= 2


def _kinds(data_type: DataType) -> Iterator[str]:
    """The letters of an element type, or of all fields of a record, however deep."""
    if data_type.fields is not UNSET:
        for field in data_type.fields:
            yield from _kinds(field.dtype)
    elif data_type.kind is not UNSET:
        yield data_type.kind
