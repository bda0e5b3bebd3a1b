"""The file of rules: roles, groups, tags and their owners, decoded and checked, with every mistake told.

```yaml
roles: {reader: {scopes: ["read:metadata", "read:data"]}}
groups: {physics: [alice, bob]}
tags:
  run_1:
    groups: [{name: physics, role: reader}]
    users: [{name: cara, scopes: ["read:metadata"]}]
    auto_tags: [staff]
  staff:
    users: [{name: dora, role: reader}]
tag_owners: {run_1: {users: [cara]}}
```
"""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from tiledkernel.access.scopes import ALL_SCOPES, CREATE_NODE, METRICS, SINGLE_USER
from tiledkernel.config.decode import decode, did_you_mean
from tiledkernel.config.document import Document, InvalidConfiguration, KeyPath, Problem
from tiledkernel.config.yaml_file import read_yaml

T = TypeVar("T")

PUBLIC = "public"
OWN = ("user:", "service:")  # how the tags begin that a node has because somebody wrote it without saying any
NODE_SCOPES = SINGLE_USER - {METRICS}  # what can be done with a node
MAX_TAG = 255  # characters
_FORMER = {"create": CREATE_NODE}  # what scopes were called once
_EXAMPLE = "tags: {run_1: {users: [{name: alice, scopes: ['read:metadata']}]}}"

_QUOTED = "in quotes, if it is a number"
Name = Annotated[str, Meta(min_length=1, description=f"a name, {_QUOTED}")]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the rules; a key that it does not have is an error."""


class Named(Section, frozen=True):
    """A name, as it is written in the files of Tiled."""

    name: Name


Entry = Annotated[Named | str, Meta(description=f"a name, {_QUOTED}")]
Scopes = Annotated[list[str], Meta(description="a list of scopes, such as ['read:metadata', 'read:data']")]


class Conferred(Section, frozen=True):
    """What somebody may do: a role, or a list of scopes."""

    role: str | None = None
    scopes: Scopes | None = None


class Grant(Conferred, frozen=True, kw_only=True):
    """What one user, or the members of one group, may do."""

    name: Name


class Role(Section, frozen=True):
    """Scopes that have a name."""

    scopes: Scopes


class Tag(Section, frozen=True):
    """Who may do what with the nodes that carry the tag; `everyone` is whoever has logged in.

    Whoever is granted something by one of `auto_tags` is granted it by this tag, too.
    """

    users: list[Grant] = field(default_factory=list)
    groups: list[Grant] = field(default_factory=list)
    everyone: Conferred | None = None
    auto_tags: list[Entry] = field(default_factory=list)


class Owners(Section, frozen=True):
    """Who may put a tag on a node, and take it off."""

    users: list[Entry] = field(default_factory=list)
    groups: list[Entry] = field(default_factory=list)


class _Group(Section, frozen=True):
    members: Annotated[list[Entry], Meta(description="a list of users")]


class _File(Section, frozen=True):
    roles: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)
    tag_owners: dict[str, Any] = field(default_factory=dict)


class Definitions(Struct, frozen=True, kw_only=True):
    """Rules without mistakes; `roles` are sets of scopes, `groups` lists of users."""

    roles: Mapping[str, frozenset[str]] = {}
    groups: Mapping[str, tuple[str, ...]] = {}
    tags: Mapping[str, Tag] = {}
    owners: Mapping[str, Owners] = {}

    def scopes(self, conferred: Conferred) -> frozenset[str]:
        """What a role or a list of scopes amounts to."""
        if conferred.role is not None:
            return self.roles[conferred.role]
        return normal_scopes(conferred.scopes or ())

    def parents(self, tag: str) -> tuple[str, ...]:
        """The tags from which a tag inherits."""
        return tuple(map(name_of, self.tags[tag].auto_tags)) if tag in self.tags else ()

    def families(self) -> list[str]:
        """All tags, each after those from which it inherits."""
        graph = {tag: self.parents(tag) for tag in self.tags}
        return [PUBLIC, *(tag for tag in graphlib.TopologicalSorter(graph).static_order() if tag != PUBLIC)]


def name_of(named: Named | str) -> str:
    """The name in an entry of a list."""
    return named if isinstance(named, str) else named.name


def normal_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Scopes by the names that they have today."""
    return frozenset(_FORMER.get(scope, scope) for scope in scopes)


def read_definitions(path: Path) -> Definitions:
    """The rules in a file; InvalidConfiguration tells everything that is wrong, with its lines."""
    document = read_yaml(path, {}, example=_EXAMPLE)
    if not document.data:
        raise InvalidConfiguration([Problem(str(path), (), f"there are no rules in it; expected such as {_EXAMPLE!r}")])
    return definitions_in(document)


def definitions_in(document: Document) -> Definitions:
    """The rules that a document holds; InvalidConfiguration tells everything that is wrong."""
    reading = _Reading(document)
    definitions = reading.definitions()
    if reading.problems:
        raise InvalidConfiguration(sorted(reading.problems, key=_line))
    return definitions


def _line(problem: Problem) -> int:
    line = problem.origin.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


class _Reading:
    """Decodes a document part by part, so that a mistake in one does not hide those in others."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def definitions(self) -> Definitions:
        file = self._file()
        roles = self._each(file.roles, ("roles",), Role)
        groups = self._groups(file.groups)
        tags = self._each(file.tags, ("tags",), Tag)
        owners = self._each(file.tag_owners, ("tag_owners",), Owners)
        for name, role in roles.items():
            self._scopes(role.scopes, ("roles", name, "scopes"))
        for name, tag in tags.items():
            self._tag(name, tag, file)
        for name, owner in owners.items():
            self._owners(name, owner, file)
        self._cycles(tags)
        return Definitions(
            roles={name: normal_scopes(role.scopes) for name, role in roles.items()},
            groups={name: tuple(map(name_of, group.members)) for name, group in groups.items()},
            tags=tags,
            owners=owners,
        )

    def _file(self) -> _File:
        """The sections that are mappings; what else stands at the top is noted."""
        try:
            return decode(self.document, _File, ())
        except InvalidConfiguration as error:
            self.problems.extend(error.problems)
            wrong = {problem.path[0] for problem in error.problems}
            return decode(Document(data={k: v for k, v in self.document.data.items() if k not in wrong}), _File, ())

    def _each(self, section: Mapping[str, Any], at: KeyPath, type_: type[T]) -> dict[str, T]:
        """The entries of a section that can be decoded; what is wrong with the others is noted."""
        return dict(self._decoded(section, type_, lambda name: decode(self.document, type_, (*at, name))))

    def _groups(self, section: Mapping[str, Any]) -> dict[str, _Group]:
        """Groups are lists of users, which are decoded as if they stood under a key."""
        wrapped = {name: {"members": [] if members is None else members} for name, members in section.items()}
        return dict(self._decoded(wrapped, _Group, lambda name: self._group(name, wrapped[name])))

    def _group(self, name: str, data: dict[str, Any]) -> _Group:
        at: KeyPath = ("groups", name)
        count = len(data["members"]) if isinstance(data["members"], list) else 0
        places: dict[KeyPath, str] = {("members", index): self.document.origin((*at, index)) for index in range(count)}
        try:
            return decode(Document(data=data, origins={(): self.document.origin(at), **places}), _Group, ())
        except InvalidConfiguration as error:
            raise InvalidConfiguration(
                Problem(problem.origin, (*at, *problem.path[1:]), problem.message) for problem in error.problems
            ) from None

    def _decoded(
        self, section: Mapping[str, Any], type_: type[T], decoded: Callable[[str], T]
    ) -> Iterator[tuple[str, T]]:
        """Entries at once, as long as they are what they should be; else by a function that says what is wrong."""
        for name, value in section.items():
            try:
                yield name, msgspec.convert({} if value is None else value, type_)
            except msgspec.ValidationError:
                try:
                    yield name, decoded(name)
                except InvalidConfiguration as error:
                    self.problems.extend(error.problems)

    def _tag(self, name: str, tag: Tag, file: _File) -> None:
        at: KeyPath = ("tags", name)
        self._tag_name(name, at)
        for index, grant in enumerate(tag.users):
            self._conferred(grant, (*at, "users", index), file)
        for index, grant in enumerate(tag.groups):
            where: KeyPath = (*at, "groups", index)
            self._known(grant.name, file.groups, where, "group")
            self._conferred(grant, where, file)
        if tag.everyone is not None:
            self._conferred(tag.everyone, (*at, "everyone"), file)
        for index, parent in enumerate(map(name_of, tag.auto_tags)):
            if parent != PUBLIC:
                self._known(parent, file.tags, (*at, "auto_tags", index), "tag")

    def _tag_name(self, name: str, at: KeyPath) -> None:
        if name == PUBLIC:
            self._note(at, f"{PUBLIC!r} is defined already: everybody may read what carries it, only administrators put"
                       " it on a node; a tag of yours can inherit from it (auto_tags)")  # fmt: skip
        elif name.startswith(OWN):
            self._note(at, "tags that begin with 'user:' or 'service:' say who has written a node, and have no rules")
        elif not 0 < len(name) <= MAX_TAG or not name.isprintable():
            self._note(at, f"{name[:80]!a} can be no tag: expected 1 to {MAX_TAG} printable characters")

    def _owners(self, name: str, owners: Owners, file: _File) -> None:
        at: KeyPath = ("tag_owners", name)
        if name == PUBLIC:
            self._note(at, f"{PUBLIC!r} belongs to administrators, and to nobody else")
        else:
            self._known(name, file.tags, at, "tag")
        for index, group in enumerate(map(name_of, owners.groups)):
            self._known(group, file.groups, (*at, "groups", index), "group")

    def _conferred(self, conferred: Conferred, at: KeyPath, file: _File) -> None:
        if (conferred.role is None) == (conferred.scopes is None):
            self._note(at, f"expected either 'role' (one of: {_listed(file.roles)}) or 'scopes' (a list)")
        elif conferred.role is not None:
            self._known(conferred.role, file.roles, (*at, "role"), "role")
        else:
            self._scopes(conferred.scopes or (), (*at, "scopes"))

    def _scopes(self, scopes: Iterable[str], at: KeyPath) -> None:
        for index, scope in enumerate(scopes):
            if _FORMER.get(scope, scope) in NODE_SCOPES:
                continue
            if scope in ALL_SCOPES:
                reason = "this scope is not about nodes, so no tag can give it; leave it out"
            else:
                reason = f"no such scope{did_you_mean(scope, sorted(NODE_SCOPES))}; known: {_listed(NODE_SCOPES)}"
            self._note((*at, index), f"{scope!r}: {reason}")

    def _known(self, name: str, known: Mapping[str, Any], at: KeyPath, kind: str) -> None:
        if name not in known:
            self._note(at, f"no {kind} named {name!r}{did_you_mean(name, sorted(known))}; known: {_listed(known)}")

    def _cycles(self, tags: Mapping[str, Tag]) -> None:
        """Note every circle of tags that inherit from each other; each is told once."""
        graph = {tag: set(map(name_of, tags[tag].auto_tags)) for tag in tags}
        while True:
            try:
                graphlib.TopologicalSorter(graph).prepare()
            except graphlib.CycleError as error:
                circle: list[str] = list(reversed(error.args[1]))
                self._note(("tags", circle[0], "auto_tags"), f"tags inherit in a circle: {' -> '.join(circle)}")
                graph[circle[0]].discard(circle[1])
            else:
                return

    def _note(self, at: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.document.origin(at), at, message))


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "") or "none"
