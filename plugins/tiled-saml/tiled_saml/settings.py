"""The settings of python3-saml: those of the configuration, with nothing left open that would let anyone in."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import xmlsec
from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from xmlsec import constants

from tiled_saml.options import SAMLOptions
from tiledkernel.errors import ConfigurationError

_SECTIONS = ("sp", "idp", "security")
_SAMPLE_URL = "https://server.example.org/api/v1/auth/provider/saml/code"

# What a configuration gets unless it says otherwise.
_SECURITY = {
    "wantAssertionsSigned": True,
    "rejectDeprecatedAlgorithm": True,  # SHA-1
    "requestedAuthnContext": False,  # the provider knows best how its users prove who they are
    "allowSingleLabelDomains": True,  # https://beamline:8000 is an address, too
}


class Settings:
    """Settings for requests and answers at any address of this server."""

    def __init__(self, options: SAMLOptions) -> None:
        self._given = _merged(options)
        _check(self._given)
        _check_keys(self.at(_SAMPLE_URL))

    @property
    def accepts_sha1(self) -> bool:
        """Whether the configuration says so."""
        return not self._given["security"]["rejectDeprecatedAlgorithm"]

    def at(self, address: str) -> OneLogin_Saml2_Settings:
        """The settings where the provider sends answers to `address`."""
        given = deepcopy(self._given)
        given["sp"]["assertionConsumerService"] = {"url": address}
        try:
            return OneLogin_Saml2_Settings(given)
        except OneLogin_Saml2_Error as error:
            raise ConfigurationError(f"saml_settings: {error}") from error


def _merged(options: SAMLOptions) -> dict[str, Any]:
    given = deepcopy(options.saml_settings)
    for section in _SECTIONS:
        if not isinstance(given.setdefault(section, {}), dict):
            raise ConfigurationError(f"saml_settings.{section}: expected a mapping of keys")
    if options.idp_metadata_file is not None:
        given["idp"] = _from_metadata(options.idp_metadata_file, given["idp"].get("entityId")) | given["idp"]
    given["security"] = {**_SECURITY, "wantAttributeStatement": options.attribute_name is not None} | given["security"]
    given["debug"] = False  # it prints
    return given


def _from_metadata(file: str, entity: str | None) -> dict[str, Any]:
    """What the provider says of itself."""
    try:
        found = OneLogin_Saml2_IdPMetadataParser.parse(Path(file).read_bytes(), entity_id=entity)
    except (OSError, ValueError, etree.LxmlError) as error:
        raise ConfigurationError(f"idp_metadata_file: {file!r} cannot be read: {error}") from error
    provider: dict[str, Any] | None = found.get("idp")
    if not provider or "singleSignOnService" not in provider:
        which = f" with entityID {entity!r}" if entity else ""
        raise ConfigurationError(
            f"idp_metadata_file: {file!r} has no identity provider{which} to which a browser can be redirected; "
            "if there are several, saml_settings.idp.entityId says which one is meant"
        )
    return provider


def _check(given: Mapping[str, Any]) -> None:
    """What would let in whom the provider has not vouched for stops the start."""
    provider, security = given["idp"], given["security"]
    if given.get("strict", True) is not True:
        raise ConfigurationError("saml_settings.strict: without it answers are hardly checked; leave it out")
    if not given["sp"].get("entityId"):
        raise ConfigurationError("saml_settings.sp.entityId is missing: what the provider knows this server by")
    certificates = provider.get("x509certMulti")
    if not provider.get("x509cert") and not (isinstance(certificates, dict) and certificates.get("signing")):
        raise ConfigurationError(
            "saml_settings.idp.x509cert is missing: the certificate with which the provider signs; a fingerprint of it "
            "is not enough"
        )
    if security["wantAssertionsSigned"] is not True and security.get("wantMessagesSigned") is not True:
        raise ConfigurationError(
            "saml_settings.security: one of wantAssertionsSigned and wantMessagesSigned has to be true"
        )


def _check_keys(settings: OneLogin_Saml2_Settings) -> None:
    """Certificates and keys can be read; what they are is not shown."""
    provider, own = settings.get_idp_data(), settings.get_sp_data()
    several = provider.get("x509certMulti", {}).get("signing", [])
    found = [
        *(("idp.x509certMulti.signing", text, constants.KeyDataFormatCertPem) for text in several),
        ("idp.x509cert", provider.get("x509cert"), constants.KeyDataFormatCertPem),
        ("sp.x509cert", own.get("x509cert"), constants.KeyDataFormatCertPem),
        ("sp.privateKey", own.get("privateKey"), constants.KeyDataFormatPem),
    ]
    for key, text, form in found:
        try:
            if text:
                xmlsec.Key.from_memory(text, form)
        except xmlsec.Error as error:
            raise ConfigurationError(
                f"saml_settings.{key} cannot be read: expected PEM, or what stands in it"
            ) from error
