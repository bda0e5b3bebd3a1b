"""Markdown pages as things that can be run: blocks of code, the shell, and the servers that a page starts.

What a page tells a reader to do is done here in the same order, in one folder, with one Python namespace:

- `python`: executed.
- `pycon`: executed, and its output compared by doctest.
- `bash`: executed. `tiledkernel serve ...` keeps running until the page starts another server or ends.
- `console`: lines that begin with `$ ` are executed, and what they print is compared with the lines below them.
- `yaml`: written to config.yml and checked as a configuration; after a comment `<!-- profiles: NAME -->` written to a
  file of that name among the reader's profiles, each of which is checked.

A `console` block after a comment `<!-- typed unseen: PASSWORD -->` is executed at a terminal, where somebody types what
stands there after a question, and the password when that is asked for.

A block after a comment `<!-- file: PATH -->` is not executed: it must stand in that file word for word. One after
`<!-- save: NAME -->` is written to a file of that name in the folder.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.at_terminal import at_terminal
from tiledkernel.client.node import Node
from tiledkernel.client.profiles.directories import user_directories
from tiledkernel.client.profiles.reading import read_profiles
from tiledkernel.config.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ADDRESS = "127.0.0.1:8000"  # in the pages; a server that a page starts gets a free port
FENCE = re.compile(
    r"(?:<!-- (?:file: (?P<file>\S+)|profiles: (?P<profiles>\S+)|save: (?P<save>\S+)|typed unseen: (?P<unseen>\S+)) "
    r"-->\n+)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
QUESTION = re.compile(r"^(Username: |Password:|Choose an authentication provider .*: )(\S*)$", re.MULTILINE)
BIN = Path(sys.executable).parent
DOCTEST = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PATIENCE = 30.0  # seconds

# Commands that change the machine, or that are a test run themselves; tests/packaging and .ci/run do those.
ELSEWHERE = re.compile(
    r"(git clone|cd|pip install|uv pip|uv sync|pytest|mypy|ruff|uv build|python -m pytest|\.ci/run)\b"
)
HERE = re.compile(r"(TILED_\w+=\S+ )*(curl|tiledkernel|python|mkdir|printf|file|head)\b")
SERVE = re.compile(r"tiledkernel serve\b")
FORMATS = {"python", "pycon", "bash", "console", "yaml"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `line` is where its text begins, `file` what it quotes.

    `profiles` and `save` are files that it goes to; `unseen` is the password that is typed.
    """

    language: str
    text: str
    line: int
    file: str | None
    profiles: str | None = None
    save: str | None = None
    unseen: str | None = None


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            text.count("\n", 0, found.start("text")) + 1,
            found["file"],
            found["profiles"],
            found["save"],
            found["unseen"],
        )
        for found in FENCE.finditer(text)
    ]


@dataclass
class Reader:
    """Someone who does what a page says, step by step."""

    page: Path
    folder: Path
    start: Callable[..., Any]
    namespace: dict[str, object] = field(default_factory=lambda: {"__name__": "__page__"})
    server: Any = None
    address: str = ADDRESS

    def follow(self) -> None:
        """Run every block of the page."""
        for block in blocks_of(self.page):
            if block.save is not None:
                (self.folder / block.save).write_text(block.text, encoding="utf-8")
            elif block.file is None and block.language in FORMATS:
                getattr(self, f"run_{block.language}")(block)

    def run_python(self, block: Block) -> None:
        """Execute; a failure shows the line of the page."""
        source = "\n" * (block.line - 1) + self.here(block.text)
        exec(compile(source, self.page, "exec"), self.namespace)

    def run_pycon(self, block: Block) -> None:
        """Execute, and compare what is printed."""
        said: list[str] = []
        test = doctest.DocTestParser().get_doctest(
            self.here(block.text), self.namespace, self.page.name, str(self.page), block.line - 1
        )
        doctest.DocTestRunner(optionflags=DOCTEST).run(test, out=said.append, clear_globs=False)
        self.namespace.update(test.globs)
        assert not said, "".join(said)

    def run_bash(self, block: Block) -> None:
        """Execute each command."""
        for command in commands_of(block.text):
            self.run(command, block)

    def run_console(self, block: Block) -> None:
        """Execute each command after a `$ `, and compare what it prints with the lines up to the next one."""
        parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert not parts[0], f"{self.page.name}:{block.line}: begin a console block with '$ '"
        for part in parts[1:]:
            *command, expected = re.split(r"(?<!\\)\n", part, maxsplit=1)
            if block.unseen is None:
                found = self.run("".join(command), block).replace(self.address, ADDRESS)
            else:
                found = self.run_at_terminal("".join(command), expected, block.unseen)
            same = doctest.OutputChecker().check_output(expected, found, DOCTEST)
            assert same, f"{self.page.name}:{block.line}: {command[0]}\nprints\n{found}\nbut the page says\n{expected}"

    def run_yaml(self, block: Block) -> None:
        """Write the configuration or the profiles that the page shows, and check them."""
        if block.profiles is not None:
            self.run_profiles(block, user_directories()[-1] / block.profiles)
            return
        (self.folder / "config.yml").write_text(block.text, encoding="utf-8")
        self.run("tiledkernel config check config.yml", block)

    def run_profiles(self, block: Block, file: Path) -> None:
        """Put profiles into their place, and check them."""
        file.parent.mkdir(exist_ok=True)
        file.write_text(self.here(block.text), encoding="utf-8")
        profiles = read_profiles()
        assert not profiles.problems
        for name in read_yaml(file).data:
            profiles.written(name).checked()

    def run(self, command: str, block: Block) -> str:
        """What one command prints; a server goes on running instead."""
        command = command.removeprefix("pip install uv && ").removeprefix("uv run ")
        if ELSEWHERE.match(command):
            return ""
        assert HERE.match(command), f"{self.page.name}:{block.line}: say in conftest.py whether to run {command!r}"
        if SERVE.match(command):
            self.serve(command)
            return ""
        done = subprocess.run(
            ["bash", "-euc", self.here(command)],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{self.page.name}:{block.line}: {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_at_terminal(self, command: str, expected: str, unseen: str) -> str:
        """What is on the screen after a command whose questions are answered as on the page."""
        answers = [(question, typed or unseen) for question, typed in QUESTION.findall(expected)]
        shown, status = at_terminal([BIN / "tiledkernel", *shlex.split(command)[1:]], answers, cwd=self.folder)
        assert status == 0, shown
        return shown

    def serve(self, command: str) -> None:
        """Start a server on a free port, instead of the one that the page started before."""
        if self.server is not None:
            self.server.stop()
        self.server = self.start(*shlex.split(command)[1:], cwd=self.folder)
        self.address = self.server.address

    def leave(self) -> None:
        """Close what the page has opened, as the end of a Python session does."""
        for value in self.namespace.values():
            if isinstance(value, Node):
                value.context.close()
        if self.server is not None:
            self.server.stop()

    def here(self, text: str) -> str:
        """The text with the address of the running server."""
        return text.replace(ADDRESS, self.address).replace(f"localhost:{ADDRESS.partition(':')[2]}", self.address)


def commands_of(text: str) -> Iterator[str]:
    """The commands of a shell block, without comments; a line that ends in a backslash goes on in the next."""
    for line in text.replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            yield line


@pytest.fixture(params=PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def page(request: pytest.FixtureRequest) -> Path:
    """Each page of the documentation."""
    return request.param


@pytest.fixture
def reader(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_server: Callable[..., Any]
) -> Iterator[Reader]:
    """Someone who has opened a page and sits in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "profiles"))
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path / "cache"))
    reader = Reader(page, tmp_path, start_server)
    yield reader
    reader.leave()


@pytest.fixture
def quotations(page: Path) -> list[Block]:
    """The blocks of a page that stand in a file."""
    return [block for block in blocks_of(page) if block.file is not None]
