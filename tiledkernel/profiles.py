"""Names for connections: profiles are found, made and removed here; `from_profile` connects.

`paths` is the list of directories that are searched; a profile in a later one wins.
"""

from __future__ import annotations

from pathlib import Path

from tiledkernel.client.profiles.directories import search_path
from tiledkernel.client.profiles.errors import ProfileError, ProfileExists, ProfileNotFound, ProfileWarning
from tiledkernel.client.profiles.reading import list_profiles, load_profiles
from tiledkernel.client.profiles.writing import (
    create_profile,
    delete_profile,
    get_default_profile_name,
    set_default_profile_name,
)

__all__ = [
    "ProfileError",
    "ProfileExists",
    "ProfileNotFound",
    "ProfileWarning",
    "create_profile",
    "delete_profile",
    "get_default_profile_name",
    "list_profiles",
    "load_profiles",
    "paths",
    "set_default_profile_name",
]

paths: list[Path]


def __getattr__(name: str) -> list[Path]:
    if name == "paths":
        return search_path()  # asked anew, since the environment may have changed
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
