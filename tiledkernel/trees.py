"""The kinds of trees that the kernel brings along."""

from __future__ import annotations

from tiledkernel.composition import Composition
from tiledkernel.nodes.directory import DirectoryNode, DirectoryOptions, directory_tree
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.readers import ReaderTable


def build_directory(options: DirectoryOptions, composition: Composition) -> DirectoryNode | FileEntry:
    """A live mirror of a folder, with the readers of all active plugins and those of the site."""
    readers = ReaderTable(composition.readers, composition.prefer, options.adapters_by_mimetype)
    return directory_tree(options, readers, composition.adopt)
