"""Logging in, by both kinds of clients: what the person is asked, and what is kept of the answers."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.login_server import CSRF, UUIDS, LoginServer
from tiledkernel.client import ClientError, record_history
from tiledkernel.client.auth import CannotRefreshAuthentication
from tiledkernel.client.context import CannotPrompt, LoginFailed, PasswordRejected
from tiledkernel.client.errors import LoginError
from tiledkernel.client.login import LoginEnded
from tiledkernel.client.login_state import LoginNotRemembered
from tiledkernel.client.tokens import TokenFiles

TWO = {"toy": "internal", "staff": "internal"}


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TILED_API_KEY", "TILED_FORCE_PROMPT", "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path / "cache"))


class Person:
    """Somebody at a terminal, who has decided what to type; `asked` is what they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._words: list[str] = []
        self._secrets: list[str] = []

    def will_type(self, *words: str) -> None:
        self._words += words

    def will_type_unseen(self, *secrets: str) -> None:
        self._secrets += secrets

    def type(self, prompt: str = "") -> str:
        self.asked.append(prompt)
        return self._words.pop(0)

    def type_unseen(self, prompt: str = "") -> str:
        self.asked.append(prompt)
        return self._secrets.pop(0)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody who can be asked."""
    person = Person()
    monkeypatch.setenv("TILED_FORCE_PROMPT", "1")
    monkeypatch.setattr("builtins.input", person.type)
    monkeypatch.setattr("getpass.getpass", person.type_unseen)
    return person


@pytest.fixture
def app() -> LoginServer:
    return LoginServer()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def introduce(face: Any, store: Path) -> Callable[..., Any]:
    """A connection that remembers logins: `introduce(app)`."""
    return lambda app, **settings: face.introduce(app, **{"token_cache": store} | settings)


@pytest.fixture
def alice(face: Any, introduce: Any, app: LoginServer, person: Person) -> Any:
    """A connection of someone who has just logged in."""
    person.will_type("alice")
    person.will_type_unseen("secret1")
    context = introduce(app)
    face.shown(context.authenticate())
    app.asked.clear()
    return context


def kept(store: Path) -> dict[str, str]:
    """The files that are kept, with what they say."""
    return {file.name: file.read_text() for file in store.rglob("*") if file.is_file() and file.name != ".lock"}


# A name and a password


def test_a_name_and_a_password_are_asked_for(face: Any, introduce: Any, app: Any, person: Person, capsys: Any) -> None:
    person.will_type("alice")
    person.will_type_unseen("secret1")
    context = introduce(app)
    assert not context.authenticated
    face.shown(context.authenticate())
    assert context.authenticated
    assert "".join([*person.asked, capsys.readouterr().err]) == "Password: Username: You have logged in as alice.\n"
    assert app.last("auth/provider/toy/token").form == {
        "grant_type": "password", "username": "alice", "password": "secret1",
    }  # fmt: skip
    assert face.shown(context.whoami())["identities"][0]["id"] == "alice"
    assert app.last("auth/whoami").headers["authorization"] == "Bearer access-1"


def test_login_is_another_name_of_it(face: Any, introduce: Any, app: Any, person: Person) -> None:
    person.will_type("alice")
    person.will_type_unseen("secret1")
    context = introduce(app)
    face.shown(context.login())
    assert context.authenticated


def test_a_wrong_password_is_asked_for_again(face: Any, introduce: Any, app: Any, person: Person, capsys: Any) -> None:
    person.will_type("alice")
    person.will_type_unseen("wrong", "wrong", "secret1")
    context = introduce(app)
    face.shown(context.authenticate())
    assert context.authenticated
    assert capsys.readouterr().err.count("Username or password not recognized. Retry, or press Enter to cancel.\n") == 2


def test_three_wrong_passwords_are_enough(face: Any, introduce: Any, app: Any, person: Person) -> None:
    person.will_type("alice")
    person.will_type_unseen("a", "b", "c", "secret1")
    context = introduce(app)
    with pytest.raises(PasswordRejected, match="3 passwords were not recognized"):
        face.shown(context.authenticate())
    assert app.count("auth/provider/toy/token") == 3
    assert not context.authenticated


@pytest.mark.parametrize(("name", "password"), [("", ""), ("alice", "")])
def test_typing_nothing_cancels(face: Any, introduce: Any, app: Any, person: Person, name: str, password: str) -> None:
    person.will_type(name)
    person.will_type_unseen(password)
    with pytest.raises(PasswordRejected, match="cancelled"):
        face.shown(introduce(app).authenticate())
    assert app.paths() == []


def test_another_failure_of_the_server_is_no_wrong_password(face: Any, introduce: Any, person: Person) -> None:
    person.will_type("alice")
    person.will_type_unseen("secret1")
    context = introduce(LoginServer())
    context.server_info.authentication.providers[0].links["auth_endpoint"] = "http://local-tiled-app/api/v1/x"
    with pytest.raises(ClientError, match=r"^404"):
        face.shown(context.authenticate())


# Several providers


@pytest.mark.parametrize("answers", [("2",), ("staff",), ("0", "three", "2")])
def test_one_of_several_providers_is_chosen_by_its_number(
    face: Any, introduce: Any, person: Person, capsys: Any, answers: tuple[str, ...]
) -> None:
    app = LoginServer(modes=TWO)
    person.will_type(*answers, "bob")
    person.will_type_unseen("secret2")
    face.shown(introduce(app).authenticate())
    assert app.count("auth/provider/staff/token") == 1
    assert "Authentication providers:\n1 - toy\n2 - staff\nChoose an auth" in capsys.readouterr().err


def test_choosing_no_provider_cancels(face: Any, introduce: Any, person: Person) -> None:
    person.will_type("")
    with pytest.raises(LoginFailed, match="no provider was chosen"):
        face.shown(introduce(LoginServer(modes=TWO)).authenticate())


@pytest.mark.parametrize(
    ("modes", "told"),
    [
        ({}, "This server has no login: it knows keys, not persons"),
        ({"badge": "smartcard"}, "cannot log in with 'badge', which is of the kind 'smartcard'"),
        ({"ext": "external"}, "does not say how to log in with 'ext': there is no 'auth_endpoint'"),
    ],
)
def test_a_login_that_is_impossible_is_told(face: Any, introduce: Any, person: Person, modes: Any, told: str) -> None:
    context = introduce(LoginServer(modes=modes))
    for provider in context.server_info.authentication.providers:
        provider.links.clear()
    with pytest.raises(LoginError, match=told):
        face.shown(context.authenticate())


# A code that is entered in a browser


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that a browser was told to show."""
    pages: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", pages.append)
    return pages


def test_a_code_is_shown_until_it_has_been_entered(
    face: Any, introduce: Any, person: Person, opened: list[str], capsys: Any
) -> None:
    app = LoginServer(modes={"ext": "external"}, pending=2)
    context = introduce(app)
    face.shown(context.authenticate())
    page = "https://idp.example.org/authorize?client_id=1"
    assert capsys.readouterr().err == (
        f"\nYou have 15 minutes to visit this URL\n\n{page}\n\nand enter the code:\n\n793F-B9A6\n\nWaiting......\n\n"
        "You have logged in as alice.\n"
    )
    assert opened == [page]
    assert app.count("auth/provider/ext/token") == 3
    assert (person.asked, context.authenticated) == ([], True)


def test_without_a_screen_no_browser_is_opened(
    face: Any, introduce: Any, person: Person, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY")
    face.shown(introduce(LoginServer(modes={"ext": "external"})).authenticate())
    assert opened == []


def test_a_provider_that_conducts_the_login_is_asked_itself(
    face: Any, introduce: Any, person: Person, opened: list[str], listen: Any, capsys: Any
) -> None:
    """Nothing that belongs to the connection to the server goes there."""
    provider = LoginServer(modes={"facility": "proxied"}, pending=2)
    provider_base = f"{listen(provider)}/api/v1"
    app = LoginServer(modes={"facility": "proxied"}, provider_base=provider_base)
    app.sessions = provider.sessions
    context = introduce(app, headers={"x-proposal": "42"})
    face.shown(context.authenticate())
    assert provider.paths("/api/v1/idp") == ["idp/device", *["idp/token"] * 3]
    assert provider.last("idp/device").form == {"client_id": "terminals", "scope": "beamlines offline_access openid"}
    assert not {"x-proposal", "cookie", "authorization"} & provider.last("idp/token").headers.keys()
    assert opened == ["https://idp.example.org/device?user_code=WDJB-MJHT"]
    assert capsys.readouterr().err.endswith("WDJB-MJHT\n\nWaiting......\n\nYou have logged in as alice.\n")
    assert dict(context.tokens) == {
        "access_token": "access-1", "refresh_token": "refresh-1", "id_token": "id-1",
        "principal": "9c65c692178a45a2b2f6a91212b8cca5",
    }  # fmt: skip


def test_such_a_login_is_renewed_and_ended_there(face: Any, introduce: Any, person: Person, listen: Any) -> None:
    provider = LoginServer(modes={"facility": "proxied"}, pending=0)
    app = LoginServer(modes={"facility": "proxied"}, provider_base=f"{listen(provider)}/api/v1")
    app.sessions = provider.sessions
    context = introduce(app)
    face.shown(context.authenticate())
    provider.expire()
    assert face.shown(context.whoami())["type"] == "user"
    assert provider.last("idp/token").form == {
        "grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "terminals",
    }  # fmt: skip
    assert (context.tokens["access_token"], context.tokens["refresh_token"]) == ("access-2", "refresh-1")
    face.shown(context.logout())
    assert provider.last("idp/logout").form["id_token_hint"] == "id-1"
    assert app.count("auth/session/revoke") == app.count("auth/session/refresh") == 0


# Nobody to ask


def test_without_a_terminal_there_is_advice(face: Any, introduce: Any, app: Any) -> None:
    context = introduce(app)
    with pytest.raises(CannotPrompt) as refusal:
        face.enter(context)
    for word in ("TILED_API_KEY", "TILED_FORCE_PROMPT=1", "password_grant", "device_code_grant", "tiledkernel login"):
        assert word in str(refusal.value)
    assert app.paths() == []


@pytest.mark.parametrize("value", ["0", "no", ""])
def test_asking_is_forced_only_by_who_says_so(
    face: Any, introduce: Any, app: Any, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TILED_FORCE_PROMPT", value)
    with pytest.raises(CannotPrompt):
        face.shown(introduce(app).authenticate())


def test_with_a_key_nobody_is_asked_and_no_login_is_possible(face: Any, introduce: Any, app: Any) -> None:
    app.keys["k1"] = {"secret": "k1"}
    context = introduce(app, api_key="k1")
    assert face.enter(context).context.api_key == "k1"
    with pytest.raises(LoginError, match="an API key is in use, perhaps from TILED_API_KEY"):
        face.shown(context.authenticate())
    with pytest.raises(LoginError, match="an API key is in use"):
        context.configure_auth({"access_token": "a"})


def test_a_key_takes_the_place_of_a_login(face: Any, alice: Any, app: Any) -> None:
    app.keys["k1"] = {"secret": "k1"}
    alice.api_key = "k1"
    face.enter(alice)
    assert app.last("metadata/").headers["authorization"] == "Apikey k1"
    assert dict(alice.tokens) == {}


# Remembered


def test_a_login_is_remembered_in_files_that_only_their_owner_may_read(alice: Any, store: Path) -> None:
    folder = store / "http%3A%2F%2Flocal-tiled-app%2Fapi%2Fv1%2F"
    assert kept(store) == {
        "access_token": "access-1", "refresh_token": "refresh-1", "principal": "9c65c692178a45a2b2f6a91212b8cca5",
    }  # fmt: skip
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (store, folder)] == [0o700, 0o700]


def test_a_folder_that_was_chosen_stays_as_it_is(face: Any, introduce: Any, app: LoginServer, store: Path) -> None:
    store.mkdir(mode=0o755)
    store.chmod(0o755)
    introduce(app).configure_auth(app._new_session("alice"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (store, *store.iterdir())] == [0o755, 0o700]


def test_who_is_remembered_is_not_asked_again(face: Any, alice: Any, introduce: Any, app: Any, person: Person) -> None:
    client = face.enter(introduce(app))
    assert client.context.authenticated
    assert len(person.asked) == 2
    assert app.count("auth/provider/toy/token") == 0
    assert app.last("metadata/").headers["authorization"] == "Bearer access-1"


def test_a_remembered_login_is_renewed_if_need_be(face: Any, alice: Any, introduce: Any, app: Any, store: Path) -> None:
    app.expire()
    context = introduce(app)
    assert face.shown(context.use_cached_tokens()) is True
    assert kept(store)["access_token"] == context.tokens["access_token"] == "access-2"


def test_a_login_that_has_ended_is_asked_for_again(
    face: Any, alice: Any, introduce: Any, app: Any, person: Person
) -> None:
    app.end_sessions()
    person.will_type("bob")
    person.will_type_unseen("secret2")
    client = face.enter(introduce(app))
    assert face.shown(client.context.whoami())["identities"][0]["id"] == "bob"


def test_nothing_is_remembered_at_first(face: Any, introduce: Any, app: Any) -> None:
    assert face.shown(introduce(app).use_cached_tokens()) is False


def test_who_does_not_want_to_be_remembered_is_not(
    face: Any, alice: Any, introduce: Any, app: Any, person: Person, store: Path
) -> None:
    person.will_type("bob")
    person.will_type_unseen("secret2")
    client = face.enter(introduce(app), remember_me=False)
    assert kept(store) == {}
    app.expire()
    assert face.shown(client.context.whoami())["identities"][0]["id"] == "bob"
    assert kept(store) == {}


def test_a_public_server_is_entered_by_who_one_is(face: Any, alice: Any, introduce: Any, app: Any) -> None:
    app.required = False
    face.enter(introduce(app))
    assert app.last("metadata/").headers["authorization"] == "Bearer access-1"


def test_a_public_server_asks_nobody(face: Any, introduce: Any) -> None:
    app = LoginServer(required=False)
    face.enter(introduce(app))
    assert "authorization" not in app.last("metadata/").headers


def test_who_is_not_taken_for_themselves_any_more_is_told(face: Any, alice: Any, introduce: Any, app: Any) -> None:
    app.required = False
    app.end_sessions()
    with pytest.warns(LoginEnded, match="you see what everybody sees"):
        client = face.enter(introduce(app))
    assert not client.context.authenticated


def test_applications_in_this_process_share_no_logins(face: Any, app: Any, person: Person, tmp_path: Path) -> None:
    """They all have the same address."""
    person.will_type("alice")
    person.will_type_unseen("secret1")
    face.shown(face.introduce(app).authenticate())
    assert not (tmp_path / "cache").exists()


def test_a_folder_of_somebody_else_is_not_trusted(
    face: Any, alice: Any, introduce: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert face.shown(introduce(app).use_cached_tokens()) is False


@pytest.mark.parametrize("damage", ["", "two words", "Zeilen\numbruch", "ü", "x" * 70000])
def test_a_damaged_file_is_no_login(face: Any, alice: Any, introduce: Any, app: Any, store: Path, damage: str) -> None:
    (store / "http%3A%2F%2Flocal-tiled-app%2Fapi%2Fv1%2F" / "access_token").write_text(damage)
    assert face.shown(introduce(app).use_cached_tokens()) is False


def test_where_nothing_can_be_kept_a_login_lasts_as_long_as_the_connection(
    face: Any, introduce: Any, app: Any, person: Person, store: Path
) -> None:
    store.write_text("a file, where a folder should be")
    person.will_type("alice")
    person.will_type_unseen("secret1")
    context = introduce(app)
    with pytest.warns(LoginNotRemembered, match="is not remembered"):
        face.shown(context.authenticate())
    app.expire()
    assert face.shown(context.whoami())["type"] == "user"
    face.shown(context.logout())
    context.configure_auth(app._new_session("bob"), remember_me=False)
    assert face.shown(context.whoami())["uuid"] == UUIDS["bob"]


def test_the_password_is_nowhere_afterwards(
    face: Any, introduce: Any, app: Any, person: Person, store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    person.will_type("alice")
    person.will_type_unseen("secret1")
    with record_history() as history:
        context = introduce(app)
        face.shown(context.authenticate())
        face.shown(context.force_auth_refresh())
    told = f"{caplog.text} {[(request, request.headers) for request in history.requests]} {context!r}"
    told += f"{context.tokens!r} {vars(context.current_login)}"
    assert "-> POST" in told
    for secret in ("secret1", "access-1", "refresh-1", "access-2", "refresh-2"):
        assert secret not in told
    assert sorted(kept(store).values()) == ["9c65c692178a45a2b2f6a91212b8cca5", "access-2", "refresh-2"]


# Tokens of the program's own


def test_a_program_may_bring_its_own_tokens(face: Any, introduce: Any, app: Any, store: Path) -> None:
    given = app._new_session("bob")
    context = introduce(app)
    context.configure_auth({"access_token": given["access_token"], "refresh_token": given["refresh_token"]})
    assert kept(store) == {"access_token": "access-1", "refresh_token": "refresh-1"}
    assert face.shown(context.whoami())["identities"][0]["id"] == "bob"
    assert kept(store)["principal"] == UUIDS["bob"].replace("-", "")


@pytest.mark.parametrize("tokens", [{}, {"access_token": 3}, {"access_token": "with a blank"}, {"access_token": "a\n"}])
def test_tokens_that_are_none_are_refused(introduce: Any, app: Any, tokens: Any) -> None:
    with pytest.raises(ValueError, match="token"):
        introduce(app).configure_auth(tokens)


def test_new_tokens_can_be_had_at_once(face: Any, alice: Any) -> None:
    assert dict(face.shown(alice.force_auth_refresh()))["access_token"] == "access-2"
    assert alice.tokens["access_token"] == "access-2"


def test_new_tokens_are_asked_for_also_if_others_have_got_some(
    face: Any, alice: Any, introduce: Any, app: LoginServer
) -> None:
    other = introduce(app)
    face.shown(other.use_cached_tokens())
    face.shown(other.force_auth_refresh())
    assert face.shown(alice.force_auth_refresh())["access_token"] == "access-3"
    assert app.count("auth/session/refresh") == 2


def test_what_is_not_logged_in_cannot_be_renewed(face: Any, introduce: Any, app: Any) -> None:
    with pytest.raises(CannotRefreshAuthentication, match="no login"):
        face.shown(introduce(app).force_auth_refresh())


# The end


def test_logging_out_ends_the_login_here_and_there(face: Any, alice: Any, app: Any, store: Path) -> None:
    face.shown(alice.logout())
    asked = app.last("auth/session/revoke")
    assert asked.json == {"refresh_token": "refresh-1"}
    assert "authorization" not in asked.headers
    assert asked.headers["x-csrf"] == CSRF
    assert (app.sessions, kept(store), alice.authenticated) == ([], {}, False)


def test_logging_out_twice_is_as_once(face: Any, alice: Any, app: Any) -> None:
    face.shown(alice.logout())
    face.shown(alice.logout())
    assert app.count("auth/session/revoke") == 1


def test_who_is_only_remembered_can_log_out(face: Any, alice: Any, introduce: Any, app: Any, store: Path) -> None:
    face.shown(introduce(app).logout())
    assert (app.sessions, kept(store)) == ([], {})


def test_a_session_that_is_over_can_be_logged_out_of(face: Any, alice: Any, app: Any, store: Path) -> None:
    app.end_sessions()
    face.shown(alice.logout())
    assert kept(store) == {}


def test_a_key_is_no_reason_to_forget_a_login(face: Any, alice: Any, introduce: Any, app: Any, store: Path) -> None:
    app.keys["k1"] = {"secret": "k1"}
    face.shown(introduce(app, api_key="k1").logout())
    assert kept(store)["access_token"] == "access-1"


def test_one_of_several_sessions_can_be_ended(face: Any, alice: Any, app: Any) -> None:
    session = "9C65C692178A45A2B2F6A91212B8CCA5"
    face.shown(alice.revoke_session(session))
    asked = app.asked[-1]
    assert (asked.method, asked.path) == ("DELETE", "/api/v1/auth/session/revoke/9c65c692-178a-45a2-b2f6-a91212b8cca5")
    assert asked.headers["x-csrf"] == CSRF
    with pytest.raises(ValueError, match=r"'\.\./x' is no UUID"):
        face.shown(alice.revoke_session("../x"))


# What servers say is not believed blindly


def test_words_of_a_server_are_no_commands_for_the_terminal(
    face: Any, introduce: Any, person: Person, capsys: Any
) -> None:
    app = LoginServer(confirmation="\x1b[2JHello\x07 {id} {id.__class__}")
    person.will_type("alice")
    person.will_type_unseen("secret1")
    face.shown(introduce(app).authenticate())
    assert capsys.readouterr().err.endswith("[2JHello alice {id.__class__}\n")


def test_a_password_goes_only_to_the_server_that_the_user_has_named(face: Any, introduce: Any, person: Person) -> None:
    app = LoginServer(base="http://elsewhere.example")
    person.will_type("alice")
    person.will_type_unseen("secret1")
    with record_history() as history:
        face.shown(introduce(app).authenticate())
    assert {request.url.host for request in history.requests} == {"local-tiled-app"}


def test_folders_of_long_addresses_have_short_names(tmp_path: Path) -> None:
    one, other = (TokenFiles(f"https://host/{'x' * 400}{end}/api/v1/", tmp_path) for end in "ab")
    assert one.folder != other.folder
    assert len(one.folder.name) < 200


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiledkernel.client.grants._SHORTEST", 0.01)
    monkeypatch.setattr("tiledkernel.client.grants._SLOWER", 0.01)
