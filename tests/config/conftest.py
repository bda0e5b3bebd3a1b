"""Configurations written to files, and the messages for those that are wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.environment import CONFIG, variables
from tiledkernel.config.files import load_files

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person who runs the tests has set does not matter."""
    for name in [*variables(), CONFIG]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    """Modules that lie beside configurations are of one test only."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("beside_"):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write(text, name="config.yml")` makes a file; returns its path."""

    def make(text: str, name: str = "config.yml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return make


@pytest.fixture
def problems(write: Write) -> Callable[..., list[str]]:
    """`problems(text, **environ)` loads a wrong configuration; returns its messages, without the directory."""

    def load(text: str, **environ: str) -> list[str]:
        path = write(text)
        with pytest.raises(InvalidConfiguration) as caught:
            load_files(path, environ=environ)
        return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]

    return load
