"""Files of one request, admitted one after the other: where their folders lead is looked up once."""

from __future__ import annotations

import os
import re
import stat

from tiled_sql_catalog.fence import Fence
from tiledkernel.errors import KernelError
from tiledkernel.nodes.protocols import Asset
from tiledkernel.nodes.storing import path_of_uri

_PLAIN = re.compile(r"(?!\.{1,2}$)[\w.~+=@,-]+", re.ASCII)  # names that stand in URIs as they are


class Admission:
    """For the moment of one request, in which folders stay where they are; reading a file checks it again."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._folders: dict[str, str | None] = {}

    def admit(self, asset: Asset) -> int | None:
        """The size of a file that is to be registered, None of a folder; raises what `Fence.admit` raises."""
        folder, _, name = asset.data_uri.rpartition("/")
        if not asset.is_directory and _PLAIN.fullmatch(name):
            if folder not in self._folders:
                self._folders[folder] = self._real(folder)
            real = self._folders[folder]
            size = None if real is None else _size_of_plain_file(f"{real}/{name}")
            if size is not None:
                return size
        return self._fence.admit(asset)

    def _real(self, folder: str) -> str | None:
        """Where a folder that may be read leads; None if it is none, which the first file of it is told."""
        try:
            return str(self._fence.check(path_of_uri(folder))[0])
        except KernelError:
            return None


def _size_of_plain_file(path: str) -> int | None:
    """The size of what is no link, no folder and no device; None of anything else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
