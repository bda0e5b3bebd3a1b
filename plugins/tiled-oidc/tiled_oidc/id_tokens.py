"""ID tokens: what a provider says of somebody who has just logged in, for this server alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from tiled_oidc.claims import check_claims
from tiled_oidc.provider import Provider
from tiled_oidc.signatures import verify
from tiledkernel.errors import Unauthorized

_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}  # by the end of the algorithm's name
_EDWARDS = {"EdDSA", "Ed25519"}


def verify_id_token(provider: Provider, token: str, nonce: str, access_token: str | None) -> Mapping[str, Any]:
    """The claims of a token that answers the request with this nonce; Unauthorized if it is not such a token."""
    options = provider.options
    signed = verify(token, provider.algorithms, provider.key_for)
    claims = signed.claims
    check_claims(claims, issuer=provider.description.issuer, audience=options.expected_audience)
    if claims.get("azp", options.client_id) != options.client_id:
        raise Unauthorized("the token was issued to another party (azp)")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims:
        raise Unauthorized("the token has several audiences but does not say to which it was issued (azp)")
    if not _equal(claims.get("nonce"), nonce):
        raise Unauthorized("the token does not answer the request of this login (nonce)")
    if "at_hash" in claims and access_token is not None:
        expected = _half_hash(access_token, signed.header.alg)
        if not _equal(claims["at_hash"], expected):
            raise Unauthorized("the ID token does not belong to the access token beside it (at_hash)")
    return claims


def _half_hash(access_token: str, algorithm: str) -> str:
    """The left half of a digest, with the hash function that the algorithm of the signature uses."""
    make = hashlib.sha512 if algorithm in _EDWARDS else _HASHES[algorithm[-3:]]
    digest = make(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _equal(found: Any, expected: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode(), expected.encode())
