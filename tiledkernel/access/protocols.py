"""What an authenticator is to the kernel."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from tiledkernel.access.viewer import Viewer


class Credentials(Struct, frozen=True):
    """What a request presents: an API key from the query, a header or a cookie; or a bearer token."""

    api_key: str | None = None
    bearer: str | None = None


class Authenticator(Protocol):
    """Tells who presents given credentials."""

    def identify(self, credentials: Credentials) -> Viewer:
        """The viewer; Unauthorized if the credentials are wrong."""
