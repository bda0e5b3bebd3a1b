"""What a form promises: which buffers there are, what they are called, and how large they are at least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import awkward
import msgspec
import numpy as np
from awkward import forms

from tiled_awkward.awkward.structure import AwkwardStructure
from tiledkernel.errors import Unprocessable
from tiledkernel.nodes.protocols import DataSource

MAX_NODES = 10_000  # of a form
MAX_DEPTH = 64  # of nodes within nodes
_WHERE = ("body", "data_sources", "structure")


def structure_of(source: DataSource) -> AwkwardStructure:
    """The structure in a data source, which may have come as JSON; Unprocessable if it is none of an awkward array."""
    try:
        return msgspec.convert(source.structure, AwkwardStructure)
    except msgspec.ValidationError as error:
        raise Unprocessable(f"this is no structure of an awkward array: {error}", *_WHERE) from None


def form_of(structure: AwkwardStructure) -> forms.Form:
    """The form as the library has it; Unprocessable if it is none, or cannot be kept."""
    if _is_vast(structure.form):
        raise _too_many("too many")
    try:
        form = forms.from_dict(structure.form)
        nodes = list(_nodes(form))
        names = list(form.expected_from_buffers())
        keys = [node.form_key for node in nodes]
        negative = any(min(node.inner_shape, default=0) < 0 for node in nodes if isinstance(node, forms.NumpyForm))
    except Exception as error:  # noqa: BLE001 - the library raises whatever its own code runs into
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        raise Unprocessable(f"this is no form of an awkward array: {reason:.300}", *_WHERE, "form") from None
    if negative:
        raise Unprocessable("the lengths in an 'inner_shape' are 0 or more", *_WHERE, "form")
    if None in keys or len({*keys}) < len(keys):
        raise Unprocessable(
            "each node of the form must have a 'form_key' of its own, such as those of awkward.to_buffers()",
            *_WHERE, "form",
        )  # fmt: skip
    if len(nodes) > MAX_NODES:
        raise _too_many(f"{len(nodes):_}")
    if len({*names}) < len(names):
        raise Unprocessable("several buffers of the form have the same name", *_WHERE, "form")
    return form


def _is_vast(described: Any) -> bool:
    """Whether a form as it was sent says more than so many nodes need, which is seen before they are made."""
    left, pending = MAX_NODES * 20, [described]
    while pending and left > 0:
        part = pending.pop()
        if isinstance(part, (dict, list)):
            left -= len(part)
            pending += part.values() if isinstance(part, dict) else part
    return left <= 0


def _too_many(count: str) -> Unprocessable:
    return Unprocessable(f"the form has {count} nodes, and at most {MAX_NODES:_} are kept", *_WHERE, "form")


def file_names(form: forms.Form) -> dict[str, str]:
    """What the file of each buffer is called: after the place of its node in the form, whatever its key is.

    So the names are those of the buffers as `awkward.to_buffers` has them, and never what a caller has chosen.
    """
    found: dict[str, str] = {}
    for number, node in enumerate(_nodes(form)):
        for name in node.expected_from_buffers(recursive=False):
            found[name] = f"node{number}-{name.removeprefix(f'{node.form_key}-')}"
    return found


def blank_sizes(form: forms.Form, length: int) -> dict[str, int]:
    """How many bytes the buffers have of an array of this form and length that nobody has written.

    All of them are zero: lists are empty, numbers 0, and what could be missing or one of several kinds is the first.
    """
    return dict(_sizes(form, length))


def _sizes(form: forms.Form, length: int) -> Iterator[tuple[str, int]]:
    types: Mapping[str, np.dtype[Any]] = form.expected_from_buffers(recursive=False)
    for name, dtype in types.items():
        yield name, _count(form, name, length) * dtype.itemsize
    for part, count in _parts(form, length):
        yield from _sizes(part, count)


def _count(form: forms.Form, name: str, length: int) -> int:
    """How many items a buffer of the outermost node has."""
    if isinstance(form, forms.NumpyForm):
        return length * int(np.prod(form.inner_shape, dtype=object))
    if isinstance(form, forms.BitMaskedForm):
        return -(-length // 8)
    return length + 1 if name.endswith("-offsets") else length


def _parts(form: forms.Form, length: int) -> Iterator[tuple[forms.Form, int]]:
    """The forms within, and how long what they describe is at least."""
    first = min(length, 1)
    if isinstance(form, (forms.ListOffsetForm, forms.ListForm)):
        yield form.content, 0
    elif isinstance(form, forms.RegularForm):
        yield form.content, length * form.size
    elif isinstance(form, (forms.IndexedForm, forms.IndexedOptionForm)):
        yield form.content, first
    elif isinstance(form, forms.UnionForm):
        yield from ((part, 0 if number else first) for number, part in enumerate(form.contents))
    elif isinstance(form, forms.RecordForm):
        yield from ((part, length) for part in form.contents)
    elif hasattr(form, "content"):  # of masks of all kinds
        yield form.content, length


def _nodes(form: forms.Form, depth: int = 0) -> Iterator[forms.Form]:
    """The nodes of a form in the order in which `awkward.to_buffers` numbers them; RecursionError if it is too deep."""
    if depth > MAX_DEPTH:
        raise RecursionError
    yield form
    parts = getattr(form, "contents", None)  # there may be none of them
    if parts is None:
        parts = [form.content] if hasattr(form, "content") else []
    for part in parts:
        yield from _nodes(part, depth + 1)


def is_bounded(form: forms.Form) -> bool:
    """Whether the length of an array of this form says how large its buffers are."""
    unbounded = (
        forms.ListOffsetForm, forms.ListForm, forms.IndexedForm, forms.IndexedOptionForm, forms.UnionForm,
    )  # fmt: skip
    return not any(isinstance(node, unbounded) for node in _nodes(form))


def check_content(form: forms.Form, length: int, content: Mapping[str, memoryview]) -> None:
    """Unprocessable unless the buffers make up an array of this form and length."""
    expected = form.expected_from_buffers()
    if missing := sorted(expected.keys() - content.keys()):
        raise Unprocessable(f"the archive lacks the buffers {_listed(missing)}", "body")
    if unknown := sorted(content.keys() - expected.keys()):
        raise Unprocessable(
            f"the archive has entries that are no buffers of this array: {_listed(unknown)}; it has "
            f"{_listed(sorted(expected))}",
            "body",
        )
    for name, dtype in expected.items():
        if len(content[name]) % dtype.itemsize:
            raise Unprocessable(
                f"the buffer {name!r} has {len(content[name])} bytes, which are no elements of type {dtype}", "body"
            )
    buffers = {name: np.frombuffer(buffer, np.uint8) for name, buffer in content.items()}
    try:
        array = awkward.from_buffers(form, length, buffers, byteorder="<", highlevel=False)
        reason = awkward.validity_error(array)
    except Exception as error:  # noqa: BLE001 - the library raises whatever its own code runs into
        reason = str(error).partition("\n")[0]
    if reason:
        raise Unprocessable(f"the buffers make up no array of this form and length: {reason:.300}", "body")


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name[:80]) for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown or "none"
