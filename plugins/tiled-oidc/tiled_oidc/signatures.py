"""Signed tokens: nothing in one is believed, nor looked at, before its signature is verified."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tiledkernel.errors import Unauthorized

Key: TypeAlias = RSAKey | ECKey | OKPKey | OctKey

# Algorithms with a private and a public key; of old and weak ones none is there, nor "none".
ASYMMETRIC = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}  # algorithms with one secret, and how long it must be
MAX_TOKEN = 64 << 10  # characters


class Header(msgspec.Struct, frozen=True):
    """What a token says of its signature."""

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: msgspec.Raw | None = None
    b64: msgspec.Raw | None = None


class Signed(msgspec.Struct, frozen=True):
    """A token whose signature is good."""

    header: Header
    claims: Mapping[str, Any]


_EDDSA = copy.copy(jws.JWSRegistry.algorithms["EdDSA"])
_EDDSA.security_warning = None  # the name is outdated, but it is what providers use


class _Registry(jws.JWSRegistry):
    """Sizes that occur, such as of headers with certificates."""

    max_header_length = 16 << 10
    max_payload_length = MAX_TOKEN
    max_signature_length = 2 << 10
    algorithms = {**jws.JWSRegistry.algorithms, "EdDSA": _EDDSA}  # noqa: RUF012 - as the base class has it


def verify(token: str, algorithms: frozenset[str], key_for: Callable[[Header], Key]) -> Signed:
    """The token, if it is signed in one of these ways with the key that `key_for` finds; Unauthorized if not."""
    header = _header(token)
    if header.alg not in algorithms:
        expected = ", ".join(sorted(algorithms)) or "none at all"
        raise Unauthorized(f"the token is signed by {header.alg[:20]!r}; expected {expected}")
    if header.crit is not None or header.b64 is not None:
        raise Unauthorized("the token has an extension of the format that is not known here")
    key = key_for(header)
    registry = _Registry(algorithms=[header.alg], strict_check_header=False)
    try:
        payload = jws.deserialize_compact(token, key, registry=registry).payload
        claims = msgspec.json.decode(payload)
    except (JoseError, msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise Unauthorized("the signature of the token is not valid") from error
    if not isinstance(claims, dict):
        raise Unauthorized("the token is signed but holds no claims")
    return Signed(header, claims)


def _header(token: str) -> Header:
    parts = token.split(".") if len(token) <= MAX_TOKEN and token.isascii() else []
    if len(parts) != 3:
        raise Unauthorized("this is no signed token (JWT), as the provider issues them")
    try:
        text = base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))
        return msgspec.json.decode(text, type=Header)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unauthorized("the header of the token cannot be read") from error
