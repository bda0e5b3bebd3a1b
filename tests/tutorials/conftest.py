"""The servers that the tutorials tell their readers to start."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture(
    scope="module",
    params=[("serve", "demo"), ("serve", "pyobject", "--public", "tiledkernel.examples.generated:tree")],
    ids=" ".join,
)
def demo_url(request: pytest.FixtureRequest, start_server: Any) -> str:
    """The demo, by either of the two commands that are said to be the same."""
    return start_server(*request.param).url


@pytest.fixture(scope="module")
def examples_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module of the tree and the files that it serves."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copy(HERE / "examples_tree.py", folder)
    specification = importlib.util.spec_from_file_location("examples_tree", folder / "examples_tree.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.write_files(folder / "elements")
    return folder


@pytest.fixture(scope="module")
def examples_url(examples_folder: Path, start_server: Any) -> str:
    """A server with the container `examples`, as the public demo of the tutorial has it."""
    return start_server("serve", "pyobject", "--public", "examples_tree:make", cwd=examples_folder).url
