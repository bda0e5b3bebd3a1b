"""Logging in with the passwords of a directory, from a configuration to a server that knows who asks."""

from __future__ import annotations

import httpx
import pytest

CONFIGURATION = """\
trees:
- {{path: /, tree: directory, args: {{path: .}}}}
authentication:
  providers:
  - provider: lab
    authenticator: tiled.authenticators:LDAPAuthenticator
    args:
      server_address: {directory.url}
      ca_certs_file: {directory.authority}
      lookup_dn: true
      user_search_base: dc=example,dc=org
      user_attribute: uid
      lookup_dn_search_user: cn=reader,dc=example,dc=org
      lookup_dn_search_password: reader-secret
      allowed_groups: ["cn=scientists,ou=groups,dc=example,dc=org", "cn=visitors,ou=groups,dc=example,dc=org"]
      confirmation_message: "Hello {{id}}."
  - provider: down
    authenticator: ldap
    args:
      server_address: {nowhere}
      bind_dn_template: "uid={{username}},ou=people,dc=example,dc=org"
"""


@pytest.fixture(scope="module")
def server(start_server, directory, nowhere, tmp_path_factory):
    """A server whose users are those of a directory; another directory is down."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "config.yml").write_text(CONFIGURATION.format(directory=directory, nowhere=nowhere))
    return start_server("serve", "config", "config.yml", cwd=folder)


def attempt(server, provider, username, password) -> httpx.Response:
    form = {"grant_type": "password", "username": username, "password": password}
    return httpx.post(f"{server.url}/api/v1/auth/provider/{provider}/token", data=form)


@pytest.mark.parametrize(("username", "password"), [("alice", "secret"), ("carol", "carol-secret")])
def test_the_right_password_gives_tokens_with_which_one_is_known(server, username, password):
    answer = attempt(server, "lab", username, password)
    assert answer.status_code == 200
    assert answer.json()["identity"] == {"id": username, "provider": "lab"}
    token = {"authorization": f"Bearer {answer.json()['access_token']}"}
    assert httpx.get(f"{server.url}/api/v1/metadata/", headers=token).status_code == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [("alice", "wrong"), ("bob", "bob-secret"), ("alice)(uid=*", "secret"), ("*", "secret")],
)
def test_a_wrong_one_gives_nothing(server, username, password):
    assert attempt(server, "lab", username, password).status_code == 401


def test_a_directory_that_is_down_is_no_wrong_password(server):
    answer = attempt(server, "down", "alice", "secret")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "cannot be asked just now" in answer.json()["detail"]


def test_no_secret_is_in_the_log(server):
    attempt(server, "lab", "alice", "wrong-secret")
    attempt(server, "down", "alice", "wrong-secret")
    assert "secret" not in "".join(server.said).replace("lookup_dn_search_password", "")
