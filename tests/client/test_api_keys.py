"""API keys and the accounts of others, by both kinds of clients."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.login_server import CSRF, UUIDS, LoginServer
from tiledkernel.client import ClientError
from tiledkernel.client.durations import parse_duration
from tiledkernel.client.errors import LoginError
from tiledkernel.composition import Composition
from tiledkernel.server import Settings, build_app

BOB = UUIDS["bob"]


@pytest.fixture(autouse=True)
def _no_key_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)


@pytest.fixture
def app() -> LoginServer:
    return LoginServer()


@pytest.fixture
def alice(face: Any, app: LoginServer) -> Any:
    context = face.introduce(app)
    context.configure_auth(app._new_session("alice"))
    return context


@pytest.fixture
def single_user(face: Any, kernel: Composition) -> Any:
    """A connection to a server that knows one key."""
    return face.introduce(build_app({}, settings=Settings(single_user_api_key="abc123"), composition=kernel))


# One's own keys


def test_a_key_does_what_its_owner_may_unless_told_otherwise(face: Any, alice: Any, app: Any) -> None:
    key = face.shown(alice.create_api_key())
    assert app.last("auth/apikey").json == {
        "scopes": ["inherit"], "access_tags": None, "expires_in": None, "note": None,
    }  # fmt: skip
    assert key["first_eight"] == key["secret"][:8]


def test_a_key_can_be_limited(face: Any, alice: Any, app: Any) -> None:
    made = face.shown(alice.create_api_key(["read:data"], "5m", "for the beamline", ["open"]))
    expected = {"scopes": ["read:data"], "access_tags": ["open"], "expires_in": 300, "note": "for the beamline"}
    assert app.last("auth/apikey").json == expected
    assert made["note"] == "for the beamline"


def test_no_scopes_at_all_are_not_all_scopes(face: Any, alice: Any, app: Any) -> None:
    face.shown(alice.create_api_key(scopes=[]))
    assert app.last("auth/apikey").json["scopes"] == []


@pytest.mark.parametrize("wrong", [{"scopes": "read:data"}, {"access_tags": "open"}])
def test_one_text_is_no_list(face: Any, alice: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected a list, as in"):
        face.shown(alice.create_api_key(**wrong))


def test_scopes_beyond_ones_own_are_refused_by_the_server(face: Any, alice: Any) -> None:
    with pytest.raises(ClientError, match=r"^403: Requested scopes \['bogus'\]"):
        face.shown(alice.create_api_key(scopes=["bogus"]))


def test_a_key_is_not_made_twice_because_an_answer_was_lost(face: Any, alice: Any, app: Any, impatient: None) -> None:
    made = app._change_keys

    def losing(asked: Any) -> Any:
        made(asked)
        raise RuntimeError("the connection breaks")

    app._change_keys = losing
    with pytest.raises(RuntimeError):
        face.shown(alice.create_api_key())
    assert len(app.keys) == 1


def test_a_key_is_used_and_told_about(face: Any, alice: Any, app: Any) -> None:
    key = face.shown(alice.create_api_key(note="mine"))
    user = face.introduce(app, api_key=key["secret"])
    assert face.shown(user.which_api_key())["note"] == "mine"
    face.enter(user)
    assert app.last("metadata/").headers["authorization"] == f"Apikey {key['secret']}"


def test_a_key_is_revoked_by_its_first_letters_and_the_rest_is_not_sent(face: Any, alice: Any, app: Any) -> None:
    key = face.shown(alice.create_api_key())
    face.shown(alice.revoke_api_key(key["secret"]))
    asked = app.last("auth/apikey")
    assert (asked.method, asked.query, asked.headers["x-csrf"]) == ("DELETE", {"first_eight": key["first_eight"]}, CSRF)
    assert app.keys == {}
    with pytest.raises(ClientError, match=r"^404"):
        face.shown(alice.revoke_api_key(key["first_eight"]))


def test_without_a_key_there_is_nothing_to_tell(face: Any, alice: Any) -> None:
    with pytest.raises(LoginError, match="no API key is in use"):
        face.shown(alice.which_api_key())


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda context: context.create_api_key(), "cannot create keys"),
        (lambda context: context.revoke_api_key("abc"), "one key only, which cannot be revoked"),
        (lambda context: context.which_api_key(), "one key only, and nothing of it"),
        (lambda context: context.revoke_session(BOB), "no login"),
        (lambda context: context.admin.list_principals(), "no login"),
        (lambda context: context.force_auth_refresh(), "there is no login"),
    ],
)
def test_a_server_that_knows_one_key_says_so(face: Any, single_user: Any, ask: Any, told: str) -> None:
    with pytest.raises(LoginError, match=told):
        face.shown(ask(single_user))


def test_such_a_server_can_be_logged_out_of(face: Any, single_user: Any) -> None:
    assert face.shown(single_user.logout()) is None


# The accounts of others


def test_administrators_see_accounts(face: Any, alice: Any, app: Any) -> None:
    assert [found["uuid"] for found in face.shown(alice.admin.list_principals())] == [BOB]
    assert app.last("auth/principal").query == {"page[offset]": "0", "page[limit]": "100"}
    face.shown(alice.admin.list_principals(20, 10))
    assert app.last("auth/principal").query == {"page[offset]": "20", "page[limit]": "10"}
    assert face.shown(alice.admin.show_principal(UUID(BOB)))["type"] == "service"


def test_administrators_make_accounts_for_services(face: Any, alice: Any, app: Any) -> None:
    assert face.shown(alice.admin.create_service_principal("user"))["roles"][0]["name"] == "user"
    assert app.last("auth/principal").query == {"role": "user"}


def test_administrators_make_and_revoke_the_keys_of_others(face: Any, alice: Any, app: Any) -> None:
    key = face.shown(alice.admin.create_api_key(BOB.replace("-", ""), ["read:data"], expires_in="1h"))
    asked = app.last(f"auth/principal/{BOB}/apikey")
    assert asked.json == {"scopes": ["read:data"], "access_tags": None, "expires_in": 3600, "note": None}
    face.shown(alice.admin.revoke_api_key(BOB, key["secret"]))
    assert app.last(f"auth/principal/{BOB}/apikey").query == {"first_eight": key["first_eight"]}
    assert app.keys == {}


@pytest.mark.parametrize("uuid", ["..", "", 5, f"{BOB}/apikey"])
def test_what_is_no_uuid_leads_nowhere(face: Any, alice: Any, app: Any, uuid: Any) -> None:
    app.asked.clear()
    with pytest.raises(ValueError, match="is no UUID"):
        face.shown(alice.admin.show_principal(uuid))
    assert app.asked == []


# Lengths of time


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (60, 60), (60.0, 60), ("60", 60), ("30s", 30), ("5m", 300), ("1h", 3600), (" 3 d ", 259200),
        ("3y", 3 * 365 * 86400),
    ],
)  # fmt: skip
def test_lengths_of_time_are_written_with_their_units(given: Any, seconds: int) -> None:
    assert parse_duration(given) == seconds


@pytest.mark.parametrize(
    "given", ["", "soon", "5 minutes", "-5m", "1.5h", 0, -1, float("nan"), float("inf"), True, "9" * 12 + "y", [5]]
)
def test_what_is_no_length_of_time_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="is no length of time: expected seconds, or a number with one of the units"):
        parse_duration(given)
