"""Names of a dataset's axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dimension_names(attributes: Mapping[str, Any], ndim: int) -> tuple[str, ...] | None:
    """The dimension labels, else the names of attached dimension scales, else 'dim_N'; None if no axis has a name.

    Taken from the attributes as we read them: HDF5's own functions for this crash the process on attributes that
    only look like labels.
    """
    labels = _per_axis(attributes.get("DIMENSION_LABELS"), ndim)
    scales = _per_axis(attributes.get("DIMENSION_LIST"), ndim)
    names = [_name(label) or _scale(scale) for label, scale in zip(labels, scales, strict=True)]
    return tuple(name or f"dim_{axis}" for axis, name in enumerate(names)) if any(names) else None


def _per_axis(value: Any, ndim: int) -> list[Any]:
    return value if isinstance(value, list) and len(value) == ndim else [None] * ndim


def _name(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _scale(paths: Any) -> str:
    """The last part of the path of the first scale."""
    return _name(paths[0]).rpartition("/")[2] if isinstance(paths, list) and paths else ""
