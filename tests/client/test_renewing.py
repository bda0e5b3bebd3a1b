"""A login goes on silently: tokens are renewed once, whoever needs them, and the end of a login is told."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stamina

from tests.login_server import CSRF, UUIDS, LoginServer
from tiledkernel.client import ClientError, Context, from_context
from tiledkernel.client.aio import AsyncContext
from tiledkernel.client.auth import CannotRefreshAuthentication
from tiledkernel.client.cache import Cache
from tiledkernel.client.calls import call_message, call_upload
from tiledkernel.client.errors import LoginError, ServerError
from tiledkernel.client.file_locks import SharedLock
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import ask_message, ask_upload
from tiledkernel.client.tokens import TokenFiles

REFRESH, WHOAMI = "auth/session/refresh", "auth/whoami"


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def app() -> LoginServer:
    return LoginServer()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def introduce(face: Any, store: Path) -> Callable[..., Any]:
    return lambda app, **settings: face.introduce(app, **{"token_cache": store} | settings)


@pytest.fixture
def alice(introduce: Any, app: LoginServer) -> Any:
    """The connection of somebody who has logged in, and is remembered."""
    context = introduce(app)
    context.configure_auth(app._new_session("alice"))
    return context


def files_of(context: Any, store: Path) -> TokenFiles:
    return TokenFiles(str(context.api_uri), store)


# Silently


def test_an_expired_token_is_renewed_and_the_request_made_again(face: Any, alice: Any, app: Any, store: Path) -> None:
    app.expire()
    face.enter(alice)
    assert app.paths("/api/v1/")[1:] == ["metadata/", REFRESH, "metadata/"]
    asked = app.last(REFRESH)
    assert (asked.json, asked.headers["x-csrf"]) == ({"refresh_token": "refresh-1"}, CSRF)
    assert "authorization" not in asked.headers
    assert app.last("metadata/").headers["authorization"] == "Bearer access-2"
    assert dict(files_of(alice, store).read())["refresh_token"] == "refresh-2"


def test_a_token_that_is_about_to_expire_is_renewed_unasked(face: Any, introduce: Any) -> None:
    app = LoginServer(expires_in=0.2)
    alice = introduce(app)
    alice.configure_auth(app._new_session("alice"))
    time.sleep(0.25)
    app.expires_in = 900.0
    face.enter(alice)
    assert app.paths("/api/v1/")[1:] == [REFRESH, "metadata/"]


def test_a_body_is_sent_again(face: Any, alice: Any, app: Any) -> None:
    app.expire()
    call = call_upload("PATCH", f"{alice.api_uri}auth/apikey", memoryview(b"x" * 300_000), "text/plain")
    with pytest.raises(ClientError, match=r"^405"):
        face.shown(alice.run(ask_upload(call)))
    assert [len(asked.body) for asked in app.asked if asked.method == "PATCH"] == [300_000, 300_000]


def test_a_lack_of_scopes_is_no_reason_to_renew(face: Any, alice: Any, app: Any) -> None:
    app.scopes = "read:data"
    with pytest.raises(ClientError, match=r"^401: not enough permissions"):
        face.enter(alice)
    assert app.count(REFRESH) == 0


def test_what_is_refused_with_a_new_token_too_is_refused(face: Any, alice: Any, app: Any) -> None:
    app.stubborn = True
    with pytest.raises(ClientError, match=r"^401"):
        face.enter(alice)
    assert app.paths("/api/v1/")[1:] == ["metadata/", REFRESH, "metadata/"]


def test_without_a_refresh_token_a_refusal_stands(face: Any, introduce: Any, app: Any) -> None:
    context = introduce(app)
    context.configure_auth({"access_token": app._new_session("alice")["access_token"]})
    app.expire()
    with pytest.raises(ClientError, match=r"^401: Access token has expired"):
        face.enter(context)


def test_a_token_goes_to_no_other_server(listen: Any) -> None:
    app, other = LoginServer(), LoginServer()
    uri = app.base = listen(app)
    with Context(uri) as context:
        context.configure_auth(app._new_session("alice"), remember_me=False)
        context.http_client.get(f"{uri}/api/v1/auth/whoami")
        context.http_client.get(f"{listen(other)}/api/v1/auth/whoami")
    assert app.last(WHOAMI).headers["authorization"] == "Bearer access-1"
    assert "authorization" not in other.last(WHOAMI).headers


# Once


def test_many_threads_renew_a_login_once(listen: Any) -> None:
    app = LoginServer(slow=0.3)
    uri = app.base = listen(app)
    with Context(uri) as context:
        context.configure_auth(app._new_session("alice"))
        app.expire()
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            found = list(pool.map(lambda _: context.whoami(), range(12)))
    assert [person["uuid"] for person in found] == [UUIDS["alice"]] * 12
    assert app.count(REFRESH) == 1


def test_many_tasks_renew_a_login_once(listen: Any) -> None:
    app = LoginServer(slow=0.2)
    uri = app.base = listen(app)

    async def program() -> list[Any]:
        async with await AsyncContext.connect(uri) as context:
            context.configure_auth(app._new_session("alice"), remember_me=False)
            app.expire()
            return await asyncio.gather(*(context.whoami() for _ in range(12)))

    assert [person["uuid"] for person in asyncio.run(program())] == [UUIDS["alice"]] * 12
    assert app.count(REFRESH) == 1


SCRIPT = """
import sys
from tiledkernel.client import from_uri
client = from_uri(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(client.context.whoami()["uuid"])
"""


def test_many_processes_renew_a_login_once(listen: Any) -> None:
    app = LoginServer(slow=0.5)
    uri = app.base = listen(app)
    with Context(uri) as context:
        context.configure_auth(app._new_session("alice"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([sys.executable, "-c", SCRIPT, uri], **pipes) for _ in range(3)]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    app.expire()
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in running] == [f"{UUIDS['alice']}\n"] * 3
    assert app.count(REFRESH) == 1


def test_what_another_process_has_renewed_is_used(face: Any, alice: Any, introduce: Any, app: Any) -> None:
    other = introduce(app)
    face.shown(other.use_cached_tokens())
    app.expire()
    face.shown(other.whoami())
    app.asked.clear()
    face.shown(alice.whoami())
    assert app.paths() == [WHOAMI, WHOAMI]
    assert alice.tokens["access_token"] == "access-2"


def test_what_another_process_has_renewed_long_ago_is_renewed_again(
    face: Any, alice: Any, introduce: Any, app: Any
) -> None:
    other = introduce(app)
    face.shown(other.use_cached_tokens())
    for _ in "ab":
        app.expire()
        face.shown(other.whoami())
    app.expire()
    app.asked.clear()
    face.shown(alice.whoami())
    assert app.paths() == [WHOAMI, WHOAMI, REFRESH, WHOAMI]


def test_a_program_that_does_not_wait_for_others_ends_no_login(face: Any, alice: Any, introduce: Any, app: Any) -> None:
    """It takes the refresh token that is about to be used, and keeps what it gets."""
    other = introduce(app)
    face.shown(other.use_cached_tokens())
    renewed = app._renewed

    def renewing_for_another_first(token: str) -> Any:
        app._renewed = renewed
        other.configure_auth(renewed(token))
        return renewed(token)

    app._renewed = renewing_for_another_first
    app.expire()
    assert face.shown(alice.whoami())["uuid"] == UUIDS["alice"]
    assert (alice.tokens["access_token"], app.count(REFRESH)) == ("access-2", 1)


def test_nobody_becomes_somebody_else_by_renewing(face: Any, alice: Any, introduce: Any, app: Any, store: Path) -> None:
    """Bob logs in at another terminal of the same account: this connection remains Alice's, its files are Bob's."""
    introduce(app).configure_auth(app._new_session("bob"))
    app.expire()
    assert face.shown(alice.whoami())["uuid"] == UUIDS["alice"]
    assert files_of(alice, store).read()["refresh_token"] == "refresh-2"
    face.shown(alice.logout())
    assert files_of(alice, store).read()["refresh_token"] == "refresh-2"


def test_who_waits_for_a_renewal_too_long_is_told(
    face: Any, alice: Any, app: Any, monkeypatch: pytest.MonkeyPatch, store: Path
) -> None:
    monkeypatch.setattr("tiledkernel.client.auth._LONGEST_WAIT", 0.2)
    lock = SharedLock(files_of(alice, store).lock_file)
    assert lock.acquire()
    app.expire()
    with pytest.raises(LoginError, match="another program has been renewing"):
        face.shown(alice.whoami())
    lock.release()
    face.shown(alice.whoami())


# Until it ends


def test_the_end_of_a_login_is_told_and_its_tokens_are_forgotten(face: Any, alice: Any, app: Any, store: Path) -> None:
    app.end_sessions()
    for _ in "ab":
        with pytest.raises(CannotRefreshAuthentication, match=r"has ended \(Session has expired"):
            face.enter(alice) if alice.authenticated else face.shown(alice.whoami())
    assert (dict(files_of(alice, store).read()), dict(alice.tokens), alice.authenticated) == ({}, {}, False)
    assert app.count(REFRESH) == 1


def test_after_the_end_one_can_log_in_again(face: Any, alice: Any, app: Any) -> None:
    client = face.enter(alice)
    app.end_sessions()
    with pytest.raises(CannotRefreshAuthentication):
        face.shown(alice.whoami())
    alice.configure_auth(app._new_session("bob"))
    assert face.shown(client.context.whoami())["uuid"] == UUIDS["bob"]


def test_after_the_end_one_can_go_on_as_nobody(face: Any, introduce: Any) -> None:
    app = LoginServer(required=False)
    alice = introduce(app)
    alice.configure_auth(app._new_session("alice"))
    app.end_sessions()
    with pytest.raises(CannotRefreshAuthentication, match=r"context\.logout"):
        face.shown(alice.whoami())
    face.shown(alice.logout())
    face.enter(alice)
    assert "authorization" not in app.last("metadata/").headers


def test_a_server_that_fails_for_a_while_ends_nothing(face: Any, alice: Any, app: Any, impatient: None) -> None:
    app.expire()
    app.away = 2
    face.shown(alice.whoami())
    assert app.count(REFRESH) == 3


def test_what_must_not_be_done_twice_is_tried_again_if_only_the_renewal_failed(
    face: Any, alice: Any, app: Any, impatient: None
) -> None:
    app.expire()
    app.away = 1
    call = call_upload("PATCH", f"{alice.api_uri}auth/apikey", memoryview(b"x"), "text/plain")
    with pytest.raises(ClientError, match=r"^405"):
        face.shown(alice.run(ask_upload(call)))
    assert [asked.method for asked in app.asked if asked.path.startswith("/api/v1/auth")] == [
        "PATCH", "POST", "PATCH", "POST", "PATCH",
    ]  # fmt: skip


def test_a_server_that_goes_on_failing_ends_nothing_either(face: Any, alice: Any, app: Any, store: Path) -> None:
    app.expire()
    app.away = 100
    with stamina.set_testing(True, attempts=2), pytest.raises(ServerError, match="come again later"):
        face.shown(alice.whoami())
    assert app.count(REFRESH) == 2
    assert files_of(alice, store).read()["refresh_token"] == "refresh-1"
    app.away = 0
    face.shown(alice.whoami())


@pytest.mark.parametrize("answer", [{"access_token": ""}, {"refresh_token": "r"}, [], {"access_token": "a b"}])
def test_an_answer_without_tokens_is_an_error(face: Any, alice: Any, app: Any, answer: Any, store: Path) -> None:
    app._renewed = lambda token: answer
    app.expire()
    with pytest.raises(UnexpectedAnswer, match="token"):
        face.shown(alice.whoami())
    assert files_of(alice, store).read()["refresh_token"] == "refresh-1"


# Elsewhere


def test_a_pickled_connection_has_no_tokens(listen: Any) -> None:
    app = LoginServer(required=False)
    uri = app.base = listen(app)
    with Context(uri) as context:
        context.configure_auth(app._new_session("alice"))
        pickled = pickle.dumps(context)
        assert b"access-1" not in pickled
        assert b"refresh-1" not in pickled
        with pickle.loads(pickled) as copied:
            assert not copied.authenticated


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_goes_on_with_the_login(listen: Any) -> None:
    app = LoginServer()
    uri = app.base = listen(app)
    with Context(uri) as context:
        context.configure_auth(app._new_session("alice"))
        assert context.current_login.lock.acquire()  # as by another thread
        threading.Timer(0.5, context.current_login.lock.release).start()
        app.expire()
        child = os.fork()
        if not child:
            try:
                person = context.whoami()
                os._exit(0 if person and person["uuid"] == UUIDS["alice"] else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert context.whoami()["uuid"] == UUIDS["alice"]
    assert app.count(REFRESH) == 1


def test_answers_are_kept_for_the_person_and_not_for_the_token(listen: Any, tmp_path: Path) -> None:
    app = LoginServer()
    uri = app.base = listen(app)
    cache = Cache(tmp_path / "answers.db")
    with cache, Context(uri, cache=cache) as context:
        context.configure_auth(app._new_session("alice"), remember_me=False)
        from_context(context)
        from_context(context)
        assert (app.count("metadata/"), cache.count()) == (2, 2)
        context.force_auth_refresh()
        assert _revalidates(context, app)
        context.configure_auth(app._new_session("bob"), remember_me=False)
        assert not _revalidates(context, app)


def _revalidates(context: Context, app: LoginServer) -> bool:
    context.run(ask_message(call_message(f"{context.api_uri}metadata/")))
    return "if-none-match" in app.last("metadata/").headers


def test_answers_for_nobody_knows_whom_are_not_kept(listen: Any, tmp_path: Path) -> None:
    app = LoginServer()
    uri = app.base = listen(app)
    cache = Cache(tmp_path / "answers.db")
    with cache, Context(uri, cache=cache) as context:
        before = cache.count()
        context.configure_auth({"access_token": app._new_session("alice")["access_token"]}, remember_me=False)
        from_context(context)
        assert cache.count() == before
        context.whoami()
        from_context(context)
        assert cache.count() == before + 1


# The lock


@pytest.mark.parametrize("with_file", [False, True])
def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path, with_file: Any) -> None:
    lock = SharedLock(tmp_path / "lock" if with_file else None)
    assert [lock.acquire(), lock.acquire()] == [True, False]
    lock.release()
    assert lock.acquire()


def test_locks_of_one_file_exclude_each_other(tmp_path: Path) -> None:
    one, other = SharedLock(tmp_path / "lock"), SharedLock(tmp_path / "lock")
    assert [one.acquire(), other.acquire()] == [True, False]
    one.release()
    assert other.acquire()


def test_a_folder_that_is_gone_excludes_nobody(tmp_path: Path) -> None:
    lock = SharedLock(tmp_path / "gone" / "lock")
    for _ in "ab":
        assert lock.acquire()
        lock.release()
