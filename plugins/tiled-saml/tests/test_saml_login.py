"""Logging in at an identity provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from tiledkernel.access.logins import BrowserLogin
from tiledkernel.errors import Unauthorized

ADDRESS = "https://tiled.example.org/api/v1/auth/provider/lab/code"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
UID = "urn:oid:0.9.2342.19200300.100.1.1"


def test_the_browser_takes_a_request_along(login, provider):
    there = login()
    assert isinstance(there, BrowserLogin)
    departure = there.depart(ADDRESS, "a state")
    query = parse_qs(urlsplit(departure.url).query)
    assert departure.url.startswith("https://idp.example.org/sso?tenant=1&")
    assert query["RelayState"] == ["a state"]
    request = provider.requested(departure)
    assert request.get("AssertionConsumerServiceURL") == ADDRESS
    assert request.get("Destination") == "https://idp.example.org/sso?tenant=1"
    assert request.findtext("{*}Issuer") == "https://tiled.example.org"
    assert departure.remember == {"request": request.get("ID")}


def test_no_two_requests_have_the_same_name(login):
    there = login()
    assert len({there.depart(ADDRESS, "s").remember["request"] for _ in range(100)}) == 100


def test_whom_the_provider_vouches_for_has_logged_in(login, provider):
    there = login()
    departure = there.depart(ADDRESS, "s")
    assert there.arrive(ADDRESS, provider.answer(departure), departure.remember).id == "alice"


@pytest.mark.parametrize("name", [UID, "uid"])
def test_an_attribute_has_a_name_and_a_friendly_name(login, provider, name):
    there = login(attribute_name=name)
    departure = there.depart(ADDRESS, "s")
    assert there.arrive(ADDRESS, provider.answer(departure), departure.remember).id == "alice"


def test_without_an_attribute_the_name_id_is_the_id(login, provider):
    there = login(attribute_name=None)
    departure = there.depart(ADDRESS, "s")
    answer = provider.answer(departure, attributes=())
    assert there.arrive(ADDRESS, answer, departure.remember).id == "alice@example.org"


@pytest.mark.parametrize("signed", [("response",), ("assertion",), ("assertion", "response")])
def test_a_provider_may_sign_the_message(login, provider, settings, signed):
    wanted = {"wantAssertionsSigned": "assertion" in signed, "wantMessagesSigned": "response" in signed}
    there = login(saml_settings=settings | {"security": wanted})
    departure = there.depart(ADDRESS, "s")
    assert there.arrive(ADDRESS, provider.answer(departure, signed=signed), departure.remember).id == "alice"


def test_a_provider_that_changes_its_key_has_two_for_a_while(login, provider, stranger, settings):
    old_and_new = {"signing": [stranger.certificate, provider.certificate]}
    idp = {key: value for key, value in settings["idp"].items() if key != "x509cert"} | {"x509certMulti": old_and_new}
    there = login(saml_settings=settings | {"idp": idp})
    for each in (provider, stranger):
        departure = there.depart(ADDRESS, "s")
        assert there.arrive(ADDRESS, each.answer(departure), departure.remember).id == "alice"


def test_a_request_is_signed_if_that_is_wanted(login, provider, stranger, settings):
    own = settings["sp"] | {"x509cert": stranger.certificate, "privateKey": stranger.private_key}
    there = login(saml_settings=settings | {"sp": own, "security": {"authnRequestsSigned": True}})
    departure = there.depart(ADDRESS, "s")
    stranger.check_query(urlsplit(departure.url).query)


def test_an_encrypted_answer_is_read(login, provider, stranger, settings):
    own = settings["sp"] | {"x509cert": stranger.certificate, "privateKey": stranger.private_key}
    there = login(saml_settings=settings | {"sp": own, "security": {"wantAssertionsEncrypted": True}})
    departure = there.depart(ADDRESS, "s")
    plain = provider.signed(provider.story(departure))
    answer = provider.form(provider.encrypted(plain, stranger.certificate), departure)
    assert there.arrive(ADDRESS, answer, departure.remember).id == "alice"
    again = there.depart(ADDRESS, "s")
    with pytest.raises(Unauthorized):
        there.arrive(ADDRESS, provider.answer(again), again.remember)


def test_a_server_may_be_anywhere(login, provider):
    """On a port, below a path, without TLS, and with a name without a dot."""
    there = login()
    for address in ("http://beamline:8000/x/api/v1/auth/provider/lab/code", "http://127.0.0.1:8000/code"):
        departure = there.depart(address, "s")
        answer = provider.answer(departure, address=address, recipient=address)
        assert there.arrive(address, answer, departure.remember).id == "alice"


def test_an_address_is_no_part_of_the_request_but_its_value(login, provider):
    there = login()
    address = "https://x.example.org/\"><Evil/>&amp;'code"
    assert provider.requested(there.depart(address, "s")).get("AssertionConsumerServiceURL") == address


def test_many_may_log_in_at_once(login, provider):
    there = login()
    departures = [there.depart(ADDRESS, "s") for _ in range(16)]
    answers = [provider.answer(departure) for departure in departures]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda d, a: there.arrive(ADDRESS, a, d.remember).id, departures, answers))
    assert found == ["alice"] * 16


def test_pages_and_message_are_the_configured_ones(login):
    pages = {"redirect_on_success": "https://a.example.org/in", "redirect_on_failure": "https://a.example.org/out"}
    there = login(confirmation_message="Hello {id}.", **pages)
    assert (there.confirmation_message, there.redirect_on_success, there.redirect_on_failure) == (
        "Hello {id}.",
        *pages.values(),
    )
