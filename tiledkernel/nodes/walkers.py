"""Walkers: functions that say, before the rules do, what becomes of the files in a folder.

    async def pairs(node, path, files, directories, settings):
        for header in [file for file in files if file.suffix == ".hdr"]:
            data = header.with_suffix(".img")
            settings.propose(header.stem, [data], mimetype="application/x-frames")
            files = [file for file in files if file not in (header, data)]
        return files, directories

A walker is given the container that stands for a folder, the folder, the paths of its files and of its subfolders, and
the settings of the walk. It returns the files and subfolders that it leaves to the next walker; the rules take the
rest. What it proposes becomes a node like any other: two that want one key are both left out, and what is there
already is not registered again.

The container is None where a tree is a live mirror of a folder: only what is proposed can be shown there.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.site_readers import MANY
from tiledkernel.nodes.walk import Item, Rules, Walked, items_of, names_in, verdict_of

logger = logging.getLogger(__name__)

WHY = "walker"


class Settings:
    """What walkers are told of one walk through one folder.

    Attributes
    ----------
    adapters_by_mimetype, mimetypes_by_file_ext, mimetype_detection_hook, key_from_filename, filter
        As they were given, or the defaults; a filter of None leaves out hidden names.
    """

    def __init__(self, folder: Path, root: SafeRoot, rules: Rules) -> None:
        self.adapters_by_mimetype: Mapping[str, Any] = rules.readers.own
        self.mimetypes_by_file_ext: Mapping[str, str] = rules.extensions
        self.mimetype_detection_hook = rules.hook
        self.key_from_filename = rules.key_of
        self.filter: Callable[[Path], bool] | None = rules.admits
        self.folder = folder
        self.root = root
        self.rules = rules
        self.proposals: list[Item] = []

    def propose(self, key: str, files: Sequence[Path | str], mimetype: str | None = None) -> None:
        """Let files of this folder become one node; several are stacked, if a reader can do that.

        ValueError if nobody reads them. A media type "multipart/related;type=..." stacks a single file, too.
        """
        names = tuple(Path(file).name for file in files)
        if not names:
            raise ValueError(f"{key!r} is proposed without files")
        first = self.folder / names[0]
        if mimetype is None:
            verdict = verdict_of(first, self.root, self.rules)
            claim, media_type = (None, "") if verdict is None else (verdict.claim, verdict.media_type)
        else:
            media_type = mimetype.replace(" ", "").removeprefix(MANY)
            claim = self.rules.readers.by_media_type(media_type, directory=first.is_dir())
        if claim is None:
            raise ValueError(f"no reader claims {names[0]!r}{f' as {media_type!r}' if media_type else ''}")
        many = len(names) > 1 or (mimetype or "").startswith(MANY)
        if many and not claim.takes_many:
            raise ValueError(f"{claim.plugin} makes no node of several files of the type {media_type!r}")
        self.proposals.append(Item(key, names, claim, media_type, sequence=many, why=WHY))


async def walk(node: Any, settings: Settings) -> Walked:
    """What the walkers make of a folder, and what they leave over; it raises what they raise."""
    files, folders, messages = names_in(settings.folder, settings.root, settings.rules)
    for level, text in sorted(messages):
        logger.log(level, "%s", text)
    left = [settings.folder / name for name in files], [settings.folder / name for name in folders]
    for walker in settings.rules.walkers:
        found = walker(node, settings.folder, *left, settings)
        files_left, folders_left = await found if inspect.isawaitable(found) else found
        left = [Path(file) for file in files_left], [Path(folder) for folder in folders_left]
    return Walked(tuple(settings.proposals), frozenset(path.name for paths in left for path in paths))


def walk_now(folder: Path, root: SafeRoot, rules: Rules) -> Walked | None:
    """The same for a live mirror, without a container; None, after a warning, if a walker fails."""
    try:
        return asyncio.run(walk(None, Settings(folder, root, rules)))
    except Exception:
        logger.warning("a walker failed in %s, so that the rules take all of it", root.shown(folder), exc_info=True)
        return None


async def group_image_sequences(
    node: Any, path: Path, files: list[Path], directories: list[Path], settings: Settings
) -> tuple[list[Path], list[Path]]:
    """Files `<name><digits><suffix>` of one type become one node, if their reader reads such sequences."""
    del node
    rules = structs.replace(settings.rules, singles=False)
    return _taken(path, files, settings, rules), directories


async def one_node_per_item(
    node: Any, path: Path, files: list[Path], directories: list[Path], settings: Settings
) -> tuple[list[Path], list[Path]]:
    """Each file that a reader claims becomes a node, and so does each directory in the format of a reader."""
    del node
    rules = structs.replace(settings.rules, sequences=False)
    return _taken(path, files, settings, rules), _taken(path, directories, settings, rules)


async def skip_all(
    node: Any, path: Path, files: list[Path], directories: list[Path], settings: Settings
) -> tuple[list[Path], list[Path]]:
    """Leave nothing to the rules."""
    for item in (*files, *directories):
        logger.info("skipped %s: a walker skips all", settings.root.shown(item))
    del node, path
    return [], []


def _taken(folder: Path, paths: Sequence[Path], settings: Settings, rules: Rules) -> list[Path]:
    """Propose what the rules make of some paths; those that are left."""
    items, messages = items_of(folder, settings.root, rules, {path.name for path in paths})
    for level, text in messages:
        logger.log(level, "%s", text)
    claimed = [item for item in items if item.claim is not None]
    settings.proposals += claimed
    names = {name for item in claimed for name in item.names}
    return [path for path in paths if path.name not in names]
