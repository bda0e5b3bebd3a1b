"""The one who asks, as far as the server knows."""

from __future__ import annotations

from msgspec import Struct

from tiledkernel.errors import Unauthorized


class Viewer(Struct, frozen=True):
    """A caller: the scopes of the credential, and a name for logs ('public' without a credential)."""

    name: str
    scopes: frozenset[str]

    def require(self, scopes: frozenset[str]) -> None:
        """Unauthorized, naming what is needed and what is held, unless all `scopes` are there."""
        if not scopes <= self.scopes:
            needed = ", ".join(sorted(scopes))
            held = ", ".join(sorted(self.scopes)) or "none"
            raise Unauthorized(f"not enough permissions: this needs the scopes [{needed}], yours are [{held}]", scopes)
