"""The command itself: help, version, completion; quick, for it imports little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tiledkernel import __version__


def imported_by(*arguments: str) -> set[str]:
    """The top-level modules that a command imports."""
    code = (
        "import sys; sys.argv = ['tiledkernel', *sys.argv[1:]]\n"
        "from tiledkernel.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("MODULES ")[2].split())


def test_without_arguments_there_is_help(run):
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout
    for command in ("serve", "plugins", "config", "admin"):
        assert f"  {command} " in result.stdout


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version_is_printed_bare(run, option):
    assert run(option).stdout == f"{__version__}\n"


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("serve", "--help"), ("plugins",)])
def test_a_light_command_imports_no_heavy_library(arguments):
    assert imported_by(*arguments).isdisjoint({"numpy", "litestar", "uvicorn", "yaml", "h5py", "pandas", "pyarrow"})


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "tiledkernel", "-V"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_can_be_shown(run, monkeypatch, shell):
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    result = run("--show-completion")
    assert result.exit_code == 0, result.stderr
    assert "_TILEDKERNEL_COMPLETE" in result.stdout


def test_the_completion_is_installed_where_the_shell_looks(run, monkeypatch, tmp_path):
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert run("--install-completion").exit_code == 0
    assert "_TILEDKERNEL_COMPLETE" in (tmp_path / ".config/fish/completions/tiledkernel.fish").read_text()


def test_an_unknown_shell_is_refused(run, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/ed")
    result = run("--show-completion")
    assert result.exit_code == 1
    assert result.stderr == "SHELL='/bin/ed': expected one of bash, fish, zsh\nAborted.\n"


def test_commands_are_completed():
    environ = {"_TILEDKERNEL_COMPLETE": "fish_complete", "COMP_WORDS": "tiledkernel serve ", "COMP_CWORD": ""}
    done = subprocess.run(
        [sys.executable, "-m", "tiledkernel"], capture_output=True, text=True, env=environ, check=True
    )
    assert "plain,demo" in done.stdout
