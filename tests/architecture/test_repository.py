"""What the repository holds, and what it must not."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_no_lock_file_is_tracked() -> None:
    """It names the registry of whoever made it."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "uv.lock"], capture_output=True, text=True, check=True)
    assert listed.stdout == ""
    assert "uv.lock" in (ROOT / ".gitignore").read_text().split()


def test_a_clone_gets_every_plugin() -> None:
    development = project(ROOT)["dependency-groups"]["dev"]
    assert {folder.name for folder in PLUGINS} <= set(development)


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_has_the_shape_of_all_plugins(folder: Path) -> None:
    metadata = project(folder)["project"]
    package = folder / folder.name.replace("-", "_")
    assert metadata["name"] == folder.name
    assert any(dependency.startswith("tiledkernel") for dependency in metadata["dependencies"])
    assert (package / "py.typed").is_file()
    assert (package / "__init__.py").is_file()
    assert sorted((folder / "tests").glob("test_*.py")), "a plugin keeps its tests beside it"
    assert len((folder / "README.md").read_text(encoding="utf-8").split()) > 60, "a plugin's README says how to use it"


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_plugin_is_named_by_one_line(folder: Path) -> None:
    """The entry point's name is that of the distribution without its prefix, its value the package."""
    entries = project(folder)["project"]["entry-points"]["tiledkernel"]
    assert entries == {folder.name.removeprefix("tiled-"): folder.name.replace("-", "_")}


def test_the_ci_script_can_be_run() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
