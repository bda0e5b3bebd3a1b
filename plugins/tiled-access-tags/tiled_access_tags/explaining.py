"""Why somebody may do something with nodes that carry certain tags, or may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from tiled_access_tags.definitions import NODE_SCOPES, PUBLIC, Definitions
from tiled_access_tags.policy import TagPolicy, listed
from tiled_access_tags.rules import EVERYONE, GROUP, USER, Gift, Holder, gifts_of
from tiledkernel.access.viewer import Viewer


class Verdict(Struct, frozen=True):
    """Whether a scope is given, and the rules that give it, or what they say instead."""

    scope: str
    given: bool
    reasons: tuple[str, ...]


def verdicts(policy: TagPolicy, viewer: Viewer, tags: Iterable[str]) -> list[Verdict]:
    """A verdict on each scope that is about nodes."""
    wanted = frozenset(tags)
    return [_verdict(policy, viewer, wanted, scope) for scope in sorted(NODE_SCOPES)]


def _verdict(policy: TagPolicy, viewer: Viewer, tags: frozenset[str], scope: str) -> Verdict:
    if viewer.administers:
        return Verdict(scope, given=True, reasons=("access rules do not restrict administrators",))
    given = tuple(dict.fromkeys(_given(policy, viewer, tags, scope)))
    if not given:
        return Verdict(scope, given=False, reasons=tuple(_missing(policy, viewer, tags, scope)))
    if scope not in viewer.scopes:
        return Verdict(scope, given=False, reasons=("only an account with another role may do that at all", *given))
    return Verdict(scope, given=True, reasons=given)


def _given(policy: TagPolicy, viewer: Viewer, tags: frozenset[str], scope: str) -> Iterator[str]:
    rules, person = policy.rules, _Person(policy, viewer)
    for tag in sorted(tags if viewer.access_tags is None else tags & viewer.access_tags):
        if tag == person.own and scope in rules.own:
            yield f"{tag!r} says that {viewer.name} has written the node"
        for chain, gift in _gifts(rules.definitions, tag):
            if scope in gift.scopes & rules.scopes and person.holds(gift.holder):
                yield f"{_through(chain)} gives that to {_holder(gift.holder, person.name)}{_role(gift)}"


def _missing(policy: TagPolicy, viewer: Viewer, tags: frozenset[str], scope: str) -> Iterator[str]:
    rules = policy.rules
    if not tags:
        yield "there are no access tags on record, so this is for administrators only"
    if scope not in rules.scopes:
        yield "the configuration gives that to administrators only ('scopes')"
        return
    for tag in sorted(tags):
        if viewer.access_tags is not None and tag not in viewer.access_tags:
            yield f"the credential is not for {tag!r}, but for {listed(viewer.access_tags)} only"
        elif tag.startswith(("user:", "service:")):
            yield f"{tag!r} says that somebody else has written the node"
        elif tag not in rules.tags:
            yield f"{tag!r} is not defined"
        else:
            others = [_holder(gift.holder) for _, gift in _gifts(rules.definitions, tag) if scope in gift.scopes]
            yield f"{tag!r} gives that to {listed(dict.fromkeys(others), quoted=False) if others else 'nobody'}"


class _Person:
    """Whom a viewer is to the rules."""

    def __init__(self, policy: TagPolicy, viewer: Viewer) -> None:
        self.known = viewer.principal is not None
        self.name = policy.user(viewer)
        self.own = policy.own_tag(viewer) if viewer.access_tags is None else None
        groups = policy.rules.definitions.groups
        self.groups = {group for group, members in groups.items() if self.name in members}

    def holds(self, holder: Holder) -> bool:
        kind, name = holder
        if kind == USER:
            return name == self.name
        if kind == GROUP:
            return name in self.groups
        return self.known if kind == EVERYONE else True


def _gifts(definitions: Definitions, tag: str) -> Iterator[tuple[tuple[str, ...], Gift]]:
    """What a tag gives by itself and by those from which it inherits, with the shortest way there."""
    waiting: list[tuple[str, ...]] = [(tag,)]
    seen = {tag}
    for chain in waiting:
        last = chain[-1]
        if last != PUBLIC and last not in definitions.tags:
            continue
        for gift in gifts_of(definitions, last):
            yield chain, gift
        for parent in definitions.parents(last):
            if parent not in seen:
                seen.add(parent)
                waiting.append((*chain, parent))


def _through(chain: tuple[str, ...]) -> str:
    first, *others = map(repr, chain)
    return first + "".join(f" inherits from {tag}, which" for tag in others)


def _holder(holder: Holder, member: str | None = None) -> str:
    kind, name = holder
    if kind == USER:
        return name
    if kind == GROUP:
        return f"the group {name!r}" + (f", to which {member} belongs" if member else "")
    return "whoever has logged in" if kind == EVERYONE else "everybody"


def _role(gift: Gift) -> str:
    return f" (role {gift.role!r})" if gift.role is not None else ""
