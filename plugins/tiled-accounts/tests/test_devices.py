"""Logging in for a device: it polls until somebody has logged in, in a browser, and typed its code there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select
from tiled_accounts.schema import device_logins

from .site import BASE, IdentityProvider, Site
from .test_browser import HERE, fields_of


@pytest.fixture
def ext(open_site: Callable[..., Site], uri: str) -> Site:
    return open_site(uri, logins={"ext": IdentityProvider(confirmation_message="Welcome {id} <3")})


class Device:
    """A terminal, and its user's browser."""

    def __init__(self, site: Site) -> None:
        self.site = site
        response = site("POST", f"{HERE}/authorize")
        assert response.status_code == 200, response.text
        self.told: dict[str, Any] = response.json()
        query = parse_qs(urlsplit(self.told["authorization_uri"]).query)
        assert query["redirect_uri"] == [f"{BASE}{HERE}/device_code"]
        self.state = query["state"][0]

    def poll(self, **changes: Any) -> httpx.Response:
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        body = {"device_code": self.told["device_code"], "grant_type": grant} | changes
        return self.site("POST", f"{HERE}/token", json=body)

    def come_back(self, code: str = "code-of-alice") -> httpx.Response:
        return self.site("GET", f"{HERE}/device_code", params={"code": code, "state": self.state})

    def confirm(self, user_code: str | None = None, code: str = "code-of-alice", **more: str) -> httpx.Response:
        fields = {"code": code, "state": self.state, "user_code": user_code or self.told["user_code"]} | more
        return self.site("POST", f"{HERE}/device_code?code={fields['code']}", data=fields)


def test_a_device_is_told_its_codes(ext: Site) -> None:
    told = Device(ext).told
    assert set(told) == {"authorization_uri", "verification_uri", "interval", "device_code", "expires_in", "user_code"}
    assert told["verification_uri"] == f"{BASE}{HERE}/token"
    assert (told["interval"], told["expires_in"]) == (5, 900.0)
    assert len(bytes.fromhex(told["device_code"])) == 32
    assert len(told["user_code"]) == 9


def test_a_device_gets_tokens_when_its_user_has_logged_in(ext: Site, later: Callable[[float], None]) -> None:
    device = Device(ext)
    pending = device.poll()
    assert (pending.status_code, pending.json()) == (400, {"detail": {"error": "authorization_pending"}})
    page = device.come_back()
    assert page.status_code == 200
    assert 'name="user_code"' in page.text
    answer = ext(
        "POST", f"{HERE}/device_code?code=code-of-alice",
        data=fields_of(page.text) | {"user_code": device.told["user_code"]},
    )  # fmt: skip
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Welcome alice &lt;3" in answer.text
    later(2)
    tokens = device.poll()
    assert tokens.status_code == 200
    assert tokens.json()["identity"] == {"id": "alice", "provider": "ext"}
    assert ext.status(token=tokens.json()["access_token"]) == 200
    assert ext.refresh(tokens.json()["refresh_token"]).status_code == 200


def test_tokens_are_fetched_once(ext: Site) -> None:
    device = Device(ext)
    device.confirm()
    assert [device.poll().status_code for _ in range(2)] == [200, 404]


def test_the_user_code_may_be_typed_as_one_likes(ext: Site) -> None:
    device = Device(ext)
    assert device.confirm(f" {device.told['user_code'].replace('-', '').lower()} ").status_code == 200


def test_a_provider_without_states_is_known_by_the_user_code(open_site: Callable[..., Site], uri: str) -> None:
    class Stateless(IdentityProvider):
        def arrive(self, redirect_uri: str, parameters: Any, remembered: Any) -> Any:
            return super().arrive(redirect_uri, parameters | {"state": self.departed[-1]}, remembered)

    site = open_site(uri, logins={"ext": Stateless()})
    device = Device(site)
    fields = {"code": "code-of-alice", "user_code": device.told["user_code"].lower()}
    assert site("POST", f"{HERE}/device_code?code=code-of-alice", data=fields).status_code == 200
    assert device.poll().status_code == 200


def test_a_wrong_user_code_can_be_tried_again(ext: Site) -> None:
    device = Device(ext)
    answer = device.confirm("0000-0000")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert 'name="user_code"' in answer.text
    assert device.poll().status_code == 400
    assert device.confirm().status_code == 200


def test_it_cannot_be_guessed(ext: Site) -> None:
    device = Device(ext)
    for number in range(5):
        assert device.confirm(f"0000-000{number}").status_code == 401
    assert device.confirm().status_code == 401


def test_who_guesses_at_many_devices_has_to_wait(open_site: Callable[..., Site], uri: str) -> None:
    site = open_site(uri, logins={"ext": IdentityProvider()}, address="192.0.2.7")
    for number in range(20):
        assert site("POST", f"{HERE}/device_code", data={"user_code": f"0000-00{number}"}).status_code == 401
    answer = site("POST", f"{HERE}/device_code", data={"user_code": "0000-0000"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_the_code_of_another_device_does_not_count(ext: Site) -> None:
    """Who is lured to an attacker's login cannot confirm it with the code before the own eyes."""
    attacker, victim = Device(ext), Device(ext)
    assert attacker.confirm(victim.told["user_code"]).status_code == 401
    assert [device.poll().status_code for device in (attacker, victim)] == [400, 400]


def test_what_the_provider_refuses_is_nobody(ext: Site) -> None:
    device = Device(ext)
    assert device.confirm(code="wrong").status_code == 401
    assert device.poll().status_code == 400
    denied = ext("GET", f"{HERE}/device_code?error=access_denied&state={device.state}")
    assert denied.status_code == 401


def test_a_device_that_has_its_session_gets_no_other(ext: Site) -> None:
    device = Device(ext)
    device.confirm()
    assert device.confirm(code="code-of-mallory").status_code == 401
    assert device.poll().json()["identity"]["id"] == "alice"


def test_a_device_waits_for_a_quarter_of_an_hour(ext: Site, later: Callable[[float], None]) -> None:
    device = Device(ext)
    later(890)
    assert device.poll().status_code == 400
    later(11)
    assert device.poll().status_code == 404
    assert device.confirm().status_code == 401


def test_polling_in_haste_is_refused(ext: Site, later: Callable[[float], None]) -> None:
    device = Device(ext)
    device.poll()
    hasty = device.poll()
    assert (hasty.status_code, hasty.headers["retry-after"]) == (429, "5")
    later(1.1)
    assert device.poll().status_code == 400


@pytest.mark.parametrize(
    ("code", "status"),
    [("0" * 64, 404), ("nonsense", 401), ("é", 401), (None, 422), (7, 422), ("", 422), ("0" * 5000, 422), ("\0", 422)],
)
def test_a_code_that_was_never_given_out_is_told_from_nonsense(ext: Site, code: Any, status: int) -> None:
    assert Device(ext).poll(device_code=code).status_code == status


def test_codes_count_at_their_own_provider(open_site: Callable[..., Site]) -> None:
    site = open_site(logins={"ext": IdentityProvider(), "other": IdentityProvider()})
    device = Device(site)
    fields = {"code": "code-of-alice", "state": device.state, "user_code": device.told["user_code"]}
    assert site("POST", "/auth/provider/other/device_code", data=fields).status_code == 401
    body = {"device_code": device.told["device_code"]}
    assert site("POST", "/auth/provider/other/token", json=body).status_code == 404


def test_one_address_cannot_let_any_number_of_devices_wait(open_site: Callable[..., Site], uri: str) -> None:
    site, other = (open_site(uri, logins={"ext": IdentityProvider()}, address=f"192.0.2.{last}") for last in (8, 9))
    for _ in range(100):
        Device(site)
    refused = site("POST", f"{HERE}/authorize")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    Device(other)


def test_the_database_does_not_hold_the_codes(ext: Site) -> None:
    device = Device(ext)
    with ext.keeper.database.reading() as connection:
        row = connection.execute(select(device_logins)).one()
    assert device.told["device_code"] not in str(row)
    assert bytes.fromhex(device.told["device_code"]) not in row


def test_pages_hold_nothing_that_a_browser_would_run(ext: Site) -> None:
    evil = '"><script>alert(1)</script>'
    page = ext("GET", f"{HERE}/device_code", params={"code": evil, "state": evil, evil: evil})
    assert page.status_code == 200
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy


def test_nodes_share_devices(open_site: Callable[..., Site], uri: str) -> None:
    """A device asks one node, its user's browser comes to another, and it polls at a third."""
    sites = [open_site(uri, logins={"ext": IdentityProvider()}) for _ in range(3)]
    device = Device(sites[0])
    device.site = sites[1]
    assert device.confirm().status_code == 200
    device.site = sites[2]
    assert device.poll().status_code == 200
