"""Wheels, and environments that hold nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints; fails with everything that it has said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Environment:
    """A virtual environment, empty but for what is installed here."""

    folder: Path

    @property
    def bin_folder(self) -> Path:
        """Where its commands are."""
        return self.folder / "bin"

    def install(self, *wheels: Path) -> None:
        """Install wheels with what they depend on."""
        run(uv.find_uv_bin(), "pip", "install", "--python", self.bin_folder / "python", *wheels, cwd=self.folder)

    def run(self, command: str, *arguments: str) -> str:
        """What one of its commands prints."""
        return run(self.bin_folder / command, *arguments, cwd=self.folder)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The wheel of a folder of this repository, built once."""
    folder = tmp_path_factory.mktemp("wheels")
    built: dict[str, Path] = {}

    def wheel(source: str) -> Path:
        if source not in built:
            out = folder / str(len(built))
            run(uv.find_uv_bin(), "build", "--wheel", "--out-dir", out, ROOT / source, cwd=folder)
            (built[source],) = out.glob("*.whl")
        return built[source]

    return wheel


@pytest.fixture(scope="session")
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """A new environment with this Python."""

    def make() -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        run(uv.find_uv_bin(), "venv", "--clear", "--python", sys.executable, folder, cwd=folder)
        return Environment(folder)

    return make
