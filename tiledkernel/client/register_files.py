"""Exactly the given files as one node of a server: what is behind `container.register(...)`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from tiledkernel.client.creating import checked_metadata, creating
from tiledkernel.client.data_sources import DataSource
from tiledkernel.client.plans import Plan
from tiledkernel.errors import KernelError
from tiledkernel.nodes.files import FileEntry, FileUnavailable
from tiledkernel.nodes.paths import SafeRoot
from tiledkernel.nodes.readers import Claim
from tiledkernel.nodes.site_readers import MANY
from tiledkernel.nodes.walk import Item, Rules, Verdict, verdict_of
from tiledkernel.registering.describing import Described, describe
from tiledkernel.registering.installed import reader_table
from tiledkernel.registering.opening import shelf_below
from tiledkernel.registering.structures import overridden
from tiledkernel.specs import Spec


def registering_uris(  # noqa: PLR0913 - what a node is described with
    container: Any,
    uris: Sequence[str | Path],
    *,
    key: str | None = None,
    structure: Any = None,
    mimetype: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
) -> Plan[Any]:
    """One new child of a container that shows these files; its client.

    They are opened here, by an installed reader, to see what they hold. ValueError says what is wrong with them.
    """
    paths = [_path_of(uri) for uri in uris]
    described = _described(paths, mimetype, parameters or {})
    source = msgspec.convert(described.source, DataSource)
    if structure is not None:
        source = _with_structure(source, structure)
    return (
        yield from creating(
            container,
            described.family,
            [source],
            key=key,
            metadata={**described.metadata, **checked_metadata(metadata)},
            specs=[Spec(**spec) for spec in described.specs] if specs is None else specs,
            access_tags=access_tags,
            register=True,
        )
    )


def _path_of(uri: str | Path) -> Path:
    """The path of a file that is given by its path or URI; ValueError if it is neither."""
    if isinstance(uri, Path):
        return uri.expanduser().absolute()
    if not isinstance(uri, str):
        raise ValueError(f"{uri!r} is no file: expected paths or URIs, each as an argument of its own")  # noqa: TRY004 - as users know it
    if "://" not in uri:
        return Path(uri).expanduser().absolute()
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise ValueError(f"{uri!r} cannot be registered: expected a path, or a URI such as file://localhost/data/x.h5")
    return Path(unquote(parts.path))


def _described(paths: Sequence[Path], mimetype: str | None, parameters: Mapping[str, Any]) -> Described:
    if not paths:
        raise ValueError("nothing to register: give at least one path or URI of a file")
    claim, media_type = _claim(paths, mimetype)
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"no file {str(path)!r}")
    real = [path.resolve() for path in paths]
    root = SafeRoot(os.path.commonpath([path.parent for path in real]))
    names = tuple(path.relative_to(root.path).as_posix() for path in real)
    many = len(paths) > 1 or (mimetype or "").startswith(MANY)
    item = Item(paths[0].name, names, claim, media_type, sequence=many)
    try:
        return describe(FileEntry(item, root.path, shelf_below(root), parameters), item, parameters)
    except FileUnavailable as error:
        raise ValueError(f"{error.plugin} could not open {error.file!r}: {error.reason}") from error
    except KernelError as error:
        raise ValueError(str(error)) from error


def _claim(paths: Sequence[Path], mimetype: str | None) -> tuple[Claim, str]:
    """Who reads the files, and of which type they are."""
    readers = reader_table()
    directory = paths[0].is_dir()
    if mimetype is not None:
        media_type = mimetype.replace(" ", "").removeprefix(MANY)
        claim = readers.by_media_type(media_type, directory=directory)
        if claim is None:
            known = ", ".join(readers.media_types())
            raise ValueError(f"no installed plugin reads {mimetype!r}; there are readers for: {known}")
        return claim, media_type
    rules = Rules(readers=readers)
    verdicts = [verdict_of(path, SafeRoot("/"), rules) for path in paths]
    found = {verdict.media_type: verdict.claim for verdict in verdicts if verdict is not None}
    if len(found) != 1 or None in verdicts:
        raise ValueError(f"{_reason(paths, verdicts)}: say how to read what belongs together, with mimetype='...'")
    ((media_type, claim),) = found.items()
    return claim, media_type


def _reason(paths: Sequence[Path], verdicts: Sequence[Verdict | None]) -> str:
    """What keeps files from being read as one dataset."""
    unclaimed = [path.name for path, verdict in zip(paths, verdicts, strict=True) if verdict is None]
    if unclaimed:
        return f"{_some(unclaimed)}: claimed by no reader"
    types = sorted({verdict.media_type for verdict in verdicts if verdict is not None})
    return f"{_some([path.name for path in paths])}: of different types ({', '.join(types)})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(sorted(set(names))[:5])


def _with_structure(source: DataSource, structure: Any) -> DataSource:
    """The data source with a structure of the caller's choice; how the file itself is divided is kept beside it."""
    chosen = overridden(source.structure_family, source.structure, structure)
    properties = dict(source.properties)
    if source.structure_family == "array" and chosen["shape"] != source.structure["shape"]:
        properties["chunks"] = source.structure["chunks"]
    return msgspec.structs.replace(source, structure=chosen, properties=properties)
