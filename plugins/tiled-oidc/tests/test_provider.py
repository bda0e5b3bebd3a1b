"""The description of a provider, its keys, and what happens while it does not answer."""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey
from tiled_oidc import kept, transport
from tiled_oidc.login import build_login
from tiled_oidc.options import LoginOptions, ProviderOptions
from tiled_oidc.provider import Provider
from tiled_oidc.signatures import Header

from tiledkernel.errors import ConfigurationError, NotReady, Unauthorized

from .dishonest import CLIENT, EC, RSA, WELL_KNOWN, Dishonest

HOUR = datetime.timedelta(hours=1)
BACK = "http://127.0.0.1:1/code"


class Clock:
    """Tells the time that a test wants."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(kept.Kept.__init__, "__defaults__", (clock,))
    return clock


@pytest.fixture
def dishonest() -> Iterator[Dishonest]:
    with Dishonest() as dishonest:
        yield dishonest


@pytest.fixture
def provider(dishonest: Dishonest, clock: Clock) -> Iterator[Provider]:
    provider = Provider(ProviderOptions(**dishonest.options))
    yield provider
    provider.close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_starts_without_its_provider_and_says_so(caplog) -> None:
    address = f"http://127.0.0.1:{unused_port()}{WELL_KNOWN}"
    login = build_login(LoginOptions(client_id=CLIENT, well_known_uri=address))
    assert f"nobody can log in until {address} answers" in caplog.text
    assert "cannot be reached: [Errno 111]" in caplog.text
    with pytest.raises(NotReady, match="cannot be reached") as error:
        login.depart(BACK, "state")
    assert error.value.headers == {"retry-after": "10"}
    login.close()


def test_a_provider_that_comes_back_is_found_again(dishonest, provider, clock) -> None:
    good = dishonest.pages.pop(WELL_KNOWN)
    for _ in range(5):
        with pytest.raises(NotReady, match="status 404"):
            provider.check()
    assert dishonest.asked[WELL_KNOWN] == 1, "one that does not answer is not asked again and again"
    dishonest.pages[WELL_KNOWN] = good
    clock.moment += kept.PAUSE
    assert provider.description.issuer == dishonest.issuer


def test_a_description_is_fetched_now_and_then(dishonest, provider, clock) -> None:
    for _ in range(5):
        assert provider.description.token_endpoint.endswith("/token")
    assert dishonest.asked[WELL_KNOWN] == 1
    dishonest.document["token_endpoint"] += "/new"
    clock.moment += kept.FRESH
    assert provider.description.token_endpoint.endswith("/token/new")


def test_while_a_provider_is_away_what_it_said_counts_for_a_while(dishonest, provider, clock) -> None:
    assert provider.key_for(Header("RS256", "rsa")).kid == "rsa"
    dishonest.pages.clear()
    clock.moment += kept.FRESH
    assert provider.key_for(Header("RS256", "rsa")).kid == "rsa"
    clock.moment += kept.USABLE
    with pytest.raises(NotReady):
        provider.key_for(Header("RS256", "rsa"))


def test_new_keys_are_found_at_once(dishonest, provider, clock) -> None:
    assert provider.key_for(Header("RS256", "rsa")).kid == "rsa"
    dishonest.publish(EC, RSAKey.generate_key(2048, {"kid": "new"}))
    assert provider.key_for(Header("RS256", "new")).kid == "new"
    with pytest.raises(Unauthorized, match="does not publish"):
        provider.key_for(Header("RS256", "rsa"))


def test_keys_that_nobody_has_make_no_work_for_the_provider(dishonest, provider, clock) -> None:
    for number in range(20):
        with pytest.raises(Unauthorized, match="does not publish"):
            provider.key_for(Header("RS256", f"invented {number}"))
    assert dishonest.asked["/jwks"] == 2
    clock.moment += kept.RENEWAL
    for number in range(20):
        with pytest.raises(Unauthorized, match="does not publish"):
            provider.key_for(Header("RS256", f"invented {number}"))
    assert dishonest.asked["/jwks"] == 3


def test_many_who_need_the_same_new_key_wait_for_one_answer(dishonest, provider) -> None:
    provider.key_for(Header("RS256", "rsa"))
    dishonest.publish(RSAKey.generate_key(2048, {"kid": "new"}))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: provider.key_for(Header("RS256", "new")).kid, range(40)))
    assert found == ["new"] * 40
    assert dishonest.asked["/jwks"] == 2


def test_a_key_that_is_withdrawn_is_forgotten(dishonest, provider, clock) -> None:
    provider.key_for(Header("RS256", "rsa"))
    dishonest.publish(EC)
    clock.moment += kept.FRESH
    with pytest.raises(Unauthorized, match="does not publish"):
        provider.key_for(Header("RS256", "rsa"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": "https://elsewhere.example"}, "description of 'https://elsewhere.example', expected"),
        ({"issuer": 7}, "no description of a provider"),
        ({"token_endpoint": None}, "no description of a provider"),
        ({"authorization_endpoint": "http://elsewhere.example/"}, "authorization_endpoint, no https"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri, no https"),
        ({"userinfo_endpoint": "https://user@elsewhere.example"}, "userinfo_endpoint, no https"),
        ({"id_token_signing_alg_values_supported": "RS256"}, "no description of a provider"),
    ],
    ids=str,
)
def test_a_description_that_cannot_be_meant_stops_the_start(changes, reason, dishonest) -> None:
    dishonest.document.update(changes)
    with pytest.raises(ConfigurationError, match=reason):
        build_login(LoginOptions(**dishonest.options))


def test_a_description_that_changes_for_the_worse_lets_nobody_in(dishonest, provider, clock) -> None:
    assert provider.description.issuer == dishonest.issuer
    dishonest.document["issuer"] = "https://elsewhere.example"
    clock.moment += kept.USABLE
    with pytest.raises(NotReady, match="expected that of"):
        _ = provider.description


def test_an_issuer_that_differs_from_the_address_can_be_named(dishonest) -> None:
    dishonest.document["issuer"] = "https://login.example/tenant/"
    provider = Provider(ProviderOptions(**dishonest.options, issuer="https://login.example/tenant"))
    assert provider.description.issuer == "https://login.example/tenant/"
    provider.close()


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ((200, {}, b"<html>"), "something else than a JSON object"),
        ((200, {}, b"[1]"), "something else than a JSON object"),
        ((200, {}, b"[" * 100_000), "something else than a JSON object"),
        ((200, {}, b"\xff\xfe"), "something else than a JSON object"),
        ((503, {}, b"{}"), "status 503"),
        ((302, {"location": "/elsewhere"}, b""), "status 302"),
        ((200, {}, b'{"issuer": "' + b"x" * transport.MAX_ANSWER + b'"}'), "more than 1_048_576 bytes"),
        ((200, {"content-length": "100"}, b"{"), "cannot be reached"),
    ],
    ids=["HTML", "list", "bottomless", "no text", "error", "redirect", "long", "cut off"],
)
def test_an_answer_that_is_no_document_is_no_document(page, reason, dishonest, provider) -> None:
    """The connection is closed, whatever the length says, when the server is."""
    dishonest.pages[WELL_KNOWN] = page
    with pytest.raises(NotReady, match=reason):
        _ = provider.description


def test_an_answer_that_trickles_is_given_up(dishonest, provider, monkeypatch) -> None:
    monkeypatch.setattr(transport, "DEADLINE", -1.0)
    with pytest.raises(NotReady, match="seconds to answer"):
        _ = provider.description


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": []},
        {"keys": "rsa"},
        {"keys": [7, {}, {"kty": 7}, {"kty": "oct", "k": "AAAA"}, {"kty": "RSA", "n": "!", "e": "AQAB"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}, {"kty": "OKP", "crv": "Ed25519", "x": 1}]},
    ],
    ids=str,
)
def test_a_key_set_without_a_key_that_can_be_used_lets_nobody_in(keys, dishonest, provider) -> None:
    dishonest.pages["/jwks"] = keys
    with pytest.raises(NotReady, match=r"no key with which|something else"):
        provider.key_for(Header("RS256", "rsa"))


def test_keys_that_cannot_be_used_are_left_out(dishonest, provider) -> None:
    dishonest.pages["/jwks"]["keys"][:0] = [{"kty": "AKP", "kid": "rsa"}, {"kty": "RSA", "kid": "rsa", "n": "AQAB"}]
    assert provider.key_for(Header("RS256", "rsa"))["n"] == RSA.as_dict(private=False)["n"]


def test_algorithms_that_the_provider_does_not_offer_stop_the_start(dishonest) -> None:
    with pytest.raises(ConfigurationError, match=r"'algorithms' are \['ES512'\], but the provider offers RS256"):
        build_login(LoginOptions(**dishonest.options, algorithms=["ES512"]))
    dishonest.document["id_token_signing_alg_values_supported"] = ["HS256"]
    with pytest.raises(ConfigurationError, match=r"those with a public key, .* but the provider offers HS256"):
        build_login(LoginOptions(**dishonest.options))


def test_a_scope_for_tokens_that_last_is_asked_for_only_where_there_is_one(dishonest) -> None:
    for supported, asked in ([], "openid"), (["openid", "offline_access"], "offline_access openid"):
        dishonest.document["scopes_supported"] = supported
        login = build_login(LoginOptions(**dishonest.options, keep_tokens=True))
        parameters = httpx.URL(login.depart(BACK, "state").url).params
        assert parameters["scope"] == asked
        assert parameters["prompt"] == ("login consent" if supported else "login")
        login.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + HOUR)
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path / "certificate.pem"
    file.write_bytes(signed.public_bytes(Encoding.PEM) + plain)
    return file


def test_a_provider_must_show_a_certificate_that_can_be_trusted(certificate, monkeypatch) -> None:
    with Dishonest(certificate) as dishonest:
        assert dishonest.issuer.startswith("https://")
        provider = Provider(ProviderOptions(**dishonest.options))
        with pytest.raises(NotReady, match="CERTIFICATE_VERIFY_FAILED"):
            provider.check()
        provider.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusting = Provider(ProviderOptions(**dishonest.options))
        trusting.check()
        trusting.close()


@pytest.mark.parametrize(
    ("page", "error", "reason"),
    [
        ((400, {}, b'{"error": "invalid_grant"}'), Unauthorized, "refused the code: invalid_grant"),
        ((400, {}, b'{"error": "<script>"}'), Unauthorized, "refused the code: without a reason"),
        ((401, {}, b'{"error": "invalid_client"}'), NotReady, "does not take codes from this server"),
        ((500, {}, b"oops"), NotReady, "does not take codes from this server"),
        ((200, {}, b"{}"), Unauthorized, "no ID token"),
        ((200, {}, b'{"id_token": ["x"]}'), Unauthorized, "no ID token"),
        ((302, {"location": "/elsewhere"}, b""), Unauthorized, "without a reason"),
    ],
    ids=["refused", "script", "client", "broken", "nothing", "list", "redirect"],
)
def test_a_code_that_is_not_taken_logs_nobody_in(page, error, reason, dishonest) -> None:
    dishonest.pages["/token"] = page
    login = build_login(LoginOptions(**dishonest.options))
    departure = login.depart(BACK, "state")
    with pytest.raises(error, match=reason):
        login.arrive(BACK, {"code": "code"}, departure.remember)
    login.close()


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"error": "access_denied"}, "refused the login: access_denied"),
        ({"error": "<b>", "error_description": "call 555"}, "refused the login: without a reason"),
        ({}, "without a code"),
        ({"code": ""}, "without a code"),
    ],
    ids=str,
)
def test_a_browser_that_comes_back_without_a_code_is_not_logged_in(parameters, reason, dishonest) -> None:
    login = build_login(LoginOptions(**dishonest.options))
    with pytest.raises(Unauthorized, match=reason):
        login.arrive(BACK, parameters, login.depart(BACK, "state").remember)
    assert "/token" not in dishonest.asked
    login.close()


def test_a_code_without_a_beginning_is_not_even_tried(dishonest) -> None:
    login = build_login(LoginOptions(**dishonest.options))
    with pytest.raises(Unauthorized, match="nothing is known of the beginning"):
        login.arrive(BACK, {"code": "code"}, {})
    assert "/token" not in dishonest.asked
    login.close()
