"""Logins of devices that wait: a terminal polls while somebody logs in, in a browser, and types the user code."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from tiled_accounts.schema import device_logins
from tiled_accounts.times import SECOND, after
from tiledkernel.errors import TooManyRequests

LIFETIME = 900.0  # seconds
INTERVAL = 5  # seconds between polls
HURRIED = 1.0  # seconds between polls that are answered at all
MAX_ATTEMPTS: Final = 5  # to tell the user code
MAX_WAITING: Final = (10_000, 100)  # at all, and from one address


class Codes(Struct, frozen=True):
    """What the device is told (`device`), what its user types, and what the provider sends back."""

    device: str
    user: str
    state: str


class Waiting(Struct, frozen=True):
    """A device that waits; `session` is what it waits for, once that is there."""

    number: int
    user_code: str
    remembered: Mapping[str, str]
    attempts: int
    session: int | None


def make_codes() -> Codes:
    """New codes, that nobody can guess."""
    user = secrets.token_hex(4).upper()
    return Codes(secrets.token_hex(32), f"{user[:4]}-{user[4:]}", secrets.token_urlsafe(32))


def create(  # noqa: PLR0913, PLR0917 - all that there is to know of it
    connection: Connection, provider: str, codes: Codes, remembered: Mapping[str, str], address: str | None, moment: int
) -> None:
    """Let a device wait; TooManyRequests if too many do."""
    alive = select(func.count()).select_from(device_logins).where(device_logins.c.expires > moment)
    most, from_one = MAX_WAITING
    crowded = connection.execute(alive).scalar_one() >= most
    if address is not None and not crowded:
        crowded = connection.execute(alive.where(device_logins.c.address == address)).scalar_one() >= from_one
    if crowded:
        raise TooManyRequests("too many devices wait for their users to log in: try again in a minute", 60)
    connection.execute(
        insert(device_logins).values(
            provider=provider, device_code=_digest(codes.device), state=_digest(codes.state),
            user_code=_plain(codes.user), remembered=msgspec.json.encode(dict(remembered)).decode(),
            expires=after(LIFETIME, moment), attempts=0, polled=0, address=address,
        )
    )  # fmt: skip


def find(connection: Connection, provider: str, state: str, user_code: str, moment: int) -> Waiting | None:
    """The device whose user comes back from the provider with this state; of one without states, by the user code."""
    theirs = device_logins.c.state == _digest(state) if state else device_logins.c.user_code == _plain(user_code)
    row = connection.execute(_alive(provider, moment).where(theirs).limit(1)).one_or_none()
    return _waiting(row) if row is not None else None


def try_code(connection: Connection, waiting: Waiting, user_code: str) -> bool:
    """Whether that is the user code; it can be tried a few times, and a device that got its session waits no more."""
    row = device_logins.c.id == waiting.number
    fresh = device_logins.c.session.is_(None) & (device_logins.c.attempts < MAX_ATTEMPTS)
    counted = update(device_logins).where(row, fresh).values(attempts=device_logins.c.attempts + 1)
    if not connection.execute(counted).rowcount:
        return False
    typed = _plain(user_code).encode("utf-8", "surrogatepass")
    return secrets.compare_digest(typed, waiting.user_code.encode())


def give(connection: Connection, waiting: Waiting, session: int) -> bool:
    """Let the device have a session; whether it was still waiting for one."""
    free = (device_logins.c.id == waiting.number) & device_logins.c.session.is_(None)
    return bool(connection.execute(update(device_logins).where(free).values(session=session)).rowcount)


def poll(connection: Connection, provider: str, device_code: str, moment: int) -> Waiting | None:
    """The device that asks; once it has its session it is gone. TooManyRequests if it asks in haste."""
    chosen = _alive(provider, moment).where(device_logins.c.device_code == _digest(device_code)).with_for_update()
    row = connection.execute(chosen).one_or_none()
    if row is None:
        return None
    if row.session is not None:
        connection.execute(delete(device_logins).where(device_logins.c.id == row.id))
    elif moment < row.polled + HURRIED * SECOND:
        raise TooManyRequests(f"ask again in {INTERVAL} s, not before", INTERVAL)
    else:
        connection.execute(update(device_logins).where(device_logins.c.id == row.id).values(polled=moment))
    return _waiting(row)


def purge(connection: Connection, moment: int) -> None:
    """Forget those that nobody waits for any more."""
    connection.execute(delete(device_logins).where(device_logins.c.expires <= moment))


def _alive(provider: str, moment: int) -> Any:
    return select(device_logins).where(device_logins.c.provider == provider, device_logins.c.expires > moment)


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def _plain(user_code: str) -> str:
    return user_code.replace("-", "").replace(" ", "").upper()


def _waiting(row: Row[Any]) -> Waiting:
    remembered = msgspec.json.decode(row.remembered, type=dict[str, str])
    return Waiting(row.id, row.user_code, remembered, row.attempts, row.session)
