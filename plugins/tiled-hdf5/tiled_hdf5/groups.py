"""HDF5 groups as containers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import h5py
from h5py import h5d, h5g, h5l, h5o

from tiled_hdf5.attributes import read_attributes
from tiled_hdf5.datasets import open_dataset
from tiled_hdf5.files import Files, OpenFile
from tiled_hdf5.links import Found, follow, link_names, printable
from tiledkernel.errors import ConfigurationError
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.container.structure import FAMILY
from tiledkernel.specs import Spec

DEPTH_VARIABLE = "TILED_HDF5_INLINED_CONTENTS_MAX_DEPTH"
DEFAULT_DEPTH = 7
MAX_INLINED = 500  # nodes below a container that are described with it
_FIRST_BATCH = 256  # names asked for at first; a listing mostly wants one page


class HDF5Group(Mapping[str, Any]):
    """A group: links as keys, attributes as metadata; `NX_class`, if there is one, as its spec."""

    family: ClassVar[str] = FAMILY

    def __init__(self, files: Files, source: OpenFile, group: h5g.GroupID, path: str, *, linked: bool = False) -> None:
        self._files = files
        self._source = source
        self._group = group
        self._path = path
        self._linked = linked

    def __getitem__(self, key: str) -> Any:
        """The node at `key`; KeyError if there is no such link, BrokenLink if it leads nowhere."""
        place = (self._source, self._path, key)
        known = self._files.remembered(place)
        if isinstance(known, Found):
            return self._container(known, key)
        if known is not None:
            if known.current:
                return known
            self._files.forget(place)  # before it is opened again: HDF5 shares the state of one that is open
            del known
        found = follow(self._files, self._source, self._group, self._name_of(key))
        if isinstance(found.opened, h5d.DatasetID):
            node = open_dataset(self._files, found.source, found.opened)
            if found.source is self._source:
                self._files.remember(place, node)
            return node
        if isinstance(found.opened, h5g.GroupID):
            if found.source is self._source:  # another file is looked at afresh: it may have changed
                self._files.remember(place, found)
            return self._container(found, key)
        return _named_type(found.opened)

    def __iter__(self) -> Iterator[str]:
        place = (self._source, self._path)
        known = self._files.remembered(place)
        if known is not None:
            yield from known.split("\0")
            return
        first = link_names(self._group, 0, _FIRST_BATCH)
        yield from map(printable, first)
        if len(first) == _FIRST_BATCH:
            names = [printable(name) for name in link_names(self._group, 0, len(self))]
            self._files.remember(place, "\0".join(names))  # one text: a million names as objects would be large
            yield from names[_FIRST_BATCH:]

    def __len__(self) -> int:
        return int(self._group.get_num_objs())

    def __contains__(self, key: object) -> bool:
        """Whether there is such a link, wherever it leads."""
        if not isinstance(key, str):
            return False
        try:
            self._name_of(key)
        except KeyError:
            return False
        return True

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The group's attributes."""
        return read_attributes(self._group)

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The NeXus class of the group."""
        nexus_class = self.metadata.get("NX_class")
        return (Spec(nexus_class),) if isinstance(nexus_class, str) and 2 < len(nexus_class) < 256 else ()

    def inlined(self, depth: int) -> bool:
        """Whether all that is below is little enough to be described at once.

        Groups behind soft and external links are not: they may lead in circles. Circles of hard links are found
        by counting, since they never come to an end.
        """
        return not self._linked and depth < _max_depth() and self._is_small

    @cached_property
    def _is_small(self) -> bool:
        waiting, count = [self._group], 0
        while waiting:
            group = waiting.pop()
            count += group.get_num_objs()
            if count > MAX_INLINED:
                return False
            waiting += _subgroups(group)
        return True

    def _container(self, found: Found, key: str) -> HDF5Group:
        return HDF5Group(self._files, found.source, found.opened, f"{self._path}/{key}", linked=found.linked)

    def _name_of(self, key: str) -> bytes:
        """The name of a link in the file; KeyError if there is no such link."""
        if key in ("", ".") or "/" in key or "\0" in key:  # HDF5 would take these for paths
            raise KeyError(key)
        name = key.encode("utf-8", "surrogateescape")
        if self._group.links.exists(name):
            return name
        if "\\x" in key:  # how `printable` shows a name that is no UTF-8
            for other in link_names(self._group, 0, len(self)):
                if printable(other) == key:
                    return other
        raise KeyError(key)

    def __repr__(self) -> str:
        return f"<HDF5Group {self._path or '/'!r} of {len(self)} links>"


def _subgroups(group: h5g.GroupID) -> list[h5g.GroupID]:
    found = []
    for name in link_names(group, 0, MAX_INLINED):
        is_hard = group.links.get_info(name).type == h5l.TYPE_HARD
        if is_hard and h5o.get_info(group, name).type == h5o.TYPE_GROUP:
            found.append(h5o.open(group, name))
    return found


def _named_type(opened: h5py.h5t.TypeID) -> MemoryContainer:
    """A committed type: nothing to read, but attributes, and the type itself as text."""
    return MemoryContainer({}, metadata={**read_attributes(opened), "dtype": str(h5py.Datatype(opened).dtype)})


def _max_depth() -> int:
    text = os.environ.get(DEPTH_VARIABLE, "")
    if not text:
        return DEFAULT_DEPTH
    if not text.isdecimal():
        raise ConfigurationError(f"{DEPTH_VARIABLE}={text!r} cannot be used: expected a number of levels, 0 or more")
    return int(text)
