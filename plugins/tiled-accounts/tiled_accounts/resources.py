"""Keys, sessions and principals as the wire format has them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from tiled_accounts import keys
from tiled_accounts.keys import Key
from tiled_accounts.principals import Account
from tiled_accounts.schema import sessions
from tiled_accounts.times import text_of
from tiledkernel.access.scopes import ROLES


def key_resource(key: Key) -> dict[str, Any]:
    """A key, without its secret."""
    return {
        "first_eight": key.first_eight,
        "expiration_time": text_of(key.expires),
        "note": key.note,
        "scopes": sorted(key.scopes),
        "access_tags": None if key.access_tags is None else sorted(key.access_tags),
        "latest_activity": text_of(key.latest_activity),
    }


def principal_resources(
    connection: Connection, accounts: Sequence[Account], moment: int, *, states: bool = False
) -> list[dict[str, Any]]:
    """Principals with all that is theirs; what logins left in sessions is their own, and left out unless `states`."""
    numbers = [account.number for account in accounts]
    found = keys.of(connection, numbers, moment)
    lasting = select(sessions).where(sessions.c.principal.in_(numbers), sessions.c.ends > moment)
    own: dict[int, list[dict[str, Any]]] = {}
    for row in connection.execute(lasting.order_by(sessions.c.id)):
        own.setdefault(row.principal, []).append(
            {
                "uuid": str(uuid.UUID(row.uuid)),
                "expiration_time": text_of(row.expires),
                "revoked": row.revoked,
                "state": msgspec.json.decode(row.state) if states else {},
            }
        )
    return [
        {
            "uuid": account.principal.uuid,
            "type": account.principal.type,
            "identities": [
                {"id": id_, "provider": provider, "latest_login": text_of(login)}
                for (provider, id_), login in zip(account.principal.identities, account.latest_logins, strict=True)
            ],
            "roles": [
                {"name": role, "scopes": sorted(ROLES.get(role, ()))}
                for role in sorted(account.principal.roles, reverse=True)
            ],
            "api_keys": [key_resource(key) for key in found.get(account.number, ())],
            "sessions": own.get(account.number, []),
            "latest_activity": text_of(account.latest_activity),
        }
        for account in accounts
    ]
