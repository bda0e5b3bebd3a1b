"""Logins with passwords, from a configuration to a server that knows who asks."""

from __future__ import annotations

import textwrap

import httpx
import pytest
from tiled_passwords.hashes import Cost, make_hash

CONFIGURATION = """\
trees:
- {{path: /, tree: directory, args: {{path: .}}}}
authentication:
  providers:
  - provider: lab
    authenticator: dictionary
    args:
      users_to_passwords:
        alice: {hash}
        bob: $BOBS_PASSWORD
      confirmation_message: "Hello {{id}}."
  - provider: old
    authenticator: tiled.authenticators:DictionaryAuthenticator
    args: {{users_to_passwords: {{carol: plain}}}}
  - provider: anyone
    authenticator: tiled.authenticators:DummyAuthenticator
  - provider: machine
    authenticator: tiled.authenticators:PAMAuthenticator
    args: {{service: other}}
"""


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    """A server with every login of this plugin."""
    folder = tmp_path_factory.mktemp("served")
    text = CONFIGURATION.format(hash=make_hash("secret: {}", Cost(14, 8, 1)))
    (folder / "config.yml").write_text(text.replace("$BOBS_PASSWORD", "bob's own"))
    return start_server("serve", "config", "config.yml", cwd=folder)


def attempt(server, provider, username, password) -> httpx.Response:
    form = {"grant_type": "password", "username": username, "password": password}
    return httpx.post(f"{server.url}/api/v1/auth/provider/{provider}/token", data=form)


@pytest.mark.parametrize(
    ("provider", "username", "password"),
    [
        ("lab", "alice", "secret: {}"),
        ("lab", "bob", "bob's own"),
        ("old", "carol", "plain"),
        ("anyone", "whoever", "whatever"),
    ],
)
def test_the_right_password_gives_tokens_with_which_one_is_known(server, provider, username, password):
    answer = attempt(server, provider, username, password)
    assert answer.status_code == 200
    assert answer.json()["identity"] == {"id": username, "provider": provider}
    token = {"authorization": f"Bearer {answer.json()['access_token']}"}
    known = httpx.get(f"{server.url}/api/v1/auth/whoami", headers=token).json()
    assert [each["id"] for each in known["identities"]] == [username]
    assert httpx.get(f"{server.url}/api/v1/metadata/", headers=token).status_code == 200


@pytest.mark.parametrize(
    ("provider", "username", "password"),
    [
        ("lab", "alice", "wrong"),
        ("lab", "carol", "plain"),
        ("old", "alice", "secret: {}"),
        ("anyone", " ", "whatever"),
        ("machine", "root", "wrong"),
        ("machine", "nobody-has-this-name", "wrong"),
        ("machine", "../root", "wrong"),
    ],
)
def test_a_wrong_one_gives_nothing(server, provider, username, password):
    answer = attempt(server, provider, username, password)
    assert answer.status_code == 401
    assert "user name and password do not belong together" in answer.json()["detail"]


def test_without_a_login_nothing_is_shown(server):
    assert httpx.get(f"{server.url}/api/v1/metadata/").status_code == 401


def test_the_ways_to_log_in_are_told(server):
    told = httpx.get(f"{server.url}/api/v1/").json()["authentication"]["providers"]
    assert [(each["provider"], each["mode"]) for each in told] == [
        (name, "internal") for name in ("lab", "old", "anyone", "machine")
    ]
    assert told[0]["confirmation_message"] == "Hello {id}."


def test_the_start_warns_of_what_is_no_protection(server):
    said = "".join(server.said)
    assert "ANYONE CAN LOG IN AS ANYBODY" in said
    assert "1 of 2 passwords stand in the configuration" in said
    assert "bob's own" not in said
    assert "scrypt:" not in said


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (
            "{users_to_passwords: {alice: 'scrypt:x'}}",
            "users_to_passwords.alice: a value that begins with 'scrypt:' is",
        ),
        ("{users_to_passwords: {alice: 12345}}", "expected `str`, got `int`"),
        ("{users_to_paswords: {alice: x}}", "did you mean 'users_to_passwords'?"),
        ("{}", "the key 'users_to_passwords' is missing"),
    ],
)
def test_what_is_no_configuration_stops_the_start(run, tmp_path, args, expected):
    (tmp_path / "config.yml").write_text(
        textwrap.dedent(f"""\
            trees: [{{path: /, tree: directory, args: {{path: .}}}}]
            authentication:
              providers: [{{provider: lab, authenticator: dictionary, args: {args}}}]
        """)
    )
    done = run("serve", "config", str(tmp_path / "config.yml"))
    assert done.exit_code != 0
    assert expected in done.output
    assert "12345" not in done.output
