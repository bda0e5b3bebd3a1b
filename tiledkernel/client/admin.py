"""What administrators can do with the accounts and keys of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tiledkernel.client.api_keys import creating_at, revoking_at
from tiledkernel.client.calls import call_message, call_writing
from tiledkernel.client.errors import LoginError
from tiledkernel.client.identity import NO_PERSONS
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.uuids import parse_uuid

if TYPE_CHECKING:
    from tiledkernel.client.identity import Identity


class Admin:
    """The accounts of a server: `client.context.admin`. Who may do what is for the server to say.

    A *principal* is somebody with an account: a person, or a service that has keys only.
    """

    def __init__(self, connection: Identity) -> None:
        self._connection = connection

    def list_principals(self, offset: int = 0, limit: int = 100) -> Any:
        """What the server knows of its users and services, `limit` of them from number `offset` on."""
        page = [("page[offset]", str(offset)), ("page[limit]", str(limit))]
        return self._connection.run(ask_message(call_message(self._url(), page)))

    def show_principal(self, uuid: str | UUID) -> Any:
        """What the server knows of one of them: identities, roles, keys."""
        return self._connection.run(ask_message(call_message(self._url(uuid))))

    def create_service_principal(self, role: str) -> Any:
        """Make an account for a program, with a role such as 'user'; it gets in with keys only."""
        return self._connection.run(self._creating(role))

    def _creating(self, role: str) -> Plan[dict[str, Any]]:
        # Not repeated where an answer was lost: there would be two accounts.
        call = call_writing("POST", self._url(), parameters=[("role", role)], repeatable=False)
        made: dict[str, Any] = yield from ask_message(call)
        return made

    def create_api_key(
        self,
        uuid: str | UUID,
        scopes: Sequence[str] | None = None,
        expires_in: float | str | None = None,
        note: str | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> Any:
        """Make a key for somebody; as `Context.create_api_key`."""
        url = f"{self._url(uuid)}/apikey"
        return self._connection.run(creating_at(url, scopes, expires_in, note, access_tags))

    def revoke_api_key(self, uuid: str | UUID, first_eight: str) -> Any:
        """Make a key of somebody worthless, which is named by its first eight characters."""
        return self._connection.run(revoking_at(f"{self._url(uuid)}/apikey", first_eight, {}))

    def _url(self, uuid: str | UUID | None = None) -> str:
        if not self._connection.server_info.authentication.providers:
            raise LoginError(NO_PERSONS)
        base = f"{self._connection.api_uri}auth/principal"
        return base if uuid is None else f"{base}/{parse_uuid(uuid)}"
