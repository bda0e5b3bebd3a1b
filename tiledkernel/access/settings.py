"""What those who keep accounts are told."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

MINUTE, DAY = 60.0, 86400.0


class Provider(Struct, frozen=True):
    """A way to log in, under the name that URLs know it by; `login` is one of `tiledkernel.access.logins`."""

    name: str
    login: Any


class DatabaseSettings(Struct, frozen=True, kw_only=True):
    """Where accounts rest.

    `uri` is that of SQLite or PostgreSQL; None: in the memory of this process.
    """

    uri: str | None = None
    init_if_not_exists: bool = False
    pool_size: int = 5
    max_overflow: int = 10
    pool_pre_ping: bool = True


class AccountSettings(Struct, frozen=True, kw_only=True):
    """Who may log in, and for how long; ages are in seconds.

    `admins` are pairs of provider and id; `secret_keys` sign tokens: the first signs, all verify, none: a random one.
    """

    providers: tuple[Provider, ...] = ()
    admins: tuple[tuple[str, str], ...] = ()
    secret_keys: tuple[str, ...] = ()
    allow_anonymous_access: bool = False
    access_token_max_age: float = 15 * MINUTE
    refresh_token_max_age: float = 7 * DAY
    session_max_age: float = 365 * DAY
    database: DatabaseSettings = DatabaseSettings()
