"""One secret key for one user; without it perhaps the right to read."""

from __future__ import annotations

import secrets

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import ANONYMOUS, NO_SCOPES, SINGLE_USER
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import ConfigurationError, Unauthorized
from tiledkernel.settings import Settings


class SingleUser:
    """Knows one key. The key confers everything that does not concern other users."""

    def __init__(self, key: str, *, allow_anonymous_access: bool) -> None:
        if not key or not key.isascii() or not key.isalnum():
            raise ConfigurationError(
                "the single-user API key must be made of letters and digits, at least one; "
                'a good one is printed by: python -c "import secrets; print(secrets.token_hex(32))"'
            )
        self.key = key
        self._encoded = key.encode()
        self._owner = Viewer("(singleuser)", SINGLE_USER)
        self._public = Viewer("public", ANONYMOUS if allow_anonymous_access else NO_SCOPES)

    def identify(self, credentials: Credentials) -> Viewer:
        """The owner, or the public; Unauthorized for a wrong key or any token."""
        if credentials.api_key is not None:
            if secrets.compare_digest(credentials.api_key.encode("utf-8", "surrogatepass"), self._encoded):
                return self._owner
            raise Unauthorized("this API key is not valid")
        if credentials.bearer is not None:
            raise Unauthorized("this server takes an API key, not an access token")
        return self._public


def build(options: None, settings: Settings) -> SingleUser:
    """The authenticator of a server without login; makes a key if none is configured."""
    del options
    key = settings.single_user_api_key
    return SingleUser(
        secrets.token_hex(32) if key is None else key, allow_anonymous_access=settings.allow_anonymous_access
    )
