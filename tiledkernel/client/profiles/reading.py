"""All profiles that there are, each with the file that it was written in; a broken file hurts only itself."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tiledkernel.client.profiles.directories import search_path
from tiledkernel.client.profiles.errors import ProfileError, ProfileNotFound, ProfileWarning
from tiledkernel.client.profiles.model import Profile
from tiledkernel.config.decode import decode, did_you_mean
from tiledkernel.config.document import Document, InvalidConfiguration, Problem
from tiledkernel.config.yaml_file import read_yaml

_SUFFIXES = frozenset({".yml", ".yaml"})
_EXAMPLE = "my_name: {uri: ...}"


class Written(Struct, frozen=True):
    """A profile as it was written: its name, the file, and what all of that file says."""

    name: str
    file: Path
    document: Document

    @property
    def content(self) -> Any:
        """The settings, not checked yet."""
        return self.document.data[self.name]

    @property
    def origin(self) -> str:
        """File and line."""
        return self.document.origin((self.name,))

    def checked(self) -> Profile:
        """The settings; ProfileError lists everything that is wrong with them."""
        try:
            profile = decode(self.document, Profile, (self.name,))
        except InvalidConfiguration as error:
            raise ProfileError(str(error)) from error
        if (profile.uri is None) == (profile.direct is None):
            problem = Problem(self.origin, (self.name,), "expected exactly one of 'uri' and 'direct'")
            raise ProfileError(str(problem))
        return profile


class Profiles(Mapping[str, tuple[Path, Any]]):
    """Names with file and settings; `problems` says what was left out and why."""

    def __init__(self, written: dict[str, Written], problems: list[str], directories: Sequence[Path]) -> None:
        self._written = written
        self.problems = problems
        self.directories = directories

    def __getitem__(self, name: str) -> tuple[Path, Any]:
        written = self._written[name]
        return written.file, written.content

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)

    def written(self, name: str) -> Written:
        """One profile; ProfileNotFound names those that there are."""
        if name in self._written:
            return self._written[name]
        known = f"known: {', '.join(self)}" if self else "there are none"
        text = f"no profile named {name!r}{did_you_mean(name, list(self))}; {known} (looked in "
        text += f"{', '.join(map(str, self.directories))})"
        raise ProfileNotFound("\n".join([text, *self.problems]))


@functools.cache
def load_profiles() -> Profiles:
    """All profiles by name, read once per process (`load_profiles.cache_clear()` forgets them).

    Files that cannot be read are left out, with a warning.
    """
    profiles = read_profiles()
    for problem in profiles.problems:
        warnings.warn(problem, ProfileWarning, stacklevel=2)
    return profiles


def list_profiles() -> dict[str, Path]:
    """The names of all profiles, with their files."""
    return {name: file for name, (file, _) in load_profiles().items()}


def read_profiles(variables: Mapping[str, str] | None = None) -> Profiles:
    """All profiles, read now; `variables` fill in `$NAME` in the files, those of the environment unless told."""
    directories = search_path()
    found: dict[str, list[Written]] = {}
    problems: list[str] = []
    for directory in directories:
        found.update(_by_name(_read_directory(directory, variables, problems)))
    problems.extend(_clash(name, several) for name, several in found.items() if len(several) > 1)
    return Profiles({name: only for name, (only, *others) in found.items() if not others}, problems, directories)


def _by_name(written: Iterator[Written]) -> dict[str, list[Written]]:
    found: dict[str, list[Written]] = {}
    for one in written:
        found.setdefault(one.name, []).append(one)
    return found


def _clash(name: str, several: list[Written]) -> str:
    places = " and ".join(one.origin for one in several)
    return f"the profile {name!r} is written in {places}: neither is used; keep one of them"


def _read_directory(directory: Path, variables: Mapping[str, str] | None, problems: list[str]) -> Iterator[Written]:
    try:
        files = sorted(
            Path(entry.path)
            for entry in os.scandir(directory)
            if Path(entry.name).suffix in _SUFFIXES and not entry.name.startswith(".")
        )
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(f"{directory}: cannot be read: {error.strerror}; no profile in it is used")
        return
    for file in files:
        try:
            document = read_yaml(file, variables, example=_EXAMPLE)
        except InvalidConfiguration as error:
            problems.append(f"{error}; no profile in this file is used")
        else:
            yield from (Written(name, file, document) for name in document.data)
