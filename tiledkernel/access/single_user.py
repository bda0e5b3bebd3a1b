"""One secret key for one user; without it perhaps the right to read."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import ANONYMOUS, NO_SCOPES, SINGLE_USER
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import ConfigurationError, Unauthorized

if TYPE_CHECKING:
    from tiledkernel.records import Route


class SingleUser:
    """Knows one key, a random one for None. It confers everything that does not concern other users."""

    routes: tuple[Route, ...] = ()

    def __init__(self, key: str | None = None, *, allow_anonymous_access: bool = False) -> None:
        if key is None:
            key = secrets.token_hex(32)
        if not key or not key.isascii() or not key.isalnum():
            raise ConfigurationError(
                "the single-user API key must be made of letters and digits, at least one; "
                'a good one is printed by: python -c "import secrets; print(secrets.token_hex(32))"'
            )
        self.key = key
        self._encoded = key.encode()
        self._allow_anonymous_access = allow_anonymous_access
        self._owner = Viewer(name="(singleuser)", scopes=SINGLE_USER, is_owner=True)
        self._public = Viewer(name="public", scopes=ANONYMOUS if allow_anonymous_access else NO_SCOPES)

    def recognise(self, credentials: Credentials) -> Viewer:
        """The owner, or the public; Unauthorized for a wrong key or any token."""
        if credentials.api_key is not None:
            if secrets.compare_digest(credentials.api_key.encode("utf-8", "surrogatepass"), self._encoded):
                return self._owner
            raise Unauthorized("this API key is not valid")
        if credentials.bearer is not None:
            raise Unauthorized("this server takes an API key, not an access token")
        return self._public

    identify = recognise

    def describe(self, base: str) -> Mapping[str, Any]:
        """There is nowhere to log in."""
        del base
        return {"required": not self._allow_anonymous_access, "providers": [], "links": None}
