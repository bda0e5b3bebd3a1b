"""A person and our own server, from the first login to the last logout."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.at_terminal import at_terminal

CONFIGURATION = """\
trees: [{tree: "tiledkernel.examples.generated_minimal:tree", path: /}]
authentication:
  providers:
    - provider: toy
      authenticator: dictionary
      args: {users_to_passwords: {alice: secret1}, confirmation_message: "You have logged in as {id}."}
    - provider: staff
      authenticator: dictionary
      args: {users_to_passwords: {carol: secret3}}
  tiled_admins: [{provider: toy, id: alice}]
  access_token_max_age: 1
"""
COMMAND = [sys.executable, "-m", "tiledkernel"]


@pytest.fixture(autouse=True)
def _own_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_SITE_PROFILES", str(tmp_path / "site"))
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path / "own" / "profiles"))
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("TILED_API_KEY", raising=False)


def test_a_day(serve: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("config.yml").write_text(CONFIGURATION)
    url = serve("config", "config.yml", "--port", "0").url()
    run("profile", "create", url, "--name", "here")
    assert "there is no terminal to ask at" in run("tree").stderr

    answers = [("to cancel): ", "1"), ("Username: ", "alice"), ("Password: ", "guess"), ("Password: ", "secret1")]
    shown, status = at_terminal([*COMMAND, "login"], answers)
    assert (status, shown.splitlines()[-1]) == (0, "You have logged in as alice."), shown
    assert run("whoami").stdout == "alice\n"
    time.sleep(1.2)  # the token has expired
    assert run("tree").stdout.splitlines()[0] == "├── A"

    key = run(
        "api_key", "create", "--note", "at night", "--scopes", "read:metadata", "--expires-in", "1d"
    ).stdout.strip()
    with monkeypatch.context() as at_night:
        at_night.setenv("TILED_API_KEY", key)
        assert run("tree").stdout.splitlines()[0] == "├── A"
        refused = run("api_key", "create")
        assert (refused.exit_code, refused.stderr.startswith("profile 'here': 401: ")) == (1, True)
    listed = run("api_key", "list").stdout.splitlines()
    assert listed[1].split()[0] == key[:8]
    assert "at night  read:metadata" in listed[1]
    assert run("api_key", "revoke", key[:8]).exit_code == 0
    assert run("api_key", "list").stderr == "No API keys found\n"

    service = json.loads(run("admin", "create-service-principal", "--role", "user").stdout)["uuid"]
    theirs = run("admin", "api-key", "create", service).stdout.strip()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TILED_API_KEY", theirs)
        assert run("whoami").stdout == f"service {service}\n"
        assert run("admin", "list-principals").stderr.startswith("profile 'here': 401: ")
    assert {known["uuid"] for known in json.loads(run("admin", "list-principals").stdout)} >= {service}
    assert theirs[:8] in run("admin", "api-key", "list", service).stdout

    assert run("logout").exit_code == 0
    assert run("whoami").stdout == "Not authenticated.\n"
