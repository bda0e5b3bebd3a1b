"""Small distributions that are installed for one test, so that discovery reads real metadata."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tiledkernel.cli import commands

HEAD = """\
from tiledkernel import Authenticator, Command, Family, Reader, Serializer, TreeKind, hookimpl
"""

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install(plugin, source)` makes a distribution `fake-<plugin>` with a module; returns the module's name."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    before = set(sys.modules)

    def make(plugin: str, source: str, *, distribution: str | None = None, module: str | None = None) -> str:
        distribution = distribution or f"fake-{plugin}"
        module = module or f"{distribution.replace('-', '_')}_module"
        (site / f"{module}.py").write_text(HEAD + dedent(source))
        info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[tiledkernel]\n{plugin} = {module}\n")
        importlib.invalidate_caches()
        return module

    yield make
    for name in set(sys.modules) - before:
        if "fake_" in name:
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _fresh_commands() -> Iterator[None]:
    """The command line remembers what it discovered; each test has its own installation."""
    for remembered in (commands.kernel_commands, commands.all_plugins, commands.all_commands):
        remembered.cache_clear()
    yield
    for remembered in (commands.kernel_commands, commands.all_plugins, commands.all_commands):
        remembered.cache_clear()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Failures are logged on purpose here."""
    caplog.set_level(logging.WARNING)


@pytest.fixture
def works(install: Install) -> str:
    """A plugin named `works` with one reader; returns its module's name."""
    return install("works", READER)


READER = """
@hookimpl
def register_readers():
    return [Reader(media_type="application/x-works", open="fake_reader:open_file", suffixes=(".works",))]
"""
