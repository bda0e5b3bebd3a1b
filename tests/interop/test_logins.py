"""Logins and keys: our client at both servers, and logins that both clients remember in the same place."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tiledkernel.client import ClientError, Context, from_uri, record_history
from tiledkernel.client.auth import CannotRefreshAuthentication
from tiledkernel.client.context import CannotPrompt, password_grant

from .asking import KERNEL, REFERENCE
from .conftest import Server, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONFIGURATION = """\
trees:
  - {{path: /, tree: "{package}.examples.generated_minimal:tree"}}
authentication:
  providers:
    - provider: toy
      authenticator: "tiled.authenticators:DictionaryAuthenticator"
      args: {{users_to_passwords: {{alice: secret1, bob: secret2}}, confirmation_message: "You are {{id}}."}}
    - provider: staff
      authenticator: "tiled.authenticators:DictionaryAuthenticator"
      args: {{users_to_passwords: {{carol: secret3}}}}
  tiled_admins: [{{provider: toy, id: alice}}]
  secret_keys: [{key}]
  access_token_max_age: 2
database: {{uri: "sqlite:///{folder}/accounts.db", init_if_not_exists: true}}
"""
WHO = "from {package}.client import from_uri; print(from_uri({url!r}).context.whoami()['identities'][0]['id'])"
LOGIN = (
    "from {package}.client import Context; from {package}.client.context import password_grant as grant\n"
    "context, _ = Context.from_any_uri({url!r})\n"
    "link = context.server_info.authentication.providers[0].links['auth_endpoint']\n"
    "context.configure_auth(grant(context.http_client, link, 'toy', 'bob', 'secret2'))\n"
)


@pytest.fixture(scope="module")
def guarded(start: Callable[..., Server], reference_python: Path, tmp_path_factory: Any) -> dict[str, Server]:
    """Both servers, with the same users."""
    commands = {
        REFERENCE: reference_python.with_name("tiled"),
        KERNEL: Path(sys.executable).with_name("tiledkernel"),
    }
    folders = {package: tmp_path_factory.mktemp(f"guarded-{package}") for package in commands}
    return {
        package: start(
            command, CONFIGURATION.format(package=package, key="k" * 64, folder=folders[package]), folders[package]
        )
        for package, command in commands.items()
    }


@pytest.fixture(params=[REFERENCE, KERNEL])
def url(request: pytest.FixtureRequest, guarded: dict[str, Server]) -> str:
    """The address of each server."""
    return guarded[request.param].url()


@pytest.fixture(autouse=True)
def _own_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path))


@pytest.fixture
def login(url: str) -> Iterator[Callable[..., Context]]:
    """`login("alice", "secret1")`: a connection of that user, which remembers it."""
    contexts = []

    def make(name: str, password: str, provider: str = "toy", **how: Any) -> Context:
        context, _ = Context.from_any_uri(url)
        contexts.append(context)
        ways = {known.provider: known.links for known in context.server_info.authentication.providers}
        given = password_grant(context.http_client, ways[provider]["auth_endpoint"], provider, name, password)
        context.configure_auth(given, **how)
        return context

    yield make
    for context in contexts:
        context.close()


def asked_by(package: str, python: Path | str, code: str, url: str, tmp_path: Path) -> str:
    """What a program prints that uses a client in a process of its own, with the same logins."""
    done = subprocess.run(
        [python, "-c", code.format(package=package, url=url)],
        env=environment(TILED_CACHE_DIR=str(tmp_path)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_cannot_be_asked_is_given_advice(url: str) -> None:
    with pytest.raises(CannotPrompt, match="TILED_API_KEY"):
        from_uri(url)


@pytest.mark.parametrize(("name", "provider"), [("alice", "toy"), ("carol", "staff")])
def test_users_of_each_provider_log_in(login: Any, name: str, provider: str) -> None:
    password = {"alice": "secret1", "carol": "secret3"}[name]
    person = login(name, password, provider).whoami()
    assert [(known["id"], known["provider"]) for known in person["identities"]] == [(name, provider)]


def test_a_wrong_password_is_refused(login: Any) -> None:
    with pytest.raises(ClientError, match=r"^401"):
        login("alice", "guess")


def test_a_login_is_renewed_when_its_token_has_expired(login: Any, url: str) -> None:
    login("alice", "secret1").close()
    client = from_uri(url)
    first = client.context.tokens["access_token"]
    time.sleep(2.5)
    with record_history() as history:
        assert len(client) > 0
    assert [request.url.path.rpartition("/")[2] for request in history.requests] == ["", "refresh", ""]
    assert client.context.tokens["access_token"] != first
    client.context.close()


def test_a_login_that_is_ended_cannot_be_renewed(login: Any) -> None:
    one, other = login("alice", "secret1"), login("alice", "secret1")
    tokens = dict(one.tokens)
    one.logout()
    assert (dict(one.tokens), one.authenticated) == ({}, False)
    one.logout()
    other.configure_auth(tokens, remember_me=False)
    with pytest.raises(CannotRefreshAuthentication, match="has ended"):
        other.force_auth_refresh()


def test_one_session_ends_another(login: Any) -> None:
    one = login("bob", "secret2", remember_me=False)
    before = {session["uuid"] for session in one.whoami()["sessions"]}
    other = login("bob", "secret2", remember_me=False)
    for session in before:
        other.revoke_session(session)
    with pytest.raises(CannotRefreshAuthentication):
        one.force_auth_refresh()
    assert other.force_auth_refresh()


def test_keys_are_made_used_and_revoked(login: Any, url: str) -> None:
    context = login("bob", "secret2")
    key = context.create_api_key(scopes=["read:metadata"], expires_in="10m", note="for a test")
    with Context(url, api_key=key["secret"]) as user:
        told = user.which_api_key()
        assert (told["first_eight"], told["note"], told["scopes"]) == (
            key["secret"][:8],
            "for a test",
            ["read:metadata"],
        )
        assert user.whoami()["uuid"] == context.whoami()["uuid"]
        context.revoke_api_key(key["secret"])
        with pytest.raises(ClientError, match=r"^401"):
            user.whoami()
    with pytest.raises(ClientError, match=r"^403"):
        context.create_api_key(scopes=["admin:apikeys"])
    with pytest.raises(ClientError, match=r"^404"):
        context.revoke_api_key(key["first_eight"])


def test_administrators_see_to_accounts(login: Any, url: str) -> None:
    admin = login("alice", "secret1").admin
    service = admin.create_service_principal("user")
    assert service["type"] == "service"
    assert service["uuid"] in {str(known["uuid"]) for known in admin.list_principals()}
    assert len(admin.list_principals(0, 1)) == 1
    key = admin.create_api_key(service["uuid"], expires_in="1h")
    with Context(url, api_key=key["secret"]) as user:
        assert repr(user).startswith(f"<Context authenticated as service '{service['uuid']}' with API key ")
    (listed,) = admin.show_principal(service["uuid"])["api_keys"]
    assert (listed["first_eight"], listed["expiration_time"]) == (key["first_eight"], key["expiration_time"])
    admin.revoke_api_key(service["uuid"], key["first_eight"])
    assert admin.show_principal(service["uuid"])["api_keys"] == []


def test_users_see_to_nobody_elses_account(login: Any) -> None:
    context = login("bob", "secret2")
    for ask in (context.admin.list_principals, lambda: context.admin.create_service_principal("user")):
        with pytest.raises(ClientError, match=r"^401"):
            ask()


def test_what_our_client_remembers_the_reference_uses(
    login: Any, url: str, reference_python: Path, tmp_path: Path
) -> None:
    login("alice", "secret1")
    assert asked_by(REFERENCE, reference_python, WHO, url, tmp_path) == "alice\n"


def test_what_the_reference_remembers_our_client_uses(url: str, reference_python: Path, tmp_path: Path) -> None:
    asked_by(REFERENCE, reference_python, LOGIN, url, tmp_path)
    assert asked_by(KERNEL, sys.executable, WHO, url, tmp_path) == "bob\n"
