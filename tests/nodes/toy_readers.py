"""Readers of real .npy files and of a toy directory format, which count how often they are called."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tiledkernel.errors import NotReady
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer

opened: list[str] = []
active = 0
most_active = 0
pause = 0.0
_counting = threading.Lock()


def reset() -> None:
    global active, most_active, pause  # noqa: PLW0603 - counters of one test
    opened.clear()
    active = most_active = 0
    pause = 0.0


def open_npy(path: Path) -> Any:
    global active, most_active  # noqa: PLW0603 - counters of one test
    with _counting:
        opened.append(path.name)
        active += 1
        most_active = max(most_active, active)
    try:
        time.sleep(pause)
        return np.load(path, allow_pickle=False)
    finally:
        with _counting:
            active -= 1


def open_npys(paths: Sequence[Path]) -> Any:
    return np.stack([np.load(path) for path in paths])


def open_group(path: Path) -> dict[str, Any]:
    return {file.stem: np.load(file) for file in sorted(path.glob("*.npy"))}


def open_text(path: Path) -> Any:
    raise NotReady(f"{path.name} is still being written")


def complain(path: Path) -> Any:
    raise OSError(f"Unable to open file (name = '{path}', broken)")


def complain_curtly(path: Path) -> Any:
    raise KeyError("entry")


def adopt(live: Any, metadata: Mapping[str, Any] | None, specs: Sequence[Any]) -> Any:
    if isinstance(live, Mapping):
        children = {key: adopt(value, None, ()) for key, value in live.items()}
        return MemoryContainer(children, metadata=metadata, specs=specs)
    return MemoryArray(live, metadata=metadata, specs=specs)


def by_content(path: Path, so_far: str | None) -> str | None:
    if path.name == "raises":
        raise RuntimeError("the hook is broken")
    if so_far is None and path.read_bytes()[:1] == b"{":
        return json.loads(path.read_text())["type"]
    return so_far
