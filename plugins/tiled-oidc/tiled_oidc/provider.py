"""A provider as it describes itself: where its endpoints are, and with which keys it signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from joserfc.jwk import OctKey
from msgspec import Struct

from tiled_oidc.kept import Kept
from tiled_oidc.keys import PublicKeys
from tiled_oidc.options import ProviderOptions
from tiled_oidc.signatures import ASYMMETRIC, SECRET_BYTES, Header, Key
from tiled_oidc.transport import RETRY, Answer, Transport, is_safe, shown
from tiledkernel.errors import ConfigurationError, NotReady, Unauthorized


class Description(Struct, frozen=True, kw_only=True):
    """The discovery document, as far as it matters here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    end_session_endpoint: str | None = None
    scopes_supported: tuple[str, ...] = ()
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "device_authorization_endpoint",
    "end_session_endpoint",
)


class Misdescribed(NotReady):
    """The provider answers, but not as the provider that is configured."""


class Provider:
    """The provider that some options name; nothing is asked before it is needed, and then kept for a while."""

    def __init__(self, options: ProviderOptions, transport: Transport | None = None) -> None:
        self.options = options
        self.transport = transport or Transport()
        self._description = Kept(self._read_description)
        self._keys = Kept(self._read_keys)

    @property
    def description(self) -> Description:
        """What the provider says of itself; NotReady if it does not answer, or answers as another one."""
        return self._description.get()

    @property
    def algorithms(self) -> frozenset[str]:
        """How tokens may be signed: as the provider says, if the options do not say less; with a secret if they do."""
        announced = set(self.description.id_token_signing_alg_values_supported)
        return frozenset(announced.intersection(self.options.algorithms or ASYMMETRIC))

    def key_for(self, header: Header) -> Key:
        """The key that a token names; Unauthorized if the provider has no such key."""
        if header.alg in SECRET_BYTES:  # only where the options name it, and then never with what others know
            return OctKey.import_key(self.options.client_secret)
        keys = self._keys.get()
        found = keys.find(header) or self._keys.renew(keys).find(header)
        if found is None:
            raise Unauthorized("the token is signed with a key that the provider does not publish")
        return found

    def check(self) -> None:
        """ConfigurationError if the provider is not the one that the options describe; NotReady if it is not there."""
        try:
            described = self.description
        except Misdescribed as error:
            raise ConfigurationError(str(error)) from error
        if not self.algorithms:
            announced = ", ".join(described.id_token_signing_alg_values_supported)
            wanted = self.options.algorithms or "those with a public key, as nothing else is said"
            raise ConfigurationError(f"'algorithms' are {wanted}, but the provider offers {announced}")

    def close(self) -> None:
        """Let go of connections."""
        self.transport.close()

    def _read_description(self) -> Description:
        address = self.options.well_known_uri
        document = self._read(address)
        try:
            description = msgspec.convert(document, Description)
        except msgspec.ValidationError as error:
            raise Misdescribed(f"{shown(address)} is no description of a provider: {error}", RETRY) from error
        if description.issuer.removesuffix("/") != self.options.expected_issuer:
            raise Misdescribed(
                f"{shown(address)} is the description of {description.issuer!r}, expected that of "
                f"{self.options.expected_issuer!r}; if that is the right one, say so in 'issuer'",
                RETRY,
            )
        for name in _ENDPOINTS:
            endpoint = getattr(description, name)
            if endpoint is not None and not is_safe(endpoint, allow_http=self.options.allow_http):
                raise Misdescribed(f"{shown(address)} gives {endpoint!r} as {name}, no https:// address", RETRY)
        return description

    def _read_keys(self) -> PublicKeys:
        address = self.description.jwks_uri
        keys = PublicKeys(self._read(address))
        if not keys:
            raise NotReady(f"{shown(address)} holds no key with which signatures could be verified", RETRY)
        return keys

    def _read(self, address: str) -> Mapping[str, Any]:
        answer = self.transport.get(address)
        _expect(answer, address)
        return answer.document


def _expect(answer: Answer, address: str) -> None:
    if answer.status != 200:
        raise NotReady(f"{shown(address)} answers with status {answer.status}; is this the right address?", RETRY)
    if not answer.document:
        raise NotReady(f"{shown(address)} answers with something else than a JSON object", RETRY)
