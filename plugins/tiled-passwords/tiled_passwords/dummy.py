"""Anyone may be anybody: for tests of what comes after logging in."""

from __future__ import annotations

import logging

from msgspec import Struct

logger = logging.getLogger(__name__)


class DummyOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`confirmation_message`: what a user is told who has logged in."""

    confirmation_message: str = ""


class DummyLogin:
    """Believes every name, whatever the password is."""

    def __init__(self, options: DummyOptions) -> None:
        self.confirmation_message = options.confirmation_message
        logger.warning(
            "ANYONE CAN LOG IN AS ANYBODY, with any password, also as an administrator: the authenticator 'dummy' is "
            "for tests only"
        )

    def authenticate(self, username: str, password: str) -> str | None:
        """That name, unless it is empty."""
        del password
        return username if username.strip() else None
