"""A provider whose tokens are presented to this server as they are."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tiled_oidc.claims import check_claims
from tiled_oidc.identities import id_of
from tiled_oidc.login import check_now
from tiled_oidc.options import ProviderOptions, ProxiedOptions
from tiled_oidc.provider import Provider
from tiled_oidc.signatures import Signed, verify
from tiled_oidc.transport import RETRY
from tiledkernel.access.logins import Bearer, Identity
from tiledkernel.access.scopes import ALL_SCOPES
from tiledkernel.errors import ConfigurationError, NotReady, Unauthorized

logger = logging.getLogger(__name__)

_ACCESS = {"at+jwt", "application/at+jwt"}  # what RFC 9068 calls access tokens
_UNTOLD = {None, "jwt", "application/jwt"}  # what older providers call all of their tokens
_OF_ID_TOKENS = ("nonce", "at_hash", "c_hash")  # claims that only ID tokens have
_LONGEST = 366 * 86400.0  # seconds


class ProxiedLogin:
    """Believes access tokens of a provider that are meant for this server."""

    def __init__(self, options: ProxiedOptions, provider: Provider | None = None) -> None:
        self.confirmation_message = options.confirmation_message
        self._options = options
        self._provider = provider or Provider(options)

    def verify(self, token: str) -> Bearer:
        """Whose token that is, and what it allows; Unauthorized if it is no access token for this server."""
        provider, options = self._provider, self._options
        signed = verify(token, provider.algorithms, provider.key_for)
        claims = signed.claims
        check_claims(claims, issuer=provider.description.issuer, audience=options.expected_audience)
        _check_kind(signed)
        state = {"access_token": token} if options.keep_tokens else {}
        return Bearer(
            identity=Identity(id=id_of(claims, options), state=state),
            scopes=self._scopes(claims),
            expires=float(min(claims["exp"], time.time() + _LONGEST)),
        )

    def endpoints(self) -> Mapping[str, Any]:
        """Where clients log in; NotReady if the provider does not answer, or has no such place."""
        description = self._provider.description
        if description.device_authorization_endpoint is None:
            raise NotReady(_no_device_flow(self._options), RETRY)
        return {
            "auth_endpoint": description.device_authorization_endpoint,
            "token_endpoint": description.token_endpoint,
            "client_id": self._options.device_flow_client_id,
            "end_session_endpoint": description.end_session_endpoint,
            "extra_scopes": list(self._options.scopes),
        }

    def close(self) -> None:
        """Let go of connections."""
        self._provider.close()

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        theirs = {*_words(claims.get("scope")), *_words(claims.get("scp"))}
        for path in self._options.role_claims:
            theirs.update(_words(_at(claims, path)))
        if self._options.scopes_map is None:
            return frozenset(theirs & ALL_SCOPES)
        return frozenset(ours for name in theirs for ours in self._options.scopes_map.get(name, ()))


def build_proxied(options: ProxiedOptions) -> ProxiedLogin:
    """The login; ConfigurationError if it cannot work. A provider that is not there now may be there later."""
    options.check()
    provider = Provider(options)
    check_now(provider)
    _check_device_flow(provider)
    if options.redirect_on_success or options.redirect_on_failure:
        logger.warning("nobody logs in with a browser where tokens are taken as they are: there is nothing to redirect")
    return ProxiedLogin(options, provider)


def _check_device_flow(provider: Provider) -> None:
    try:
        without = provider.description.device_authorization_endpoint is None
    except NotReady:
        return
    if without:
        raise ConfigurationError(_no_device_flow(provider.options))


def _no_device_flow(options: ProviderOptions) -> str:
    return f"{options.well_known_uri} names no device_authorization_endpoint, where clients could log in"


def _check_kind(signed: Signed) -> None:
    """Only access tokens are presented to servers; an ID token is meant for the client itself."""
    kind = signed.header.typ.lower() if signed.header.typ is not None else None
    claims = signed.claims
    told = claims.get("typ")  # Keycloak's
    looks_like_id_token = any(name in claims for name in _OF_ID_TOKENS)
    untold = kind in _UNTOLD and (told == "Bearer" or (told is None and not looks_like_id_token))
    if kind not in _ACCESS and not untold:
        raise Unauthorized("this is a token of the provider, but no access token")
    if "cnf" in claims:
        raise Unauthorized("the token is bound to a key of its owner, and so is none for everybody who bears it")


def _at(claims: Mapping[str, Any], path: str) -> Any:
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _words(found: Any) -> Iterator[str]:
    """The words of a text, or the texts of a list."""
    if isinstance(found, str):
        yield from found.split()
    elif isinstance(found, list):
        yield from (word for word in found if isinstance(word, str))
