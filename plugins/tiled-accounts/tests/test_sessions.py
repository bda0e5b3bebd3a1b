"""Sessions: refreshed they slide on, in the end they end, and so they do when somebody wants it."""

from __future__ import annotations

import json
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select, update
from tiled_accounts.schema import sessions

from tiledkernel.access.logins import Identity
from tiledkernel.access.protocols import Credentials

from .site import PASSWORD, SECRET, Site

DAY = 86400


def test_a_refreshed_session_has_new_tokens(site: Site) -> None:
    old = site.log_in()
    response = site.refresh(old["refresh_token"])
    assert response.status_code == 200
    new = response.json()
    assert set(new) == set(old) - {"identity", "principal"}
    assert (new["expires_in"], new["refresh_token_expires_in"]) == (900, 604800)
    assert new["access_token"] != old["access_token"]
    assert new["refresh_token"] != old["refresh_token"]
    assert site.get("/auth/whoami", token=new["access_token"])["identities"][0]["id"] == "alice"


def test_a_form_will_do_as_well(site: Site) -> None:
    token = site.log_in()["refresh_token"]
    assert site("POST", "/auth/session/refresh", data={"refresh_token": token}).status_code == 200


def test_refreshing_needs_no_other_credential_and_minds_none(site: Site) -> None:
    token = site.log_in()["refresh_token"]
    body = {"refresh_token": token}
    assert site("POST", "/auth/session/refresh", json=body, token="expired").status_code == 200
    assert site("POST", "/auth/session/revoke", json=body, key="none").status_code == 204


def test_a_token_that_was_just_replaced_still_counts(site: Site) -> None:
    """The answer may have been lost, or two processes of one user refreshed at once."""
    old = site.log_in()["refresh_token"]
    new = site.refresh(old).json()["refresh_token"]
    again = site.refresh(old).json()["refresh_token"]
    assert site.refresh(new).status_code == 200
    assert site.refresh(again).status_code == 200


def test_a_token_that_was_replaced_a_while_ago_ends_the_session(site: Site, later: Callable[[float], None]) -> None:
    """Two have it, and one of them is a thief."""
    old = site.log_in()["refresh_token"]
    new = site.refresh(old).json()["refresh_token"]
    later(61)
    assert site.refresh(old).status_code == 401
    assert site.refresh(new).status_code == 401


def test_a_token_that_was_replaced_twice_ends_the_session(site: Site) -> None:
    oldest = site.log_in()["refresh_token"]
    newest = site.refresh(site.refresh(oldest).json()["refresh_token"]).json()["refresh_token"]
    assert site.refresh(oldest).status_code == 401
    assert site.refresh(newest).status_code == 401


def test_a_session_slides_as_long_as_it_is_used(site: Site, later: Callable[[float], None]) -> None:
    token = site.log_in()["refresh_token"]
    for _ in range(3):
        later(6 * DAY)
        token = site.refresh(token).json()["refresh_token"]
    later(8 * DAY)
    assert site.refresh(token).status_code == 401


def test_a_session_ends_whatever_happens(
    open_site: Callable[..., Site], uri: str, later: Callable[[float], None]
) -> None:
    site = open_site(uri, session_max_age=100.0, refresh_token_max_age=80.0)
    answer = site.log_in()
    assert answer["refresh_token_expires_in"] == 80
    later(50)
    answer = site.refresh(answer["refresh_token"]).json()
    assert 30 < answer["refresh_token_expires_in"] <= 50
    later(40)
    answer = site.refresh(answer["refresh_token"]).json()
    assert 0 < answer["expires_in"] <= 10
    later(11)
    assert site.refresh(answer["refresh_token"]).status_code == 401
    assert site.status(token=answer["access_token"]) == 401


def test_an_access_token_expires(site: Site, later: Callable[[float], None]) -> None:
    token = site.log_in()["access_token"]
    assert site.status(token=token) == 200
    later(890)
    assert site.status(token=token) == 200
    later(11)
    assert site.status(token=token) == 401


def test_a_revoked_session_is_refreshed_no_more(site: Site) -> None:
    tokens = site.log_in()
    body = {"refresh_token": tokens["refresh_token"]}
    assert site("POST", "/auth/session/revoke", json=body).status_code == 204
    assert site.refresh(tokens["refresh_token"]).status_code == 401
    assert site.status(token=tokens["access_token"]) == 200  # it lives its quarter of an hour out


def test_revoking_twice_is_no_error(site: Site) -> None:
    body = {"refresh_token": site.log_in()["refresh_token"]}
    assert [site("POST", "/auth/session/revoke", json=body).status_code for _ in range(2)] == [204, 204]


def test_a_session_that_is_not_there_is_a_conflict(site: Site) -> None:
    token = site.log_in()["refresh_token"]
    site.keeper.database.write(lambda connection: connection.execute(sessions.delete()))
    assert site("POST", "/auth/session/revoke", json={"refresh_token": token}).status_code == 409
    assert site.refresh(token).status_code == 401


def test_one_revokes_ones_own_sessions_by_their_ids(site: Site) -> None:
    alice, bob = site.log_in("alice"), site.log_in("bob")
    (session,) = site.get("/auth/whoami", token=alice["access_token"])["sessions"]
    path = f"/auth/session/revoke/{session['uuid']}"
    assert site("DELETE", path).status_code == 401
    assert site("DELETE", path, token=bob["access_token"]).status_code == 404
    assert site("DELETE", path, token=alice["access_token"]).status_code == 204
    assert site.refresh(alice["refresh_token"]).status_code == 401
    (session,) = site.get("/auth/whoami", token=alice["access_token"])["sessions"]
    assert session["revoked"]


@pytest.mark.parametrize("name", [uuid.UUID(int=0).hex, "nonsense", "%00", "%F0%9F%92%A9", "a" * 3000])
def test_what_is_no_session_is_not_found(lasting: Site, name: str) -> None:
    status = lasting("DELETE", f"/auth/session/revoke/{name}", token=lasting.log_in()["access_token"]).status_code
    assert status == (422 if name == "%00" else 404)


def test_there_are_at_most_200_sessions(site: Site) -> None:
    first = site.log_in()
    with site.keeper.database.reading() as connection:
        row = connection.execute(select(sessions)).mappings().one()
    more = [dict(row) | {"id": None, "uuid": uuid.uuid4().hex} for _ in range(199)]
    for each in more:
        del each["id"]
    site.keeper.database.write(lambda connection: connection.execute(sessions.insert(), more))
    response = site.try_to_log_in("alice", PASSWORD)
    assert response.status_code == 400
    assert "200 sessions" in response.text
    site("POST", "/auth/session/revoke", json={"refresh_token": first["refresh_token"]})
    site.log_in()


def test_logging_out_takes_the_cookie_of_a_browser_away(site: Site) -> None:
    response = site("POST", "/auth/logout", cookies={"tiled_api_key": "revoked"})
    assert (response.status_code, response.json()) == (200, {})
    assert any(
        cookie.startswith("tiled_api_key=;") and "Max-Age=0" in cookie
        for cookie in response.headers.get_list("set-cookie")
    )


class WithState:
    """Leaves something in the session."""

    def authenticate(self, username: str, password: str) -> Identity:
        return Identity(id=username, state={"token": f"of {username}", "ü": [1, None]})


def test_what_the_login_left_is_in_the_viewer_and_not_in_the_token(open_site: Callable[..., Site], uri: str) -> None:
    site = open_site(uri, logins={"toy": WithState()}, admins=(("toy", "root"),))
    token = site.log_in()["access_token"]
    viewer = site.keeper.identify(_bearer(token))
    assert viewer.state == {"token": "of alice", "ü": [1, None]}
    assert "of alice" not in str(_claims(token))
    (session,) = site.get("/auth/whoami", token=token)["sessions"]
    assert session["state"] == viewer.state


def test_what_a_login_left_is_nobody_elses_business(open_site: Callable[..., Site], uri: str) -> None:
    site = open_site(uri, logins={"toy": WithState()}, admins=(("toy", "root"),))
    token = site.log_in()["access_token"]
    key = site.make_key(scopes=[], token=token)
    root = site.log_in("root")["access_token"]
    assert "of alice" not in site("GET", "/auth/principal", token=root).text
    assert "of alice" not in site("GET", "/auth/whoami", key=key).text


class TestForgery:
    """Only what this server has signed counts, and only for what it was signed."""

    def test_an_access_token_refreshes_nothing(self, lasting: Site) -> None:
        tokens = lasting.log_in()
        assert lasting.refresh(tokens["access_token"]).status_code == 401
        assert (
            lasting("POST", "/auth/session/revoke", json={"refresh_token": tokens["access_token"]}).status_code == 401
        )
        assert lasting.status(token=tokens["refresh_token"]) == 401

    @pytest.mark.parametrize("algorithm", ["none", "HS384", "RS256"])
    def test_other_algorithms_do_not_count(self, lasting: Site, algorithm: str) -> None:
        header, claims, signature = lasting.log_in()["access_token"].split(".")
        forged = _part({"alg": algorithm, "typ": "JWT"})
        assert header != forged
        for made in (f"{forged}.{claims}.{signature}", f"{forged}.{claims}."):
            assert lasting.status(token=made) == 401

    def test_another_key_does_not_count(self, lasting: Site) -> None:
        claims = _claims(lasting.log_in()["access_token"])
        forged = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("t" * 40))
        assert lasting.status(token=forged) == 401

    def test_changed_claims_do_not_count(self, lasting: Site) -> None:
        header, claims, signature = lasting.log_in()["access_token"].split(".")
        changed = json.loads(urlsafe_b64decode(claims + "==")) | {"scp": ["admin:apikeys"]}
        assert lasting.status(token=f"{header}.{_part(changed)}.{signature}") == 401

    @pytest.mark.parametrize(
        "change",
        [
            {"exp": "never"},
            {"exp": None},
            {"sub": 7},
            {"scp": "all"},
            {"sid": "nobody"},
            {"sub": "nobody"},
            {"type": "x"},
        ],
        ids=str,
    )
    def test_signed_nonsense_does_not_count(self, lasting: Site, change: dict[str, Any]) -> None:
        claims = _claims(lasting.log_in()["access_token"]) | change
        assert lasting.status(token=_signed(claims)) == 401

    @pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é", "x" * 20_000, "eyJ.eyJ.eyJ", "a.b.c.d.e"])
    def test_what_is_no_token_does_not_count(self, lasting: Site, token: str) -> None:
        header = {"authorization": f"Bearer {token}".encode()}
        assert lasting("GET", "/metadata/", headers=header).status_code == 401
        assert lasting.refresh(token).status_code == 401

    def test_a_scope_that_the_roles_do_not_have_is_not_conferred(self, lasting: Site) -> None:
        claims = _claims(lasting.log_in()["access_token"]) | {"scp": ["read:metadata", "admin:apikeys"]}
        assert lasting.keeper.identify(_bearer(_signed(claims))).scopes == {"read:metadata"}

    @pytest.mark.parametrize("body", [{}, {"refresh_token": 7}, {"refresh_token": None}, [], "x"])
    def test_what_is_no_refresh_token_is_the_callers_mistake(self, lasting: Site, body: Any) -> None:
        assert lasting("POST", "/auth/session/refresh", json=body).status_code == 422


def test_all_secret_keys_verify_and_the_first_signs(open_site: Callable[..., Site], uri: str) -> None:
    """So a key is replaced without anybody having to log in again."""
    old, new = "o" * 40, "n" * 40
    before = open_site(uri, secret_keys=(old,)).log_in()
    site = open_site(uri, secret_keys=(new, old))
    assert site.status(token=before["access_token"]) == 200
    after = site.refresh(before["refresh_token"]).json()
    last = open_site(uri, secret_keys=(new,))
    assert last.status(token=after["access_token"]) == 200
    assert last.status(token=before["access_token"]) == 401


def test_without_secret_keys_tokens_are_good_for_this_process(open_site: Callable[..., Site], uri: str) -> None:
    site, other = open_site(uri, secret_keys=()), open_site(uri, secret_keys=())
    token = site.log_in()["access_token"]
    assert (site.status(token=token), other.status(token=token)) == (200, 401)


def test_a_short_secret_key_is_warned_of(open_site: Callable[..., Site], caplog: pytest.LogCaptureFixture) -> None:
    site = open_site(secret_keys=("hunter2",))
    assert "is short" in caplog.text
    assert "hunter2" not in caplog.text
    assert site.status(token=site.log_in()["access_token"]) == 200


def test_a_lost_role_is_not_conferred_by_tokens_any_more(open_site: Callable[..., Site], uri: str) -> None:
    token = open_site(uri, admins=(("toy", "root"),)).log_in("root")["access_token"]
    site = open_site(uri)
    assert site.status("/auth/principal", token=token) == 401


def test_the_database_holds_no_token(site: Site) -> None:
    tokens = site.log_in()
    with site.keeper.database.reading() as connection:
        (row,) = connection.execute(select(sessions)).all()
    assert not any(str(value) and str(value) in tokens["refresh_token"] for value in row if len(str(value)) > 20)


def test_a_session_of_a_stopped_clock_is_not_refreshed_into_the_past(site: Site) -> None:
    token = site.log_in()["refresh_token"]
    site.keeper.database.write(lambda connection: connection.execute(update(sessions).values(ends=1)))
    assert site.refresh(token).status_code == 401


def _bearer(token: str) -> Any:
    return Credentials(bearer=token)


def _part(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def _signed(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
