"""`tiledkernel profile` and `tiledkernel tree`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TREE = "tree = {'a': {'b': [1], 'c': [2]}, 'd': [3]}\n"


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profiles, neither of the machine nor of a person."""
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "own" / "profiles"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own" / "profiles"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def inside(own: Path) -> Iterator[Callable[..., None]]:
    """`inside("here", tree=..., more=...)`: a profile that brings its own server."""

    def make(name: str, tree: str = TREE, more: str = "") -> None:
        (own / "cli_tree.py").write_text(tree)
        (own / f"{name}.yml").write_text(f"{name}: {{direct: {{trees: [{{tree: 'cli_tree:tree', path: /}}]}}{more}}}\n")

    yield make
    sys.modules.pop("cli_tree", None)


def test_a_profile_is_created_shown_and_deleted(run, own):
    created = run("profile", "create", "http://localhost:8000", "--name", "here")
    file = own / "here.yml"
    assert (created.exit_code, created.stdout) == (0, "")
    assert created.stderr == f"Profile 'here' created and set as the default: {file}\n"
    assert run("profile", "list").stdout == f"here    {file}\n"
    shown = run("profile", "show", "here")
    assert (shown.stdout, shown.stderr) == ("uri: http://localhost:8000\nverify: true\n", f"Source: {file}\n--\n")
    assert run("profile", "get-default").stdout == "here\n"
    deleted = run("profile", "delete", "here")
    assert (deleted.exit_code, deleted.stderr) == (0, f"Profile 'here' deleted: {file}\n")
    assert run("profile", "get-default").stderr == "No default.\n"
    assert run("profile", "list").stdout == "No profiles found.\n"


def test_without_a_name_it_is_called_auto(run, own):
    run("profile", "create", "http://localhost:8000", "--no-verify", "--no-set-default")
    assert (own / "auto.yml").read_text() == "auto:\n  uri: http://localhost:8000\n  verify: false\n"
    assert run("profile", "get-default").stdout == ""


def test_an_existing_name_is_refused_unless_it_is_to_be_overwritten(run, own):
    run("profile", "create", "http://one")
    refused = run("profile", "create", "http://two")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("a profile named 'auto' exists already")
    assert refused.stderr.endswith("(`--overwrite`, in Python `overwrite=True`)\nAborted.\n")
    assert run("profile", "create", "http://two", "--overwrite").exit_code == 0
    assert "http://two" in (own / "auto.yml").read_text()


def test_an_address_that_is_none_is_refused_in_a_sentence(run):
    refused = run("profile", "create", "localhost:8000")
    assert refused.exit_code == 1
    expected = "cannot connect to 'localhost:8000': expected a URI such as 'http://localhost:8000'\nAborted.\n"
    assert refused.stderr == expected


@pytest.mark.parametrize("command", [("show",), ("edit",), ("delete",), ("set-default",)])
def test_an_unknown_name_is_refused_with_the_near_one(run, own, command):
    run("profile", "create", "http://localhost:8000", "--name", "beamline")
    refused = run("profile", *command, "beamlin")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(
        "no profile named 'beamlin'; did you mean 'beamline'?; known: beamline (looked in "
    )
    assert refused.stderr.endswith("\nAborted.\n")


def test_the_list_is_in_columns(run, own):
    (own / "all.yml").write_text("a: {uri: http://a}\nlonger: {uri: http://b}\n")
    assert run("profile", "list").stdout == f"a         {own}/all.yml\nlonger    {own}/all.yml\n"


def test_what_is_left_out_is_told_beside_the_list(run, own):
    (own / "good.yml").write_text("good: {uri: http://a}\n")
    (own / "broken.yml").write_text("bad: [\n")
    listed = run("profile", "list")
    assert (listed.exit_code, listed.stdout) == (0, f"good    {own}/good.yml\n")
    assert re.fullmatch(rf"WARNING: {own}/broken\.yml:\d: this is not YAML: .*\n", listed.stderr)


def test_a_profile_is_shown_without_secrets_of_the_environment(run, own, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "very-secret")
    (own / "a.yml").write_text("a: {uri: 'http://a?api_key=$SECRET_KEY', max_conections: 3}\n")
    shown = run("profile", "show", "a")
    assert shown.stdout == "uri: http://a?api_key=$SECRET_KEY\nmax_conections: 3\n"
    assert "WARNING: " in shown.stderr
    assert "a.max_conections: unknown key; did you mean 'max_connections'?" in shown.stderr
    assert "very-secret" not in shown.output


def test_an_edited_profile_is_checked(run, own, monkeypatch):
    (own / "a.yml").write_text("a: {uri: http://a}\n")
    monkeypatch.setenv("EDITOR", "sed -i s/uri/urj/")
    monkeypatch.delenv("VISUAL", raising=False)
    edited = run("profile", "edit", "a")
    assert (own / "a.yml").read_text() == "a: {urj: http://a}\n"
    assert edited.exit_code == 0
    assert f"WARNING: {own}/a.yml:1: a.urj: unknown key; did you mean 'uri'?" in edited.stderr


def test_an_editor_that_fails_is_told(run, own, monkeypatch):
    (own / "a.yml").write_text("a: {uri: http://a}\n")
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.delenv("VISUAL", raising=False)
    refused = run("profile", "edit", "a")
    assert refused.exit_code == 1
    assert refused.stderr == "false: Editing failed; set EDITOR to the editor that you use\nAborted.\n"


def test_the_default_is_chosen_and_cleared(run):
    for name in ("a", "b"):
        run("profile", "create", "http://localhost:8000", "--name", name)
    assert run("profile", "set-default", "a").exit_code == 0
    assert run("profile", "get-default").stdout == "a\n"
    assert run("profile", "clear-default").exit_code == 0
    assert run("profile", "clear-default").exit_code == 0
    cleared = run("profile", "get-default")
    assert (cleared.exit_code, cleared.stdout, cleared.stderr) == (0, "", "No default.\n")


def test_a_default_that_is_gone_is_told(run, own):
    run("profile", "create", "http://localhost:8000")
    (own / "auto.yml").unlink()
    found = run("profile", "get-default")
    assert (found.exit_code, found.stdout) == (0, "auto\n")
    assert found.stderr.startswith("WARNING: there is no profile named 'auto' any more")


def test_the_directories_are_printed_in_the_order_in_which_they_win(run, own, tmp_path):
    expected = [tmp_path / "site", tmp_path / "prefix/etc/tiled/profiles", own]
    assert run("profile", "paths").stdout.splitlines() == [str(path) for path in expected]


def test_the_schema_is_json_for_machines(run):
    assert "uri" in json.loads(run("profile", "schema").stdout)["$defs"]["Profile"]["properties"]


# tree


def test_a_tree_is_drawn_of_the_default_server_and_of_one_that_is_named(run, inside):
    inside("here")
    run("profile", "set-default", "here")
    drawn = "├── a\n│   ├── b\n│   └── c\n└── d\n"
    assert run("tree").stdout == drawn
    assert run("tree", "--profile", "here").stdout == drawn


@pytest.mark.parametrize(("number", "lines"), [("3", 3), ("4", 4), ("40", 4)])
def test_a_long_tree_is_cut_and_says_how_to_see_more(run, inside, number, lines):
    inside("here")
    printed = run("tree", number, "--profile", "here").stdout.splitlines()
    cut = [f"<Output truncated at {lines} lines. Give a larger N to see more.>"] if lines < 4 else []
    assert printed[lines:] == cut


def test_twenty_lines_are_enough_unless_told(run, inside):
    inside("here", tree="tree = {str(number): [1] for number in range(30)}\n")
    assert len(run("tree", "--profile", "here").stdout.splitlines()) == 21


def test_of_an_empty_server_nothing_is_drawn(run, inside):
    inside("here", tree="tree = {}\n")
    result = run("tree", "--profile", "here")
    assert (result.exit_code, result.output) == (0, "")


def test_without_a_default_it_is_said_how_to_have_one(run):
    refused = run("tree")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("There is no default profile. Make one:\n\n    tiledkernel profile create URI\n")
    assert refused.stderr.endswith("Aborted.\n")


def test_a_default_that_is_gone_is_explained(run, own):
    run("profile", "create", "http://localhost:8000")
    (own / "auto.yml").unlink()
    refused = run("tree")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("no profile named 'auto'; there are none (looked in ")
    assert "'auto' was the default profile. Make one:" in refused.stderr


def test_warnings_about_profiles_come_before_the_tree(run, inside, own):
    inside("here", more=", username: me")
    (own / "broken.yml").write_text("- 1\n")
    result = run("tree", "1", "--profile", "here")
    assert result.stdout.startswith("├── a\n")
    broken, obsolete = result.stderr.splitlines()
    assert broken.startswith(f"WARNING: {own}/broken.yml: expected a mapping of keys")
    assert obsolete == f"WARNING: {own}/here.yml:1: here.username: has no effect any more; ignored"


def test_a_server_that_is_not_there_is_a_sentence(run, monkeypatch):
    monkeypatch.setenv("TILED_RETRY_ATTEMPTS", "1")
    run("profile", "create", "http://127.0.0.1:9")
    refused = run("tree")
    assert refused.exit_code == 1
    assert refused.stderr == "profile 'auto': http://127.0.0.1:9: [Errno 111] Connection refused\nAborted.\n"


@pytest.fixture
def url(serve, tmp_path):
    """A server that wants the key abc123."""
    (tmp_path / "cli_served.py").write_text("tree = {'one': [1]}\n")
    return serve("pyobject", "cli_served:tree", "--port", "0", "--api-key", "abc123").url()


def test_a_running_server_is_drawn(run, url):
    run("profile", "create", f"{url}?api_key=abc123")
    assert run("tree").stdout == "└── one\n"


def test_what_is_no_container_has_no_tree(run, url):
    run("profile", "create", f"{url}/api/v1/metadata/one?api_key=abc123")
    refused = run("tree")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("the profile leads to no container, but to <ArrayClient shape=(1,)")


@pytest.mark.parametrize(
    ("key", "message"), [("", "this server wants an API key"), ("?api_key=no", "401: this API key")]
)
def test_what_the_server_refuses_is_a_sentence(run, url, key, message):
    run("profile", "create", f"{url}{key}", "--name", "locked")
    done = subprocess.run([sys.executable, "-m", "tiledkernel", "tree"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"profile 'locked': {message}")
    assert done.stderr.endswith("\nAborted.\n")
