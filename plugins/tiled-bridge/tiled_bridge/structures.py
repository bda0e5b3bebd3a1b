"""Structures of adapters as our own: whatever has the fields of the wire format is understood."""

from __future__ import annotations

import dataclasses
import enum
import operator
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from tiledkernel.errors import ReadFailed
from tiledkernel.families.array.dtypes import to_numpy
from tiledkernel.families.array.structure import DataType
from tiledkernel.specs import MAX_LENGTH, Spec

S = TypeVar("S", bound=Struct)


def convert_structure(found: Any, kind: type[S], source: str) -> S:
    """The structure that `source` describes itself with; ReadFailed says what is wrong with it."""
    if isinstance(found, kind):
        return found
    fields = plain(found)
    if not isinstance(fields, dict):
        raise ReadFailed(f"{source}.structure() gives {type(found).__name__}, which is no structure")
    fields.pop("resizable", None)  # a promise of writing, which is not done through adapters
    try:
        structure = msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise ReadFailed(f"{source}.structure() does not fit {kind.__name__}: {error}") from None
    _check(structure, source)
    return structure


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of value
    """Dataclasses, Structs, enumerations and numbers of numpy as what JSON consists of."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Struct):
        return plain(msgspec.to_builtins(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    try:
        return operator.index(value)
    except TypeError:
        return value


def convert_specs(found: Any) -> tuple[Spec, ...]:
    """Specs from names, dictionaries, or objects with a name and perhaps a version."""
    return tuple(map(_convert_spec, found or ()))


def _convert_spec(found: Any) -> Spec:
    if isinstance(found, Spec):
        return found
    if isinstance(found, str):
        return Spec(found[:MAX_LENGTH])
    fields = found if isinstance(found, Mapping) else {"name": found.name, "version": getattr(found, "version", None)}
    return Spec(str(fields["name"])[:MAX_LENGTH], fields.get("version"))


def _check(structure: Any, source: str) -> None:
    """ReadFailed for an array whose chunks do not make up its shape, or whose elements cannot be sent."""
    data_type = getattr(structure, "data_type", None)
    if not isinstance(data_type, DataType):
        return
    try:
        to_numpy(data_type)
    except ValueError as error:
        raise ReadFailed(f"{source}.structure(): {error}") from None
    shape, chunks = structure.shape, structure.chunks
    if len(shape) != len(chunks):
        raise ReadFailed(f"{source}.structure(): chunks {chunks} and shape {shape} differ in the number of axes")
    for axis, (length, parts) in enumerate(zip(shape, chunks, strict=True)):
        if length is not None and parts is not None and (sum(parts) != length or min(parts, default=0) < 0):
            raise ReadFailed(f"{source}.structure(): chunks {parts} of axis {axis} do not make up its length {length}")
