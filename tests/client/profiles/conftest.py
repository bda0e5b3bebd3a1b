"""Profiles in directories of a test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tiledkernel.client.profiles.reading import load_profiles


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the person who runs the tests has does not matter."""
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "user" / "profiles"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    load_profiles.cache_clear()
    yield
    load_profiles.cache_clear()


@pytest.fixture
def user(tmp_path: Path) -> Path:
    return tmp_path / "user" / "profiles"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """`write("site/a.yml", text)`; the directory of an environment is `prefix`, that of a user `user`."""
    below = {"site": "site", "prefix": "prefix/etc/tiled/profiles", "user": "user/profiles"}

    def make(place: str, text: str) -> Path:
        directory, _, name = place.partition("/")
        path = tmp_path / below[directory] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return make
