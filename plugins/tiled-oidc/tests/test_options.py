"""What a configuration may say, and what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiled_oidc
from tiled_oidc import presets
from tiled_oidc.options import LoginOptions, ProxiedOptions

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.plugins import discover
from tiledkernel.server.from_config import build_app_from_config

SECRET = "s" * 32
BASE: dict[str, Any] = {"client_id": "tiled", "well_known_uri": "https://a.example/.well-known/openid-configuration"}


def test_the_names_of_tiled_mean_the_same() -> None:
    also = {name: record.name for record in tiled_oidc.register_authenticators() for name in record.also}
    assert also == {
        "OIDCAuthenticator": "oidc",
        "EntraAuthenticator": "entra",
        "ProxiedOIDCAuthenticator": "oidc-proxied",
    }


@pytest.mark.parametrize("record", tiled_oidc.register_authenticators(), ids=lambda record: record.name)
def test_every_kind_can_be_built_and_has_options(record) -> None:
    assert callable(references.load(record.build))
    assert references.load(record.options).__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"well_known_uri": ""}, "'well_known_uri' is missing"),
        ({"well_known_uri": "http://a.example/.well-known/openid-configuration"}, "expected https"),
        ({"well_known_uri": "a.example"}, "expected https"),
        ({"well_known_uri": "https://a.example/"}, "say in 'issuer'"),
        ({"redirect_on_success": "javascript:alert(1)"}, "'redirect_on_success' is 'javascript"),
        ({"redirect_on_failure": "/ui"}, "'redirect_on_failure' is '/ui'"),
        ({"algorithms": ["none"]}, "'algorithms' names 'none'"),
        ({"algorithms": ["HS256"]}, "at least 32 bytes"),
        ({"algorithms": ["HS512"], "client_secret": SECRET}, "at least 64 bytes"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_explained(changes, reason) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        LoginOptions(**BASE | changes).check()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"well_known_uri": "http://127.0.0.1:80/.well-known/openid-configuration"},
        {"well_known_uri": "http://[::1]/.well-known/openid-configuration"},
        {"well_known_uri": "http://a.example/.well-known/openid-configuration", "allow_http": True},
        {"well_known_uri": "https://a.example/?policy=x", "issuer": "https://a.example"},
        {"algorithms": ["HS256", "RS256"], "client_secret": SECRET},
        {"redirect_on_success": "http://a.example/ui"},
    ],
    ids=str,
)
def test_what_can_be_meant_is_taken(changes) -> None:
    LoginOptions(**BASE | changes).check()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scopes_map": {"staff": ["read:everything"]}}, r"gives 'staff' the scopes \['read:everything'\]"),
        ({"algorithms": ["HS256"], "client_secret": SECRET}, "signed with a private key"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_of_bearer_tokens_is_explained(changes, reason) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        ProxiedOptions(**BASE, device_flow_client_id="terminal", **changes).check()


def test_the_secret_is_not_shown() -> None:
    for options in (LoginOptions, presets.KeycloakOptions):
        assert SECRET not in repr(options(**BASE, client_secret=SECRET))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[LoginOptions]:
    """The options of the logins that presets make, which are not asked for."""
    built: list[LoginOptions] = []
    monkeypatch.setattr(presets, "build_login", built.append)
    return built


def test_entra_knows_its_address_by_the_tenant(built) -> None:
    presets.build_entra(presets.EntraOptions(client_id="x", tenant="0f1e"))
    options = built[0]
    options.check()
    assert options.well_known_uri == "https://login.microsoftonline.com/0f1e/v2.0/.well-known/openid-configuration"
    assert options.expected_issuer == "https://login.microsoftonline.com/0f1e/v2.0"
    assert (options.user_id_claim, options.extra_scopes) == ("preferred_username", ["profile"])


def test_entra_takes_an_address_as_tiled_does(built) -> None:
    presets.build_entra(presets.EntraOptions(**BASE))
    assert built[0].well_known_uri == BASE["well_known_uri"]


def test_entra_may_have_its_tokens_taken_as_they_are(monkeypatch) -> None:
    """As the authenticator of this name does in Tiled."""
    built: list[ProxiedOptions] = []
    monkeypatch.setattr(presets, "build_proxied", built.append)
    mapped = {"reader": ["read:data"]}
    presets.build_entra(
        presets.EntraOptions(
            **BASE, device_flow_client_id="cli", extra_scopes=["api://x/use"], scopes_map=mapped, audience="api://x",
            redirect_on_success="https://data.example/ui",
        )
    )  # fmt: skip
    built[0].check()
    assert (built[0].device_flow_client_id, built[0].scopes, built[0].scopes_map) == ("cli", ["api://x/use"], mapped)
    assert (built[0].expected_audience, built[0].user_id_claim) == ("api://x", "preferred_username")


def test_entra_says_that_names_are_whole_unless_domains_are_named(built, caplog) -> None:
    presets.build_entra(presets.EntraOptions(client_id="x", tenant="0f1e", domains=["example.org"]))
    assert not caplog.text
    presets.build_entra(presets.EntraOptions(client_id="x", tenant="0f1e"))
    assert "known by their whole user names" in caplog.text


def test_keycloak_knows_its_address_by_server_and_realm(built) -> None:
    presets.build_keycloak(presets.KeycloakOptions(client_id="x", server="https://a.example/auth/", realm="a b"))
    built[0].check()
    assert built[0].expected_issuer == "https://a.example/auth/realms/a%20b"


def test_google_and_orcid_need_no_address() -> None:
    google, orcid = presets.GoogleOptions(client_id="x"), presets.OrcidOptions(client_id="x")
    google.check()
    orcid.check()
    assert (google.expected_issuer, google.prompt) == ("https://accounts.google.com", "select_account")
    assert (orcid.expected_issuer, orcid.user_id_claim) == ("https://orcid.org", "sub")


@pytest.mark.parametrize(
    ("build", "options", "reason"),
    [
        (presets.build_entra, presets.EntraOptions(client_id="x"), "'tenant' is missing"),
        (presets.build_keycloak, presets.KeycloakOptions(client_id="x", realm="r"), "'server' and 'realm' are missing"),
    ],
    ids=["entra", "keycloak"],
)
def test_a_preset_says_what_it_lacks(build, options, reason) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        build(options)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        ({}, r"args.*'client_id' is missing"),
        ({**BASE, "well_known_url": "x"}, "did you mean 'well_known_uri'"),
        ({**BASE, "well_known_uri": "http://a.example/.well-known/openid-configuration"}, "expected https"),
        ({**BASE, "client_auth": "private_key_jwt"}, "client_auth"),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["oidc", "tiled.authenticators:OIDCAuthenticator"])
def test_a_wrong_configuration_stops_the_start(name, args, reason, tmp_path: Path) -> None:
    provider = {"provider": "idp", "authenticator": name, "args": args}
    configuration = {
        "trees": [{"tree": "tiledkernel.examples.generated_minimal:tree", "path": "/"}],
        "authentication": {"providers": [provider]},
    }
    with pytest.raises(ConfigurationError, match=reason):
        build_app_from_config(configuration)


def test_the_plugin_is_found() -> None:
    assert {"oidc", "google", "orcid", "entra", "keycloak", "oidc-proxied"} <= set(
        Composition(discover()).authenticators
    )
