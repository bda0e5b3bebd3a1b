"""The scopes: what a credential allows, and what a route needs."""

from __future__ import annotations

READ_METADATA = "read:metadata"
READ_DATA = "read:data"
CREATE_NODE = "create:node"
WRITE_METADATA = "write:metadata"
WRITE_DATA = "write:data"
DELETE_REVISION = "delete:revision"
DELETE_NODE = "delete:node"
REGISTER = "register"
METRICS = "metrics"
READ_WEBHOOKS = "read:webhooks"
WRITE_WEBHOOKS = "write:webhooks"
CREATE_APIKEYS = "create:apikeys"
REVOKE_APIKEYS = "revoke:apikeys"
ADMIN_APIKEYS = "admin:apikeys"
READ_PRINCIPALS = "read:principals"
WRITE_PRINCIPALS = "write:principals"

NO_SCOPES: frozenset[str] = frozenset()
ANONYMOUS = frozenset({READ_METADATA, READ_DATA})
SINGLE_USER = ANONYMOUS | {
    CREATE_NODE,
    WRITE_METADATA,
    WRITE_DATA,
    DELETE_REVISION,
    DELETE_NODE,
    REGISTER,
    METRICS,
    READ_WEBHOOKS,
    WRITE_WEBHOOKS,
}
ALL_SCOPES = SINGLE_USER | {CREATE_APIKEYS, REVOKE_APIKEYS, ADMIN_APIKEYS, READ_PRINCIPALS, WRITE_PRINCIPALS}
INHERIT = "inherit"  # of keys: whatever the principal may do
USER = SINGLE_USER - {REGISTER, METRICS, READ_WEBHOOKS, WRITE_WEBHOOKS} | {CREATE_APIKEYS, REVOKE_APIKEYS}
ROLES = {"user": USER, "admin": ALL_SCOPES}
