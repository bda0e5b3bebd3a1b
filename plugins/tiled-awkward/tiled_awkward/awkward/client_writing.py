"""From awkward arrays to archives on their way to the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import awkward

from tiled_awkward.archives import whole_archive
from tiled_awkward.awkward.structure import AwkwardStructure
from tiled_awkward.buffers import Buffers, take_apart
from tiledkernel.client.creating import creating
from tiledkernel.client.data_sources import DataSource
from tiledkernel.client.plans import Plan

if TYPE_CHECKING:
    from tiled_awkward.awkward.client import AwkwardClient
    from tiledkernel.client.node import Node
    from tiledkernel.specs import Spec


def writing_awkward(  # noqa: PLR0913 - what a node is described with
    container: Node,
    array: Any,
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[AwkwardClient]:
    """A new awkward array, of an array of the library or anything that it makes one of."""
    buffers = take_apart(awkward.Array(array))
    structure = AwkwardStructure(length=buffers.length, form=buffers.form)
    source = DataSource(structure_family="awkward", structure=structure)
    node: AwkwardClient = yield from creating(
        container, "awkward", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
    )
    yield from node.writing(buffers.content)
    return node


def encode(array: Any, structure: AwkwardStructure) -> memoryview:
    """An archive with the buffers; ValueError if they are those of an array of another type or length."""
    if isinstance(array, Mapping):
        return whole_archive(array.items())
    buffers = take_apart(awkward.Array(array))
    if _kind(buffers) != _kind(Buffers(structure.form, structure.length, {})):
        raise ValueError(
            f"an array of type {_type(buffers)} does not fit: this one is, and stays, of type "
            f"{_type(Buffers(structure.form, structure.length, {}))}; write it as a new one"
        )
    return whole_archive(buffers.content.items())


def _kind(buffers: Buffers) -> tuple[int, str]:
    return buffers.length, awkward.forms.from_dict(buffers.form).to_json()


def _type(buffers: Buffers) -> str:
    return f"{buffers.length} * {awkward.forms.from_dict(buffers.form).type}"
