"""Datasets whose numbers rest in other files: raw external storage and virtual datasets.

HDF5 opens those files by itself, so they are checked before it is asked for anything: each must lie below the folder
of the served file, and so must whatever it leads to in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from h5py import h5d, h5i, h5p

from tiled_hdf5.files import Files, OpenFile
from tiled_hdf5.links import follow_path, printable
from tiled_hdf5.raw import Segment
from tiledkernel.errors import BrokenLink

MAX_DEPTH = 8  # virtual datasets of virtual datasets
MAX_SOURCES = 100_000


def raw_segments(files: Files, source: OpenFile, dataset: h5d.DatasetID, plist: h5p.PropDCID) -> tuple[Segment, ...]:
    """Where the bytes of a dataset with external storage lie; empty for any other."""
    segments = []
    for number in range(plist.get_external_count()):
        name, offset, size = plist.get_external(number)
        path = files.check(_text(name), source.path, f"external storage of {_name_of(dataset)!r}")
        segments.append(Segment(path, int(offset), int(size)))
    return tuple(segments)


def files_behind(files: Files, source: OpenFile, dataset: h5d.DatasetID, depth: int = 0) -> set[Path]:
    """The other files that reading a virtual dataset opens; BrokenLink if one is missing or may not be followed."""
    what = f"virtual dataset {_name_of(dataset)!r}"
    if depth >= MAX_DEPTH:
        raise BrokenLink(f"{what} is made of virtual datasets more than {MAX_DEPTH} levels deep")
    found: set[Path] = set()
    for file_name, path in sorted(_sources(source, dataset.get_create_plist(), what)):
        behind = source
        if file_name != ".":
            behind = files.open(files.check(file_name, source.path, what))
        part = follow_path(files, behind, path, what)
        found |= {behind.path, part.source.path} - {source.path}
        if not isinstance(part.opened, h5d.DatasetID):
            raise BrokenLink(f"{what} leads to {printable(path)!r}, which is no dataset")
        plist = part.opened.get_create_plist()
        if plist.get_external_count():
            raise BrokenLink(
                f"{what} leads to {printable(path)!r}, whose numbers rest in raw files: serve that one by itself"
            )
        if plist.get_layout() == h5d.VIRTUAL:
            found |= files_behind(files, part.source, part.opened, depth + 1)
    return found


def _sources(source: OpenFile, plist: h5p.PropDCID, what: str) -> set[tuple[str, bytes]]:
    """File name and dataset path of each part."""
    found: set[tuple[str, bytes]] = set()
    for number in range(plist.get_virtual_count()):
        file_name = _text(plist.get_virtual_filename(number))
        path = plist.get_virtual_dsetname(number)
        found.update(_numbered(source, file_name, path if isinstance(path, bytes) else path.encode()))
        if len(found) > MAX_SOURCES:
            raise BrokenLink(f"{what} has more than {MAX_SOURCES:_} parts, too many to check")
    return found


def _numbered(source: OpenFile, file_name: str, path: bytes) -> Iterator[tuple[str, bytes]]:
    """The parts that a name with `%b`, which stands for 0, 1, 2 ..., has until the first missing one."""
    if "%b" not in file_name.replace("%%", "") and b"%b" not in path.replace(b"%%", b""):
        yield file_name.replace("%%", "%"), path.replace(b"%%", b"%")
        return
    for number in range(MAX_SOURCES + 1):
        part = _substitute(file_name, number), _substitute(path.decode("utf-8", "surrogateescape"), number)
        inner = part[1].encode("utf-8", "surrogateescape")
        exists = inner in source.handle if part[0] == "." else (source.path.parent / part[0]).exists()
        if not exists or (number and "%b" not in file_name):
            return
        yield part[0], inner


def _name_of(dataset: h5d.DatasetID) -> str:
    return printable(h5i.get_name(dataset) or b"?")


def _substitute(text: str, number: int) -> str:
    return "%".join(piece.replace("%b", str(number)) for piece in text.split("%%"))


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
