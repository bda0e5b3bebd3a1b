"""Who has an account: principals, the identities by which they log in, and their roles."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from tiled_accounts.schema import identities, principals, roles
from tiledkernel.access.scopes import ROLES
from tiledkernel.access.viewer import Principal

MAX_ID = 512  # characters of an identity


class Account(Struct, frozen=True):
    """A principal as the database knows it; `latest_logins` are those of its identities, in their order."""

    number: int
    principal: Principal
    latest_activity: int | None
    latest_logins: tuple[int | None, ...]

    @property
    def scopes(self) -> frozenset[str]:
        """What the roles confer at present."""
        return frozenset[str]().union(*(ROLES.get(role, ()) for role in self.principal.roles))

    @property
    def name(self) -> str:
        """For logs: the first identity, or the uuid."""
        found = self.principal.identities[0][1] if self.principal.identities else self.principal.uuid
        return "".join(letter if letter.isprintable() else "?" for letter in found)


def load(connection: Connection, numbers: Sequence[int]) -> list[Account]:
    """The accounts with these ids, in their order; those that are not there are left out."""
    rows = {row.id: row for row in connection.execute(select(principals).where(principals.c.id.in_(numbers)))}
    found: dict[int, list[tuple[str, str, int | None]]] = {}
    chosen = select(identities).where(identities.c.principal.in_(numbers))
    for row in connection.execute(chosen.order_by(identities.c.provider, identities.c.id)):
        found.setdefault(row.principal, []).append((row.provider, row.id, row.latest_login))
    held: dict[int, set[str]] = {}
    for row in connection.execute(select(roles).where(roles.c.principal.in_(numbers))):
        held.setdefault(row.principal, set()).add(row.role)
    accounts = []
    for number in numbers:
        if (known := rows.get(number)) is not None:
            own = found.get(number, [])
            principal = Principal(
                uuid=str(uuid.UUID(known.uuid)),
                type=known.type,
                identities=tuple((provider, identity) for provider, identity, _ in own),
                roles=frozenset(held.get(number, ())),
            )
            accounts.append(Account(number, principal, known.latest_activity, tuple(login for _, _, login in own)))
    return accounts


def find(connection: Connection, uuid_: str) -> Account | None:
    """The account with a uuid, given with or without hyphens."""
    return find_plain(connection, uuid.UUID(uuid_).hex)


def find_plain(connection: Connection, plain: str) -> Account | None:
    """The account with a uuid without hyphens."""
    number = connection.execute(select(principals.c.id).where(principals.c.uuid == plain)).scalar()
    return next(iter(load(connection, [number])), None) if number is not None else None


def page(connection: Connection, offset: int, limit: int) -> list[Account]:
    """Some of all accounts, in the order in which they were made."""
    chosen = select(principals.c.id).order_by(principals.c.id).offset(offset).limit(limit)
    return load(connection, connection.execute(chosen).scalars().all())


def create(connection: Connection, kind: str, roles_: Iterable[str], moment: int) -> int:
    """A new principal."""
    row = insert(principals).values(uuid=uuid.uuid4().hex, type=kind, created=moment)
    number = connection.execute(row.returning(principals.c.id)).scalar_one()
    for role in roles_:
        connection.execute(insert(roles).values(principal=number, role=role, configured=False))
    return int(number)


def enter(connection: Connection, provider: str, identity: str, moment: int) -> Account:
    """The account of somebody who has just logged in; made the first time."""
    where = (identities.c.provider == provider) & (identities.c.id == identity)
    number = connection.execute(select(identities.c.principal).where(where)).scalar()
    if number is None:
        number = create(connection, "user", ["user"], moment)
        connection.execute(
            insert(identities).values(provider=provider, id=identity, principal=number, latest_login=moment)
        )
    else:
        connection.execute(update(identities).where(where).values(latest_login=moment))
    connection.execute(update(principals).where(principals.c.id == number).values(latest_activity=moment))
    return load(connection, [number])[0]


def are_appointed(connection: Connection, admins: Iterable[tuple[str, str]]) -> bool:
    """Whether those whom the configuration names, and no others that it once named, are administrators."""
    joined = select(identities.c.provider, identities.c.id, roles.c.configured).join(
        roles, (roles.c.principal == identities.c.principal) & (roles.c.role == "admin")
    )
    rows = connection.execute(joined).all()
    held = {(row.provider, row.id) for row in rows}
    return held.issuperset(admins) and {(row.provider, row.id) for row in rows if row.configured} <= set(admins)


def appoint(connection: Connection, admins: Iterable[tuple[str, str]], moment: int) -> bool:
    """Let those whom the configuration names, and no others that it once named, be administrators.

    Whether that changed anything; those who never logged in get their account now.
    """
    wanted: set[int] = set()
    for provider, identity in admins:
        where = (identities.c.provider == provider) & (identities.c.id == identity)
        number = connection.execute(select(identities.c.principal).where(where)).scalar()
        if number is None:
            number = create(connection, "user", ["user"], moment)
            connection.execute(insert(identities).values(provider=provider, id=identity, principal=number))
        wanted.add(number)
    is_admin = roles.c.role == "admin"
    rows = connection.execute(select(roles.c.principal, roles.c.configured).where(is_admin)).all()
    held, configured = {row.principal for row in rows}, {row.principal for row in rows if row.configured}
    for number in wanted - held:
        connection.execute(insert(roles).values(principal=number, role="admin", configured=True))
    for number in configured - wanted:
        connection.execute(delete(roles).where(is_admin, roles.c.principal == number))
    return bool(wanted - held or configured - wanted)
