"""Register files that a server can reach: they become nodes of its catalog, and stay where they are.

    from tiledkernel.client import from_uri
    from tiledkernel.client.register import register

    client = from_uri("http://localhost:8000", api_key="...")
    await register(client, "/data/2024")        # in a script: asyncio.run(register(client, "/data/2024"))

The files are found and opened here, by the readers that are installed beside the client, to see what they hold. The
server needs the same readers, and must be allowed to read the directory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tiledkernel.client.errors import ClientError
from tiledkernel.client.light_httpx import httpx
from tiledkernel.nodes.walk import strip_suffixes
from tiledkernel.nodes.walkers import Settings, group_image_sequences, one_node_per_item, skip_all
from tiledkernel.registering.folders import Registering, Target
from tiledkernel.registering.report import Failure, Report
from tiledkernel.registering.walking import Choices, Place, place_of, registering, run
from tiledkernel.registering.watching import Changes, listening

__all__ = [
    "Failure",
    "Report",
    "Settings",
    "group_image_sequences",
    "identity",
    "one_node_per_item",
    "register",
    "register_single_item",
    "skip_all",
    "strip_suffixes",
    "watch",
]

logger = logging.getLogger(__name__)
_PAUSE = 5.0  # seconds before changes are tried again that could not be registered


async def register(  # noqa: PLR0913, PLR0917 - what can be said about files, in the order of published code
    node: Any,
    path: Path | str,
    prefix: str = "/",
    walkers: Sequence[Callable[..., Any]] | None = None,
    adapters_by_mimetype: Mapping[str, Any] | None = None,
    mimetypes_by_file_ext: Mapping[str, str] | None = None,
    mimetype_detection_hook: Callable[[Path, str | None], str | None] | None = None,
    key_from_filename: Callable[[str], str] | None = None,
    filter: Callable[[Path], bool] | None = None,  # noqa: A002 - the name that users know
    overwrite: bool = True,  # noqa: FBT001, FBT002 - as users know it
    *,
    include_ext: Sequence[str] = (),
) -> Report:
    """Register a directory, or a single file, in a container.

    Subfolders become containers, and the files that a reader claims become nodes in them; numbered images are one
    array. Doing so again changes nothing but what has changed: a node whose files have the same names, sizes and
    structure is left alone, with the metadata that people have given it meanwhile; one whose files have changed is
    described anew.

    Parameters
    ----------
    node
        The client of a container, of either kind.
    path
        The directory. One in the format of a reader, such as a Zarr store, becomes one node, as a file does.
    prefix
        Keys of the container within `node` to register in, as "/a/b"; it is made if it is not there.
    walkers
        Functions that group files in a way of their own, before the rules do; see `tiledkernel.nodes.walkers`. As they
        may make nodes themselves, what is registered in a folder is removed before they come, if `overwrite` says so.
    adapters_by_mimetype
        Readers of your own: media type -> function of a path, or class with `from_uris`. The server needs them as well.
    mimetypes_by_file_ext
        Media types of files with other suffixes: {".stuff": "text/csv"}.
    mimetype_detection_hook
        A function of a path and the media type so far (or None) that has the last word on the media type.
    key_from_filename
        What makes a key of a file's name: by default it loses all its suffixes; `identity` keeps them.
    filter
        A function of a path that says whether to look at it; by default names that begin with a dot are left out.
    overwrite
        Whether the container is to hold what the directory holds, and nothing else that is registered: nodes whose
        files are gone, or lie elsewhere, are removed. Data that the server itself keeps are never touched. If it is
        False, nodes are added and described anew, but none is removed, and a key that is taken by other files is a
        failure.
    include_ext
        If there are any, only files with one of these suffixes are looked at.

    Returns
    -------
    Report
        How many nodes were added, updated, left as they are and removed; which files failed, and why.

    Examples
    --------
    >>> await register(client, "external_data")
    <Registered: 2 added, 0 updated, 0 unchanged, 0 removed, 0 skipped, 0 failed>
    """
    choices = Choices(
        walkers=walkers or (),
        adapters_by_mimetype=adapters_by_mimetype or {},
        mimetypes_by_file_ext=mimetypes_by_file_ext or {},
        mimetype_detection_hook=mimetype_detection_hook,
        key_from_filename=key_from_filename,
        filter=filter,
        include_ext=include_ext,
    )
    rules = choices.rules()
    place = await asyncio.to_thread(place_of, path, rules)
    async with registering(node, place, rules, prefix, overwrite=overwrite) as (work, uri):
        await run(work, place, uri)
        return work.report


async def watch(  # noqa: PLR0913, PLR0917 - what can be said about files, in the order of published code
    node: Any,
    path: Path | str,
    prefix: str = "/",
    walkers: Sequence[Callable[..., Any]] | None = None,
    adapters_by_mimetype: Mapping[str, Any] | None = None,
    mimetypes_by_file_ext: Mapping[str, str] | None = None,
    mimetype_detection_hook: Callable[[Path, str | None], str | None] | None = None,
    key_from_filename: Callable[[str], str] | None = None,
    filter: Callable[[Path], bool] | None = None,  # noqa: A002 - the name that users know
    initial_walk_complete_event: Any = None,
    *,
    overwrite: bool = True,
    include_ext: Sequence[str] = (),
    on_change: Callable[[Report], None] | None = None,
) -> None:
    """Register a directory, and go on registering what changes in it until the task is cancelled.

    It listens before it walks, so that no change is missed. Only folders in which something has happened are looked at
    again, and only files that have changed are opened.

    Parameters
    ----------
    initial_walk_complete_event
        Has a method `set`, which is called when all that was there in the beginning is registered.
    on_change
        Called with the report after the first walk, and after each time that something was looked at.

    See `register` for the others.
    """
    choices = Choices(
        walkers=walkers or (),
        adapters_by_mimetype=adapters_by_mimetype or {},
        mimetypes_by_file_ext=mimetypes_by_file_ext or {},
        mimetype_detection_hook=mimetype_detection_hook,
        key_from_filename=key_from_filename,
        filter=filter,
        include_ext=include_ext,
    )
    rules = choices.rules()
    place = await asyncio.to_thread(place_of, path, rules)
    settings = {"overwrite": overwrite, "remembers": True}
    async with (
        registering(node, place, rules, prefix, **settings) as (work, uri),
        listening(place.root.path) as changes,
    ):
        await run(work, place, uri)
        if initial_walk_complete_event is not None:
            initial_walk_complete_event.set()
        while True:
            if on_change is not None:
                on_change(work.report)
            await _follow(work, place, uri, changes)


async def _follow(work: Registering, place: Place, uri: str, changes: Changes) -> None:
    """Wait for changes, and register them; what the server cannot take now it gets again later."""
    paths = await changes.take()
    work.report = Report()
    try:
        if place.item is not None:
            await run(work, place, uri)
        else:
            await work.tree(*_targets(work, place.folder, paths))
    except (ClientError, httpx.TransportError) as error:
        logger.error("changes could not be registered, and are tried again in %s s: %s", _PAUSE, error)  # noqa: TRY400 - where in our code says nothing
        await asyncio.sleep(_PAUSE)
        changes.add(paths)


def _targets(work: Registering, root: Path, paths: set[Path]) -> list[Target]:
    """The folders to look at again: those that hold what has changed, and all below those that have come."""
    found: dict[Path, Target] = {}
    for path in paths:
        folder = path.parent if path != root else path
        while folder != root and (folder not in work.folders or not folder.is_dir()):
            folder = folder.parent
        if folder in work.folders:
            found[folder] = Target(folder, work.folders[folder], deep=False)
    for path in paths & work.folders.keys():
        if path.is_dir() and path != root and path not in found:
            found[path] = Target(path, work.folders[path], deep=False)
    return list(found.values())


def identity(filename: str) -> str:
    """The whole name as the key, with its suffixes."""
    return filename


async def register_single_item(node: Any, item: Path | str, is_directory: bool, settings: Settings) -> None:  # noqa: FBT001 - as walkers call it
    """For walkers: a file, or a directory in the format of a reader, becomes a node of its own."""
    del node, is_directory
    settings.propose(settings.key_from_filename(Path(item).name), [item])
