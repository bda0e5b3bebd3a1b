"""Plugins add commands by the door that the kernel's own commands use."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from tiledkernel.cli.main import cli

MODULE = """
import click

@click.command()
def hello():
    click.echo("hello")

@click.command()
def failing():
    from tiledkernel.errors import ConfigurationError
    raise ConfigurationError("the beamline is closed")

not_a_command = 3
"""


def command(name: str, target: str = "hello") -> str:
    return f"""
@hookimpl
def register_commands():
    return [Command(name={name!r}, command="fake_commands:{target}", help="Say hello.")]
"""


@pytest.fixture
def add(install, tmp_path):
    """`add(plugin, command name, object in the module of commands)` installs a plugin with a command."""
    (tmp_path / "site" / "fake_commands.py").write_text(MODULE)

    def make(plugin: str, name: str, target: str = "hello") -> None:
        install(plugin, command(name, target))

    return make


def run(*arguments: str):
    return CliRunner().invoke(cli, list(arguments))


def test_a_plugin_adds_a_command(add):
    add("greeter", "hello")
    result = run("hello")
    assert (result.exit_code, result.stdout) == (0, "hello\n")


def test_the_overview_shows_it_without_importing_it(add):
    add("greeter", "hello")
    result = run("--help")
    assert "Say hello." in result.stdout
    assert "fake_commands" not in sys.modules


def test_a_plugin_adds_a_command_to_a_group_of_the_kernel(add):
    add("greeter", "serve hello")
    assert run("serve", "hello").stdout == "hello\n"
    assert "demo" in run("serve", "--help").stdout
    assert "Say hello." in run("serve", "--help").stdout


def test_a_plugin_makes_a_group_of_its_own(add):
    add("greeter", "greetings say hello")
    assert run("greetings", "say", "hello").stdout == "hello\n"
    assert "Commands about greetings." in run("--help").stdout


@pytest.mark.parametrize("name", ["serve demo", "plugins"])
def test_a_command_of_the_kernel_cannot_be_taken(add, name):
    add("thief", name)
    result = run("--help")
    assert (
        f"WARNING: command {name!r} of plugin 'thief' is left out: plugin 'kernel' has one of that name"
        in result.stderr
    )
    assert "hello" not in run(*name.split(), "--help").stdout.lower()


@pytest.mark.parametrize("name", ["serve", "plugins more"])
def test_a_command_cannot_hide_others_or_hide_below_one(add, name):
    add("thief", name)
    assert f"command {name!r} of plugin 'thief' is left out: it cannot stand beside command" in run("--help").stderr
    assert run("serve", "--help").stdout.startswith("Usage")


def test_two_plugins_with_one_command_are_reported(add):
    add("one", "hello")
    add("two", "hello")
    assert "command 'hello' of plugin 'two' is left out: plugin 'one' has one of that name" in run("--help").stderr


def test_commands_of_the_kernel_load_no_other_plugin(add, works):
    run("config", "check", "--help")
    assert works not in sys.modules


def test_a_broken_plugin_does_not_stop_the_command_line(install):
    install("broken", "1 / 0")
    result = run("--help")
    assert result.exit_code == 0
    assert "serve" in result.stdout


def test_an_unknown_command_names_the_nearest_and_the_plugins_that_failed(install):
    install("broken", "1 / 0")
    result = run("srve")
    assert result.exit_code == 2
    assert "No such command 'srve'. Did you mean 'serve'?" in result.stderr
    assert "plugin 'broken' is set aside" in result.stderr


def test_an_error_of_the_kernel_is_a_refusal(add):
    add("greeter", "fail", "failing")
    result = run("fail")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "the beamline is closed\nAborted.\n")


def test_a_command_that_is_none_is_a_refusal(add):
    add("greeter", "three", "not_a_command")
    result = run("three")
    assert result.exit_code == 1
    assert (
        "command 'three' of plugin 'greeter': 'fake_commands:not_a_command' is no click command, but int"
        in result.stderr
    )
    assert result.stderr.endswith("Aborted.\n")
