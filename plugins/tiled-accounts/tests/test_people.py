"""Who somebody is, and who there is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from .site import Site


@pytest.fixture
def root(site: Site) -> str:
    found: str = site.log_in("root")["access_token"]
    return found


def test_the_public_is_nobody(site: Site) -> None:
    assert site.get("/auth/whoami") is None


def test_one_is_told_who_one_is(site: Site) -> None:
    tokens = site.log_in()
    who = site.get("/auth/whoami", token=tokens["access_token"])
    assert who["uuid"] == str(uuid.UUID(tokens["principal"]))
    assert who["type"] == "user"
    (identity,) = who["identities"]
    assert (identity["id"], identity["provider"]) == ("alice", "toy")
    assert identity["latest_login"].endswith("+00:00")
    (session,) = who["sessions"]
    assert (session["revoked"], session["state"]) == (False, {})
    assert who["api_keys"] == []
    assert who["latest_activity"] is not None


def test_who_one_is_can_be_had_as_msgpack_and_is_never_kept(site: Site) -> None:
    response = site(
        "GET", "/auth/whoami", token=site.log_in()["access_token"], headers={"accept": "application/x-msgpack"}
    )
    assert msgspec.msgpack.decode(response.content)["identities"][0]["id"] == "alice"
    assert response.headers["cache-control"] == "no-store"


def test_wrong_credentials_are_not_the_public(site: Site) -> None:
    assert site.status("/auth/whoami", token="x") == 401
    assert site.status("/auth/whoami", key="0" * 72) == 401


def test_everybody_is_listed_page_by_page(site: Site, root: str) -> None:
    for name in ("alice", "bob", "carol"):
        site.log_in(name)
    names = [each["identities"][0]["id"] for each in site.get("/auth/principal", token=root)]
    assert names == ["root", "alice", "bob", "carol"]
    for query in ("offset=1&limit=2", "page[offset]=1&page[limit]=2"):
        page = site.get(f"/auth/principal?{query}", token=root)
        assert [each["identities"][0]["id"] for each in page] == ["alice", "bob"]


@pytest.mark.parametrize("query", ["limit=0", "limit=301", "limit=x", "offset=-1", "offset=99999999999999999999"])
def test_a_page_that_makes_no_sense_is_the_callers_mistake(lasting: Site, query: str) -> None:
    token = lasting.log_in("root")["access_token"]
    assert lasting.status(f"/auth/principal?{query}", token=token) == 422


def test_one_of_all_is_found_by_uuid(site: Site, root: str) -> None:
    principal = site.log_in()["principal"]
    for name in (principal, str(uuid.UUID(principal)), principal.upper()):
        assert site.get(f"/auth/principal/{name}", token=root)["identities"][0]["id"] == "alice"
    assert site.status(f"/auth/principal/{uuid.uuid4()}", token=root) == 404
    assert site.status("/auth/principal/nonsense", token=root) == 422
    assert site.status(f"/auth/principal/{principal}/more", token=root) == 404


def test_administrators_only_look_at_others(site: Site) -> None:
    tokens = site.log_in()
    for path in ("/auth/principal", f"/auth/principal/{tokens['principal']}"):
        response = site("GET", path, token=tokens["access_token"])
        assert response.status_code == 401
        assert "read:principals" in response.headers["www-authenticate"]
    assert site("POST", "/auth/principal?role=user", token=tokens["access_token"]).status_code == 401


def test_a_service_is_made_with_a_role(site: Site, root: str) -> None:
    made = site("POST", "/auth/principal?role=user", token=root)
    assert made.status_code == 200
    assert (made.json()["type"], [role["name"] for role in made.json()["roles"]]) == ("service", ["user"])
    admin = site("POST", "/auth/principal?role=admin", token=root).json()
    assert sorted(role["name"] for role in admin["roles"]) == ["admin", "user"]


@pytest.mark.parametrize("query", ["role=king", "role=", "", "role=%00"])
def test_an_unknown_role_is_the_callers_mistake(lasting: Site, query: str) -> None:
    token = lasting.log_in("root")["access_token"]
    assert lasting("POST", f"/auth/principal?{query}", token=token).status_code == 422


class TestAdministrators:
    """The configuration says who they are, at every start."""

    def test_they_are_so_from_their_first_login_on(self, site: Site, root: str) -> None:
        roles = site.get("/auth/whoami", token=root)["roles"]
        assert [role["name"] for role in roles] == ["user", "admin"]
        assert "register" in roles[1]["scopes"]

    def test_naming_them_again_changes_nothing(self, open_site: Callable[..., Site], uri: str) -> None:
        admins = (("toy", "root"), ("toy", "alice"))
        sites = [open_site(uri, admins=admins) for _ in range(2)]
        everybody = sites[1].get("/auth/principal", token=sites[0].log_in("root")["access_token"])
        assert len(everybody) == 2

    def test_who_is_named_no_more_is_a_user_again(self, open_site: Callable[..., Site], uri: str) -> None:
        open_site(uri, admins=(("toy", "root"), ("toy", "alice")))
        site = open_site(uri, admins=(("toy", "root"),))
        roles = site.get("/auth/whoami", token=site.log_in("alice")["access_token"])["roles"]
        assert [role["name"] for role in roles] == ["user"]

    def test_a_service_that_administrates_is_not_in_the_configuration(
        self, open_site: Callable[..., Site], uri: str
    ) -> None:
        site = open_site(uri, admins=(("toy", "root"),))
        token = site.log_in("root")["access_token"]
        service = site("POST", "/auth/principal?role=admin", token=token).json()["uuid"]
        key = site.make_key(to=service, token=token)
        assert open_site(uri).status("/auth/principal", key=key) == 200


def test_using_a_key_moves_its_latest_activity_and_that_of_its_principal(
    site: Site, later: Callable[[float], None]
) -> None:
    token = site.log_in()["access_token"]
    key = site.make_key(token=token)
    before = site.get("/auth/whoami", token=token)
    later(100)
    site.status(key=key)
    site.status(key=key)
    after = site.get("/auth/whoami", token=token)
    assert before["api_keys"][0]["latest_activity"] is None
    assert after["api_keys"][0]["latest_activity"] == after["latest_activity"] > before["latest_activity"]


def test_reading_is_free_if_the_configuration_says_so(open_site: Callable[..., Site]) -> None:
    site = open_site(allow_anonymous_access=True)
    assert site.status() == 200
    assert site.status("/metadata/", token="x") == 401
    assert site("POST", "/auth/apikey", json={"scopes": [], "expires_in": None}).status_code == 401
    assert site.get("/")["authentication"]["required"] is False


def test_the_root_document_says_how_to_log_in(site: Site) -> None:
    base = site.get("/")["links"]["self"]
    assert site.get("/")["authentication"] == {
        "required": True,
        "providers": [
            {
                "provider": "toy", "mode": "internal", "links": {"auth_endpoint": f"{base}/auth/provider/toy/token"},
                "confirmation_message": "You have logged in as {id}.", "extra_scopes": None,
            }
        ],
        "links": {
            "whoami": f"{base}/auth/whoami", "apikey": f"{base}/auth/apikey",
            "refresh_session": f"{base}/auth/session/refresh",
            "revoke_session": f"{base}/auth/session/revoke/{{session_id}}", "logout": f"{base}/auth/logout",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth"),
        ("GET", "/auth/"),
        ("GET", "/auth/provider/toy"),
        ("PUT", "/auth/whoami"),
        ("GET", "/auth/provider/toy/token"),
    ],
)
def test_other_paths_and_methods_are_told_from_each_other(lasting: Site, method: str, path: str) -> None:
    status = lasting(method, path).status_code
    assert status == (405 if path.endswith(("whoami", "token")) else 404)


def test_every_route_is_described(lasting: Site) -> None:
    paths: dict[str, Any] = lasting("GET", "http://local-tiled-app/openapi.json").json()["paths"]
    described = paths["/api/v1/auth/principal/{uuid}/apikey"]["post"]
    assert [parameter["name"] for parameter in described["parameters"]] == ["uuid"]
    assert "admin:apikeys" in described["description"]
