"""`tiledkernel login`, `whoami`, `logout`, `api_key` and `admin`, as a person at a terminal uses them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.at_terminal import at_terminal as run_at_terminal
from tests.login_server import UUIDS, LoginServer

BOB = UUIDS["bob"]
SECRET = re.compile(r"[0-9a-f]{72}\n")


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No profiles and no logins, neither of the machine nor of a person."""
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "own" / "profiles"))
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    for name in ("TILED_API_KEY", "TILED_FORCE_PROMPT", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def app(listen: Any, run: Any) -> LoginServer:
    """A server with accounts, which the default profile leads to."""
    app = LoginServer()
    app.base = listen(app)
    assert run("profile", "create", app.base, "--name", "here").exit_code == 0
    return app


@pytest.fixture
def alice(app: LoginServer, run: Any, monkeypatch: pytest.MonkeyPatch) -> LoginServer:
    """The server, at which somebody has logged in."""
    with monkeypatch.context() as typing:
        typing.setenv("TILED_FORCE_PROMPT", "1")
        typing.setattr("builtins.input", lambda _="": "alice")
        typing.setattr("getpass.getpass", lambda _: "secret1")
        result = run("login")
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    app.asked.clear()
    return app


def at_terminal(*arguments: str, answers: list[tuple[str, str]]) -> tuple[str, int]:
    """A command at a terminal; what is on its screen at the end, and the exit status."""
    return run_at_terminal([sys.executable, "-m", "tiledkernel", *arguments], answers)


# Who one is


def test_a_person_logs_in_at_a_terminal_and_stays_logged_in(app: LoginServer, run: Any) -> None:
    """The password is not on the screen."""
    answers = [("Username: ", "alice"), ("Password: ", "guess"), ("Password: ", "secret1")]
    shown, status = at_terminal("login", answers=answers)
    assert status == 0, shown
    assert shown == (
        "Username: alice\nPassword: \nUsername or password not recognized. Retry, or press Enter to cancel.\n"
        "Password: \nYou have logged in as alice.\n"
    )
    done = run("whoami")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "alice\n", "")


def test_a_person_chooses_one_of_several_providers_at_a_terminal(listen: Any, run: Any) -> None:
    app = LoginServer(modes={"toy": "internal", "ext": "external"}, pending=0)
    app.base = listen(app)
    run("profile", "create", app.base)
    shown, status = at_terminal("login", answers=[("cancel): ", "2")])
    assert status == 0, shown
    assert shown.startswith("Authentication providers:\n1 - toy\n2 - ext\nChoose an authentication provider ")
    assert "\nYou have 15 minutes to visit this URL\n\nhttps://idp.example.org/authorize?client_id=1\n" in shown
    assert shown.endswith("793F-B9A6\n\nWaiting....\n\nYou have logged in as alice.\n")


def test_who_presses_enter_cancels(app: LoginServer) -> None:
    shown, status = at_terminal("login", answers=[("Username: ", "alice"), ("Password: ", "")])
    assert (status, shown.splitlines()[-2:]) == (
        1, ["profile 'here': the login is cancelled: no password was given", "Aborted."],
    )  # fmt: skip


def test_without_a_terminal_a_login_is_refused_with_advice(app: LoginServer, run: Any) -> None:
    refused = run("login")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "TILED_API_KEY" in refused.stderr
    assert refused.stderr.endswith("\nAborted.\n")


def test_with_a_key_around_there_is_nothing_to_log_in_for(
    app: LoginServer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_API_KEY", "k1")
    refused = run("login")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("profile 'here': an API key is in use, perhaps from TILED_API_KEY")


def test_tokens_are_printed_for_those_who_ask(app: LoginServer, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_FORCE_PROMPT", "1")
    monkeypatch.setattr("builtins.input", lambda _="": "alice")
    monkeypatch.setattr("getpass.getpass", lambda _: "secret1")
    result = run("login", "--show-secret-tokens")
    assert json.loads(result.stdout) == {
        "access_token": "access-1", "refresh_token": "refresh-1", "principal": UUIDS["alice"].replace("-", ""),
    }  # fmt: skip
    assert result.stderr == "Username: You have logged in as alice.\n"


def test_who_has_not_logged_in_is_nobody(app: LoginServer, run: Any) -> None:
    done = run("whoami")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Not authenticated.\n", "")


def test_who_logs_out_is_nobody_again_and_may_do_so_twice(alice: LoginServer, run: Any, tmp_path: Path) -> None:
    for _ in "ab":
        done = run("logout")
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert run("whoami").stdout == "Not authenticated.\n"
    assert alice.count("auth/session/revoke") == 1
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.is_file() and file.name != ".lock"]


def test_a_login_is_renewed_between_commands(alice: LoginServer, run: Any) -> None:
    for _ in "ab":
        alice.expire()
        assert run("whoami").stdout == "alice\n"
    assert alice.count("auth/session/refresh") == 2


def test_a_login_that_has_ended_is_none(alice: LoginServer, run: Any) -> None:
    alice.end_sessions()
    done = run("whoami")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Not authenticated.\n", "")


def test_a_key_has_an_owner(alice: LoginServer, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alice.keys["k1"] = {"secret": "k1", "first_eight": "k1"}
    monkeypatch.setenv("TILED_API_KEY", "k1")
    assert run("whoami").stdout == "alice\n"


@pytest.mark.parametrize("command", ["login", "whoami", "logout"])
def test_a_server_without_accounts_says_so(listen: Any, run: Any, command: str) -> None:
    run("profile", "create", listen(LoginServer(modes={})))
    done = run(command)
    assert (done.exit_code, done.stdout) == (int(command == "login"), "")
    assert ("This server has no login: it knows keys, not persons." in done.stderr) is (command != "logout")


@pytest.mark.parametrize("command", [("login",), ("whoami",), ("logout",), ("api_key", "list")])
def test_without_a_default_profile_there_is_an_explanation(run: Any, command: tuple[str, ...]) -> None:
    refused = run(*command)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("There is no default profile. Make one:")


def test_a_server_that_is_away_is_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_RETRY_ATTEMPTS", "1")
    run("profile", "create", "http://127.0.0.1:9", "--name", "gone")
    refused = run("whoami")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("profile 'gone': http://127.0.0.1:9: ")


# Keys


def test_a_new_key_is_all_that_is_printed(alice: LoginServer, run: Any) -> None:
    options = ["--expires-in", "10m", "--note", "n", "--scopes", "read:metadata", "--scopes", "read:data"]
    made = run("api_key", "create", *options, "--access-tags", "open")
    assert (made.exit_code, made.stderr) == (0, "")
    assert SECRET.fullmatch(made.stdout)
    assert alice.last("auth/apikey").json == {
        "scopes": ["read:metadata", "read:data"], "access_tags": ["open"], "expires_in": 600, "note": "n",
    }  # fmt: skip


def test_keys_are_listed(alice: LoginServer, run: Any) -> None:
    empty = run("api_key", "list")
    assert (empty.exit_code, empty.stdout, empty.stderr) == (0, "", "No API keys found\n")
    run("api_key", "create", "--expires-in", "60", "--note", "a\x1b[2Jb", "--scopes", "read:data")
    run("api_key", "create")
    listed = run("api_key", "list")
    first, second = (secret[:8] for secret in alice.keys)
    assert listed.stdout.splitlines() == [
        "First 8   Expires at (UTC)     Latest activity  Note    Scopes     Access tags",
        f"{first}  2026-11-21T03:03:35  -                a [2Jb  read:data  -",
        f"{second}  -                    -                -       inherit    -",
    ]


def test_a_key_is_revoked_by_its_beginning_or_in_full(alice: LoginServer, run: Any) -> None:
    for end in (8, 72):
        secret = run("api_key", "create").stdout.strip()
        done = run("api_key", "revoke", secret[:end])
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert alice.keys == {}
    assert run("api_key", "revoke", "00000000").stderr.startswith("profile 'here': 404: no such key ")


@pytest.mark.parametrize("command", [("create",), ("list",), ("revoke", "abc")])
def test_keys_are_for_those_who_have_logged_in(app: LoginServer, run: Any, command: tuple[str, ...]) -> None:
    refused = run("api_key", *command)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "You are not logged in. Log in first:\n\n    tiledkernel login\n\nAborted.\n"


def test_a_length_of_time_that_is_none_is_told(alice: LoginServer, run: Any) -> None:
    refused = run("api_key", "create", "--expires-in", "soon")
    assert refused.exit_code == 2
    assert "'soon' is no length of time: expected seconds" in refused.stderr


def test_scopes_beyond_ones_own_are_refused_in_a_sentence(alice: LoginServer, run: Any) -> None:
    refused = run("api_key", "create", "--scopes", "bogus")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("profile 'here': 403: Requested scopes ['bogus'] must be a subset")


def test_certificates_are_not_checked_for_those_who_say_so(
    alice: LoginServer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = []
    made = httpx.Client.__init__

    def note(self: Any, **settings: Any) -> None:
        checks.append(settings.get("verify"))
        made(self, **settings)

    monkeypatch.setattr(httpx.Client, "__init__", note)
    run("api_key", "create", "--no-verify")
    assert set(checks) == {False}


# Administration


def test_administrators_see_accounts(alice: LoginServer, run: Any) -> None:
    listed = run("admin", "list-principals", "20", "10")
    assert [found["uuid"] for found in json.loads(listed.stdout)] == [BOB]
    assert alice.last("auth/principal").query == {"page[offset]": "20", "page[limit]": "10"}
    assert json.loads(run("admin", "show-principal", BOB).stdout)["type"] == "service"


def test_administrators_make_accounts_for_services(alice: LoginServer, run: Any) -> None:
    made = run("admin", "create-service-principal", "--role", "user")
    assert json.loads(made.stdout)["roles"] == [{"name": "user", "scopes": []}]


def test_administrators_make_list_and_revoke_the_keys_of_others(alice: LoginServer, run: Any) -> None:
    secret = run("admin", "api-key", "create", BOB, "--expires-in", "1h", "--note", "theirs").stdout
    assert SECRET.fullmatch(secret)
    listed = run("admin", "api-key", "list", BOB)
    assert f"{secret[:8]}  2026-11-21T03:03:35  -                theirs  inherit  -" in listed.stdout
    assert run("admin", "api-key", "revoke", BOB, secret[:8]).exit_code == 0
    assert run("admin", "api-key", "list", BOB).stderr == "No API keys found\n"


def test_what_is_no_uuid_is_refused_in_a_sentence(alice: LoginServer, run: Any) -> None:
    refused = run("admin", "show-principal", "alice")
    assert (refused.exit_code, refused.stderr.startswith("'alice' is no UUID: expected one as ")) == (1, True)


# What the commands cost


@pytest.mark.parametrize("command", ["login", "whoami", "api_key", "admin"])
def test_the_commands_load_no_scientific_library_and_no_server(command: str) -> None:
    code = (
        f"import sys; sys.argv = ['tiledkernel', '{command}', '--help']\n"
        "from tiledkernel.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded.isdisjoint({"numpy", "pandas", "pyarrow", "litestar", "uvicorn", "h5py"})
