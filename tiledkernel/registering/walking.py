"""A directory and the node of a server that it is registered under."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tiledkernel.client.plans import Plan
from tiledkernel.client.uris import split_path
from tiledkernel.errors import ConfigurationError, NotFound
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.walk import (
    Item,
    Rules,
    checked_extensions,
    dotted,
    item_of_directory,
    strip_suffixes,
    verdict_of,
)
from tiledkernel.registering import remote
from tiledkernel.registering.describing import Described
from tiledkernel.registering.folders import Registering, Target
from tiledkernel.registering.installed import reader_table
from tiledkernel.registering.opening import shelf_below


class Choices(Struct, frozen=True, kw_only=True):
    """What a caller says of how files become nodes; see `tiledkernel.client.register.register`."""

    walkers: Sequence[Callable[..., Any]] = ()
    adapters_by_mimetype: Mapping[str, Any] = field(default_factory=dict)
    mimetypes_by_file_ext: Mapping[str, str] = field(default_factory=dict)
    mimetype_detection_hook: Callable[[Path, str | None], str | None] | None = None
    key_from_filename: Callable[[str], str] | None = None
    filter: Callable[[Path], bool] | None = None
    include_ext: Sequence[str] = ()

    def rules(self) -> Rules:
        """The rules of the walk; ValueError if nobody reads a media type."""
        try:
            readers = reader_table(self.adapters_by_mimetype)
            return Rules(
                readers=readers,
                key_of=self.key_from_filename or strip_suffixes,
                include=tuple(map(dotted, self.include_ext)),
                extensions=checked_extensions(self.mimetypes_by_file_ext, readers),
                hook=self.mimetype_detection_hook,
                admits=self.filter,
                walkers=tuple(self.walkers),
            )
        except ConfigurationError as error:
            raise ValueError(str(error)) from error


class Place(Struct, frozen=True):
    """What is registered: a folder, or, with an item, one thing in it."""

    folder: Path
    root: SafeRoot
    item: Item | None = None


def place_of(path: Path | str, rules: Rules) -> Place:
    """What a path stands for; FileNotFoundError if there is nothing, ValueError for a file that nobody reads."""
    try:
        root = SafeRoot(Path(path).expanduser())
    except NotFound as error:
        raise FileNotFoundError(f"no file or directory {str(path)!r}") from error
    if root.path.is_dir():
        item = item_of_directory(root.path, rules)
        return Place(root.path, root) if item.claim is None else Place(root.path.parent, root, item)
    beside = SafeRoot(root.path.parent)
    verdict = verdict_of(root.path, beside, rules)
    if verdict is None:
        raise ValueError(
            f"no reader claims {root.path.name!r}: say of which media type such files are, with "
            "mimetypes_by_file_ext or a mimetype_detection_hook"
        )
    name = root.path.name
    item = Item(rules.key_of(name), (name,), verdict.claim, verdict.media_type, why=verdict.why)
    return Place(beside.path, beside, item)


@asynccontextmanager
async def registering(
    node: Any, place: Place, rules: Rules, prefix: str, **settings: Any
) -> AsyncIterator[tuple[Registering, str]]:
    """What registers a place under a node, and the URI of the container that it goes to, which is made if need be."""
    if not hasattr(node, "queries") or node.queries:
        raise ValueError(f"files are registered in a container, and {node!r} is {_what(node)}")
    work = Registering(node, shelf_below(place.root), rules, **settings)
    try:
        uri = str(node.uri)
        for key in split_path(prefix):
            uri = await work.run(_entering(uri, key))
        yield work, uri
    finally:
        work.close()


async def run(work: Registering, place: Place, uri: str) -> None:
    """Bring what is registered into agreement with what there is."""
    if place.item is not None:
        await work.one(place.folder, uri, place.item)
    else:
        await work.tree(Target(place.folder, uri))


def _what(node: Any) -> str:
    return "what a search has found" if getattr(node, "queries", ()) else "none"


def _entering(uri: str, key: str) -> Plan[str]:
    """The URI of a container in another one, which is made if it is not there; ValueError if it is something else."""
    inner = remote.child_uri(uri, key)
    found = yield from remote.looking_at(inner)
    if found is None:
        (refusal,) = yield from remote.creating_many(uri, [Described(key).draft()], at_once=False)
        if refusal is None:
            return inner
        found = yield from remote.looking_at(inner)  # another program was faster
        if found is None:
            raise refusal
    if not remote.present(found).is_folder:
        raise ValueError(f"prefix: {key!r} is there already, and is no container that could hold more")
    return inner
