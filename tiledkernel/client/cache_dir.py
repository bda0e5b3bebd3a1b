"""Where the client keeps on disk what it may lose: stored answers, login tokens."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_NAME = "tiled"


def cache_dir() -> Path:
    """The directory that TILED_CACHE_DIR names, else the platform's for this user; it may not exist yet."""
    return find_cache_dir(sys.platform, os.environ, Path.home)


def find_cache_dir(platform: str, environment: Mapping[str, str], home: Callable[[], Path]) -> Path:
    """The directory on a platform, in an environment; `home` is asked for only if it matters."""
    if chosen := environment.get("TILED_CACHE_DIR"):
        return Path(chosen).expanduser()
    if platform == "win32":
        local = environment.get("LOCALAPPDATA")
        return (Path(local) if local else home() / "AppData" / "Local") / _NAME / "Cache"
    if platform == "darwin":
        return home() / "Library" / "Caches" / _NAME
    base = Path(environment.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else home() / ".cache") / _NAME  # the XDG standard ignores relative ones


def make_private(directory: Path) -> None:
    """Make a directory that only its owner may enter; one that exists already stays as it is."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
