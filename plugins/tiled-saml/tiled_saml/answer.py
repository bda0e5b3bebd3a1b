"""Answers of identity providers, checked beyond what python3-saml does, which takes what is absent for what is right.

Here an answer says which request it answers, for whom it is, where it belongs and how long it is good; and that in the
part that is signed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from tiled_saml.settings import Settings
from tiled_saml.signatures import check_form

_NAMESPACES = {"saml": Names.NS_SAML}
_VALUE = f"{{{Names.NS_SAML}}}AttributeValue"


class Answer(OneLogin_Saml2_Response):  # type: ignore[misc]  # the library has no types
    """What a provider sent; ValueError, or an error of the library, unless it is for this request."""

    def __init__(self, settings: Settings, address: str, encoded: str, request: str) -> None:
        super().__init__(settings.at(address), encoded)
        check_form(self.document, sha1=settings.accepts_sha1)
        if self.encrypted:
            check_form(self.decrypted_document, sha1=settings.accepts_sha1)
        self.is_valid(_received_at(address), request, raise_exceptions=True)
        self._check_request(address, request)
        self._check_audience()
        if self.get_issuers() != [self._settings.get_idp_data()["entityId"]]:
            raise ValueError("it does not say whose answer it is")

    def name_id(self) -> str:
        """The NameID, if it stays the same."""
        found = self.get_nameid_data()
        if found.get("Format") == Names.NAMEID_TRANSIENT:
            raise ValueError(
                "the NameID is another one at every login (transient): ask the provider for a persistent one"
            )
        return _one([found.get("Value")], "NameID")

    def attribute(self, name: str) -> str:
        """The only value of an attribute, by its name, or else by its friendly name."""
        for key in ("Name", "FriendlyName"):
            nodes = [node for node in self._attributes() if node.get(key) == name]
            if nodes:
                values = [value for node in nodes for value in node.iterchildren(_VALUE)]
                if any(len(value) for value in values):
                    raise ValueError(f"the attribute {name!r} is no text")
                return _one([value.text for value in values], f"attribute {name!r}")
        known = ", ".join(sorted(str(node.get("Name")) for node in self._attributes())) or "none"
        raise ValueError(f"there is no attribute {name!r}; there are: {known}")

    def _attributes(self) -> list[Any]:
        return list(self._query_assertion("/saml:AttributeStatement/saml:Attribute"))

    def _check_request(self, address: str, request: str) -> None:
        """The signed part says that it is the answer to this request, that it belongs here, and for how long."""
        if self.get_in_response_to() != request:
            raise ValueError("it answers another request, or none")
        if self.document.get("Destination") not in {None, address}:
            raise ValueError("it belongs elsewhere (Destination)")
        if not any(self._confirms(data, address, request) for data in self._bearers()):
            raise ValueError("nothing that is signed says that it is an answer to this request, at this address")

    def _bearers(self) -> Iterator[Any]:
        for confirmation in self._query_assertion("/saml:Subject/saml:SubjectConfirmation"):
            if confirmation.get("Method") == Names.CM_BEARER:
                yield from confirmation.findall("saml:SubjectConfirmationData", namespaces=_NAMESPACES)

    @staticmethod
    def _confirms(data: Any, address: str, request: str) -> bool:
        ends = data.get("NotOnOrAfter")
        return (
            data.get("InResponseTo") == request
            and data.get("Recipient") == address
            and ends is not None
            and bool(Utils.parse_SAML_to_time(ends) > Utils.now())
        )

    def _check_audience(self) -> None:
        """It is for this server, whatever else it says of whom it is for."""
        own = self._settings.get_sp_data()["entityId"]
        restrictions = self._query_assertion("/saml:Conditions/saml:AudienceRestriction")
        for restriction in restrictions:
            if own not in [node.text for node in restriction.findall("saml:Audience", namespaces=_NAMESPACES)]:
                raise ValueError("it is for somebody else (Audience)")
        if not restrictions:
            raise ValueError("it does not say for whom it is (Audience)")


def _received_at(address: str) -> dict[str, Any]:
    """An address as the library has it."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return {"https": "on" if scheme == "https" else "off", "http_host": host, "script_name": slash + path}


def _one(values: list[str | None], what: str) -> str:
    found = {value.strip() for value in values if value is not None and value.strip()}
    if len(found) != 1:
        raise ValueError(f"the {what} has {len(found)} values, which of them is the user's id cannot be told")
    return found.pop()
