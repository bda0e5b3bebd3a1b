"""Profiles of the user's own, made and removed; and which of all profiles is the default."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tiledkernel.client.private_files import write_private
from tiledkernel.client.profiles.directories import user_directories
from tiledkernel.client.profiles.errors import ProfileError, ProfileExists
from tiledkernel.client.profiles.reading import Profiles, load_profiles, read_profiles
from tiledkernel.client.uris import parse_address
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.yaml_file import read_yaml

_NAME = re.compile(r"\w[\w.-]{0,99}")  # it becomes the name of a file


def create_profile(
    uri: str,
    name: str,
    verify: bool = True,  # noqa: FBT001, FBT002 - positional in published code
    overwrite: bool = False,  # noqa: FBT001, FBT002 - positional in published code
) -> Path:
    """Write a profile for a server into a file of its own among the user's profiles; returns the file.

    Parameters
    ----------
    uri
        The address of a server or a node, with or without a key; only the user may read the file.
    name
        What to call it: letters, digits, '_', '-' and '.'.
    verify
        Whether certificates of https are checked.
    overwrite
        Whether it may take the place of a profile that is called so.
    """
    if not _NAME.fullmatch(name):
        raise ProfileError(f"{name!r} cannot name a profile: expected letters, digits, '_', '-' and '.'")
    try:
        parse_address(uri)
    except ValueError as error:
        raise ProfileError(str(error)) from None
    profiles, file = read_profiles(), user_directories()[-1] / f"{name}.yml"
    _check_vacant(profiles, name, file, overwrite=overwrite)
    text = yaml.safe_dump({name: {"uri": uri, "verify": verify}}, sort_keys=False, allow_unicode=True)
    _write_private(file, text)
    load_profiles.cache_clear()
    return file


def _check_vacant(profiles: Profiles, name: str, file: Path, *, overwrite: bool) -> None:
    """Refuse to hide a profile that is not meant, and to lose others that stand in the same file."""
    there = profiles.written(name).file if name in profiles else file if os.path.lexists(file) else None
    if there is not None and not overwrite:
        raise ProfileExists(
            f"a profile named {name!r} exists already, in {there}: choose another name, or let it be replaced "
            "(`--overwrite`, in Python `overwrite=True`)"
        )
    _check_no_others(name, file)
    elsewhere = [other for other in file.parent.glob("*.y*ml") if other != file and name in _names_in(other)]
    if elsewhere:
        raise ProfileExists(f"the profile {name!r} stands in {elsewhere[0]}, not in a file of its own: change it there")


def delete_profile(name: str) -> Path:
    """Remove one of the user's own profiles with its file; returns the file.

    If it was the default profile, there is none from then on.
    """
    file = read_profiles().written(name).file
    if file.parent not in user_directories():
        raise ProfileError(f"the profile {name!r} is not one of your own: it stands in {file}")
    _check_no_others(name, file)
    with _telling(file):
        file.unlink()
    if get_default_profile_name() == name:
        set_default_profile_name(None)
    load_profiles.cache_clear()
    return file


def get_default_profile_name() -> str | None:
    """The name of the profile that commands use if none is given; None if there is no such name."""
    file = _default_file()
    with _telling(file):
        try:
            return file.read_text("utf-8").strip() or None
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise ProfileError(f"{file}: this is not the name of a profile: {error}") from error


def set_default_profile_name(name: str | None) -> None:
    """Choose the profile that commands use if none is given; None: there is none any more."""
    file = _default_file()
    if name is None:
        with _telling(file):
            file.unlink(missing_ok=True)
        return
    read_profiles().written(name)
    _write_private(file, name)


def _default_file() -> Path:
    return user_directories()[-1].parent / "default_profile"


def _check_no_others(name: str, file: Path) -> None:
    others = [other for other in _names_in(file) if other != name]
    if others:
        raise ProfileError(f"{file} holds other profiles, too ({', '.join(others)}): edit that file instead")


def _names_in(file: Path) -> list[str]:
    """The profiles in a file; none if it is not there, or broken."""
    try:
        return list(read_yaml(file).data)
    except InvalidConfiguration:
        return []


def _write_private(file: Path, text: str) -> None:
    """Put a file, which may hold a key, in its place at once; only its owner may read it."""
    goal = Path(os.path.realpath(file))  # a link stays a link
    with _telling(file):
        goal.parent.mkdir(parents=True, exist_ok=True)
        write_private(goal, text)


@contextmanager
def _telling(file: Path) -> Iterator[None]:
    """What the operating system refuses, told with the file that was meant."""
    try:
        yield
    except OSError as error:
        around = error.filename is not None and Path(error.filename) in file.parents
        where = f" ({error.filename})" if around else ""
        raise ProfileError(f"{file}: {error.strerror}{where}") from error
