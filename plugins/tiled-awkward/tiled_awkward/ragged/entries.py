"""The entries of an archive of a ragged array: its buffers, and what is needed to put them together again.

The entry `length` is a big-endian integer of 8 bytes, `form` a JSON text whose content is JSON again: so has it the
protocol.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import awkward
import msgspec

from tiled_awkward.archives import Buffer
from tiled_awkward.buffers import Buffers, take_apart

_LENGTH = 8  # bytes


def entries_of(array: awkward.Array) -> list[tuple[str, Buffer]]:
    """The entries for some lists."""
    buffers = take_apart(array)
    form = json.dumps(json.dumps(buffers.form)).encode()
    return [*buffers.content.items(), ("length", buffers.length.to_bytes(_LENGTH, "big")), ("form", form)]


def buffers_of(entries: Mapping[str, Buffer]) -> Buffers:
    """What the entries stand for; ValueError says what is wrong with them."""
    content = dict(entries)
    if missing := {"form", "length"} - content.keys():
        raise ValueError(f"it lacks the entries {', '.join(sorted(missing))}")
    length = bytes(content.pop("length"))
    if len(length) != _LENGTH:
        raise ValueError(f"the entry 'length' has {len(length)} bytes, not {_LENGTH}")
    return Buffers(_form_in(content.pop("form")), int.from_bytes(length, "big"), content)


def _form_in(entry: Buffer) -> dict[str, Any]:
    try:
        form = msgspec.json.decode(entry)
        if isinstance(form, str):
            form = msgspec.json.decode(form)
        return msgspec.convert(form, dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the entry 'form' is none of an array: {error}") from error
