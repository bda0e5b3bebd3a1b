"""Logging in with a browser, at providers that do as they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tiled_oidc.login import OidcLogin, build_login
from tiled_oidc.options import LoginOptions

from tiledkernel.access.logins import BrowserLogin, Departure, Identity
from tiledkernel.errors import NotReady, Unauthorized

from .browser import Browser
from .described import CLIENT, CURVED, EDWARDS, POSTING, PUBLIC, SECRET, SHARED, description
from .providers import AUTHLIB, running_provider

STATE = "a state with spaces & signs"


@pytest.fixture
def login_with(args: dict[str, str]) -> Any:
    """`login_with(user_id_claim="email")`: the login with these options besides."""
    made: list[OidcLogin] = []

    def make(**options: Any) -> OidcLogin:
        made.append(build_login(LoginOptions(**args | options)))
        return made[-1]

    yield make
    for login in made:
        login.close()


def parameters_of(url: httpx.URL | httpx.Response) -> dict[str, str]:
    assert isinstance(url, httpx.URL), f"the browser was not sent back: {url.status_code} {url.text[-700:]}"
    return dict(url.params)


def go(browser: Browser, departure: Departure, redirect_uri: str) -> dict[str, str]:
    """With what the provider sends the browser back."""
    return parameters_of(browser.visit(departure.url, until=lambda url: url.startswith(redirect_uri)))


@pytest.fixture
def log_in(browser_of: Callable[[str], Browser], redirect_uri: str) -> Callable[..., Identity]:
    """`log_in(login, "alice")`: the identity of somebody who has logged in."""

    def log_in(login: OidcLogin, name: str = "alice") -> Identity:
        departure = login.depart(redirect_uri, STATE)
        return login.arrive(redirect_uri, go(browser_of(name), departure, redirect_uri), departure.remember)

    return log_in


def test_somebody_who_logs_in_has_the_id_that_the_provider_gives(login_with, log_in) -> None:
    assert log_in(login_with()) == Identity(id="alice")


def test_it_is_a_login_with_a_browser(login_with) -> None:
    login = login_with(confirmation_message="Hello {id}", redirect_on_success="https://data.example/ui")
    assert isinstance(login, BrowserLogin)
    assert (login.confirmation_message, login.redirect_on_success) == ("Hello {id}", "https://data.example/ui")
    assert login.redirect_on_failure is None


def test_the_provider_sends_the_state_back(login_with, browser_of, redirect_uri) -> None:
    assert go(browser_of("alice"), login_with().depart(redirect_uri, STATE), redirect_uri)["state"] == STATE


def test_what_is_asked_for_is_in_the_address(login_with, redirect_uri) -> None:
    departure = login_with(extra_scopes=["profile", "email"]).depart(redirect_uri, STATE)
    asked = dict(httpx.URL(departure.url).params)
    assert asked["scope"] == "email openid profile"
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == redirect_uri
    assert asked["code_challenge_method"] == "S256"
    assert asked["prompt"] == "login"
    assert asked["nonce"] == departure.remember["nonce"]
    assert departure.remember["verifier"] not in departure.url


def test_no_two_departures_are_alike(login_with, redirect_uri) -> None:
    login = login_with()
    one, other = login.depart(redirect_uri, STATE), login.depart(redirect_uri, STATE)
    assert not set(one.remember.values()) & set(other.remember.values())


@pytest.mark.parametrize(
    "options",
    [
        {"client_id": POSTING, "client_auth": "client_secret_post"},
        {"client_id": PUBLIC, "client_secret": ""},
        {"client_id": CURVED},
        {"client_id": EDWARDS},
        {"client_id": SHARED, "algorithms": ["HS256"]},
    ],
    ids=lambda options: options["client_id"],
)
def test_clients_may_be_registered_in_different_ways(options, login_with, log_in) -> None:
    assert log_in(login_with(**options)).id == "alice"


def test_a_token_that_is_signed_with_a_secret_is_refused_unless_the_configuration_wants_it(login_with, log_in) -> None:
    with pytest.raises(Unauthorized, match="'HS256'; expected ES256, EdDSA, RS256"):
        log_in(login_with(client_id=SHARED))


def test_a_claim_that_only_the_user_info_has_is_found_there(login_with, log_in) -> None:
    login = login_with(user_id_claim="preferred_username", extra_scopes=["profile"])
    assert log_in(login, "bob").id == "bob@elsewhere.org"


def test_user_names_of_the_site_lose_their_domain(login_with, log_in) -> None:
    options = {"user_id_claim": "preferred_username", "extra_scopes": ["profile"], "domains": ["EXAMPLE.org"]}
    assert log_in(login_with(**options), "alice").id == "alice"
    assert log_in(login_with(**options), "bob").id == "bob@elsewhere.org"


def test_a_mail_address_counts_only_if_the_provider_has_verified_it(login_with, log_in) -> None:
    login = login_with(user_id_claim="email", extra_scopes=["email"])
    assert log_in(login, "alice").id == "alice@example.org"
    with pytest.raises(Unauthorized, match="has not verified"):
        log_in(login, "bob")


def test_only_those_with_the_required_claims_may_log_in(login_with, log_in) -> None:
    login = login_with(required_claims={"groups": ["beamline", "office"]}, extra_scopes=["profile"])
    assert log_in(login, "alice").id == "alice"
    with pytest.raises(Unauthorized, match="your claim 'groups'"):
        log_in(login, "bob")


def test_a_user_without_the_claim_for_the_id_is_refused(login_with, log_in) -> None:
    with pytest.raises(Unauthorized, match="no claim 'staff_number'"):
        log_in(login_with(user_id_claim="staff_number"))


def test_tokens_of_the_provider_are_kept_only_if_the_configuration_wants_it(login_with, log_in) -> None:
    state = log_in(login_with(keep_tokens=True)).state
    assert state.keys() == {"access_token", "refresh_token"}
    assert all(isinstance(token, str) and token for token in state.values())


def test_a_code_is_good_once(login_with, browser_of, redirect_uri) -> None:
    login = login_with()
    departure = login.depart(redirect_uri, STATE)
    back = go(browser_of("alice"), departure, redirect_uri)
    login.arrive(redirect_uri, back, departure.remember)
    with pytest.raises(Unauthorized, match="refused the code: invalid_grant"):
        login.arrive(redirect_uri, back, departure.remember)


def test_a_code_is_good_only_for_the_login_that_it_was_made_for(login_with, browser_of, redirect_uri) -> None:
    """A code that was put into another browser comes with that one's verifier."""
    login = login_with()
    stolen = go(browser_of("alice"), login.depart(redirect_uri, STATE), redirect_uri)
    with pytest.raises(Unauthorized, match="refused the code: invalid_grant"):
        login.arrive(redirect_uri, stolen, login.depart(redirect_uri, STATE).remember)


def test_a_code_is_good_only_for_the_address_to_which_it_was_sent(login_with, browser_of, redirect_uri) -> None:
    login = login_with()
    departure = login.depart(redirect_uri, STATE)
    back = go(browser_of("alice"), departure, redirect_uri)
    with pytest.raises(Unauthorized, match="refused the code: invalid_grant"):
        login.arrive(redirect_uri.replace("/code", "/device_code"), back, departure.remember)


def test_an_address_that_the_provider_does_not_know_gets_nothing(login_with, browser_of) -> None:
    departure = login_with().depart("http://127.0.0.1:1/evil", STATE)
    page = browser_of("alice").visit(departure.url, until=lambda url: "evil" in url)
    assert isinstance(page, httpx.Response)
    assert page.status_code == 400


def test_a_wrong_secret_is_a_matter_of_the_server_and_not_of_the_user(login_with, log_in, caplog) -> None:
    with pytest.raises(NotReady, match="does not take codes from this server"):
        log_in(login_with(client_secret="wrong" * 10))
    assert "invalid_client" in caplog.text
    assert "wrong" not in caplog.text


def test_nothing_secret_is_logged(login_with, browser_of, redirect_uri, caplog) -> None:
    login = login_with(keep_tokens=True)
    departure = login.depart(redirect_uri, STATE)
    back = go(browser_of("alice"), departure, redirect_uri)
    caplog.set_level("DEBUG")
    caplog.clear()  # the browser, which is part of the test, logs as well
    state = login.arrive(redirect_uri, back, departure.remember).state
    with pytest.raises(Unauthorized):
        login.arrive(redirect_uri, back, departure.remember)
    assert caplog.text
    for secret in (SECRET, back["code"], departure.remember["verifier"], *state.values()):
        assert secret not in caplog.text


def test_a_provider_may_change_its_keys_between_two_logins(port, log_in) -> None:
    with running_provider(AUTHLIB, description(port)) as issuer:
        address = f"{issuer}/.well-known/openid-configuration"
        login = build_login(LoginOptions(client_id=CLIENT, client_secret=SECRET, well_known_uri=address))
        assert log_in(login).id == "alice"
        httpx.post(f"{issuer}/test/rotate").raise_for_status()
        assert log_in(login).id == "alice"
        login.close()
