"""What registering a directory would do: which reader takes which file, and why; nothing is opened or changed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from msgspec import Struct

from tiledkernel.errors import KernelError
from tiledkernel.nodes.walk import Item, Rules, marked, scan
from tiledkernel.registering.describing import media_type_of
from tiledkernel.registering.walking import Place


class Planned(Struct, frozen=True):
    """A node that there would be: its path, the files, and the reader with what told it; or a remark on a file."""

    path: str
    files: tuple[str, ...] = ()
    plugin: str = ""
    media_type: str = ""
    why: str = ""
    remark: str = ""

    def __str__(self) -> str:
        if self.remark:
            return self.remark
        count = f" ({len(self.files)} files)" if len(self.files) > 1 else ""
        return f"{self.path} <- {self.files[0]}{count}: {self.plugin}, {self.media_type} ({self.why})"


def plan(place: Place, rules: Rules, prefix: str = "/") -> Iterator[Planned]:
    """Each node that there would be, and each file that would be skipped, folder by folder."""
    top = "/".join(("", *(key for key in prefix.split("/") if key)))
    if place.item is not None:
        yield _planned(place.item, top, "")
        return
    waiting = [(place.folder, top)]
    while waiting:
        folder, path = waiting.pop()
        inside = place.root.shown(folder) if folder != place.root.path else ""
        try:
            listing = scan(folder, place.root, rules)
        except KernelError as error:
            yield Planned(path, remark=f"failed: {inside}: {error}")
            continue
        inner = []
        for key, item in listing.items.items():
            known = item if item.claim is not None else marked(folder, item, rules) or item
            if known.claim is None:
                inner.append((folder / item.names[0], f"{path}/{key}"))
            else:
                yield _planned(known, path, f"{inside}/" if inside else "")
        for level, text in sorted(listing.messages):
            yield Planned(path, remark=text if level != logging.WARNING else f"WARNING: {text}")
        waiting += reversed(inner)


def _planned(item: Item, path: str, inside: str) -> Planned:
    assert item.claim is not None
    files = tuple(f"{inside}{name}" for name in item.names)
    return Planned(f"{path}/{item.key}", files, item.claim.plugin, media_type_of(item), item.why)
