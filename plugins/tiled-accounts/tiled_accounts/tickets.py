"""What binds a login at a provider to the browser that began it: a signed cookie, good once and for a short time."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from tiled_accounts.schema import spent_logins
from tiled_accounts.times import SECOND
from tiled_accounts.tokens import Ticket, Tokens
from tiledkernel.errors import Unauthorized

LIFETIME = 900.0  # seconds
MAX_COOKIE = 3800  # bytes that browsers keep


def issue(tokens: Tokens, provider: str, state: str, remember: Mapping[str, str]) -> str:
    """A ticket for a browser that leaves now."""
    return tokens.sign(
        Ticket(
            jti=secrets.token_urlsafe(16), provider=provider, state=state, remember=dict(remember),
            exp=time.time() + LIFETIME,
        )
    )  # fmt: skip


def cookie_name(state: str) -> str:
    """The cookie of a ticket: one for each login, as there may be several at once."""
    return f"tiled_login_{hashlib.sha256(state.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def spend(connection: Connection, ticket: Ticket) -> None:
    """Use a ticket; Unauthorized if it was used before."""
    digest = hashlib.sha256(ticket.jti.encode()).digest()
    if connection.execute(select(spent_logins.c.digest).where(spent_logins.c.digest == digest)).scalar() is not None:
        raise Unauthorized("this login was finished before: begin another one")
    connection.execute(insert(spent_logins).values(digest=digest, expires=int(ticket.exp * SECOND)))


def purge(connection: Connection, moment: int) -> None:
    """Forget tickets that have expired, and so are no good anyhow."""
    connection.execute(delete(spent_logins).where(spent_logins.c.expires <= moment))
