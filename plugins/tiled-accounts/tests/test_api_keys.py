"""API keys: what they confer, who may make which, and how they end."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from tiled_accounts.schema import keys

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import USER

from .site import Site


@pytest.fixture
def token(site: Site) -> str:
    found: str = site.log_in()["access_token"]
    return found


@pytest.fixture
def root(site: Site) -> str:
    found: str = site.log_in("root")["access_token"]
    return found


@pytest.fixture(scope="module")
def alice(lasting: Site) -> str:
    found: str = lasting.log_in()["access_token"]
    return found


def scopes_of(site: Site, key: str) -> frozenset[str]:
    return site.keeper.identify(Credentials(api_key=key)).scopes


def test_a_key_tells_its_secret_once(site: Site, token: str) -> None:
    response = site("POST", "/auth/apikey", json={"scopes": None, "expires_in": 60.0, "note": "n"}, token=token)
    made = response.json()
    secret = made.pop("secret")
    assert re.fullmatch(r"[0-9a-f]{72}", secret)
    assert made.pop("expiration_time").endswith("+00:00")
    assert made == {
        "first_eight": secret[:8], "note": "n", "scopes": ["inherit"], "access_tags": None, "latest_activity": None,
    }  # fmt: skip
    assert response.headers["cache-control"] == "no-store"
    shown = site.get("/auth/apikey", key=secret)
    assert "secret" not in shown
    assert shown["first_eight"] == secret[:8]
    assert shown["latest_activity"] is not None


def test_the_database_does_not_hold_the_secret(site: Site, token: str) -> None:
    secret = site.make_key(token=token)
    with site.keeper.database.reading() as connection:
        (row,) = connection.execute(select(keys)).all()
    assert secret not in str(row)
    assert bytes.fromhex(secret) not in row


def test_a_key_counts_in_the_header_in_the_query_and_in_a_cookie(site: Site, token: str) -> None:
    key = site.make_key(token=token)
    assert site.status(key=key) == 200
    assert site.status(f"/metadata/?api_key={key}") == 200
    assert site.status(cookies={"tiled_api_key": key}) == 200


def test_a_key_in_the_query_becomes_a_cookie_only_if_it_is_valid(site: Site, token: str) -> None:
    key = site.make_key(token=token)
    assert f"tiled_api_key={key}" in site("GET", f"/metadata/?api_key={key}").headers["set-cookie"]
    assert "tiled_api_key" not in site("GET", f"/metadata/?api_key={'0' * 72}").headers["set-cookie"]


def test_a_cookie_needs_its_csrf_companion_to_change_anything(site: Site, token: str) -> None:
    cookies = {"tiled_api_key": site.make_key(token=token), "tiled_csrf": "c"}
    path = "/auth/apikey?first_eight=00000000"
    assert site("DELETE", path, cookies=cookies).status_code == 403
    assert site("DELETE", path, cookies=cookies, headers={"x-csrf": "c"}).status_code == 404


@pytest.mark.parametrize(
    "key", ["0" * 72, "x" * 72, "", "0" * 71, "0" * 73, "A" * 72, "é", "0" * 50_000, "%00", "%ED%A0%80"]
)
def test_what_is_no_key_does_not_count(lasting: Site, key: str) -> None:
    assert lasting.status(f"/metadata/?api_key={key}") in {401, 422}
    if key and key.isascii() and "%" not in key:
        assert lasting.status(key=key) == 401


def test_an_inheriting_key_confers_what_its_principal_may(site: Site, token: str) -> None:
    assert scopes_of(site, site.make_key(token=token)) == USER


def test_a_key_confers_its_scopes_only(site: Site, token: str) -> None:
    key = site.make_key(scopes=["read:metadata"], token=token)
    assert scopes_of(site, key) == {"read:metadata"}
    assert site.status(key=key) == 200
    response = site("GET", "/container/full/", key=key)
    assert response.status_code == 401
    assert 'scope="read:data"' in response.headers["www-authenticate"]


def test_an_empty_list_of_scopes_grants_nothing(site: Site, token: str) -> None:
    key = site.make_key(scopes=[], token=token)
    assert site.status(key=key) == 401
    assert site.status(f"/metadata/?api_key={key}&scopes=read:metadata") == 401
    assert site.get("/auth/whoami", key=key)["identities"][0]["id"] == "alice"


@pytest.mark.parametrize(
    "scopes", [["register"], ["read:metadata", "admin:apikeys"], ["nonsense"], ["inherit", "metrics"]]
)
def test_scopes_beyond_ones_own_are_forbidden(site: Site, token: str, scopes: list[str]) -> None:
    assert site.try_to_make_key(scopes=scopes, token=token).status_code == 403


def test_tags_restrict_a_key(site: Site, token: str) -> None:
    key = site.make_key(scopes=["read:metadata"], access_tags=["b", "a", "a"], token=token)
    assert site.keeper.identify(Credentials(api_key=key)).access_tags == {"a", "b"}
    assert site.get("/auth/apikey", key=key)["access_tags"] == ["a", "b"]


@pytest.mark.parametrize("scopes", [None, ["inherit"], ["read:data", "admin:apikeys"]])
def test_tags_do_not_go_with_scopes_that_reach_further(site: Site, root: str, scopes: Any) -> None:
    assert site.try_to_make_key(scopes=scopes, access_tags=["a"], token=root).status_code == 403


class TestWhatAKeyMayMake:
    """A key that makes a key makes none that could more than itself."""

    MAKING = ("create:apikeys", "read:metadata")

    def test_not_one_with_further_scopes(self, site: Site, token: str) -> None:
        key = site.make_key(scopes=self.MAKING, token=token)
        assert site.try_to_make_key(scopes=["read:metadata", "read:data"], key=key).status_code == 403
        assert site.try_to_make_key(scopes=["read:metadata"], key=key).status_code == 200

    @pytest.mark.parametrize("scopes", [None, ["inherit"]])
    def test_not_one_that_inherits(self, site: Site, token: str, scopes: Any) -> None:
        key = site.make_key(scopes=sorted(USER), token=token)  # all that there is, today
        assert site.try_to_make_key(scopes=scopes, key=key).status_code == 403

    def test_one_that_inherits_if_it_does_so_itself(self, site: Site, token: str) -> None:
        assert site.try_to_make_key(scopes=None, key=site.make_key(token=token)).status_code == 200

    def test_not_one_with_other_tags_or_none(self, site: Site, token: str) -> None:
        key = site.make_key(scopes=self.MAKING, access_tags=["a", "b"], token=token)
        for tags in (None, ["c"], ["a", "c"]):
            assert site.try_to_make_key(scopes=["read:metadata"], access_tags=tags, key=key).status_code == 403
        assert site.try_to_make_key(scopes=["read:metadata"], access_tags=["a"], key=key).status_code == 200

    def test_not_one_that_lasts_longer(self, site: Site, token: str) -> None:
        key = site.make_key(scopes=self.MAKING, expires_in=100, token=token)
        for seconds in (None, 101):
            assert site.try_to_make_key(scopes=["read:metadata"], expires_in=seconds, key=key).status_code == 403
        assert site.try_to_make_key(scopes=["read:metadata"], expires_in=90, key=key).status_code == 200

    def test_not_one_of_an_administrator(self, site: Site, root: str) -> None:
        """A key that may make keys for others, and no more, makes none that may more."""
        key = site.make_key(scopes=["admin:apikeys"], token=root)
        uuid_ = site.get("/auth/whoami", token=root)["uuid"]
        for scopes in (None, ["read:metadata"]):
            assert site.try_to_make_key(scopes=scopes, to=uuid_, key=key).status_code == 403

    def test_nothing_without_the_scope_for_it(self, site: Site, token: str) -> None:
        key = site.make_key(scopes=["read:metadata"], token=token)
        assert site.try_to_make_key(scopes=["read:metadata"], key=key).status_code == 401


@pytest.mark.parametrize("seconds", [0, -1, -0.5, 1e300, 4e9, "60.0", True, [], {}])
def test_an_age_that_makes_no_sense_is_the_callers_mistake(lasting: Site, alice: str, seconds: Any) -> None:
    response = lasting.try_to_make_key(scopes=[], expires_in=seconds, token=alice)
    assert response.status_code == 422, response.text


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "-1e999", "1" * 400])
def test_an_age_that_is_no_number_is_the_callers_mistake(lasting: Site, alice: str, text: str) -> None:
    content = f'{{"scopes": [], "expires_in": {text}}}'
    headers = {"content-type": "application/json"}
    assert lasting("POST", "/auth/apikey", content=content, headers=headers, token=alice).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        None, {}, {"scopes": []}, {"expires_in": 1}, {"scopes": "read:data", "expires_in": None},
        {"scopes": [7], "expires_in": None}, {"scopes": [""], "expires_in": None},
        {"scopes": ["x" * 300], "expires_in": None}, {"scopes": ["read:data"] * 101, "expires_in": None},
        {"scopes": [], "expires_in": None, "note": "x" * 1001}, {"scopes": [], "expires_in": None, "note": "\0"},
        {"scopes": [], "expires_in": None, "access_tags": ["\0"]}, {"scopes": ["\0"], "expires_in": None},
        {"scopes": [], "expires_in": None, "access_tags": ["t"] * 101},
    ],
)  # fmt: skip
def test_a_malformed_wish_is_the_callers_mistake(lasting: Site, alice: str, body: Any) -> None:
    assert lasting("POST", "/auth/apikey", json=body, token=alice).status_code == 422


def test_an_expired_key_does_not_count(site: Site, token: str, later: Callable[[float], None]) -> None:
    key = site.make_key(expires_in=10.0, token=token)
    assert [site.status(key=key) for _ in range(3)] == [200] * 3
    later(10.1)
    response = site("GET", "/metadata/", key=key)
    assert response.status_code == 401
    assert "expired" in response.text


def test_a_revoked_key_does_not_count_any_more(site: Site, token: str) -> None:
    key, other = site.make_key(token=token), site.make_key(token=token)
    assert [site.status(key=key) for _ in range(3)] == [200] * 3
    assert site("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=token).status_code == 204
    assert site.status(key=key) == 401
    assert site.status(key=other) == 200
    assert site("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=token).status_code == 404


def test_a_key_may_revoke_itself(site: Site, token: str) -> None:
    key = site.make_key(token=token)
    assert site("DELETE", f"/auth/apikey?first_eight={key[:8]}", key=key).status_code == 204
    assert site.status(key=key) == 401


@pytest.mark.parametrize("first", ["", "%00", "%F0%9F%92%A9", "x" * 5000])
def test_what_is_no_beginning_of_a_key_is_not_found(lasting: Site, alice: str, first: str) -> None:
    assert lasting("DELETE", f"/auth/apikey?first_eight={first}", token=alice).status_code in {404, 422}
    assert lasting("DELETE", "/auth/apikey", token=alice).status_code == 422


def test_nobody_revokes_anothers_key(site: Site, token: str) -> None:
    key = site.make_key(token=token)
    bob = site.log_in("bob")["access_token"]
    assert site("DELETE", f"/auth/apikey?first_eight={key[:8]}", token=bob).status_code == 404
    assert site.status(key=key) == 200


def test_there_are_at_most_100_keys(site: Site, token: str, later: Callable[[float], None]) -> None:
    site.make_key(expires_in=10, token=token)
    for _ in range(99):
        site.make_key(scopes=[], token=token)
    response = site.try_to_make_key(scopes=[], token=token)
    assert response.status_code == 400
    assert "100 API keys" in response.text
    later(11)
    site.make_key(scopes=[], token=token)  # what has expired does not count


def test_who_presents_no_key_is_told_of_none(site: Site, token: str) -> None:
    assert site.status("/auth/apikey", token=token) == 401
    assert site.status("/auth/apikey") == 401


class TestOfOthers:
    """Administrators make keys for services, and for anybody else."""

    @pytest.fixture
    def service(self, site: Site, root: str) -> str:
        found: str = site("POST", "/auth/principal?role=user", token=root).json()["uuid"]
        return found

    def test_a_service_logs_in_by_its_key(self, site: Site, root: str, service: str) -> None:
        key = site.make_key(to=service, token=root)
        who = site.get("/auth/whoami", key=key)
        assert (who["uuid"], who["type"], who["identities"]) == (service, "service", [])
        assert site.status(key=key) == 200

    def test_a_key_of_another_confers_no_more_than_that_one_may(self, site: Site, root: str, service: str) -> None:
        assert site.try_to_make_key(scopes=["register"], to=service, token=root).status_code == 403
        assert scopes_of(site, site.make_key(to=service, token=root)) == USER

    def test_it_is_revoked_by_administrators(self, site: Site, root: str, service: str) -> None:
        key = site.make_key(to=service, token=root)
        path = f"/auth/principal/{service}/apikey?first_eight={key[:8]}"
        assert site.status(key=key) == 200
        assert site("DELETE", path, token=root).status_code == 204
        assert site.status(key=key) == 401
        assert site("DELETE", path, token=root).status_code == 404

    def test_nobody_else_does_so(self, site: Site, token: str, service: str) -> None:
        assert site.try_to_make_key(scopes=[], to=service, token=token).status_code == 401
        path = f"/auth/principal/{service}/apikey?first_eight=00000000"
        assert site("DELETE", path, token=token).status_code == 401

    def test_who_is_not_there_has_no_keys(self, site: Site, root: str) -> None:
        assert site.try_to_make_key(scopes=[], to=str(uuid.uuid4()), token=root).status_code == 404
        assert site.try_to_make_key(scopes=[], to="nonsense", token=root).status_code == 422


def test_a_lost_role_is_not_conferred_by_keys_any_more(open_site: Callable[..., Site], uri: str) -> None:
    before = open_site(uri, admins=(("toy", "root"),))
    key = before.make_key(token=before.log_in("root")["access_token"])
    assert before.status("/auth/principal", key=key) == 200
    after = open_site(uri)
    assert after.status("/auth/principal", key=key) == 401
    assert after.status(key=key) == 200
