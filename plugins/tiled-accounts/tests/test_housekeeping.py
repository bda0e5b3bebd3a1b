"""What is forgotten, written and let go of by itself."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select
from tiled_accounts import housekeeping, schema
from tiled_accounts.recognised import Known, Recognised

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.access.viewer import Viewer

from .site import PASSWORD, IdentityProvider, Site
from .test_browser import Browser
from .test_devices import Device

DAY = 86400
PASSING = (schema.sessions, schema.device_logins, schema.spent_logins, schema.keys, schema.attempts)


def counts(site: Site) -> dict[str, int]:
    with site.keeper.database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in PASSING
        }


def test_what_has_expired_vanishes(open_site: Callable[..., Site], uri: str, later: Callable[[float], None]) -> None:
    site = open_site(uri, logins={"ext": IdentityProvider()})
    Device(site)
    device, browser = Device(site), Browser(site)
    device.confirm()
    token = browser.come_back(browser.leave()).json()["access_token"]
    site.make_key(expires_in=60, scopes=[], token=token)
    site.make_key(scopes=[], token=token)
    before = counts(site)
    assert min(before[name] for name in before if name != "accounts_attempts") >= 1
    housekeeping.purge(site.keeper.database)
    assert counts(site) == before
    later(8 * DAY)
    housekeeping.purge(site.keeper.database)
    assert counts(site) == {
        "accounts_sessions": 0, "accounts_device_logins": 0, "accounts_spent_logins": 0, "accounts_keys": 1,
        "accounts_attempts": 0,
    }  # fmt: skip


def test_failed_attempts_vanish(site: Site, later: Callable[[float], None]) -> None:
    site.try_to_log_in("alice", "wrong")
    assert counts(site)["accounts_attempts"] == 1
    later(901)
    housekeeping.purge(site.keeper.database)
    assert counts(site)["accounts_attempts"] == 0


def test_it_happens_by_itself(open_site: Callable[..., Site], uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr(housekeeping, "PURGE_SECONDS", 0.0)
    site = open_site(uri, session_max_age=0.5, refresh_token_max_age=0.5)
    token = site.log_in()["access_token"]
    site.status(token=token)
    waiting = threading.Event()
    for _ in range(500):
        if counts(site)["accounts_sessions"] == 0:
            break
        waiting.wait(0.02)
    assert counts(site)["accounts_sessions"] == 0
    assert not site.keeper.activity.pending


def test_those_who_only_fail_to_log_in_leave_nothing_for_ever(
    open_site: Callable[..., Site], uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = open_site(uri)
    site.try_to_log_in("alice", "wrong")
    assert [thread.name for thread in threading.enumerate()].count("tiled-accounts") >= 1


def test_a_login_is_closed_with_the_server(open_site: Callable[..., Site]) -> None:
    closed = []

    class Closing(IdentityProvider):
        def close(self) -> None:
            closed.append(self)
            raise OSError

    site = open_site(logins={"ext": Closing()})
    site.keeper.close()
    assert len(closed) == 1


def test_activities_are_written_when_the_server_ends(site: Site) -> None:
    key = site.make_key(token=site.log_in()["access_token"])
    site.status(key=key)
    assert site.keeper.activity.pending
    site.keeper.close()
    with site.keeper.database.reading() as connection:
        assert connection.execute(select(schema.keys.c.latest_activity)).scalar_one() is not None


def test_an_activity_never_moves_back(site: Site) -> None:
    token = site.log_in()["access_token"]
    known = site.keeper._identify_key(site.make_key(token=token))
    for moment in (4e9, 3e9):
        site.keeper.activity.note(known, moment)
        site.keeper.activity.flush()
    with site.keeper.database.reading() as connection:
        assert connection.execute(select(schema.keys.c.latest_activity)).scalar_one() == 4e15


def test_a_server_that_is_closed_opens_again(site: Site) -> None:
    token = site.log_in()["access_token"]
    key = site.make_key(token=token)
    assert site.status(key=key) == 200
    site.keeper.close()
    site.keeper.close()
    assert site.status(key=key) == 200
    assert site.status(token=token) == 200
    site.log_in("bob")


def test_what_is_in_memory_lasts_as_long_as_the_server_object(open_site: Callable[..., Site]) -> None:
    site = open_site()
    tokens = site.log_in()
    site.keeper.close()
    assert site.refresh(tokens["refresh_token"]).status_code == 200


def test_memory_is_warned_of(open_site: Callable[..., Site], uri: str, caplog: pytest.LogCaptureFixture) -> None:
    open_site(uri)
    assert "in the memory" not in caplog.text
    open_site(None)
    assert "in the memory" in caplog.text


def test_servers_in_memory_do_not_share_accounts(open_site: Callable[..., Site]) -> None:
    one, other = open_site(), open_site()
    assert other.refresh(one.log_in()["refresh_token"]).status_code == 401


def test_a_closed_server_leaves_no_thread_and_no_file_open(make_uri: Callable[[str], str]) -> None:
    for kind in ("sqlite", "postgresql"):
        uri = make_uri(kind)
        before, process = set(threading.enumerate()), psutil.Process()
        connected = len(process.net_connections("unix"))
        site = Site(uri, logins={"toy": Slow()})
        site.keeper.recognise(Credentials(api_key="x"))
        site.status(token=site.log_in()["access_token"])
        site.close()
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith("tiled-accounts"):
                thread.join(5)
        assert not [each.name for each in threading.enumerate() if each.name.startswith("tiled-accounts")]
        path = uri.removeprefix("sqlite:///")
        assert not [each.path for each in process.open_files() if each.path.startswith(path)]
        assert len(process.net_connections("unix")) <= connected


def test_a_server_that_is_dropped_leaves_no_thread(make_uri: Callable[[str], str]) -> None:
    site = Site(make_uri("postgresql"))
    site.keeper.recognise(Credentials(api_key="x"))
    site.status(token=site.log_in()["access_token"])
    site.http.close()
    del site
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith("tiled-accounts"):
            thread.join(10)
            assert not thread.is_alive()


class Slow:
    """A login that is a coroutine, and so needs an event loop."""

    async def authenticate(self, username: str, password: str) -> str:
        return username


class TestRemembering:
    """What is remembered of credentials is bounded."""

    viewer = Viewer(name="x", scopes=NO_SCOPES)

    def known(self) -> Known:
        return Known(self.viewer, 4e9, 1)

    def test_the_oldest_goes_first(self) -> None:
        remembered = Recognised(size=3)
        for number in range(5):
            remembered.put(b"%d" % number, self.known(), 0)
        assert [number for number in range(5) if remembered.get(b"%d" % number)] == [2, 3, 4]

    def test_what_is_older_than_a_change_is_not_taken(self) -> None:
        remembered = Recognised()
        remembered.clear()
        remembered.put(b"x", self.known(), 0)
        assert remembered.get(b"x") is None


def test_nothing_secret_is_said_in_logs_or_by_objects(
    open_site: Callable[..., Site], uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site = open_site(uri)
    tokens = site.log_in()
    key = site.make_key(token=tokens["access_token"])
    site.status(key=key)
    site.refresh(tokens["refresh_token"])
    site.try_to_log_in("alice", "hunter2")
    said = caplog.text + repr(site.keeper.database) + repr(site.keeper) + repr(site.keeper.tokens)
    for secret in (PASSWORD, "hunter2", key, tokens["access_token"], tokens["refresh_token"], "s" * 40):
        assert secret not in said


def test_passwords_of_databases_are_not_said(tmp_path: Path) -> None:
    from tiled_accounts.uris import parse_uri, shown

    for uri in ("postgresql://u:hunter2@h/d", "postgresql://u@h/d?password=hunter2"):
        assert "hunter2" not in shown(parse_uri(uri)) + repr(parse_uri(uri))
