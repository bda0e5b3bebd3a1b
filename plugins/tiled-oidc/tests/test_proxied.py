"""Tokens of a provider that are presented as they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tiled_oidc.options import ProxiedOptions
from tiled_oidc.proxied import ProxiedLogin, build_proxied

from tiledkernel.access.logins import TokenLogin
from tiledkernel.errors import ConfigurationError, NotReady, Unauthorized

from .browser import Browser
from .described import AUDIENCE, TERMINAL
from .dishonest import EC, Dishonest, claims_of, sign

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
READ = frozenset({"read:metadata", "read:data"})
MAP = {"tiled:read": sorted(READ), "operator": ["metrics"]}


def test_somebody_logs_in_from_a_terminal(args, browser_of) -> None:
    """The client does what `endpoints` tells it; the server sees a token, and asks nobody."""
    options = args | {"audience": AUDIENCE, "device_flow_client_id": TERMINAL, "scopes": ["tiled:read"]}
    login = build_proxied(ProxiedOptions(**options, scopes_map=MAP))
    assert isinstance(login, TokenLogin)
    tokens = log_in(login, browser_of("alice"))
    bearer = login.verify(tokens["access_token"])
    assert bearer.identity.id == "alice"
    assert bearer.scopes == READ | {"metrics"}
    assert time.time() < bearer.expires <= time.time() + 24 * 3600
    with pytest.raises(Unauthorized, match="'aud'"):
        login.verify(tokens["id_token"])
    login.close()


def log_in(login: ProxiedLogin, browser: Browser) -> dict[str, str]:
    """The tokens of the provider, got as RFC 8628 has it."""
    known = login.endpoints()
    assert known["end_session_endpoint"].startswith("http")
    scope = " ".join(["openid", "offline_access", *known["extra_scopes"]])
    form = {"client_id": known["client_id"], "scope": scope}
    started = httpx.post(known["auth_endpoint"], data=form).raise_for_status().json()
    poll = {"grant_type": DEVICE, "device_code": started["device_code"], "client_id": known["client_id"]}
    assert httpx.post(known["token_endpoint"], data=poll).json()["error"] == "authorization_pending"
    browser.answers["user_code"] = started["user_code"]
    page = browser.visit(started["verification_uri_complete"])
    assert isinstance(page, httpx.Response)
    assert page.is_success, page.text
    tokens: dict[str, str] = httpx.post(known["token_endpoint"], data=poll).raise_for_status().json()
    return tokens


@pytest.fixture
def provider() -> Iterator[Dishonest]:
    with Dishonest() as provider:
        yield provider


@pytest.fixture
def login_with(provider: Dishonest) -> Iterator[Callable[..., ProxiedLogin]]:
    made: list[ProxiedLogin] = []

    def make(**options: Any) -> ProxiedLogin:
        named = provider.options | {"audience": AUDIENCE, "device_flow_client_id": TERMINAL} | options
        made.append(build_proxied(ProxiedOptions(**named)))
        return made[-1]

    yield make
    for login in made:
        login.close()


def token(provider: Dishonest, typ: str | None = "at+jwt", key: Any = None, **changes: Any) -> str:
    """An access token for this server, but for the changes."""
    claims = claims_of(provider.issuer, None, aud=AUDIENCE, **changes)
    return sign(claims, typ=typ) if key is None else sign(claims, key, typ=typ, alg="ES256")


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "openid tiled:read"}, READ),
        ({"scp": "tiled:read"}, READ),
        ({"scp": ["tiled:read", 7]}, READ),
        ({"roles": ["operator"]}, {"metrics"}),
        ({"realm_access": {"roles": ["operator", "offline_access"]}, "scope": "tiled:read"}, READ | {"metrics"}),
        ({"scope": "tiled:read:everything"}, set()),
        ({"scope": "read:data"}, set()),
        ({"scope": {"tiled:read": True}, "roles": {"operator": 1}, "realm_access": "operator"}, set()),
        ({}, set()),
    ],
    ids=lambda value: str(sorted(value)),
)
def test_scopes_and_roles_of_the_provider_confer_scopes_here(claims, scopes, provider, login_with) -> None:
    assert login_with(scopes_map=MAP).verify(token(provider, **claims)).scopes == scopes


def test_without_a_map_scopes_of_the_same_name_are_conferred(provider, login_with) -> None:
    assert login_with().verify(token(provider, scope="openid read:data")).scopes == {"read:data"}


def test_roles_may_stand_in_another_claim(provider, login_with) -> None:
    login = login_with(scopes_map=MAP, role_claims=["groups", "resource_access.tiled.roles"])
    assert login.verify(token(provider, groups=["operator"])).scopes == {"metrics"}
    assert login.verify(token(provider, resource_access={"tiled": {"roles": ["operator"]}})).scopes == {"metrics"}
    assert not login.verify(token(provider, roles=["operator"])).scopes


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
def test_providers_name_access_tokens_in_different_ways(typ, provider, login_with) -> None:
    login = login_with()
    assert login.verify(token(provider, typ)).identity.id == "alice"


def test_an_access_token_of_keycloak_may_have_the_nonce_of_its_login(provider, login_with) -> None:
    claims = claims_of(provider.issuer, "nonce", aud=AUDIENCE, typ="Bearer")
    assert login_with().verify(sign(claims, typ="JWT")).identity.id == "alice"


@pytest.mark.parametrize(
    ("typ", "changes"),
    [
        ("JWT", {"nonce": "n"}),
        (None, {"at_hash": "h"}),
        ("JWT", {"typ": "ID"}),
        ("JWT", {"typ": "Refresh"}),
        ("logout+jwt", {}),
        ("dpop+jwt", {}),
        ("at+jwt", {"cnf": {"jkt": "x"}}),
    ],
    ids=str,
)
def test_other_tokens_of_the_provider_are_no_access_tokens(typ, changes, provider, login_with) -> None:
    claims = claims_of(provider.issuer, None, **{"aud": AUDIENCE} | changes)
    with pytest.raises(Unauthorized, match=r"no access token|bound to a key"):
        login_with().verify(sign(claims, typ=typ))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://elsewhere.example"}, "'iss'"),
        ({"aud": "another"}, "'aud'"),
        ({"aud": None}, "aud"),
        ({"exp": 1_000_000_000}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": 4_000_000_000}, "'nbf'"),
        ({"sub": None}, "sub"),
    ],
    ids=str,
)
def test_a_token_with_other_claims_is_refused(changes, reason, provider, login_with) -> None:
    claims = claims_of(provider.issuer, None, **{"aud": AUDIENCE} | changes)
    with pytest.raises(Unauthorized, match=reason):
        login_with().verify(sign(claims, typ="at+jwt"))


@pytest.mark.parametrize("junk", ["", "abc", "a.b", "a.b.c", "..", "\0", "ü.ü.ü", "e30.e30.e30", "x" * 100_000])
def test_what_is_no_token_is_refused(junk, login_with) -> None:
    with pytest.raises(Unauthorized):
        login_with().verify(junk)


def test_a_token_without_end_ends_all_the_same(provider, login_with) -> None:
    assert login_with().verify(token(provider, exp=10**400)).expires < time.time() + 367 * 86400


def test_another_key_of_the_provider_is_as_good(provider, login_with) -> None:
    assert login_with().verify(token(provider, key=EC)).identity.id == "alice"


def test_the_token_is_kept_for_trees_only_if_the_configuration_wants_it(provider, login_with) -> None:
    presented = token(provider)
    assert login_with().verify(presented).identity.state == {}
    assert login_with(keep_tokens=True).verify(presented).identity.state == {"access_token": presented}


def test_a_provider_without_a_device_flow_stops_the_start(provider, login_with) -> None:
    del provider.document["device_authorization_endpoint"]
    with pytest.raises(ConfigurationError, match="names no device_authorization_endpoint"):
        login_with()


def test_while_the_provider_is_away_there_are_no_endpoints(provider, login_with, caplog) -> None:
    provider.pages.clear()
    login = login_with()
    assert "nobody can log in" in caplog.text
    with pytest.raises(NotReady):
        login.endpoints()
    with pytest.raises(NotReady):
        login.verify(token(provider))


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_token_that_was_tampered_with_is_believed_nor_breaks_anything(data, provider, shared) -> None:
    good = token(provider)
    place = data.draw(st.integers(0, len(good) - 1))
    put = data.draw(st.text(max_size=3))
    changed = good[:place] + put + good[place + data.draw(st.integers(0, 3)) :]
    assume(changed != good)
    with pytest.raises(Unauthorized):
        shared.verify(changed)


@pytest.fixture
def shared(login_with) -> ProxiedLogin:
    return login_with()
