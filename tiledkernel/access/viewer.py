"""The one who asks, as far as the server knows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from msgspec import Struct

from tiledkernel.access.scopes import ADMIN_APIKEYS
from tiledkernel.errors import Unauthorized

NO_STATE: Mapping[str, Any] = {}


class Principal(Struct, frozen=True, kw_only=True):
    """A user or a service with an account.

    - `uuid`: with hyphens; `type`: 'user' or 'service'.
    - `identities`: pairs of provider and id, by which the principal logs in; a service has none.
    - `roles`: their names.
    """

    uuid: str
    type: str = "user"
    identities: tuple[tuple[str, str], ...] = ()
    roles: frozenset[str] = frozenset()

    def id_at(self, provider: str | None) -> str | None:
        """The id at a provider, or at whichever there is for None; a service goes by its uuid."""
        if self.type == "service":
            return self.uuid
        return next((identity for name, identity in self.identities if provider in (None, name)), None)


class Viewer(Struct, frozen=True, kw_only=True):
    """A caller.

    - `name`: for logs; 'public' without a credential.
    - `scopes`: what the credential allows.
    - `principal`: whose credential it is; None for the public, and for the only user of a server without accounts.
    - `access_tags`: those to which the credential is restricted; None: it is not.
    - `state`: what the login left in the session for trees that want it, such as a token of the provider's.
    - `is_owner`: the only user of a server without accounts.
    """

    name: str
    scopes: frozenset[str]
    principal: Principal | None = None
    access_tags: frozenset[str] | None = None
    state: Mapping[str, Any] = NO_STATE
    is_owner: bool = False

    @property
    def administers(self) -> bool:
        """Whether policies do not restrict this caller: an administrator, or the only user of a server."""
        return self.access_tags is None and (self.is_owner or ADMIN_APIKEYS in self.scopes)

    @property
    def identity(self) -> Hashable:
        """Equal for callers who may see and do the same."""
        return self.principal, self.scopes, self.access_tags, self.is_owner

    def require(self, scopes: frozenset[str]) -> None:
        """Unauthorized, naming what is needed and what is held, unless all `scopes` are there."""
        if not scopes <= self.scopes:
            needed = ", ".join(sorted(scopes))
            held = ", ".join(sorted(self.scopes)) or "none"
            message = f"not enough permissions: this needs the scopes [{needed}], yours are [{held}]"
            raise Unauthorized(message, scopes, recognised=self.principal is not None)
