"""The only way from a path to a node.

`locate` walks through what is in memory, on the event loop; `resolve` goes on from there, into files, where it may
block. Both check that the viewer may see every step.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tiledkernel import references
from tiledkernel.access.sight import UNGOVERNED, Sight, carries_tags
from tiledkernel.composition import Composition
from tiledkernel.errors import BrokenLink, KernelError, NotFound, Unavailable
from tiledkernel.nodes.described import Openable
from tiledkernel.nodes.files import FileEntry, unavailable_node
from tiledkernel.nodes.protocols import Reaching, Stamped
from tiledkernel.nodes.seen import seen
from tiledkernel.server.blame import Blaming, blame, say
from tiledkernel.slices import Cut

_FREE: AbstractContextManager[None] = nullcontext()
SMALL = 200  # children that are looked at on the event loop


class Entry:
    """A node with its place: `path` from the root, and the file that it comes from, if any.

    Where there is an access policy, `governor` is the nearest node from here upwards that carries access tags.
    """

    __slots__ = ("file", "file_depth", "file_stamp", "governor", "node", "path")

    def __init__(  # noqa: PLR0913, PLR0917 - one is made for every node that is looked at
        self,
        path: tuple[str, ...],
        node: Any,
        file: FileEntry | None,
        file_depth: int = 0,
        file_stamp: Hashable = None,
        governor: Any = None,
    ) -> None:
        self.path = path
        self.node = node
        self.file = file
        self.file_depth = file_depth  # how far below the top of its file
        self.file_stamp = file_stamp  # which state of the file the node shows
        self.governor = governor

    @property
    def is_file_root(self) -> bool:
        """Whether the node stands for its whole file."""
        return self.file is not None and self.file_depth == 0

    def child(self, key: str, node: Any) -> Entry:
        """The entry of a child."""
        governor = self.governor
        if governor is not None and carries_tags(node):
            governor = node
        return Entry((*self.path, key), node, self.file, self.file_depth + 1, self.file_stamp, governor)

    def showing(self, node: Any) -> Entry:
        """The same place with another view of its node."""
        return Entry(self.path, node, self.file, self.file_depth, self.file_stamp, self.governor)

    @property
    def key(self) -> str:
        """The last segment of the path; empty for the root."""
        return self.path[-1] if self.path else ""

    @property
    def guard(self) -> AbstractContextManager[Any]:
        """To be held while the node is touched; readers that want one call at a time need it."""
        return self.file.guard if self.file is not None else _FREE

    @property
    def origin(self) -> FileEntry | None:
        """The file that answers for the node, be it opened or not; None for live objects."""
        return self.node if isinstance(self.node, FileEntry) else self.file

    @property
    def plugin(self) -> str:
        """Name of the plugin that answers for the node; empty for live objects."""
        return self.origin.plugin if self.origin is not None else ""

    def stamp(self, cut: Cut | None = None) -> Hashable:
        """A value that differs after every change of the data; None if nobody can tell."""
        own = self.node.stamp(cut) if isinstance(self.node, Stamped) else None
        if self.file is not None:
            if own is None and self.file.reader.directory and isinstance(self.node, Stamped):
                return None  # the stamp of a directory says nothing about what lies further down
            return self.file_stamp, own
        return own


class Located:
    """How far a path leads through memory, or through what is nearly as swift: an entry, and the segments left.

    `immediate`: the node is found, in memory, and small to describe; `swift`: it is found, and quickly described.
    """

    __slots__ = ("entry", "immediate", "rest", "swift")

    def __init__(self, entry: Entry, rest: tuple[str, ...], *, immediate: bool = False, swift: bool = False) -> None:
        self.entry = entry
        self.rest = rest
        self.immediate = immediate
        self.swift = swift


class Resolver:
    """Finds nodes below one root."""

    def __init__(self, root: Any, composition: Composition) -> None:
        self.root = root
        self._adopt = composition.adopt
        self._references = {family.name: family.child for family in composition.families.values() if family.child}
        self._children: dict[str, Callable[[Any, str], Any]] = {}  # loaded when a node of the family is walked through

    def _start(self, sight: Sight | None) -> Any:
        """The root as somebody sees it."""
        if sight is None:
            return self.root
        if sight.root is None:
            sight.root = seen(self.root, sight, self._adopt)
        if sight.root is None:
            raise NotFound("no such entry: []")
        return sight.root

    def locate(self, segments: tuple[str, ...], sight: Sight | None = None) -> Located:
        """Walk through containers in memory as far as they go; NotFound if a key is missing there."""
        node = self._start(sight)
        governor = None if sight is None else node if carries_tags(node) else UNGOVERNED
        position = 0
        try:
            for position, key in enumerate(segments):
                if not (getattr(node, "in_memory", False) and node.family == "container"):
                    return self._reached(node, segments, position, governor)
                path = segments[: position + 1]
                found = self._look_up(node, key, path)
                if not _is_light(found):
                    return Located(Entry(segments[:position], node, None, governor=governor), segments[position:])
                node = self._adopted(found, path)
                if sight is not None and carries_tags(node):
                    governor = node
            swift = getattr(node, "swift", False)
            entry = Entry(segments, node, None, governor=governor)
            return Located(entry, (), immediate=_is_immediate(node), swift=swift)
        except BaseException as error:
            blamed = blame(error, Entry(segments[:position], node, None))
            if blamed is error:
                raise
            raise blamed from error

    def _reached(self, node: Any, segments: tuple[str, ...], position: int, governor: Any) -> Located:
        """How far a container leads that is not in memory: to the end, if it finds what is below it at once."""
        if not getattr(node, "swift", False):
            return Located(Entry(segments[:position], node, None, governor=governor), segments[position:])
        found, steps = node.reach(segments[position:])
        position += steps
        if governor is not None and carries_tags(found):
            governor = found
        entry = Entry(segments[:position], found, None, governor=governor)
        return Located(entry, segments[position:], swift=position == len(segments) and getattr(found, "swift", False))

    def resolve(self, located: Located, *, describing: bool = False) -> Entry:
        """Walk the rest of the way, opening a file where the path leads into one.

        When the node is only to be described, a file that cannot be opened is there, with the reason.
        """
        entry = located.entry
        rest = located.rest
        while rest:
            with Blaming(entry):
                entry = self._opened(entry)
            with entry.guard, Blaming(entry):
                child, steps = self._go(entry, rest)
            for key in rest[:steps]:
                entry = entry.child(key, child)
            rest = rest[steps:]
        with Blaming(entry):
            return self.listed(entry) if describing else self._opened(entry)

    def _go(self, entry: Entry, rest: tuple[str, ...]) -> tuple[Any, int]:
        """The next node on the way, and how many keys lead there: one, unless a container finds more at once."""
        if len(rest) > 1 and isinstance(entry.node, Reaching):
            found, steps = entry.node.reach(rest)
            if steps:
                return self._adopted(found, (*entry.path, *rest[:steps])), steps
        return self._step(entry.node, rest[0], (*entry.path, rest[0])), 1

    def children(self, parent: Entry, keys: Iterator[str] | None = None) -> Iterator[tuple[str, Entry]]:
        """The children of a container, or those of `keys` that exist; a broken link has a node of None.

        A child that cannot be had is there, with the reason.
        """
        for key in parent.node.keys() if keys is None else keys:
            if (entry := self._child(parent, key)) is not None:
                yield key, entry

    def _child(self, parent: Entry, key: str) -> Entry | None:
        """One child as a listing shows it; None if it vanished while we were looking."""
        child = parent.child(key, None)
        try:
            with Blaming(parent):
                child = parent.child(key, self._step(parent.node, key, (*parent.path, key)))
            with Blaming(child):
                return self.listed(child)
        except BrokenLink:
            return parent.child(key, None)
        except NotFound:
            return None
        except KernelError as error:
            return Entry(child.path, unavailable_node(str(error), child.plugin, key), None)

    def listed(self, entry: Entry) -> Entry:
        """An entry as a listing shows it: what cannot be opened is there, with the reason."""
        if isinstance(entry.node, FileEntry):
            file = entry.node
            with file.guard:
                node, stamp = file.listed_stamped()
                return Entry(entry.path, node, file, 0, stamp, entry.governor)
        return entry

    def with_data(self, entry: Entry) -> Entry:
        """An entry from a listing, opened to be read; what cannot be opened is there, with the reason."""
        if not isinstance(entry.node, Openable):
            return entry
        try:
            with Blaming(entry):
                return self._opened(entry)
        except KernelError as error:
            return Entry(entry.path, unavailable_node(str(error), entry.plugin, entry.key), None)

    def _opened(self, entry: Entry) -> Entry:
        if isinstance(entry.node, Openable):
            node, opened, stamp = entry.node.opened()
            return Entry(entry.path, node, opened, 0, stamp, entry.governor)
        if isinstance(entry.node, FileEntry):
            file = entry.node
            with file.guard:
                node, stamp = file.open_stamped()
                return Entry(entry.path, node, file, 0, stamp, entry.governor)
        return entry

    def _child_function(self, family: str, path: tuple[str, ...]) -> Callable[[Any, str], Any]:
        if family not in self._references:
            parent = repr(path[-2]) if len(path) > 1 else "the root"
            raise NotFound(f"no such entry: {list(path)!r}: {parent} is {_a(family)}, which has no children")
        child: Callable[[Any, str], Any] = references.load(self._references[family])
        self._children[family] = child
        return child

    def _step(self, node: Any, key: str, path: tuple[str, ...]) -> Any:
        return self._adopted(self._look_up(node, key, path), path)

    def _look_up(self, node: Any, key: str, path: tuple[str, ...]) -> Any:
        child = self._children.get(node.family) or self._child_function(node.family, path)
        try:
            return child(node, key)
        except KeyError:
            raise NotFound(f"no such entry: {list(path)!r}") from None

    def _adopted(self, found: Any, path: tuple[str, ...]) -> Any:
        """The node for what a container holds; Unavailable if it can be none."""
        if isinstance(found, FileEntry):
            return found
        try:
            return self._adopt(found)
        except NotFound:
            raise NotFound(f"no such entry: {list(path)!r}") from None
        except Exception as error:
            raise Unavailable(f"{'/'.join(path)!r} is unavailable: {say(error)}") from error


def _is_light(found: Any) -> bool:
    """Whether making a node of what a container holds costs next to nothing."""
    return (
        isinstance(getattr(found, "family", None), str)
        or type(found) is dict
        or isinstance(found, FileEntry)
        or not getattr(getattr(found, "dtype", None), "hasobject", True)  # numpy arrays, but for those of objects
    )


def _is_immediate(node: Any) -> bool:
    """Whether describing a node, children included, does not block."""
    if not getattr(node, "in_memory", False):
        return False
    return node.family != "container" or (len(node) <= SMALL and not getattr(node, "waiting", False))


def _a(family: str) -> str:
    return f"an {family}" if family[0] in "aeiou" else f"a {family}"
