"""From a group and a key to the object there, following links by hand.

HDF5 would follow an external link, or a soft link through one, to any file on the machine. Here each step looks at
the link first; a file that a link names must lie below the folder of the served file.
"""

from __future__ import annotations

from typing import Any

import h5py
from h5py import h5g, h5l, h5o
from msgspec import Struct

from tiled_hdf5.files import Files, OpenFile
from tiledkernel.errors import BrokenLink

MAX_LINKS = 32  # soft and external links followed for one look-up; HDF5 itself stops at 16


class Found(Struct, frozen=True):
    """An open object (a GroupID, DatasetID or TypeID), its file, and whether a soft or external link led there."""

    source: OpenFile
    opened: Any
    linked: bool


def follow(files: Files, source: OpenFile, group: h5g.GroupID, name: bytes) -> Found:
    """The object that the link `name` of `group` leads to; BrokenLink if there is none."""
    return _Trail(files, f"link {printable(name)!r}").step(source, group, name, linked=False)


def follow_path(files: Files, source: OpenFile, path: bytes, what: str) -> Found:
    """The object at an absolute path that `what` refers to."""
    return _Trail(files, what).walk(source, source.root, path, f"{source.path.name}:{printable(path)}")


class _Trail:
    """One look-up; counts the links that it follows, so that links in circles come to an end."""

    def __init__(self, files: Files, what: str) -> None:
        self._files = files
        self._what = what
        self._followed = 0

    def step(self, source: OpenFile, group: h5g.GroupID, name: bytes, *, linked: bool) -> Found:
        kind = group.links.get_info(name).type
        if kind == h5l.TYPE_HARD:
            try:
                return Found(source, h5o.open(group, name), linked)
            except (KeyError, OSError, RuntimeError) as error:  # the object's header is damaged
                raise BrokenLink(f"{printable(name)!r} cannot be opened: {error}") from error
        self._followed += 1
        if self._followed > MAX_LINKS:
            raise BrokenLink(f"{self._what} leads through more than {MAX_LINKS} links: do they form a circle?")
        target = group.links.get_val(name) if kind in (h5l.TYPE_SOFT, h5l.TYPE_EXTERNAL) else b""
        if kind == h5l.TYPE_SOFT:
            start = source.root if target.startswith(b"/") else group
            return self.walk(source, start, target, printable(target))
        if kind == h5l.TYPE_EXTERNAL:
            file_name, path = (bytes(text) for text in target)
            other = self._files.open(self._files.check(printable(file_name), source.path, f"external {self._what}"))
            return self.walk(other, other.root, path, f"{printable(file_name)}:{printable(path)}")
        raise BrokenLink(f"{self._what} is of a user-defined kind ({kind}), which cannot be followed")

    def walk(self, source: OpenFile, group: h5g.GroupID, path: bytes, target: str) -> Found:
        found = Found(source, group, linked=True)
        for name in path.split(b"/"):
            if name in (b"", b"."):
                continue
            if not isinstance(found.opened, h5g.GroupID) or not found.opened.links.exists(name):
                raise BrokenLink(f"{self._what} leads to {target!r}, where nothing is")
            found = self.step(found.source, found.opened, name, linked=True)
        return found


def link_names(group: h5g.GroupID, start: int, count: int) -> list[bytes]:
    """At most `count` names of links from number `start` on, in the order of creation if the group knows it."""
    names: list[bytes] = []

    def collect(name: bytes) -> bool | None:
        names.append(name)
        return True if len(names) >= count else None

    order = group.get_create_plist().get_link_creation_order()
    index = h5py.h5.INDEX_CRT_ORDER if order & h5py.h5p.CRT_ORDER_TRACKED else h5py.h5.INDEX_NAME
    group.links.iterate(collect, idx_type=index, idx=start)
    return names


def printable(name: bytes) -> str:
    r"""A name as text; bytes that are no UTF-8 come out as `\xe9`."""
    return name.decode("utf-8", "backslashreplace")
