"""Damaged copies of files, and what comes of opening them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

PATIENCE = 30.0  # seconds until a reader counts as hanging


def outcome(action: Callable[[], None]) -> BaseException | None:
    """What `action` raises, or None; TimeoutError (which is no answer either) if it hangs."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - SystemExit is what we look for
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        pytest.fail(
            f"the reader has not come back after {PATIENCE:.0f} s: check sizes and offsets before following them"
        )
    return raised[0] if raised else None


def damaged_copy(path: Path, folder: Path, damage: str) -> Path:
    """A copy of a file, or of each file of a directory, of which only `damage` is left."""
    folder.mkdir()
    if path.is_dir():
        copy = Path(shutil.copytree(path, folder / path.name))
        for file in filter(Path.is_file, copy.rglob("*")):
            file.write_bytes(_damaged(file.read_bytes(), damage))
        return copy
    (folder / path.name).write_bytes(_damaged(path.read_bytes(), damage))
    return folder / path.name


def _damaged(content: bytes, damage: str) -> bytes:
    left = {"half of it": content[: len(content) // 2], "its first 16 bytes": content[:16], "nothing": b""}
    return left.get(damage, np.random.default_rng(0).bytes(max(64, len(content))))
