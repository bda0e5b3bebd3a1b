"""Where the client keeps what it may lose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiledkernel.client.cache_dir import cache_dir, find_cache_dir, make_private

HOME = Path("/home/ada")


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, HOME / ".cache/tiled"),
        ("linux", {"XDG_CACHE_HOME": "/scratch/ada"}, Path("/scratch/ada/tiled")),
        ("linux", {"XDG_CACHE_HOME": ""}, HOME / ".cache/tiled"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, HOME / ".cache/tiled"),
        ("linux", {"TILED_CACHE_DIR": "/data/cache", "XDG_CACHE_HOME": "/scratch"}, Path("/data/cache")),
        ("linux", {"TILED_CACHE_DIR": ""}, HOME / ".cache/tiled"),
        ("darwin", {"XDG_CACHE_HOME": "/scratch"}, HOME / "Library/Caches/tiled"),
        ("win32", {"LOCALAPPDATA": "/users/ada/local"}, Path("/users/ada/local/tiled/Cache")),
        ("win32", {}, HOME / "AppData/Local/tiled/Cache"),
    ],
)
def test_each_platform_has_its_place(platform: str, environment: dict[str, str], expected: Path) -> None:
    assert find_cache_dir(platform, environment, lambda: HOME) == expected


def test_the_environment_of_this_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_CACHE_DIR", "~/elsewhere")
    assert cache_dir() == Path.home() / "elsewhere"


def test_a_new_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_exists_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    make_private(tmp_path / "a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
