"""`tiledkernel plugins` shows what is installed and what is wrong with it."""

from __future__ import annotations

import json

from click.testing import CliRunner

from tiledkernel import __version__
from tiledkernel.cli.plugins import plugins


def run(*arguments: str):
    return CliRunner().invoke(plugins, list(arguments))


def line(name: str) -> str:
    return next(line for line in run().stdout.splitlines() if line.startswith(f"{name} "))


def test_the_list_has_a_line_for_each_plugin(works):
    assert line("works").split() == ["works", "1.2", "fake-works", "active", "1", "reader"]
    assert line("kernel").split()[1:4] == [__version__, "tiledkernel", "active"]


def test_the_list_shows_why_a_plugin_failed(install):
    install("broken", "1 / 0")
    assert "set aside" in line("broken")
    assert "ZeroDivisionError" in line("broken")


def test_people_are_not_told_twice(install):
    install("broken", "1 / 0")
    assert run().stderr == ""


def test_the_list_for_machines(works):
    (found,) = [plugin for plugin in json.loads(run("--json").stdout) if plugin["name"] == "works"]
    assert found == {
        "name": "works",
        "version": "1.2",
        "distribution": "fake-works",
        "module": works,
        "state": "active",
        "reason": "",
        "contributions": {"register_readers": ["application/x-works"]},
    }


def test_everything_about_one_plugin(works):
    shown = run("show", "works").stdout
    assert "distribution: fake-works" in shown
    assert "open: fake_reader:open_file" in shown
    assert "suffixes: .works" in shown


def test_everything_about_one_plugin_for_machines(works):
    (reader,) = json.loads(run("show", "works", "--json").stdout)["contributions"]["register_readers"]
    assert reader["suffixes"] == [".works"]


def test_everything_about_every_installed_plugin_can_be_shown():
    for plugin in json.loads(run("--json").stdout):
        assert run("show", plugin["name"]).exit_code == 0
        assert json.loads(run("show", plugin["name"], "--json").stdout)["name"] == plugin["name"]


def test_where_a_plugin_failed_is_shown_to_its_author(install):
    module = install("broken", "1 / 0")
    shown = run("show", "broken").stdout
    assert "reason: " in shown
    assert "Traceback (most recent call last)" in shown
    assert f"{module}.py" in shown


def test_an_unknown_plugin_names_the_nearest(works):
    result = run("show", "wroks")
    assert result.exit_code == 1
    assert result.stderr.startswith("no plugin named 'wroks' (did you mean 'works'?); installed: kernel, ")


def test_a_check_of_working_plugins_says_how_many_there_are(works):
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.endswith("plugins work.\n")


def test_a_check_fails_naming_each_plugin_that_is_set_aside(install):
    install("broken", "1 / 0")
    install("misspelt", "@hookimpl\ndef register_reader(): pass")
    result = run("check")
    assert result.exit_code == 1
    assert "plugin 'broken' is set aside: " in result.stderr
    assert "plugin 'misspelt' is set aside: " in result.stderr
    assert result.stderr.endswith("Aborted.\n")


def test_a_check_shows_a_failing_login_instead_of_stopping_at_it(install):
    install("login", "@hookimpl\ndef register_authenticators():\n    raise OSError('no directory service')")
    assert "plugin 'login' is set aside: OSError: no directory service" in run("check").stderr


def test_a_check_can_require_a_plugin(works):
    assert run("check", "--require", "works").exit_code == 0
    result = run("check", "--require", "works", "--require", "wroks")
    assert result.exit_code == 1
    assert "no plugin named 'wroks' (did you mean 'works'?)" in result.stderr
