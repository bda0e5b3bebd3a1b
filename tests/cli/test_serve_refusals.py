"""What cannot be served is refused with a sentence that helps, before anything listens."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest


def refusal(run, *arguments: str) -> str:
    """The message of a command that refuses."""
    result = run("serve", *arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.endswith("\nAborted.\n")
    return result.stderr.removesuffix("\nAborted.\n")


def test_a_reference_without_a_colon_names_the_expected_form(run):
    assert refusal(run, "pyobject", "my_module") == (
        "'my_module': expected MODULE:OBJECT, for example 'my_package.my_module:tree'"
    )


def test_a_module_that_is_not_there_is_named(run):
    assert refusal(run, "pyobject", "nothing_here:tree") == (
        "no module named 'nothing_here', which 'nothing_here:tree' refers to"
    )


def test_an_object_that_is_not_there_is_named(run):
    assert refusal(run, "pyobject", "json:tree") == "module 'json' has no 'tree'"


def test_an_object_that_no_family_adopts_says_what_would_be(run):
    Path("beside_complex.py").write_text("tree = 3j")
    assert refusal(run, "pyobject", "beside_complex:tree").startswith("no family adopts builtins.complex objects")


def test_a_directory_that_is_not_there_is_named(run):
    assert refusal(run, "directory", "nowhere") == "nowhere: no such directory"


def test_a_file_is_no_directory(run):
    Path("file").touch()
    assert refusal(run, "directory", "file") == "file: this is a file, expected a directory"


@pytest.mark.parametrize("ext", ["stuff=text/csv", ".stuff", ".stuff=csv", "=text/csv"])
def test_an_extension_must_have_a_dot_and_a_media_type(run, ext):
    assert refusal(run, "directory", ".", "--ext", ext) == (
        f"--ext {ext!r}: expected '.x=media/type', for example '.stuff=text/csv'"
    )


def test_a_hook_that_is_not_there_is_named(run):
    assert "no module named 'nothing_here'" in refusal(run, "directory", ".", "--mimetype-hook", "nothing_here:hook")


def test_a_key_with_other_characters_is_refused_with_advice(run):
    message = refusal(run, "pyobject", "json:tree", "--api-key", "top-secret")
    assert message.startswith("--api-key: authentication.single_user_api_key: the value (not shown): expected letters")
    assert "top-secret" not in message


def test_an_empty_key_in_the_environment_is_refused(run, monkeypatch):
    monkeypatch.setenv("TILED_SINGLE_USER_API_KEY", "")
    assert "environment variable TILED_SINGLE_USER_API_KEY" in refusal(run, "demo")


def test_a_missing_configuration_says_how_to_name_one(run):
    assert refusal(run, "config") == "config.yml: no such file or directory; give its path, or set TILED_CONFIG"


def test_a_broken_configuration_is_told_as_text(run):
    Path("config.yml").write_text("trees: [{tree: nothing, path: /}]")
    assert refusal(run, "config").startswith("config.yml:1: trees[0].tree: no tree named 'nothing'")


@pytest.mark.parametrize("command", ["config", "pyobject"])
def test_several_processes_need_a_fixed_key(run, command):
    Path("beside_scalable.py").write_text("tree = {}")
    Path("config.yml").write_text("trees: [{tree: 'beside_scalable:tree', path: /}]")
    arguments = ["beside_scalable:tree"] if command == "pyobject" else []
    assert refusal(run, command, *arguments, "--scalable").startswith("several processes need a fixed key")


def test_several_workers_need_a_fixed_key(run):
    Path("beside_scalable.py").write_text("tree = {}")
    Path("config.yml").write_text("trees: [{tree: 'beside_scalable:tree', path: /}]\nuvicorn: {workers: 2}")
    assert refusal(run, "config").startswith("several processes need a fixed key")


def test_a_port_out_of_range_is_a_usage_error(run):
    assert run("serve", "demo", "--port", "70000").exit_code == 2


def test_a_taken_port_says_which_option_helps(serve):
    Path("beside_taken.py").write_text("tree = {}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = serve("pyobject", "beside_taken:tree", "--no-plugins", "--port", str(port))
        assert running.wait() == 1
    assert f"cannot listen on 127.0.0.1:{port}: choose another address (--host) or port" in running.text
    assert running.lines[-1] == "Aborted."


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("database: {uri: accounts.db}", "several processes need the same keys to sign tokens"),
        ("secret_keys", "several processes need one database of accounts"),
        *[
            (f"secret_keys\ndatabase: {{uri: '{uri}'}}", "several processes need one database of accounts")
            for uri in ("sqlite://", "sqlite:///:memory:", ":memory:", "sqlite:///file:x?mode=memory&uri=true")
        ],
    ],
)
@pytest.mark.parametrize("workers", ["", "uvicorn: {workers: 2}"])
def test_processes_that_would_know_other_accounts_are_refused(run, rest, said, workers):
    Path("beside_accounts.py").write_text("tree = {}")
    keys = "secret_keys: [ssssssssssssssssssssssssssssssss]" if rest.startswith("secret_keys") else ""
    Path("config.yml").write_text(
        "trees: [{tree: 'beside_accounts:tree', path: /}]\n"
        f"authentication: {{providers: [{{provider: toy, authenticator: dummy}}], {keys}}}\n"
        f"{rest.removeprefix('secret_keys')}\n{workers}"
    )
    assert refusal(run, "config", *([] if workers else ["--scalable"])).startswith(said)
