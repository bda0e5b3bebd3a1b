"""The public keys of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from tiled_oidc.signatures import Header, Key

_KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_RSA_BYTES = 256  # 2048 bits; shorter ones can be broken
MAX_KEYS = 100


class PublicKeys:
    """Those of a key set (JWKS) with which signatures can be verified; others are left out."""

    def __init__(self, key_set: Mapping[str, Any]) -> None:
        described = key_set.get("keys")
        entries = described[:MAX_KEYS] if isinstance(described, list) else []
        self._keys = tuple(key for key in map(_public_key, entries) if key is not None)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, header: Header) -> Key | None:
        """The key that a token names; one that names none must leave no choice."""
        fitting = [key for key in self._keys if _fits(key, header)]
        return fitting[0] if len(fitting) == 1 or (fitting and header.kid is not None) else None


def _public_key(described: Any) -> RSAKey | ECKey | OKPKey | None:
    """A key for signatures, without what may be private in it; None for anything else."""
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return None
    if not isinstance(kind := described.get("kty"), str) or kind not in _KINDS:
        return None
    public = {name: described[name] for name in ("kty", "kid", "alg", "n", "e", "crv", "x", "y") if name in described}
    try:
        if kind == "RSA" and len(urlsafe_b64decode(str(public["n"]).encode()).lstrip(b"\0")) < _RSA_BYTES:
            return None
        return _KINDS[kind].import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _fits(key: RSAKey | ECKey | OKPKey, header: Header) -> bool:
    if header.kid is not None and key.kid != header.kid:
        return False
    try:
        JWSRegistry.algorithms[header.alg].check_key(key)
    except JoseError:
        return False
    return True
