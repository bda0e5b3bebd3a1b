"""Rules as tables: who may do what with which tag, with groups, roles and inheritance resolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from tiled_access_tags.definitions import NODE_SCOPES, PUBLIC, Definitions, name_of
from tiledkernel.access.scopes import ANONYMOUS, NO_SCOPES

Table: TypeAlias = Mapping[str, frozenset[str]]  # tag -> scopes
EMPTY: Table = {}
NOTHING: frozenset[str] = frozenset()

USER, GROUP, EVERYONE, ANYONE = "user", "group", "everyone", "anyone"
Holder: TypeAlias = tuple[str, str]  # one of these kinds, and a name


class Gift(Struct, frozen=True):
    """What a tag gives to somebody, perhaps as a role."""

    holder: Holder
    scopes: frozenset[str]
    role: str | None = None


class Rules(Struct, frozen=True, kw_only=True):
    """What follows from definitions; a viewer's scopes are those of all tables that are about it.

    - `users`: for each user that is named somewhere, in person or as member of a group.
    - `everyone`: for whoever has logged in; it includes `anyone`, which is for all.
    - `own`: what a writer may do with a node that it wrote without any tags.
    - `owned`: the tags that each user owns; `tags`: all that are defined.
    - `definitions`, and the `scopes` beyond which they give nothing: what all this follows from.
    """

    users: Mapping[str, Table] = EMPTY  # type: ignore[assignment]
    everyone: Table = EMPTY
    anyone: Table = EMPTY
    own: frozenset[str] = NODE_SCOPES
    owned: Mapping[str, frozenset[str]] = EMPTY
    tags: frozenset[str] = frozenset({PUBLIC})
    definitions: Definitions = Definitions()
    scopes: frozenset[str] = NODE_SCOPES

    def tables(self, user: str | None, *, known: bool) -> tuple[Table, ...]:
        """The tables about a user; `known` is whoever has logged in."""
        if not known:
            return (self.anyone,)
        return (self.everyone,) if user is None else (self.users.get(user, EMPTY), self.everyone)


def compile_rules(definitions: Definitions, scopes: frozenset[str] = NODE_SCOPES) -> Rules:
    """The tables of definitions; nobody gets other scopes than these."""
    holders = _by_holder(definitions, scopes)
    members = _memberships(definitions.groups)
    anyone = holders.get((ANYONE, ""), EMPTY)
    return Rules(
        users=dict(_user_tables(holders, members)),
        everyone=_merged([anyone, holders.get((EVERYONE, ""), EMPTY)]),
        anyone=anyone,
        own=NODE_SCOPES & scopes,
        owned=_owned(definitions),
        tags=frozenset({PUBLIC, *definitions.tags}),
        definitions=definitions,
        scopes=scopes,
    )


def gifts_of(definitions: Definitions, tag: str) -> Iterator[Gift]:
    """What a tag gives by itself, and to whom."""
    if tag == PUBLIC:
        yield Gift((ANYONE, ""), ANONYMOUS)
        return
    rule = definitions.tags[tag]
    for grant in rule.users:
        yield Gift((USER, grant.name), definitions.scopes(grant), grant.role)
    for grant in rule.groups:
        yield Gift((GROUP, grant.name), definitions.scopes(grant), grant.role)
    if rule.everyone is not None:
        yield Gift((EVERYONE, ""), definitions.scopes(rule.everyone), rule.everyone.role)


def _by_holder(definitions: Definitions, scopes: frozenset[str]) -> dict[Holder, dict[str, frozenset[str]]]:
    """What each holder is given by each tag, also by those from which it inherits."""
    inherited: dict[str, dict[Holder, frozenset[str]]] = {}
    holders: dict[Holder, dict[str, frozenset[str]]] = {}
    for tag in definitions.families():
        given: dict[Holder, frozenset[str]] = {}
        for parent in definitions.parents(tag):
            for holder, allowed in inherited[parent].items():
                given[holder] = given.get(holder, NO_SCOPES) | allowed
        for gift in gifts_of(definitions, tag):
            given[gift.holder] = given.get(gift.holder, NO_SCOPES) | (gift.scopes & scopes)
        inherited[tag] = given
        for holder, allowed in given.items():
            holders.setdefault(holder, {})[tag] = allowed
    return holders


def _memberships(groups: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for group, users in groups.items():
        for user in users:
            found.setdefault(user, set()).add(group)
    return {user: frozenset(names) for user, names in found.items()}


def _user_tables(holders: Mapping[Holder, Table], members: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, Table]]:
    """One table for each user; users of the same groups, to whom nothing else is given, share one."""
    shared: dict[frozenset[str], Table] = {}
    named = {name for kind, name in holders if kind == USER}
    for user in named | members.keys():
        groups = members.get(user, NOTHING)
        if groups not in shared:
            shared[groups] = _merged([holders.get((GROUP, group), EMPTY) for group in groups])
        yield user, _merged([shared[groups], holders[USER, user]]) if user in named else shared[groups]


def _merged(tables: Iterable[Table]) -> Table:
    merged: dict[str, frozenset[str]] = {}
    for table in tables:
        for tag, scopes in table.items():
            merged[tag] = merged[tag] | scopes if tag in merged else scopes
    return merged


def _owned(definitions: Definitions) -> dict[str, frozenset[str]]:
    owned: dict[str, set[str]] = {}
    for tag, owners in definitions.owners.items():
        for user in map(name_of, owners.users):
            owned.setdefault(user, set()).add(tag)
        for group in map(name_of, owners.groups):
            for user in definitions.groups[group]:
                owned.setdefault(user, set()).add(tag)
    return {user: frozenset(tags) for user, tags in owned.items()}
