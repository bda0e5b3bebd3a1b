"""The unmodified client of Tiled 0.2.20 finds in our server what our own client finds."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRIPT = Path(__file__).with_name("script.py")


def steps() -> list[str]:
    specification = importlib.util.spec_from_file_location("interop_script", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return list(module.STEPS)


def run(python: Path | str, package: str, url: str, folder: Path) -> dict:
    command = [python, "-W", "ignore", SCRIPT, package, url, folder / "answers.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "answers.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def theirs(reference_python, server_url, tmp_path_factory) -> dict:
    return run(reference_python, "tiled", server_url, tmp_path_factory.mktemp("theirs"))


@pytest.fixture(scope="module")
def ours(server_url, tmp_path_factory) -> dict:
    return run(sys.executable, "tiledkernel", server_url, tmp_path_factory.mktemp("ours"))


def test_the_reference_client_is_the_one_from_the_index(reference_python) -> None:
    """And nothing of ours is in its environment."""
    code = (
        "import importlib.util as i, importlib.metadata as m; "
        "print(m.version('tiled'), i.find_spec('tiledkernel') is None)"
    )
    done = subprocess.run([reference_python, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.split() == ["0.2.20", "True"]


@pytest.mark.parametrize("step", steps())
def test_both_clients_find_the_same(step: str, theirs: dict, ours: dict) -> None:
    assert "error" not in theirs[step], theirs[step]
    assert theirs[step] == ours[step]
