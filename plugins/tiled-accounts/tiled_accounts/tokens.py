"""Signed tokens: who has them shows that this server, or another with the same secret keys, gave them out."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from msgspec import Struct

from tiledkernel.errors import Unauthorized

logger = logging.getLogger(__name__)

ALGORITHM = "HS256"
MAX_LENGTH = 16_384  # characters
GOOD_LENGTH = 32  # bytes of a secret
C = TypeVar("C", bound="Claims")


class Claims(Struct, frozen=True, kw_only=True):
    """What every token says: what it is for, and until when (seconds since 1970)."""

    type: str
    exp: float


class IdentityClaim(Struct, frozen=True):
    """An identity of the bearer at a provider."""

    id: str
    idp: str


class Access(Claims, frozen=True, kw_only=True):
    """An access token: whose it is, of which session, and what it confers at most."""

    type: str = "access"
    sub: str
    sub_typ: str
    scp: list[str]
    ids: list[IdentityClaim]
    sid: str
    state: dict[str, Any] = {}  # always empty: what a login leaves for trees stays in the database


class Refresh(Claims, frozen=True, kw_only=True):
    """A refresh token: of which session, and the how many-th of it."""

    type: str = "refresh"
    sid: str
    gen: int = 0


class Ticket(Claims, frozen=True, kw_only=True):
    """What a browser keeps while it is away to log in at a provider."""

    type: str = "login"
    jti: str
    provider: str
    state: str
    remember: Mapping[str, str]


class Tokens:
    """Signs with the first key, verifies with all."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if any(len(secret.encode()) < GOOD_LENGTH for secret in secrets):
            logger.warning(
                "a key of 'secret_keys' is short: tokens are as safe as it is hard to guess; "
                "`openssl rand -hex 32` prints a good one"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said above, in words that name the key of the configuration
            self._keys = [OctKey.import_key(secret.encode()) for secret in secrets]

    def sign(self, claims: Claims) -> str:
        """The token that says this."""
        return jwt.encode({"alg": ALGORITHM}, msgspec.to_builtins(claims), self._keys[0], algorithms=[ALGORITHM])

    def verify(self, token: str, kind: type[C]) -> C:
        """What a token of a kind says; Unauthorized if it is none of ours, of another kind, or expired."""
        if len(token) <= MAX_LENGTH and token.isascii():
            for key in self._keys:
                try:
                    said = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
                    claims = msgspec.convert(said, kind)
                except (JoseError, ValueError, msgspec.ValidationError):
                    continue
                if claims.type != _KINDS[kind]:
                    break
                if claims.exp <= time.time():
                    raise Unauthorized("this token has expired")
                return claims
        raise Unauthorized("this token is not valid here")


_KINDS: Mapping[type[Claims], str] = {Access: "access", Refresh: "refresh", Ticket: "login"}
