"""Files are opened once, to be described; who asked for it says what went wrong."""

from __future__ import annotations

from collections.abc import Hashable

from tiledkernel.nodes.files import Shelf
from tiledkernel.nodes.open_files import OpenFiles
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.registering.installed import installed


class OpenedOnce(OpenFiles):
    """Keeps nothing open, and logs nothing."""

    def __init__(self) -> None:
        super().__init__(max_size=0)

    def first_failure(self, key: Hashable, stamp: Hashable) -> bool:
        """No failure is news here: it is raised to who opens the file, and reported there."""
        del key, stamp
        return False


def shelf_below(root: SafeRoot) -> Shelf:
    """What files below a directory share while they are being described."""
    return Shelf(root, OpenedOnce(), installed().adopt)
