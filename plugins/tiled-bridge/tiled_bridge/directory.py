"""Folders of files, some of which are opened by readers of the site's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import field, structs

from tiled_bridge.openers import OPENERS
from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.directory import DirectoryNode, DirectoryOptions, directory_tree
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.records import Reader

SITE = "bridge"  # the plugin that answers for a site's readers in messages


class BridgeOptions(DirectoryOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a directory, and `adapters_by_mimetype`: media type -> 'module:object' of a reader.

    A reader is a class with `from_uris(*uris)`, or a function of a path or a URI; it stands beside the readers of the
    installed plugins, or in the place of one for the same media type. `ext` says which files are of a new type.
    """

    adapters_by_mimetype: dict[str, str] = field(default_factory=dict)


def build_directory(options: BridgeOptions, composition: Composition) -> DirectoryNode | FileEntry:
    """A live mirror of a folder, with the readers of the site and of all active plugins."""
    custom = {media_type.replace(" ", ""): ref for media_type, ref in options.adapters_by_mimetype.items()}
    readers = list(_readers(custom, composition.readers))
    return directory_tree(options, ReaderTable(readers, composition.prefer), composition.adopt)


def _readers(custom: Mapping[str, str], installed: list[tuple[Reader, str]]) -> Iterator[tuple[Reader, str]]:
    """The installed readers, with those of the site instead or besides."""
    opens = {media_type: _opens(media_type, reference) for media_type, reference in custom.items()}
    known: set[tuple[str, bool]] = set()
    for reader, plugin in installed:
        if reader.media_type in opens:
            known.add((reader.media_type, reader.directory))
            yield structs.replace(reader, **opens[reader.media_type]), SITE
        else:
            yield reader, plugin
    for media_type, fields in opens.items():
        for directory in (False, True):
            if (media_type, directory) not in known:
                yield Reader(media_type=media_type, directory=directory, **fields), SITE


def _opens(media_type: str, reference: str) -> dict[str, Any]:
    """The fields of a Reader that a reference decides; ConfigurationError names the media type it is for."""
    try:
        found = OPENERS.add(reference)
    except ConfigurationError as error:
        raise ConfigurationError(f"adapters_by_mimetype: {media_type}: {error}") from error
    many = references.load(found).takes_many
    return {
        "open": f"{found}.open",
        "open_many": f"{found}.open_many" if many else None,
        "numbered": False,
        "concurrency": "threads",
    }
