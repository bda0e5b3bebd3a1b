"""Where profiles are looked for: for everyone on this machine, for this Python environment, for this user."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

SITE, USER = "TILED_SITE_PROFILES", "TILED_PROFILES"


def search_path() -> list[Path]:
    """The directories, whether they exist or not; a profile in a later one wins."""
    own = Path(sys.prefix) / "etc" / "tiled" / "profiles"
    return _once_each([*find_site(sys.platform, os.environ), own, *find_user(sys.platform, os.environ)])


def user_directories() -> list[Path]:
    """The directories of the user's own profiles; new ones go to the last, so that they win."""
    return _once_each(find_user(sys.platform, os.environ))


def find_site(platform: str, environment: Mapping[str, str]) -> list[Path]:
    """The directories for everyone, on a platform, in an environment."""
    if chosen := environment.get(SITE):
        return [Path(chosen)]
    if platform == "darwin":
        bases = ["/Library/Application Support"]
    elif platform == "win32":
        bases = [f"{environment.get('PROGRAMDATA') or 'C:/ProgramData'}/tiled"]
    else:  # of several the first is preferred
        bases = [base for base in (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if base][::-1]
    return [Path(base) / "tiled" / "profiles" for base in ("/etc", *bases)]


def find_user(platform: str, environment: Mapping[str, str]) -> list[Path]:
    """The directories of one user, on a platform, in an environment; `~` is the home."""
    if chosen := environment.get(USER):
        return [Path(chosen)]
    if platform == "darwin":
        base = "~/Library/Application Support"
    elif platform == "win32":
        base = f"{environment.get('LOCALAPPDATA') or '~/AppData/Local'}/tiled"
    else:
        base = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return [Path(each) / "tiled" / "profiles" for each in ("~/.config", base)]


def _once_each(directories: list[Path]) -> list[Path]:
    expanded = (os.path.expanduser(directory) for directory in directories)  # noqa: PTH111 - no error without a home
    return list(dict.fromkeys(map(Path, expanded)))
