"""A provider whose tokens are presented as they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tiledkernel.access.logins import Bearer, Identity
from tiledkernel.access.protocols import Credentials
from tiledkernel.errors import NotReady

from .site import BASE, Bearers, IdentityProvider, Site


@pytest.fixture
def login() -> Bearers:
    return Bearers()


@pytest.fixture
def proxied(open_site: Callable[..., Site], uri: str, login: Bearers) -> Site:
    return open_site(uri, logins={"idp": login})


def test_a_token_of_the_provider_is_believed(proxied: Site) -> None:
    who = proxied.get("/auth/whoami", token="bearer-of-alice")
    assert [(identity["provider"], identity["id"]) for identity in who["identities"]] == [("idp", "alice")]
    assert who["sessions"] == []
    assert proxied.status(token="bearer-of-alice") == 200


def test_its_bearer_gets_one_account(proxied: Site) -> None:
    uuids = {proxied.get("/auth/whoami", token=f"bearer-of-{name}")["uuid"] for name in ("alice", "alice", "bob")}
    assert len(uuids) == 2


def test_it_confers_what_the_provider_says(proxied: Site) -> None:
    viewer = proxied.keeper.identify(Credentials(bearer="bearer-of-alice"))
    assert viewer.scopes == {"read:metadata", "read:data"}
    assert viewer.state == {"token": "bearer-of-alice"}
    assert proxied.try_to_make_key(scopes=None, token="bearer-of-alice").status_code == 401


def test_it_is_verified_once(proxied: Site, login: Bearers) -> None:
    deadline = time.monotonic() + 10
    while not proxied.keeper._watch.fresh():  # who begins to listen forgets what was before
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for _ in range(5):
        assert proxied.status(token="bearer-of-alice") == 200
    assert login.asked == 1


def test_it_counts_until_it_expires(proxied: Site, login: Bearers, later: Callable[[float], None]) -> None:
    login.expires = time.time() + 10
    assert proxied.status(token="bearer-of-alice") == 200
    later(11)
    assert proxied.status(token="bearer-of-alice") == 401


def test_another_token_does_not_count(proxied: Site) -> None:
    assert proxied.status(token="of-nobody") == 401


@pytest.mark.parametrize(
    "found", [None, "alice", Bearer(identity=Identity(id=""), scopes=frozenset(), expires=4e9)], ids=repr
)
def test_a_login_that_says_nothing_believable_is_not_believed(open_site: Callable[..., Site], found: Any) -> None:
    class Odd(Bearers):
        def verify(self, token: str) -> Any:
            return found

    assert open_site(logins={"idp": Odd()}).status(token="x") in {401, 503}


def test_a_token_with_odd_scopes_is_refused(open_site: Callable[..., Site]) -> None:
    class Odd(Bearers):
        def verify(self, token: str) -> Any:
            return Bearer(identity=Identity(id="a"), scopes=frozenset({"read:metadata"}), expires=float("nan"))

    assert open_site(logins={"idp": Odd()}).status(token="x") == 401


def test_the_root_document_says_where_one_logs_in(proxied: Site) -> None:
    described = proxied.get("/")["authentication"]
    assert described["providers"] == [
        {
            "provider": "idp", "mode": "external", "confirmation_message": None, "extra_scopes": ["offline"],
            "links": {
                "auth_endpoint": "https://provider.example/device", "token_endpoint": "https://provider.example/token",
                "client_id": "tiled",
            },
        }
    ]  # fmt: skip
    assert described["links"]["refresh_session"] == "https://provider.example/token"
    assert described["links"]["logout"] == f"{BASE}/auth/logout"


def test_one_that_takes_browsers_too_says_where(open_site: Callable[..., Site]) -> None:
    class Both(Bearers, IdentityProvider):
        def __init__(self) -> None:
            Bearers.__init__(self)
            self.departed = []

    site = open_site(logins={"idp": Both()})
    (provider,) = site.get("/")["authentication"]["providers"]
    assert provider["links"]["authorize_endpoint"] == f"{BASE}/auth/provider/idp/authorize"
    assert provider["links"]["client_id"] == "tiled"


def test_a_provider_that_is_down_at_the_start_is_asked_again(
    open_site: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    class Late(Bearers):
        down = True

        def endpoints(self) -> dict[str, Any]:
            if self.down:
                raise NotReady("no answer")
            return super().endpoints()

    login = Late()
    site = open_site(logins={"idp": login})
    assert "does not tell its endpoints" in caplog.text

    def links() -> dict[str, str]:
        found: dict[str, str] = site.get("/")["authentication"]["providers"][0]["links"]
        return found

    assert links() == {}
    login.down = False
    deadline = time.monotonic() + 5
    while not links():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert links()["client_id"] == "tiled"
