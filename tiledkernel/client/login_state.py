"""The login of a connection: its tokens, where they are remembered, and what others have done with them meanwhile."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tiledkernel.client.file_locks import SharedLock
from tiledkernel.client.tokens import ACCESS, PRINCIPAL, REFRESH, TokenFiles, Tokens, parse_tokens

_EARLY = 10.0  # seconds before a token expires


class LoginNotRemembered(UserWarning):
    """A login could not be kept on disk; it lasts as long as this connection."""


class Login:
    """The tokens of a connection, and where they are remembered, if they are."""

    def __init__(self, given: Mapping[str, Any], files: TokenFiles | None = None) -> None:
        self.tokens = parse_tokens(given)
        self.files = files
        self.lock = SharedLock(files.lock_file if files else None)
        self.ended: str | None = None  # why
        self._due = _due(given)

    @classmethod
    def remembered(cls, files: TokenFiles) -> Login | None:
        """The login that is kept in these files, if there is one that can be used."""
        found = files.read()
        return cls(found, files) if ACCESS in found else None

    def remember(self) -> None:
        """Keep the tokens in their files; where that is not possible, say so, and go on without."""
        if self.files is not None:
            with self._telling():
                self.files.write(self.tokens)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.files = None
            text = f"this login is not remembered, since it cannot be kept in a file: {error}"
            warnings.warn(text, LoginNotRemembered, stacklevel=4)

    def belongs_to(self, principal: str) -> None:
        """Note whose login it is."""
        whose = principal.replace("-", "").lower()
        if self.tokens.get(PRINCIPAL) == whose:
            return
        self.tokens = Tokens({**self.tokens, PRINCIPAL: whose})
        if self.files is not None and self._still_mine():
            with self._telling():
                self.files.write_principal(whose)

    @property
    def principal(self) -> str | None:
        """Whose login it is, if that is known."""
        found = self.tokens.get(PRINCIPAL)
        return None if found is None else found.replace("-", "").lower()

    @property
    def overdue(self) -> str | None:
        """The access token, if it is about to expire and can be renewed."""
        is_due = self._due is not None and time.monotonic() > self._due and REFRESH in self.tokens
        return self.tokens.get(ACCESS) if is_due else None

    def adopt(self, refused: str | None) -> bool:
        """Take what somebody else has got, if there is anything better than the token that was refused."""
        if self.tokens.get(ACCESS) != refused:
            return True
        found = self.files.read() if self.files is not None else Tokens({})
        if ACCESS not in found:
            return False
        if self._is_of_another(found):
            self.files = None  # somebody else has logged in here meanwhile; this connection goes on as who it was
            return False
        self.tokens, self._due = Tokens({**self.tokens, **found}), None
        return self.tokens[ACCESS] != refused

    def _is_of_another(self, found: Tokens) -> bool:
        whose = found.get(PRINCIPAL, self.principal)
        return self.principal is not None and whose is not None and whose.replace("-", "").lower() != self.principal

    def renew(self, given: Any) -> None:
        """Use new tokens, and remember them, unless another login has taken this one's place."""
        mine = self._still_mine()
        self.tokens, self._due = self.tokens.renewed(given), _due(given)
        if mine:
            self.remember()

    def end(self, reason: str) -> None:
        """The server gives no more tokens: forget these."""
        if self._still_mine() and self.files is not None:
            self.files.forget()
        self.tokens, self.ended, self._due = Tokens({}), reason, None

    def _still_mine(self) -> bool:
        if self.files is None:
            return False
        found = self.files.read()
        return not found or found.get(REFRESH) == self.tokens.get(REFRESH)

    def leave_to_parent(self) -> None:
        """After a fork: another thread of the parent may hold the lock for ever."""
        self.lock = SharedLock(self.files.lock_file if self.files else None)


def _due(given: Mapping[str, Any]) -> float | None:
    """When to renew tokens unasked; None if nothing is said about that."""
    seconds = given.get("expires_in")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        return None
    return time.monotonic() + max(seconds * 0.9, seconds - _EARLY)
