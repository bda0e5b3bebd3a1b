"""What changes for whom between two sets of rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from tiled_access_tags.rules import EMPTY, NOTHING, Rules, Table
from tiledkernel.access.scopes import NO_SCOPES

ANYBODY = "everybody, also without logging in"
ACCOUNTS = "whoever has logged in"


class Change(Struct, frozen=True):
    """What somebody gains and loses with the nodes that carry a tag; `owns` is 1 for a new owner, -1 for a former."""

    who: str
    tag: str
    gained: frozenset[str] = NO_SCOPES
    lost: frozenset[str] = NO_SCOPES
    owns: int = 0


def changes(old: Rules, new: Rules) -> Iterator[Change]:
    """All changes, those for many people first; what changes for everybody is not told again for each."""
    yield from _for_all(old, new)
    for user in sorted({*old.users, *new.users, *old.owned, *new.owned}):
        yield from _for_user(user, old, new)


def _for_all(old: Rules, new: Rules) -> Iterator[Change]:
    for tag in sorted({*old.anyone, *new.anyone}):
        yield from _change(ANYBODY, tag, ([old.anyone], [new.anyone]), ([], []))
    for tag in sorted({*old.everyone, *new.everyone}):
        yield from _change(ACCOUNTS, tag, ([old.everyone], [new.everyone]), ([old.anyone], [new.anyone]))


def _for_user(user: str, old: Rules, new: Rules) -> Iterator[Change]:
    """A tag about which nothing is said in a user's own tables changes for the user as for everybody."""
    before, after = old.users.get(user, EMPTY), new.users.get(user, EMPTY)
    for tag in sorted({*before, *after}):
        yield from _change(user, tag, ([before, old.everyone], [after, new.everyone]), ([old.everyone], [new.everyone]))
    for tag in sorted(new.owned.get(user, NOTHING) - old.owned.get(user, NOTHING)):
        yield Change(user, tag, owns=1)
    for tag in sorted(old.owned.get(user, NOTHING) - new.owned.get(user, NOTHING)):
        yield Change(user, tag, owns=-1)


_Pair = tuple[Sequence[Table], Sequence[Table]]  # before and after


def _change(who: str, tag: str, tables: _Pair, others: _Pair) -> Iterator[Change]:
    """What changes by some tables, beyond what changes by those of others."""
    before, after = (_scopes(found, tag) for found in tables)
    theirs_before, theirs_after = (_scopes(found, tag) for found in others)
    gained = (after - before) - (theirs_after - theirs_before)
    lost = (before - after) - (theirs_before - theirs_after)
    if gained or lost:
        yield Change(who, tag, gained, lost)


def _scopes(tables: Sequence[Table], tag: str) -> frozenset[str]:
    return NO_SCOPES.union(*(table.get(tag, NO_SCOPES) for table in tables))
