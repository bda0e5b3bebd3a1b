"""The reference's own client, as it is published, with our accounts: it logs in, stays logged in, and makes keys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Server, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONFIGURATION = """\
trees:
  - {path: /, tree: "tiledkernel.examples.generated_minimal:tree"}
authentication:
  providers:
    - provider: toy
      authenticator: dictionary
      args: {users_to_passwords: {alice: secret1, bob: secret2}}
    - {provider: ext, authenticator: "beside_login:Login"}
  tiled_admins: [{provider: toy, id: alice}]
  secret_keys: [kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk]
  access_token_max_age: 2
database: {uri: accounts.db, init_if_not_exists: true}
"""
LOGIN = '''\
"""A provider that lets everybody in as carol, at once."""

from tiledkernel.access.logins import Departure, Identity


class Login:
    confirmation_message = "You are {id}."

    def depart(self, redirect_uri, state):
        return Departure(url=f"{redirect_uri}?code=any&state={state}")

    def arrive(self, redirect_uri, parameters, remembered):
        return Identity(id="carol")
'''
SCRIPT = r"""
import contextlib, io, json, re, sys, threading, time, webbrowser
import httpx
from tiled.client import from_uri
from tiled.client.context import Context, device_code_grant, password_grant

url = sys.argv[1]
told = {}

def note(name, ask):
    try:
        told[name] = ask()
    except Exception as error:
        told[name] = f"{type(error).__name__}: {str(error)[:3]}"

def connected(name, password):
    context, _ = Context.from_any_uri(url)
    (link,) = [p.links["auth_endpoint"] for p in context.server_info.authentication.providers if p.provider == "toy"]
    context.configure_auth(password_grant(context.http_client, link, "toy", name, password))
    return context

def ids(context):
    return [identity["id"] for identity in context.whoami()["identities"]]

note("wrong password", lambda: connected("bob", "guess"))
bob = connected("bob", "secret2")
note("who", lambda: ids(bob))
first = bob.tokens["access_token"]
time.sleep(2.5)
note("refreshed", lambda: (ids(bob), bob.tokens["access_token"] != first))
key = bob.create_api_key(scopes=["read:metadata"], expires_in="10m", note="n")
with_key, _ = Context.from_any_uri(url, api_key=key["secret"])
note("key", lambda: {n: v for n, v in with_key.which_api_key().items() if n in ("note", "scopes", "access_tags")})
note("too much", lambda: bob.create_api_key(scopes=["admin:apikeys"]))
note("names", lambda: list(from_uri(url, api_key=bob.create_api_key(expires_in=60)["secret"])))
bob.revoke_api_key(key["first_eight"])
note("revoked", with_key.which_api_key)
session = bob.whoami()["sessions"][0]["uuid"]
bob.revoke_session(session)
note("ended", bob.force_auth_refresh)
bob = connected("bob", "secret2")
bob.logout()
note("logged out", lambda: (bob.authenticated, bob.logout()))

alice = connected("alice", "secret1")
service = alice.admin.create_service_principal("user")
made = alice.admin.create_api_key(service["uuid"], expires_in=600)
note("service", lambda: Context.from_any_uri(url, api_key=made["secret"])[0].whoami()["type"])
note("listed", lambda: service["uuid"] in [p["uuid"] for p in alice.admin.list_principals(0, 50)])
note("shown", lambda: alice.admin.show_principal(service["uuid"])["api_keys"][0]["first_eight"] == made["first_eight"])
alice.admin.revoke_api_key(service["uuid"], made["first_eight"])
note("gone", lambda: alice.admin.show_principal(service["uuid"])["api_keys"])

screen, opened = io.StringIO(), []
webbrowser.open = opened.append

def person():
    while not (shown := re.search(r"\b[0-9A-F]{4}-[0-9A-F]{4}\b", screen.getvalue())):
        time.sleep(0.05)
    page = re.search(r"https?://\S+", screen.getvalue())[0]
    with httpx.Client() as browser:
        fields = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', browser.get(page).text))
        to = page.partition("?")[0] + "?code=any"
        told["page"] = browser.post(to, data=fields | {"user_code": shown[0]}).status_code

carol, _ = Context.from_any_uri(url)
(link,) = [p.links["auth_endpoint"] for p in carol.server_info.authentication.providers if p.provider == "ext"]
threading.Thread(target=person, daemon=True).start()
with contextlib.redirect_stdout(screen):
    carol.configure_auth(device_code_grant(carol.http_client, link, None, None))
note("device", lambda: ids(carol))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(start: Callable[..., Server], reference_python: Path, tmp_path_factory: Any) -> dict[str, Any]:
    """What the client answers."""
    folder = tmp_path_factory.mktemp("accounts")
    (folder / "beside_login.py").write_text(LOGIN)
    (folder / "script.py").write_text(SCRIPT)
    url = start(Path(sys.executable).with_name("tiledkernel"), CONFIGURATION, folder).url()
    done = subprocess.run(
        [reference_python, "-W", "ignore", "script.py", url],
        cwd=folder, env=environment(TILED_CACHE_DIR=str(folder)), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wrong password", "ClientError: 401"),
        ("who", ["bob"]),
        ("refreshed", [["bob"], True]),
        ("key", {"note": "n", "scopes": ["read:metadata"], "access_tags": None}),
        ("too much", "ClientError: 403"),
        ("names", ["A", "B", "C", "D"]),
        ("revoked", "ClientError: 401"),
        ("ended", "CannotRefreshAuthentication: Ses"),
        ("logged out", [False, None]),
        ("service", "service"),
        ("listed", True),
        ("shown", True),
        ("gone", []),
        ("page", 200),
        ("device", ["carol"]),
    ],
)
def test_the_unmodified_client_is_answered(told: dict[str, Any], name: str, expected: Any) -> None:
    assert told[name] == expected
