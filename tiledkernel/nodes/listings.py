"""Listings of folders, remembered until a folder changes."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from pathlib import Path

from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.walk import Listing, Rules, folder_stamp, scan
from tiledkernel.nodes.walkers import walk_now

logger = logging.getLogger(__name__)

MAX_ITEMS = 200_000  # in all remembered listings together
_STRIPES = 16


class Listings:
    """The current listing of any folder below a root; what there is to say about files is logged once."""

    def __init__(self, root: SafeRoot, rules: Rules, max_items: int = MAX_ITEMS) -> None:
        self._root = root
        self.rules = rules
        self._max_items = max_items
        self._known: OrderedDict[Path, Listing] = OrderedDict()
        self._items = 0
        self._lock = threading.Lock()
        self._scanning = [threading.Lock() for _ in range(_STRIPES)]

    def of(self, folder: Path) -> Listing:
        """The listing of a checked folder; Unavailable if the folder cannot be read."""
        with self._scanning[hash(folder) % _STRIPES]:
            with self._lock:
                known = self._known.get(folder)
                if known is not None:
                    self._known.move_to_end(folder)
            if known is not None and known.settled and known.stamp == folder_stamp(folder):
                return known
            walked = walk_now(folder, self._root, self.rules) if self.rules.walkers else None
            listing = scan(folder, self._root, self.rules, known, walked)
            self._remember(folder, listing)
        for level, text in sorted(listing.messages - (known.messages if known else frozenset())):
            logger.log(level, "%s", text)
        return listing

    def _remember(self, folder: Path, listing: Listing) -> None:
        with self._lock:
            replaced = self._known.pop(folder, None)
            self._known[folder] = listing
            self._items += _weight(listing) - (_weight(replaced) if replaced else 0)
            while self._items > self._max_items and len(self._known) > 1:
                _, forgotten = self._known.popitem(last=False)
                self._items -= _weight(forgotten)


def _weight(listing: Listing) -> int:
    return 1 + len(listing.items) + len(listing.sniffed) + sum(len(item.names) for item in listing.items.values())
