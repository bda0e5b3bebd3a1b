"""Tokens for applications that have a login of their own, and what a login with a code may meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.login_server import LoginServer, Refused, RefusedToken
from tiledkernel.client import ClientError, Context
from tiledkernel.client.context import LoginFailed, device_code_grant, password_grant
from tiledkernel.client.errors import LoginError
from tiledkernel.client.login_links import trusted
from tiledkernel.client.messages import UnexpectedAnswer


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tiledkernel.client.grants._SHORTEST", 0.01)
    monkeypatch.setattr("tiledkernel.client.grants._SLOWER", 0.01)


@pytest.fixture
def app() -> LoginServer:
    return LoginServer(modes={"toy": "internal", "ext": "external", "facility": "proxied"})


@pytest.fixture
def context(app: LoginServer) -> Iterator[Context]:
    with Context.from_app(app) as context:
        yield context


def links(context: Context, name: str) -> dict[str, str]:
    return next(known.links for known in context.server_info.authentication.providers if known.provider == name)


def test_tokens_are_had_for_a_password(context: Context) -> None:
    endpoint = links(context, "toy")["auth_endpoint"]
    tokens = password_grant(context.http_client, endpoint, "toy", "alice", "secret1")
    assert (tokens["access_token"], tokens["identity"]["id"]) == ("access-1", "alice")
    context.configure_auth(tokens)
    assert context.whoami()["identities"][0]["id"] == "alice"


def test_a_wrong_password_is_the_servers_refusal(context: Context) -> None:
    with pytest.raises(ClientError, match=r"^401: Username or password not recognized"):
        password_grant(context.http_client, links(context, "toy")["auth_endpoint"], "toy", "alice", "guess")


def test_names_and_passwords_may_hold_any_letter(context: Context, app: LoginServer) -> None:
    with pytest.raises(ClientError):
        password_grant(context.http_client, links(context, "toy")["auth_endpoint"], "toy", "ä&b=c", "p%+ \n☃")
    form = app.last("auth/provider/toy/token").form
    assert (form["username"], form["password"]) == ("ä&b=c", "p%+ \n☃")


def test_tokens_are_had_for_a_code_that_the_server_gives(context: Context, app: LoginServer, capsys: Any) -> None:
    tokens = device_code_grant(context.http_client, links(context, "ext")["auth_endpoint"])
    assert tokens["access_token"] == "access-1"
    assert "793F-B9A6" in capsys.readouterr().err


def test_tokens_are_had_for_a_code_that_a_provider_gives(context: Context, app: LoginServer) -> None:
    found = links(context, "facility")
    tokens = device_code_grant(
        context.http_client, found["auth_endpoint"], found["client_id"], found["token_endpoint"], scopes="openid"
    )
    assert tokens["id_token"] == "id-1"
    assert app.last("/idp/device").form["scope"] == "openid"


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (RefusedToken("access_denied"), "the login was refused: access_denied"),
        (Refused(400, {"error": "expired_token", "error_description": "too late"}), "the login was refused: too late"),
    ],
)
def test_a_code_that_is_refused_ends_the_login(context: Context, app: Any, refusal: Refused, told: str) -> None:
    def refuse(user: str) -> Any:
        raise refusal

    app._new_session = refuse
    with pytest.raises(LoginFailed, match=told):
        device_code_grant(context.http_client, links(context, "ext")["auth_endpoint"])


def test_a_code_that_is_not_known_any_more_is_the_servers_refusal(context: Context, app: Any) -> None:
    def refuse(user: str) -> Any:
        raise Refused(404, "No such device_code")

    app._new_session = refuse
    with pytest.raises(ClientError, match=r"^404: No such device_code"):
        device_code_grant(context.http_client, links(context, "ext")["auth_endpoint"])


def test_a_code_expires(context: Context, app: Any) -> None:
    app.pending, app.code_expires_in = 1000, 0.1
    with pytest.raises(LoginFailed, match="has expired before it was entered"):
        device_code_grant(context.http_client, links(context, "ext")["auth_endpoint"])


def test_a_server_may_fail_while_the_code_is_entered(
    context: Context, app: Any, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, failures = app._new_session, iter([503, 503, 503, 503])

    def fail_first(user: str) -> Any:
        for status in failures:
            raise Refused(status, "come again")
        return made(user)

    app._new_session = fail_first
    monkeypatch.setenv("TILED_DEVICE_FLOW_ATTEMPTS", "2")  # each of which is tried three times
    assert device_code_grant(context.http_client, links(context, "ext")["auth_endpoint"])["access_token"] == "access-1"


def test_a_number_of_attempts_that_is_none_is_told(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_DEVICE_FLOW_ATTEMPTS", "many")
    with pytest.raises(ValueError, match="TILED_DEVICE_FLOW_ATTEMPTS is 'many': expected a whole number"):
        device_code_grant(context.http_client, links(context, "ext")["auth_endpoint"])


def test_an_answer_that_begins_no_login_is_an_error(context: Context) -> None:
    with pytest.raises(UnexpectedAnswer, match="this is no beginning of a login with a code"):
        device_code_grant(context.http_client, f"{context.api_uri}auth/whoami")


@pytest.mark.parametrize(
    ("server", "url", "is_safe"),
    [
        ("https://data.example", "https://idp.example/token", True),
        ("https://data.example", "http://idp.example/token", False),
        ("https://data.example", "http://127.0.0.1:9/token", True),
        ("http://data.example", "http://idp.example/token", True),
        ("http://data.example", "file:///etc/passwd", False),
        ("https://data.example", "ftp://localhost/token", False),
    ],
)
def test_secrets_travel_in_the_clear_only_where_they_did_before(server: str, url: str, is_safe: Any) -> None:
    class To:
        api_uri = httpx.URL(server)

    if is_safe:
        assert trusted(To(), url) == url
    else:
        with pytest.raises(LoginError, match="expected an address that begins with 'https://'"):
            trusted(To(), url)
