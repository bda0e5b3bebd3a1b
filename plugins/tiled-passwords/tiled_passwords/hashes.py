"""What stands for a password in a configuration: `scrypt:15:8:3:SALT:DIGEST`, which cannot be turned back.

The numbers are the cost: the logarithm of N, r and p of RFC 7914; salt and digest are in URL-safe Base64. There is no
`$` in it, which has a meaning in configurations and in shells.
"""

from __future__ import annotations

import binascii
import hashlib
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from tiledkernel.errors import ConfigurationError

PREFIX = "scrypt:"
ZERO = "\0"  # no part of a password: scrypt takes one that ends in zeros for the one without them
_SALT_SIZE = 16
_DIGEST_SIZE = 32
_MOST_MEMORY = 2**28  # bytes for one attempt; there may be many at once


class Cost(NamedTuple):
    """How much work one attempt is: N = 2 ** `log_n` blocks of 128 * `r` bytes, `p` times."""

    log_n: int
    r: int
    p: int

    @property
    def memory(self) -> int:
        """What one attempt takes, in bytes."""
        return 128 * self.r * ((1 << self.log_n) + self.p)


# 32 MiB and about 0.2 seconds; one of the equivalent settings that OWASP recommends.
USUAL = Cost(15, 8, 3)
_LEAST_WORK = 2**14 * 8  # N * r * p: what is cheaper is no protection


class PasswordHash(NamedTuple):
    """A digest of a password, with what is needed to compare another password with it."""

    cost: Cost
    salt: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"<PasswordHash {self.cost.log_n}:{self.cost.r}:{self.cost.p}>"


def encoded(password: str) -> bytes:
    """A password as bytes, the same however a keyboard composed its letters."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def digest(password: str, salt: bytes, cost: Cost) -> bytes:
    """What scrypt makes of a password; it takes as long for any."""
    return hashlib.scrypt(
        encoded(password), salt=salt, n=1 << cost.log_n, r=cost.r, p=cost.p, maxmem=2 * cost.memory, dklen=_DIGEST_SIZE
    )


def make_hash(password: str, cost: Cost = USUAL) -> str:
    """A value that stands for this password, with a salt of its own."""
    if not password or ZERO in password:
        raise ConfigurationError("a password has at least one character, and none of them is a zero byte")
    salt = secrets.token_bytes(_SALT_SIZE)
    parts = (urlsafe_b64encode(part).decode() for part in (salt, digest(password, salt, cost)))
    return PREFIX + ":".join([*map(str, cost), *parts])


def parse_hash(value: str) -> PasswordHash:
    """The parts of such a value; ConfigurationError, which does not show it, if it is none."""
    try:
        *numbers, salt, expected = value.removeprefix(PREFIX).split(":")
        cost = Cost(*map(int, numbers))
        found = PasswordHash(cost, _bytes(salt), _bytes(expected))
    except (ValueError, TypeError) as error:
        raise _no_hash("it has not the form scrypt:LOG_N:R:P:SALT:DIGEST") from error
    if len(found.salt) < _SALT_SIZE or len(found.digest) != _DIGEST_SIZE:
        raise _no_hash("its salt or its digest has another length, perhaps a part was lost")
    if not (1 <= cost.log_n <= 24 and 1 <= cost.r <= 64 and 1 <= cost.p <= 64):
        raise _no_hash("its cost is out of range")
    if cost.memory > _MOST_MEMORY:
        raise _no_hash(f"it needs {cost.memory >> 20} MiB for each attempt, and at most {_MOST_MEMORY >> 20} are spent")
    if (cost.r << cost.log_n) * cost.p < _LEAST_WORK:
        raise _no_hash("it is too cheap to guess")
    return found


def _bytes(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii"))
    except binascii.Error as error:
        raise ValueError(text) from error


def _no_hash(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"a value that begins with {PREFIX!r} is no hash: {why}; `tiledkernel config hash-password` prints a good one"
    )
