"""Configurations of identity providers: what cannot work, or would let anyone in, stops the start."""

from __future__ import annotations

import msgspec
import pytest
from tiled_saml.options import SAMLOptions

from tiledkernel.errors import ConfigurationError

ADDRESS = "https://tiled.example.org/api/v1/auth/provider/lab/code"
METADATA = """\
<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
  <md:EntityDescriptor entityID="https://tiled.example.org">
    <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>
  </md:EntityDescriptor>
  <md:EntityDescriptor entityID="https://idp.example.org/metadata">
    <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
      <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
      </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
      <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.org/sso"/>
    </md:IDPSSODescriptor>
  </md:EntityDescriptor>
</md:EntitiesDescriptor>
"""


@pytest.fixture
def metadata(provider, tmp_path):
    """A file with what the provider says of itself."""
    file = tmp_path / "idp.xml"
    file.write_text(METADATA.format(certificate="".join(provider.certificate.splitlines()[1:-1])))
    return file


def changed(settings, path, value):
    """The settings with another value at a path, or without it for None."""
    *above, last = path.split(".")
    copy = msgspec.json.decode(msgspec.json.encode(settings))
    part = copy
    for key in above:
        part = part.setdefault(key, {})
    if value is None:
        del part[last]
    else:
        part[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("strict", False, r"saml_settings\.strict: without it answers are hardly checked"),
        ("sp.entityId", None, r"saml_settings\.sp\.entityId is missing"),
        ("sp", [], r"saml_settings\.sp: expected a mapping"),
        ("idp", "x", r"saml_settings\.idp: expected a mapping"),
        ("idp.x509cert", None, "x509cert is missing: the certificate with which the provider signs"),
        ("idp.x509cert", "", "x509cert is missing"),
        ("idp.entityId", None, "idp_entityId_not_found"),
        ("idp.singleSignOnService", None, "idp_sso_not_found"),
        ("idp.singleSignOnService", {"url": "javascript:alert(1)"}, "idp_sso_url_invalid"),
        ("security.wantAssertionsSigned", False, "one of wantAssertionsSigned and wantMessagesSigned has to be true"),
        ("security.authnRequestsSigned", True, "sp_cert_not_found_and_required"),
    ],
)
def test_what_cannot_work_stops_the_start(login, settings, path, value, message):
    with pytest.raises(ConfigurationError, match=message):
        login(saml_settings=changed(settings, path, value))


def test_a_fingerprint_is_no_certificate(login, settings):
    with pytest.raises(ConfigurationError, match="a fingerprint of it is not enough"):
        login(saml_settings=changed(changed(settings, "idp.x509cert", None), "idp.certFingerprint", "00" * 20))


def test_a_certificate_is_a_certificate(login, settings):
    with pytest.raises(ConfigurationError, match=r"idp\.x509cert cannot be read") as caught:
        login(saml_settings=changed(settings, "idp.x509cert", "MIIabc"))
    assert "MIIabc" not in str(caught.value)


def test_a_private_key_is_a_key_and_is_not_shown(login, settings, stranger):
    own = settings["sp"] | {"x509cert": stranger.certificate, "privateKey": "MIIabc"}
    with pytest.raises(ConfigurationError, match=r"sp\.privateKey cannot be read") as caught:
        login(saml_settings=settings | {"sp": own})
    assert "MIIabc" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"saml_settings": None},
        {"saml_settings": "settings.json"},
        {"attribute_name": ""},
        {"redirect_on_success": "javascript:alert(1)"},
        {"redirect_on_failure": "/relative"},
        {"attribute": "uid"},
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(login, wrong):
    with pytest.raises(msgspec.ValidationError):
        login(**wrong)


def test_the_metadata_of_the_provider_say_it_all(login, provider, metadata):
    own = {"sp": {"entityId": "https://tiled.example.org"}, "idp": {"entityId": "https://idp.example.org/metadata"}}
    there = login(saml_settings=own, idp_metadata_file=str(metadata))
    departure = there.depart(ADDRESS, "s")
    assert departure.url.startswith("https://idp.example.org/sso?")
    assert there.arrive(ADDRESS, provider.answer(departure), departure.remember).id == "alice"


@pytest.mark.parametrize("entity", [None, "https://other.example.org", "https://tiled.example.org", "'"])
def test_metadata_without_the_provider_say_so(login, metadata, entity):
    own = {"sp": {"entityId": "x"}, "idp": {} if entity is None else {"entityId": entity}}
    with pytest.raises(ConfigurationError, match=r"idp_metadata_file: '.*idp\.xml' (has no|cannot)"):
        login(saml_settings=own, idp_metadata_file=str(metadata))


@pytest.mark.parametrize("text", [None, "", "<a", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'])
def test_metadata_that_cannot_be_read_are_named(login, tmp_path, text):
    file = tmp_path / "idp.xml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"idp_metadata_file: '.*idp\.xml'"):
        login(saml_settings={"sp": {"entityId": "x"}}, idp_metadata_file=str(file))


def test_keys_are_in_no_repr(settings, stranger):
    own = settings["sp"] | {"privateKey": stranger.private_key}
    options = SAMLOptions(saml_settings=settings | {"sp": own})
    assert "PRIVATE" not in repr(options)


def test_the_given_settings_are_not_changed(login, settings):
    before = msgspec.json.encode(settings)
    login(saml_settings=settings).depart(ADDRESS, "s")
    assert msgspec.json.encode(settings) == before
