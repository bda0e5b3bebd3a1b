"""Containers as HDF5 files: groups in groups, with the metadata of every node as attributes.

The tree is walked twice: first without reading anything, so that one that is too large is refused at once. A child
that cannot be read, or that HDF5 has no place for, is left out: the attribute `tiledkernel_left_out` of the group
above, a JSON text, says which and why. The file is made on the disk, in pieces; it is never held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import h5py

from tiled_exporters.hdf5_attributes import as_json, link_name, write_attributes
from tiled_exporters.hdf5_nodes import WRITERS, Budget, attributes_of, size_of
from tiledkernel.encoding import Encoding
from tiledkernel.errors import KernelError, NotAcceptable, ReadFailed
from tiledkernel.families.container.payload import ContainerPayload
from tiledkernel.nodes.files import UnavailableNode
from tiledkernel.server.blame import FAILURES, Blaming, blame, say
from tiledkernel.server.resolve import Entry
from tiledkernel.server.spooled import spooled

MAX_DEPTH = 32
MAX_NODES = 100_000
LEFT_OUT = "tiledkernel_left_out"
VERSIONS = ("v108", "v110")  # readable since 2008; older ones hold no attribute of more than 64 KiB


def encode(payload: ContainerPayload, context: Encoding) -> Iterator[bytes]:
    """An HDF5 file; TooLarge or NotAcceptable for a container that is too large, too deep, or wholly unreadable."""
    del context
    _walk(payload, _Survey(Budget(payload.limit)))
    return spooled(lambda path: _write(path, payload))


class Visitor(Protocol):
    """What is done with each node of a tree."""

    def enter(self, path: tuple[str, ...], child: Entry) -> str:
        """Look at a node below the container, before those below it; the reason why it is left out, if it is."""

    def leave_out(self, path: tuple[str, ...], reason: str) -> None:
        """Note that a node, or something below it, is left out."""


def _walk(payload: ContainerPayload, visitor: Visitor, above: tuple[str, ...] = ()) -> None:
    for key, child in _children(payload):
        path = (*above, key)
        with child.guard:
            reason = _why_not(child) or visitor.enter(path, child)
            if not reason and child.node.family == "container":
                try:
                    _walk(payload.below(child), visitor, path)
                except FAILURES as error:
                    reason = say(error)
        if reason:
            visitor.leave_out(path, reason)


def _children(payload: ContainerPayload) -> Iterator[tuple[str, Entry]]:
    """The children, each once; a failure of the listing is that of the container."""
    children = payload.children()
    seen = set()
    while True:
        with Blaming(payload.entry):
            found = next(children, None)
        if found is None:
            return
        if found[0] not in seen:
            seen.add(found[0])
            yield found


def _why_not(child: Entry) -> str:
    """The reason why a child has no place in a file; empty if it has one."""
    if child.node is None:
        return "it is a link that leads nowhere"
    if isinstance(child.node, UnavailableNode):
        return str(child.node.metadata["unavailable"]["reason"])
    family = child.node.family
    return "" if family in WRITERS else f"HDF5 has no place for nodes of family {family!r}: download its file"


class _Survey:
    """Counts nodes and bytes, so that a huge tree is refused before anything is read."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._nodes = 0

    def enter(self, path: tuple[str, ...], child: Entry) -> str:
        self._nodes += 1
        if len(path) > MAX_DEPTH:
            raise NotAcceptable(f"this container is more than {MAX_DEPTH} levels deep: ask for one below it")
        if self._nodes > MAX_NODES:
            raise NotAcceptable(
                f"this container holds more than {MAX_NODES} nodes: ask for one below it, or use 'field'"
            )
        try:
            with Blaming(child):
                nbytes = size_of(child)
        except FAILURES as error:
            return say(error)
        self._budget.take(nbytes)
        return ""

    def leave_out(self, path: tuple[str, ...], reason: str) -> None:
        """The second walk will tell."""


class _Writing:
    """Writes each node into a file."""

    def __init__(self, file: h5py.File, budget: Budget) -> None:
        self.left_out: dict[tuple[str, ...], dict[str, str]] = {}
        self._file = file
        self._budget = budget

    def enter(self, path: tuple[str, ...], child: Entry) -> str:
        parent = group_at(self._file, path[:-1])
        name = link_name(path[-1])
        if name in parent:
            return f"another node is called {name!r} already"
        try:
            WRITERS[child.node.family](parent, name, child, self._budget)
        except (*FAILURES, NotAcceptable) as error:
            with suppress(KeyError):
                del parent[name]
            return _reason(error, child)
        return ""

    def leave_out(self, path: tuple[str, ...], reason: str) -> None:
        self.left_out.setdefault(path[:-1], {})[path[-1]] = reason


def _reason(error: KernelError, child: Entry) -> str:
    """Why a node could not be written, in a line."""
    return say(blame(error, child) if isinstance(error, ReadFailed) else error)


def group_at(file: h5py.File, path: tuple[str, ...]) -> h5py.Group:
    """The group of the container at a path."""
    return file["/".join(map(link_name, path))] if path else file


def _write(path: Path, payload: ContainerPayload) -> None:
    with h5py.File(path, "w", libver=VERSIONS, track_order=True) as file:
        write_attributes(file, attributes_of(payload.entry))
        writing = _Writing(file, Budget(payload.limit))
        _walk(payload, writing)
        if writing.left_out.get(()) and not len(file):
            key, reason = next(iter(writing.left_out[()].items()))
            raise NotAcceptable(f"nothing of this container can leave as HDF5: {key!r}: {reason}")
        for above, reasons in writing.left_out.items():
            group_at(file, above).attrs[LEFT_OUT] = as_json(reasons)
