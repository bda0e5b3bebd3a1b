"""Logging in with a password: who gets tokens, who does not, and who has to wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tiled_accounts.logins import ROOM
from tiled_accounts.routes.tokens import MAX_PASSWORD, MAX_USERNAME

from tiledkernel.access.logins import Identity
from tiledkernel.errors import Unauthorized

from .site import PASSWORD, Passwords, Site

TOKEN = "/auth/provider/toy/token"


def test_a_password_is_worth_tokens(site: Site) -> None:
    tokens = site.log_in("alice")
    principal = tokens.pop("principal")
    assert {name: tokens.pop(name) for name in ("access_token", "refresh_token")}.keys()
    assert tokens == {
        "expires_in": 900.0,
        "refresh_token_expires_in": 604800.0,
        "token_type": "bearer",
        "identity": {"id": "alice", "provider": "toy"},
    }
    assert len(principal) == 32


def test_tokens_are_never_kept_by_caches(site: Site) -> None:
    response = site.try_to_log_in("alice", PASSWORD)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


def test_json_will_do_as_well_as_a_form(site: Site) -> None:
    assert site("POST", TOKEN, json={"username": "alice", "password": PASSWORD}).status_code == 200


def test_one_identity_is_one_principal(site: Site) -> None:
    first, second, other = site.log_in("alice"), site.log_in("alice"), site.log_in("bob")
    assert first["principal"] == second["principal"] != other["principal"]


def test_a_user_has_the_role_of_a_user(site: Site) -> None:
    (role,) = site.get("/auth/whoami", token=site.log_in()["access_token"])["roles"]
    assert role["name"] == "user"
    assert "create:apikeys" in role["scopes"]
    assert "register" not in role["scopes"]


def test_a_wrong_password_says_no_more_than_that(site: Site) -> None:
    response = site.try_to_log_in("alice", "wrong")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert "wrong" not in response.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "alice"}, "password"),
        ({"password": PASSWORD}, "username"),
        ({"username": "", "password": PASSWORD}, "username"),
        ({"username": "a" * (MAX_USERNAME + 1), "password": PASSWORD}, "username"),
        ({"username": "alice", "password": "p" * (MAX_PASSWORD + 1)}, "password"),
        ({"username": "al\x00ice", "password": PASSWORD}, "username"),
        ({"grant_type": "client_credentials", "username": "alice", "password": PASSWORD}, "grant_type"),
    ],
)
@pytest.mark.parametrize("form", ["data", "json"])
def test_what_is_missing_or_too_much_is_named(lasting: Site, form: str, body: Any, field: str) -> None:
    response = lasting("POST", TOKEN, **{form: body})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["body", field]
    assert PASSWORD not in response.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"username": "\\ud800", "password": "x"}',
        b'{"username": 1e400}',
        b"{" * 5000,
    ],
)
def test_what_is_no_body_is_the_callers_mistake(lasting: Site, content: bytes) -> None:
    response = lasting("POST", TOKEN, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 422, response.text


@pytest.mark.parametrize("content", [b"username=%FF&password=x", b"&" * 5000, b"username=a&password=%00", b"=&=&="])
def test_what_is_no_form_is_the_callers_mistake(lasting: Site, content: bytes) -> None:
    response = lasting("POST", TOKEN, content=content, headers={"content-type": "application/x-www-form-urlencoded"})
    assert response.status_code == 422, response.text


def test_a_huge_form_is_refused(site: Site) -> None:
    response = site("POST", TOKEN, data={"username": "alice", "password": "p" * 100_000})
    assert response.status_code == 400


def test_an_unknown_provider_is_not_there(site: Site) -> None:
    response = site.try_to_log_in("alice", PASSWORD, "elsewhere")
    assert response.status_code == 404
    assert "'toy'" in response.text


def test_wrong_credentials_are_in_nobodys_way_to_log_in(site: Site) -> None:
    form = {"username": "alice", "password": PASSWORD}
    assert site("POST", TOKEN, data=form, token="expired").status_code == 200
    assert site("POST", TOKEN, data=form, cookies={"tiled_api_key": "revoked"}).status_code == 200


class TestLimits:
    """Guessing becomes slow, for one name wherever it is tried from, and for one address whichever name it tries."""

    @staticmethod
    def fail(site: Site, count: int, name: str = "alice") -> None:
        for _ in range(count):
            assert site.try_to_log_in(name, "wrong").status_code == 401

    def test_after_ten_failures_one_has_to_wait(self, site: Site) -> None:
        self.fail(site, 10)
        response = site.try_to_log_in("alice", PASSWORD)
        assert response.status_code == 429
        assert response.headers["retry-after"] == "1"

    def test_after_waiting_the_password_counts_again(self, site: Site, later: Callable[[float], None]) -> None:
        self.fail(site, 10)
        later(1.1)
        site.log_in("alice")
        self.fail(site, 9)  # success has reset the count

    def test_each_further_failure_makes_one_wait_twice_as_long(
        self, site: Site, later: Callable[[float], None]
    ) -> None:
        self.fail(site, 10)
        waits = []
        for _ in range(11):
            waits.append(int(site.try_to_log_in("alice", "wrong").headers["retry-after"]))
            later(waits[-1] + 0.1)
            self.fail(site, 1)
        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]

    def test_other_names_do_not_have_to_wait(self, site: Site) -> None:
        self.fail(site, 10)
        site.log_in("bob")

    def test_names_that_differ_in_case_are_one(self, site: Site) -> None:
        self.fail(site, 5)
        self.fail(site, 5, "ALICE")
        assert site.try_to_log_in("Alice", PASSWORD).status_code == 429

    def test_what_is_long_ago_is_forgotten(self, site: Site, later: Callable[[float], None]) -> None:
        self.fail(site, 10)
        later(901)
        self.fail(site, 10)

    def test_an_address_cannot_try_any_number_of_names(self, open_site: Callable[..., Site], uri: str) -> None:
        here, elsewhere = open_site(uri, address="192.0.2.1"), open_site(uri, address="192.0.2.2")
        for number in range(100):
            self.fail(here, 1, f"user{number}")
        assert here.try_to_log_in("alice", PASSWORD).status_code == 429
        elsewhere.log_in("alice")

    def test_success_does_not_forgive_an_address_its_failures(self, open_site: Callable[..., Site], uri: str) -> None:
        site = open_site(uri, address="2001:db8::1")
        for number in range(50):
            self.fail(site, 2, f"user{number}")
            if number < 49:
                site.log_in("mallory")
        assert site.try_to_log_in("mallory", PASSWORD).status_code == 429

    def test_nodes_count_together(self, open_site: Callable[..., Site], uri: str) -> None:
        one, other = open_site(uri), open_site(uri)
        self.fail(one, 5)
        self.fail(other, 5)
        assert one.try_to_log_in("alice", PASSWORD).status_code == 429


class Broken:
    """Raises what it was made with."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def authenticate(self, username: str, password: str) -> str:
        raise self.error


class Odd:
    """Returns what it was made with."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def authenticate(self, username: str, password: str) -> Any:
        return self.found


class Asynchronous:
    """Answers later."""

    async def authenticate(self, username: str, password: str) -> Identity:
        return Identity(id=username.upper())


def test_a_login_that_breaks_discloses_nothing(
    open_site: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    site = open_site(logins={"toy": Broken(ValueError("bind failed for hunter2"))})
    response = site.try_to_log_in("alice", "hunter2")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "hunter2" not in response.text + caplog.text
    assert any("'toy' failed: ValueError" in record.getMessage() for record in caplog.records)


def test_a_login_that_is_down_is_nobodys_failed_attempt(open_site: Callable[..., Site], uri: str) -> None:
    login = Broken(OSError("no route to host"))
    site = open_site(uri, logins={"toy": login})
    assert [site.try_to_log_in("alice", "x").status_code for _ in range(12)] == [503] * 12
    login.error = Unauthorized("wrong")
    assert site.try_to_log_in("alice", "x").status_code == 401


def test_a_slow_login_does_not_get_all_threads(open_site: Callable[..., Site]) -> None:
    began, end = threading.Semaphore(0), threading.Event()

    class Slow:
        def authenticate(self, username: str, password: str) -> str:
            began.release()
            end.wait(30)
            return username

    site = open_site(logins={"toy": Slow()})
    with ThreadPoolExecutor(ROOM) as pool:
        waiting = [pool.submit(site.try_to_log_in, f"user{number}", "x") for number in range(ROOM)]
        for _ in range(ROOM):
            assert began.acquire(timeout=30)
        refused = site.try_to_log_in("alice", "x")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert site.get("/auth/whoami") is None
        end.set()
        assert [each.result(30).status_code for each in waiting] == [200] * ROOM


def test_a_login_may_say_why_it_refuses(open_site: Callable[..., Site]) -> None:
    site = open_site(logins={"toy": Broken(Unauthorized("your account is locked"))})
    response = site.try_to_log_in("alice", "x")
    assert (response.status_code, response.json()) == (401, {"detail": "your account is locked"})


@pytest.mark.parametrize(
    "found", [7, "", "x" * 600, "a\x00b", "\ud800", Identity(id=""), Identity(id=7), {"id": "alice"}], ids=repr
)
def test_what_is_no_identity_is_nobody(open_site: Callable[..., Site], found: Any, caplog: Any) -> None:
    with caplog.at_level(logging.ERROR):
        assert open_site(logins={"toy": Odd(found)}).try_to_log_in("alice", "x").status_code == 503


@pytest.mark.parametrize(
    "state", [{"x": object()}, {"x": "y" * 100_000}, {"x": float("nan")}], ids=["odd", "big", "nan"]
)
def test_a_state_that_cannot_be_kept_is_refused(open_site: Callable[..., Site], state: Any) -> None:
    site = open_site(logins={"toy": Odd(Identity(id="alice", state=state))})
    response = site.try_to_log_in("alice", "x")
    assert response.status_code in {200, 400}
    if response.status_code == 200:  # NaN is null in JSON
        assert site.get("/auth/whoami", token=response.json()["access_token"])["sessions"][0]["state"] == {"x": None}


def test_a_login_may_be_a_coroutine(open_site: Callable[..., Site]) -> None:
    site = open_site(logins={"toy": Asynchronous()})
    assert site.log_in("alice")["identity"]["id"] == "ALICE"


def test_providers_know_their_own_users(open_site: Callable[..., Site], uri: str) -> None:
    site = open_site(uri, logins={"one": Passwords(), "other": Passwords()})
    one, other = site.log_in("alice", provider="one"), site.log_in("alice", provider="other")
    assert one["principal"] != other["principal"]
    names = [provider["provider"] for provider in site.get("/")["authentication"]["providers"]]
    assert names == ["one", "other"]
