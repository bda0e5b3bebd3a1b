"""Sessions: what remains of a login, slid on by refreshing, until they end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from tiled_accounts import principals
from tiled_accounts.principals import Account
from tiled_accounts.schema import principals as principals_table
from tiled_accounts.schema import sessions
from tiled_accounts.times import MINUTE, after
from tiledkernel.errors import BadRequest, Conflict, Unauthorized

MAX_SESSIONS = 200  # of one principal
MAX_STATE = 16 << 10  # bytes of JSON
GRACE = MINUTE  # a refresh token that was just replaced is still good: its answer may have been lost on the way


class Session(Struct, frozen=True):
    """A session as the database knows it."""

    number: int
    uuid: str
    generation: int
    expires: int
    ends: int
    account: Account
    provider: str


class Ages(Struct, frozen=True):
    """How long sessions last, in seconds: without activity, and at all."""

    idle: float
    total: float


def encode_state(state: Mapping[str, Any]) -> str:
    """The state as it is kept; BadRequest if it cannot be."""
    try:
        text = msgspec.json.encode(dict(state)).decode()
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise BadRequest("the login left a state that is no JSON: no session can keep it") from None
    if len(text) > MAX_STATE:
        raise BadRequest(f"the login left a state of {len(text)} bytes: a session keeps at most {MAX_STATE}")
    return text


def create(  # noqa: PLR0913, PLR0917 - all that a session is made of
    connection: Connection, account: Account, provider: str, state: str, ages: Ages, moment: int
) -> Session:
    """A new session of somebody who has just logged in; BadRequest if there are too many."""
    # one login of a principal at a time, so that they count each other
    connection.execute(select(principals_table.c.id).where(principals_table.c.id == account.number).with_for_update())
    own = sessions.c.principal == account.number
    alive = select(func.count()).select_from(sessions).where(own, sessions.c.ends > moment, ~sessions.c.revoked)
    if connection.execute(alive).scalar_one() >= MAX_SESSIONS:
        raise BadRequest(f"there are {MAX_SESSIONS} sessions of yours already: log out of some before you log in")
    expires = after(ages.total, moment)
    ends = min(expires, after(ages.idle, moment))
    uuid_ = uuid.uuid4().hex
    row = insert(sessions).values(
        uuid=uuid_, principal=account.number, provider=provider, created=moment, expires=expires, ends=ends,
        generation=0, refreshed=moment, revoked=False, state=state,
    )  # fmt: skip
    number = connection.execute(row.returning(sessions.c.id)).scalar_one()
    return Session(number, uuid_, 0, expires, ends, account, provider)


def refresh(connection: Connection, uuid_: str, generation: int, ages: Ages, moment: int) -> Session | None:
    """The session with its next refresh token; None if it was revoked, since a token that was replaced came again.

    Unauthorized if it has ended.
    """
    row = connection.execute(select(sessions).where(sessions.c.uuid == uuid_).with_for_update()).one_or_none()
    if row is None or row.revoked:
        raise Unauthorized("this session was ended: log in again")
    if row.ends <= moment:
        raise Unauthorized("this session has expired: log in again")
    replaced = generation < row.generation
    if replaced and (generation < row.generation - 1 or moment > row.refreshed + GRACE):
        connection.execute(update(sessions).where(sessions.c.id == row.id).values(revoked=True))
        return None
    ends = min(row.expires, after(ages.idle, moment))
    values = {"ends": ends} if replaced else {"ends": ends, "generation": generation + 1, "refreshed": moment}
    connection.execute(update(sessions).where(sessions.c.id == row.id).values(values))
    account = principals.load(connection, [row.principal])[0]
    newest = max(row.generation, generation + 1)
    return Session(row.id, row.uuid, newest, row.expires, ends, account, row.provider)


def fetch(connection: Connection, number: int) -> Session:
    """A session that was made a moment ago, to be given to whoever waited for it."""
    row = connection.execute(select(sessions).where(sessions.c.id == number)).one()
    account = principals.load(connection, [row.principal])[0]
    return Session(row.id, row.uuid, row.generation, row.expires, row.ends, account, row.provider)


def revoke(connection: Connection, uuid_: str) -> None:
    """End a session; Conflict if there is none."""
    done = connection.execute(update(sessions).where(sessions.c.uuid == uuid_).values(revoked=True))
    if not done.rowcount:
        raise Conflict("there is no such session any more")


def revoke_own(connection: Connection, uuid_: str, principal: int) -> bool:
    """End a session of a principal; whether there is one."""
    own = (sessions.c.uuid == uuid_) & (sessions.c.principal == principal)
    return bool(connection.execute(update(sessions).where(own).values(revoked=True)).rowcount)


def state_of(connection: Connection, uuid_: str) -> dict[str, Any] | None:
    """What the login left in a session; None if there is no such session."""
    text = connection.execute(select(sessions.c.state).where(sessions.c.uuid == uuid_)).scalar()
    state: dict[str, Any] | None = msgspec.json.decode(text) if text is not None else None
    return state


def purge(connection: Connection, moment: int) -> None:
    """Forget the sessions that have ended, and whose access tokens have ended with them."""
    connection.execute(delete(sessions).where(sessions.c.ends <= moment))
