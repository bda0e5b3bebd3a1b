"""From an .mca file to an array of counts, with what its header says as metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tiledkernel.families.array.memory import MemoryArray


def open_mca(path: Path) -> MemoryArray:
    """The counts per channel; a file without its last line was cut short."""
    header, data, rest = path.read_text("latin-1").partition("<<DATA>>\n")
    counts, end, _ = rest.partition("<<END>>")
    if not data or not end:
        raise ValueError("the file has no complete <<DATA>> ... <<END>> section")
    pairs = [line.split(" - ", 1) for line in header.splitlines() if " - " in line]
    metadata = {key.strip().lower(): value.strip() for key, value in pairs}
    return MemoryArray(np.array(counts.split(), np.uint32), dims=("channel",), metadata=metadata)
