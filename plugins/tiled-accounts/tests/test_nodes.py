"""Several nodes with one database: they know the same accounts, and hear of what changes."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tiled_accounts import changes
from tiled_accounts.keys import digest_of

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.viewer import Viewer

from .site import PASSWORD, Site

PROMPT = 2.0  # seconds; it takes milliseconds, but this machine may be busy
CONFIGURATION = """\
trees: [{{path: /, tree: "tiledkernel.examples.generated_minimal:tree"}}]
authentication:
  providers: [{{provider: toy, authenticator: dictionary, args: {{users_to_passwords: {{alice: {password}}}}}}}]
  secret_keys: [ssssssssssssssssssssssssssssssssssssssss]
database: {{uri: "{uri}", init_if_not_exists: true}}
"""


def recognised(site: Site, credentials: Credentials) -> Viewer:
    """The viewer, once it is recognised without a look-up."""
    deadline = time.monotonic() + PROMPT
    while time.monotonic() < deadline:
        viewer = site.keeper.identify(credentials)
        if (found := site.keeper.recognise(credentials)) is not None:
            assert found == viewer
            return found
        time.sleep(0.01)
    pytest.fail("nothing is remembered")


def becomes(status: int, ask: Callable[[], httpx.Response]) -> None:
    """An answer, very soon."""
    deadline = time.monotonic() + PROMPT
    while (response := ask()).status_code != status:
        assert time.monotonic() < deadline, response.text
        time.sleep(0.01)


@pytest.fixture
def nodes(open_site: Callable[..., Site], uri: str) -> tuple[Site, Site]:
    return open_site(uri), open_site(uri)


def test_a_known_credential_is_recognised_at_once_as_the_same_viewer(site: Site) -> None:
    token = site.log_in()["access_token"]
    for credentials in (Credentials(bearer=token), Credentials(api_key=site.make_key(token=token))):
        viewer = recognised(site, credentials)
        assert site.keeper.recognise(credentials) is viewer


def test_a_session_of_one_node_is_refreshed_by_another(nodes: tuple[Site, Site]) -> None:
    one, other = nodes
    tokens = other.refresh(one.log_in()["refresh_token"]).json()
    assert one.status(token=tokens["access_token"]) == 200
    assert one("POST", "/auth/session/revoke", json={"refresh_token": tokens["refresh_token"]}).status_code == 204
    assert other.refresh(tokens["refresh_token"]).status_code == 401


def test_a_key_that_one_node_revokes_is_refused_by_all(nodes: tuple[Site, Site]) -> None:
    one, other = nodes
    token = one.log_in()["access_token"]
    key = one.make_key(token=token)
    recognised(other, Credentials(api_key=key))
    assert one("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=token).status_code == 204
    becomes(401, lambda: other("GET", "/metadata/", key=key))


def test_what_others_do_besides_lets_nobody_forget(nodes: tuple[Site, Site]) -> None:
    """Logins and activities are written all the time."""
    one, other = nodes
    credentials = Credentials(api_key=one.make_key(token=one.log_in()["access_token"]))
    viewer = recognised(other, credentials)
    one.log_in("bob")
    one.status(key=credentials.api_key)
    one.keeper.activity.flush()
    time.sleep(0.1)
    assert other.keeper.recognise(credentials) is viewer


def test_what_was_read_before_a_change_is_not_kept_after_it(site: Site) -> None:
    """A key is looked up, then revoked, and only then the look-up ends."""
    token = site.log_in()["access_token"]
    key = site.make_key(token=token)
    remembered = site.keeper._keys
    known = recognised(site, Credentials(api_key=key))
    before, entry = remembered.generation, remembered.get(digest_of(key))
    site("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=token)
    remembered.put(digest_of(key), entry, before)
    assert known is not None
    assert site.keeper.recognise(Credentials(api_key=key)) is None


class TestListening:
    """On PostgreSQL nodes hear of changes, and believe nothing while they cannot hear."""

    @pytest.fixture
    def uri(self, make_uri: Callable[[str], str]) -> str:
        return make_uri("postgresql")

    @staticmethod
    def listeners(uri: str) -> list[int]:
        with psycopg.connect(uri, autocommit=True) as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE query = 'SELECT 1' AND state = 'idle'")
            return [pid for (pid,) in rows]

    def test_who_cannot_hear_believes_nothing_and_asks(self, uri: str, nodes: tuple[Site, Site]) -> None:
        one, other = nodes
        token = one.log_in()["access_token"]
        key = one.make_key(token=token)
        credentials = Credentials(api_key=key)
        recognised(other, credentials)
        other.keeper._watch._ear.heard -= changes.LEASE
        assert other.keeper.recognise(credentials) is None
        assert other.status(key=key) == 200

    def test_who_was_cut_off_hears_again(self, uri: str, nodes: tuple[Site, Site], caplog: Any) -> None:
        one, other = nodes
        token = one.log_in()["access_token"]
        key = one.make_key(token=token)
        credentials = Credentials(api_key=key)
        recognised(other, credentials)
        with psycopg.connect(uri, autocommit=True) as connection:
            for pid in self.listeners(uri):
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        deadline = time.monotonic() + PROMPT
        while other.keeper.recognise(credentials) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        recognised(other, credentials)
        assert one("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=token).status_code == 204
        becomes(401, lambda: other("GET", "/metadata/", key=key))

    def test_a_closed_node_listens_no_more_until_it_is_asked(self, uri: str, open_site: Callable[..., Site]) -> None:
        site = open_site(uri)
        credentials = Credentials(api_key=site.make_key(token=site.log_in()["access_token"]))
        recognised(site, credentials)
        site.keeper.close()
        assert site.keeper._watch._ear is None
        recognised(site, credentials)


class TestFiles:
    """On SQLite the file itself tells."""

    @pytest.fixture
    def uri(self, make_uri: Callable[[str], str]) -> str:
        return make_uri("sqlite")

    def test_a_revoked_key_is_refused_with_the_very_next_request(self, nodes: tuple[Site, Site]) -> None:
        one, other = nodes
        token = one.log_in()["access_token"]
        for _ in range(20):
            key = one.make_key(token=token)
            recognised(other, Credentials(api_key=key))
            one("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=token)
            assert other.keeper.recognise(Credentials(api_key=key)) is None

    def test_asking_holds_nobody_up(self, uri: str, site: Site) -> None:
        """Or else the log of the database could never be taken back into it."""
        recognised(site, Credentials(api_key=site.make_key(token=site.log_in()["access_token"])))
        site.keeper.database.close()
        with contextlib.closing(sqlite3.connect(uri.removeprefix("sqlite:///"), timeout=0)) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)

    def test_a_file_that_cannot_be_asked_is_not_believed(self, uri: str, site: Site) -> None:
        credentials = Credentials(api_key=site.make_key(token=site.log_in()["access_token"]))
        recognised(site, credentials)
        site.keeper._watch.close()
        site.keeper._watch._path = Path("/nowhere/accounts.db")
        assert site.keeper.recognise(credentials) is None
        assert site.keeper.identify(credentials) is not None


def start(start_server: Any, folder: Path, uri: str) -> Any:
    path = folder / "config.yml"
    path.write_text(CONFIGURATION.format(uri=uri, password=PASSWORD))
    return start_server("serve", "config", path)


class Api:
    """A server in a process of its own."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.url = f"{server.url}/api/v1"

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}{path}", trust_env=False, timeout=30, **options)

    def log_in(self) -> dict[str, Any]:
        form = {"username": "alice", "password": PASSWORD}
        response = self("POST", "/auth/provider/toy/token", data=form)
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait(30)


def test_two_processes_share_sessions_and_keys(start_server: Any, tmp_path: Path, uri: str) -> None:
    one, other = (Api(start(start_server, tmp_path, uri)) for _ in range(2))
    tokens = other("POST", "/auth/session/refresh", json={"refresh_token": one.log_in()["refresh_token"]}).json()
    mine = {"authorization": f"Bearer {tokens['access_token']}"}
    made = one("POST", "/auth/apikey", json={"scopes": None, "expires_in": None}, headers=mine).json()
    key = {"authorization": f"Apikey {made['secret']}"}
    assert [other("GET", "/metadata/", headers=key).status_code for _ in range(5)] == [200] * 5
    assert one("DELETE", f"/auth/apikey?first_eight={made['first_eight']}", headers=mine).status_code == 204
    becomes(401, lambda: other("GET", "/metadata/", headers=key))


def test_what_was_acknowledged_survives_a_kill(start_server: Any, tmp_path: Path, uri: str) -> None:
    first = Api(start(start_server, tmp_path, uri))
    tokens = first.log_in()
    mine = {"authorization": f"Bearer {tokens['access_token']}"}
    kept, revoked = (
        first("POST", "/auth/apikey", json={"scopes": None, "expires_in": None}, headers=mine).json() for _ in range(2)
    )
    assert first("DELETE", f"/auth/apikey?first_eight={revoked['first_eight']}", headers=mine).status_code == 204
    first.kill()
    second = Api(start(start_server, tmp_path, uri))
    asked = [
        second("GET", "/metadata/", headers={"authorization": f"Apikey {key['secret']}"}).status_code
        for key in (kept, revoked)
    ]
    assert asked == [200, 401]
    body = {"refresh_token": tokens["refresh_token"]}
    assert second("POST", "/auth/session/refresh", json=body).status_code == 200
    said = "".join([*first.server.said, *second.server.said])
    assert not any(secret in said for secret in (kept["secret"], tokens["access_token"], tokens["refresh_token"]))
