"""Groups of a store as containers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tiled_zarr.arrays import ZarrArray
from tiled_zarr.folders import StoreFolder
from tiled_zarr.metadata import GroupMetadata, NodeFiles, attributes_in, find_files, read_json
from tiled_zarr.version2 import parse_v2
from tiled_zarr.version3 import parse_v3
from tiledkernel.errors import BrokenLink, Unavailable
from tiledkernel.families.container.structure import FAMILY
from tiledkernel.nodes.walk import SETTLED_NS
from tiledkernel.specs import Spec


class ZarrGroup(Mapping[str, Any]):
    """A group: its arrays and groups as they are now, attributes as metadata.

    What consolidated metadata repeat is not looked at: the nodes' own files are near, and never out of date.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(self, folder: StoreFolder, key: str, described: GroupMetadata) -> None:
        self._folder = folder
        self._key = key
        self.described = described

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The group's attributes, as they are now: whoever holds the root of a store may hold it for long."""
        current = node_at(self._folder, self._key)
        return current.described.attributes if isinstance(current, ZarrGroup) else self.described.attributes

    def __getitem__(self, key: str) -> ZarrArray | ZarrGroup:
        """The node at `key`; KeyError if there is none, Unavailable if its metadata cannot be understood."""
        if not key or key.startswith(".") or "/" in key or "\0" in key:
            raise KeyError(key)
        try:
            node = node_at(self._folder, self._below(key))
        except (BrokenLink, UnicodeEncodeError):
            raise KeyError(key) from None
        if node is None:
            raise KeyError(key)
        return node

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def _names(self) -> tuple[str, ...]:
        """Remembered while the folder is unchanged, unless a folder in it may yet become a node."""
        place = ("names", self._key)
        stamp = self._folder.stamp(self._key)
        known = self._folder.remembered(place)
        if known is not None and known[0] == stamp:
            names: tuple[str, ...] = known[1]
            return names
        folders = self._folder.folders(self._key)
        names = tuple(name for name in folders if find_files(self._folder, self._below(name)) is not None)
        if len(names) == len(folders) and stamp is not None and time.time_ns() - stamp[0] > SETTLED_NS:
            self._folder.remember(place, (stamp, names))
        return names

    def _below(self, name: str) -> str:
        return f"{self._key}/{name}" if self._key else name

    def __repr__(self) -> str:
        return f"<ZarrGroup {self._key!r} of {self._folder.name!r}>"


def node_at(folder: StoreFolder, key: str) -> ZarrArray | ZarrGroup | None:
    """The array or group at `key`, made anew if its metadata have changed; None if there is none."""
    files = find_files(folder, key)
    if files is None:
        return None
    known = folder.remembered(("node", key))
    if known is not None and known[0] == files.stamp:
        node: ZarrArray | ZarrGroup = known[1]
        return node
    made = _make(folder, key, files)
    if made is not None:
        folder.remember(("node", key), (files.stamp, made))
    return made


def _make(folder: StoreFolder, key: str, files: NodeFiles) -> ZarrArray | ZarrGroup | None:
    prefix = f"{key}/" if key else ""
    described = read_json(folder, prefix + files.name)
    if described is None:  # deleted since
        return None
    try:
        if files.name == "zarr.json":
            if described.get("node_type") == "group":
                return ZarrGroup(folder, key, GroupMetadata(attributes_in(described.get("attributes"))))
            return ZarrArray(folder, key, files, parse_v3(described))
        attributes = attributes_in(read_json(folder, f"{prefix}.zattrs"))
        if files.name == ".zgroup":
            return ZarrGroup(folder, key, GroupMetadata(attributes))
        return ZarrArray(folder, key, files, parse_v2(described, attributes))
    except (ValueError, TypeError, KeyError, LookupError, AttributeError, RecursionError, OverflowError) as error:
        reason = f"{error.args[0]!r} is missing" if type(error) is KeyError else str(error)
        raise Unavailable(f"{prefix}{files.name} of {folder.name!r} cannot be understood: {reason}") from error
