"""What is expected at a key path, read off the Structs; the source of near names, advice and text conversion."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import inspect

from tiledkernel.config.document import KeyPath

_KEY = re.compile(r"\.(\w+)|\[(\d+)\]|\[\.\.\.\]")


class Shape:
    """An expected type, and the sentence that describes it."""

    def __init__(self, type_: inspect.Type, description: str = "") -> None:
        self.description = description
        while isinstance(type_, inspect.Metadata):
            self.description = (type_.extra_json_schema or {}).get("description", self.description)
            type_ = type_.type
        self.type = type_
        if isinstance(type_, inspect.UnionType):
            members = [Shape(member, self.description) for member in type_.types]
            chosen = [member for member in members if not isinstance(member.type, inspect.NoneType)]
            if len(chosen) == 1:
                self.type, self.description = chosen[0].type, chosen[0].description

    @classmethod
    def of(cls, type_: Any) -> Shape:
        """The shape of a Struct or any other type that msgspec knows."""
        return cls(inspect.type_info(type_))

    def below(self, key: str | int) -> Shape | None:
        """What is expected under `key`; None if that is free, or nothing is expected there."""
        if isinstance(self.type, inspect.StructType) and isinstance(key, str):
            found = [field.type for field in self.type.fields if field.encode_name == key]
            return Shape(found[0]) if found else None
        if isinstance(self.type, inspect.DictType) and isinstance(key, str):
            return Shape(self.type.value_type, self.description)
        if isinstance(self.type, inspect.CollectionType) and isinstance(key, int):
            return Shape(self.type.item_type, self.description)
        return None

    def at(self, path: KeyPath) -> Shape | None:
        """What is expected at `path`."""
        shape: Shape | None = self
        for key in path:
            shape = shape.below(key) if shape else None
        return shape

    def keys(self) -> list[str] | None:
        """The keys that a Struct which forbids others has; None for anything else."""
        if isinstance(self.type, inspect.StructType) and self.type.forbid_unknown_fields:
            return [field.encode_name for field in self.type.fields]
        return None

    def interpret(self, text: str) -> Any:
        """The value that `text` from the environment means here; the text itself if it means none."""
        if isinstance(self.type, (inspect.StrType, inspect.AnyType)):
            return text
        if isinstance(self.type, inspect.UnionType) and any(isinstance(t, inspect.StrType) for t in self.type.types):
            return text
        word = text.strip()
        if isinstance(self.type, inspect.BoolType):
            return {
                "true": True,
                "1": True,
                "yes": True,
                "on": True,
                "false": False,
                "0": False,
                "no": False,
                "off": False,
            }.get(word.lower(), text)
        try:
            return json.loads(word)
        except ValueError:
            return text


def parse_where(message: str) -> tuple[str, KeyPath]:
    """Split a message of msgspec into what is wrong and the key path, as far as that is told."""
    text, separator, where = message.rpartition(" - at ")
    if not separator:
        return message, ()
    path: list[str | int] = []
    for match in _KEY.finditer(where[where.find("$") :]):
        if match[1] is None and match[2] is None:
            break
        path.append(match[1] if match[1] is not None else int(match[2]))
    return text + (" as a key" if where.startswith("`key`") else ""), tuple(path)


def validation_error(value: Any, type_: Any) -> msgspec.ValidationError | None:
    """Why `value` is not of a type; None if it is."""
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        return error
    return None
