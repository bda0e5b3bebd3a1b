"""Open HDF5 files as trees of nodes, or as one dataset of theirs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tiled_hdf5.files import Files
from tiled_hdf5.groups import HDF5Group
from tiled_hdf5.options import DEFAULTS, HDF5Options
from tiled_hdf5.views import Excerpt, Joined
from tiledkernel.families.container.structure import FAMILY as CONTAINER
from tiledkernel.references import installed
from tiledkernel.specs import Spec

if installed("hdf5plugin"):
    importlib.import_module("hdf5plugin")  # registers the filters of Blosc, LZ4, Zstandard, ... with HDF5


def open_hdf5(path: Path, options: HDF5Options = DEFAULTS) -> Any:
    """The root group, or what the options choose; the file stays open for as long as a node of it is in use."""
    return _chosen(_node_at(path, _segments(options), options), options)


def open_hdf5_files(paths: Sequence[Path], options: HDF5Options = DEFAULTS) -> Any:
    """Several files as one: a tree like that of the first file, in which arrays are joined along their first axis."""
    return _chosen(_joined(tuple(paths), _segments(options), options), options)


class JoinedGroup(Mapping[str, Any]):
    """A group of the first file; what is in it is joined with what has the same place in the others."""

    family: ClassVar[str] = CONTAINER

    def __init__(self, paths: tuple[Path, ...], place: tuple[str, ...], first: HDF5Group, options: HDF5Options) -> None:
        self._paths = paths
        self._place = place
        self._first = first
        self._options = options

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The attributes of the first group."""
        return self._first.metadata

    @property
    def specs(self) -> tuple[Spec, ...]:
        """Those of the first group."""
        return self._first.specs

    def __getitem__(self, key: str) -> Any:
        if key not in self._first:
            raise KeyError(key)
        return _joined(self._paths, (*self._place, key), self._options)

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"<JoinedGroup {'/'.join(self._place)!r} of {len(self._paths)} files>"


def _joined(paths: tuple[Path, ...], place: tuple[str, ...], options: HDF5Options) -> Any:
    first = _node_at(paths[0], place, options)
    if first.family == CONTAINER:
        return JoinedGroup(paths, place, first, options) if isinstance(first, HDF5Group) else first
    if not first.structure.shape:
        return first  # a single value, such as the name of the instrument
    return Joined(paths, lambda path: _node_at(path, place, options))


def _node_at(path: Path, place: tuple[str, ...], options: HDF5Options) -> Any:
    """The group or dataset at a place in a file; ValueError if there is none."""
    files = Files(path, options)
    node: Any = HDF5Group(files, files.main, files.main.root, "")
    for depth, key in enumerate(place):
        try:
            node = node[key]
        except (KeyError, TypeError, IndexError):
            raise ValueError(
                f"{path.name!r} has no {'/'.join(place)!r}: there is no {key!r} in "
                f"{'/' + '/'.join(place[:depth])!r}, which holds {_some(node)}"
            ) from None
    return node


def _some(node: Any) -> str:
    if not isinstance(node, Mapping):
        return "an array"
    names = [repr(key) for key, _ in zip(node, range(6), strict=False)]
    return ", ".join([*names[:5], *(["..."] if len(names) > 5 else [])]) or "nothing"


def _segments(options: HDF5Options) -> tuple[str, ...]:
    return tuple(key for key in (options.dataset or "").split("/") if key)


def _chosen(node: Any, options: HDF5Options) -> Any:
    """The part of an array that the options choose; ValueError if it is no array."""
    if options.slice is None and not options.squeeze:
        return node
    if node.family == CONTAINER:
        raise ValueError(
            f"only an array has a slice, and {options.dataset or 'the root of the file'!r} is a group: "
            "name a dataset with the parameter 'dataset'"
        )
    return Excerpt(node, options.slice, squeeze=options.squeeze)
