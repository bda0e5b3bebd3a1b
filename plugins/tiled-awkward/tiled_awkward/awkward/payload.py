"""An awkward array, or the buffers of some nodes of its form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import awkward

from tiled_awkward.awkward.memory import AwkwardNode
from tiled_awkward.buffers import Buffers, put_together
from tiledkernel.errors import BadRequest, KernelError, NotAcceptable, ReadFailed, TooLarge


class AwkwardPayload:
    """The buffers of some nodes of the form (None: all) of an awkward node, at most `limit` bytes."""

    __slots__ = ("form_keys", "limit", "names", "node")

    def __init__(self, node: AwkwardNode, form_keys: Collection[str] | None, limit: int | None = None) -> None:
        self.node = node
        self.form_keys = form_keys
        self.limit = limit
        self.names = None if form_keys is None else names_of(node.structure.form, form_keys)

    def buffers(self) -> Mapping[str, Any]:
        """The buffers by name; TooLarge if they are more than may be sent at once."""
        try:
            found = self.node.read_buffers(self.names)
        except KernelError:
            raise
        except Exception as error:
            raise ReadFailed("the reader failed") from error
        total = sum(memoryview(buffer).nbytes for buffer in found.values())
        if self.limit is not None and total > self.limit:
            raise TooLarge(
                f"this selection is {total:_} bytes, more than the {self.limit:_} that this server sends at once: "
                "name the form keys that are needed, or read only some fields"
            )
        return found

    def array(self) -> awkward.Array:
        """The whole array; NotAcceptable if only some of its buffers were asked for."""
        if self.names is not None:
            raise NotAcceptable("some buffers of an array can leave as application/zip only: leave 'form_key' out")
        structure = self.node.structure
        return put_together(Buffers(structure.form, structure.length, self.buffers()))


def names_of(form: Mapping[str, Any], form_keys: Collection[str]) -> frozenset[str]:
    """The names of the buffers of these nodes of a form; BadRequest names a key that it does not have."""
    names = awkward.forms.from_dict(dict(form)).expected_from_buffers()
    known = {key: {name for name in names if name.startswith(f"{key}-")} for key in all_keys(form)}
    known |= {name: {name} for name in names}
    for key in form_keys:
        if key not in known:
            raise BadRequest(f"no form key {key!r}: this array has {', '.join(sorted(all_keys(form)))}")
    return frozenset(name for key in form_keys for name in known[key])


def all_keys(form: Any) -> Iterator[str]:
    """The keys of a form and of all forms within it."""
    if isinstance(form, Mapping):
        if isinstance(key := form.get("form_key"), str):
            yield key
        for part in form.values():
            yield from all_keys(part)
    elif isinstance(form, list):
        for part in form:
            yield from all_keys(part)
