"""`/auth/apikey`, and the same for the principals of others: make, look at and revoke API keys."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from tiled_accounts import keys, principals
from tiled_accounts.resources import key_resource
from tiled_accounts.routes.replies import DONE, personal, secret
from tiled_accounts.times import SECOND, after, now
from tiledkernel.access.scopes import ADMIN_APIKEYS, CREATE_APIKEYS, INHERIT, NO_SCOPES, REVOKE_APIKEYS
from tiledkernel.errors import Forbidden, NotFound, Unauthorized, Unprocessable
from tiledkernel.records import Route
from tiledkernel.server.credentials import present_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from tiled_accounts.keeper import Keeper
    from tiled_accounts.keys import Key
    from tiled_accounts.principals import Account
    from tiledkernel.access.viewer import Viewer
    from tiledkernel.server.answers import Message, Reply
    from tiledkernel.server.request import Request

MAX_SECONDS = 100 * 366 * 86_400.0
Name = Annotated[str, Meta(min_length=1, max_length=255)]


class NewKey(Struct):
    """What a new key is to be."""

    scopes: Annotated[list[Name], Meta(max_length=100)] | None
    expires_in: float | None
    access_tags: Annotated[list[Name], Meta(max_length=100)] | None = None
    note: Annotated[str, Meta(max_length=1000)] | None = None


class WhichKey(Struct, frozen=True):
    """The key that is meant."""

    first_eight: str


class ApiKeyRoutes:
    """Makes and revokes keys; none confers more than the credential by which it is made."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def routes(self) -> Sequence[Route]:
        """The routes: for one's own keys, and for those of others."""
        own, others = "/auth/apikey", "/auth/principal/{uuid}/apikey"
        admin = frozenset({ADMIN_APIKEYS})
        make: dict[str, Any] = {"methods": ("POST",), "body": NewKey, "body_limit": 65_536, "blocks": True}
        revoke: dict[str, Any] = {"methods": ("DELETE",), "parameters": WhichKey, "blocks": True}
        return [
            Route(path=own, handler=self.create, scopes=frozenset({CREATE_APIKEYS}), **make),
            Route(path=own, handler=self.show, scopes=NO_SCOPES, blocks=True),
            Route(path=own, handler=self.revoke, scopes=frozenset({REVOKE_APIKEYS}), **revoke),
            Route(path=others, handler=self.create_for, scopes=admin, **make),
            Route(path=others, handler=self.revoke_for, scopes=admin, **revoke),
        ]

    def create(self, request: Request) -> Reply:
        """A new API key of one's own; its secret is told only now."""
        return self._create(request, None)

    def create_for(self, request: Request) -> Reply:
        """A new API key of somebody else, such as a service; its secret is told only now."""
        return self._create(request, uuid_of(request))

    def show(self, request: Request) -> Message:
        """What is known of the API key that is presented."""
        keeper = self._keeper
        keeper.write_activities()
        with keeper.database.reading() as connection:
            key = self._presented(connection, request)
        if key is None:
            raise Unauthorized("present the API key that you want to know about")
        return personal(key_resource(key))

    def revoke(self, request: Request) -> Reply:
        """Take an API key of one's own away, at once and everywhere."""
        return self._revoke(request, None)

    def revoke_for(self, request: Request) -> Reply:
        """Take an API key of somebody else away, at once and everywhere."""
        return self._revoke(request, uuid_of(request))

    def _create(self, request: Request, uuid_: str | None) -> Reply:
        asked: NewKey | None = request.body
        if asked is None:
            raise Unprocessable("'scopes' and 'expires_in' are missing", "body", kind="missing")
        _check(asked)
        moment = now()

        def work(connection: Connection) -> tuple[Key, str]:
            account = self._account(connection, request.viewer, uuid_)
            by = self._presented(connection, request)
            scopes = [INHERIT] if asked.scopes is None else asked.scopes
            expires = None if asked.expires_in is None else after(asked.expires_in, moment)
            _check_scopes(scopes, account, request.viewer, by)
            _check_tags(asked.access_tags, scopes, request.viewer)
            _check_expiry(expires, by, moment)
            return keys.create(
                connection, account.number, scopes, access_tags=asked.access_tags, expires=expires, note=asked.note,
                moment=moment,
            )  # fmt: skip

        key, told = self._keeper.database.write(work)
        return secret(key_resource(key) | {"secret": told})

    def _revoke(self, request: Request, uuid_: str | None) -> Reply:
        first_eight = request.query.first_eight

        def work(connection: Connection) -> bool:
            account = self._account(connection, request.viewer, uuid_)
            return keys.revoke(connection, account.number, first_eight)

        if not self._keeper.database.write(work, announce=True):
            raise NotFound("there is no such API key: it has expired, was revoked, or is somebody else's")
        return DONE

    def _account(self, connection: Connection, viewer: Viewer, uuid_: str | None) -> Account:
        """Whose keys it is about."""
        if uuid_ is None:
            return self._keeper.account_of(connection, viewer)
        found = principals.find(connection, uuid_)
        if found is None:
            raise NotFound(f"there is no principal {uuid_}")
        return found

    def _presented(self, connection: Connection, request: Request) -> Key | None:
        credentials = present_credentials(request.exchange, request.values, request.method)
        return self._keeper.key_of(connection, credentials)


def uuid_of(request: Request) -> str:
    """The uuid in the path."""
    try:
        return str(uuid.UUID(request.segments[0]))
    except ValueError:
        raise Unprocessable("this is no UUID", "path", "uuid", value=request.segments[0][:80]) from None


def _check(asked: NewKey) -> None:
    """Unprocessable for what no database keeps, and no calendar has."""
    seconds = asked.expires_in
    if seconds is not None and not (math.isfinite(seconds) and 0 < seconds <= MAX_SECONDS):
        message = "expected a positive number of seconds, at most a hundred years; null for a key that does not expire"
        raise Unprocessable(message, "body", "expires_in", value=repr(seconds))
    for name, texts in (
        ("note", [asked.note or ""]),
        ("access_tags", asked.access_tags or []),
        ("scopes", asked.scopes or []),
    ):
        if any("\x00" in text for text in texts):
            raise Unprocessable("NUL bytes are not taken here", "body", name)


def _check_scopes(scopes: Sequence[str], account: Account, viewer: Viewer, by: Key | None) -> None:
    """Forbidden for more than the principal holds, or than the credential confers by which the key is made."""
    wanted = frozenset(scopes)
    if INHERIT in wanted:
        if by is not None and INHERIT not in by.scopes:
            raise Forbidden(
                "a key that inherits would confer more than the one by which it is made: name scopes, of these: "
                f"{', '.join(sorted(viewer.scopes & account.scopes)) or 'none'}"
            )
        wanted = wanted - {INHERIT} | account.scopes
    if missing := wanted - account.scopes:
        raise Forbidden(f"the principal does not hold the scopes [{', '.join(sorted(missing))}]")
    if missing := wanted - viewer.scopes:
        raise Forbidden(
            "a key confers no more than the credential by which it is made, and that lacks the scopes "
            f"[{', '.join(sorted(missing))}]"
        )


def _check_tags(access_tags: Sequence[str] | None, scopes: Sequence[str], viewer: Viewer) -> None:
    """Forbidden for tags beside scopes that reach further, or beyond those of the credential that makes the key."""
    if access_tags is not None and (reaching := {INHERIT, ADMIN_APIKEYS} & {*scopes}):
        raise Forbidden(f"a key that is restricted to access tags cannot have the scope {min(reaching)!r}")
    if viewer.access_tags is not None and (access_tags is None or not viewer.access_tags.issuperset(access_tags)):
        raise Forbidden(
            "the key by which this one is made is restricted to the access tags "
            f"[{', '.join(sorted(viewer.access_tags))}]: name some of these"
        )


def _check_expiry(expires: int | None, by: Key | None, moment: int) -> None:
    """Forbidden for a key that outlives the one by which it is made."""
    if by is not None and by.expires is not None and (expires is None or expires > by.expires):
        left = (by.expires - moment) // SECOND
        raise Forbidden(f"the key by which this one is made expires in {left} s: ask for at most so many seconds")
