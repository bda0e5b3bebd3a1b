"""Users and their passwords as a configuration lists them."""

from __future__ import annotations

import hashlib
import logging
import secrets
from typing import Annotated

from msgspec import Meta, Struct

from tiled_passwords.hashes import PREFIX, ZERO, PasswordHash, digest, encoded, parse_hash
from tiledkernel.errors import ConfigurationError

logger = logging.getLogger(__name__)

_LONGEST = 1024  # characters; whoever sends more than that has not mistyped a password

User = Annotated[str, Meta(min_length=1, max_length=255)]
Value = Annotated[str, Meta(min_length=1, description="a password, or what `tiledkernel config hash-password` prints")]


class DictionaryOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`users_to_passwords`: what each user must know, as it is or as a hash."""

    users_to_passwords: dict[User, Value]
    confirmation_message: str = ""

    def __repr__(self) -> str:
        return f"<DictionaryOptions of {len(self.users_to_passwords)} users>"


class DictionaryLogin:
    """Knows users by their passwords.

    An attempt takes as long for a name that nobody has as for a wrong password.
    """

    def __init__(self, options: DictionaryOptions) -> None:
        self.confirmation_message = options.confirmation_message
        self._key = secrets.token_bytes(32)
        self._nobody = secrets.token_bytes(32)
        self._hashes: dict[str, PasswordHash] = {}
        self._seals: dict[str, bytes] = {}
        for user, value in options.users_to_passwords.items():
            if value.startswith(PREFIX):
                self._hashes[user] = _parsed(user, value)
            else:
                self._seals[user] = self._seal(value)
        self._decoys = [
            PasswordHash(cost, secrets.token_bytes(16), secrets.token_bytes(32))
            for cost in sorted({known.cost for known in self._hashes.values()})
        ]
        if self._seals:
            logger.warning(
                "%d of %d passwords stand in the configuration as they are, for everyone to read who can read that: "
                "`tiledkernel config hash-password` makes values that can stand there instead",
                len(self._seals),
                len(options.users_to_passwords),
            )

    def authenticate(self, username: str, password: str) -> str | None:
        """The name, if that is this user's password."""
        if len(password) > _LONGEST or ZERO in password:
            return None
        hashed = self._hashes.get(username)
        # The same work for whoever is asked for: one digest of every cost that occurs, and one seal.
        matches = [self._matches(password, hashed, decoy) for decoy in self._decoys]
        sealed = secrets.compare_digest(self._seal(password), self._seals.get(username, self._nobody))
        return username if any(matches) or sealed else None

    def _matches(self, password: str, hashed: PasswordHash | None, decoy: PasswordHash) -> bool:
        asked = hashed if hashed is not None and hashed.cost == decoy.cost else decoy
        return secrets.compare_digest(digest(password, asked.salt, asked.cost), asked.digest)

    def _seal(self, password: str) -> bytes:
        """A password in a form of one length, which nobody can compute elsewhere."""
        return hashlib.blake2b(encoded(password), key=self._key, digest_size=32).digest()


def _parsed(user: str, value: str) -> PasswordHash:
    try:
        return parse_hash(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"users_to_passwords.{user}: {error}") from error
