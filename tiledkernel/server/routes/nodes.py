"""What every node answers: its description, and the files behind it."""

from __future__ import annotations

from msgspec import Struct, field

from tiledkernel.access.scopes import READ_DATA, READ_METADATA
from tiledkernel.errors import Forbidden, NotAllowed
from tiledkernel.families.container.paging import check_range
from tiledkernel.media_types import ARRAY_BYTES, media_type_of_suffix
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.writing import Sourced
from tiledkernel.records import Route
from tiledkernel.server.answers import File, Message
from tiledkernel.server.describe import View, parse_fields
from tiledkernel.server.preconditions import version_of
from tiledkernel.server.request import Request
from tiledkernel.server.selection import parse_selection
from tiledkernel.server.validators import expires


class MetadataQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a description."""

    fields: list[str] = field(default_factory=list)
    select_metadata: str | None = None
    max_depth: int = 5
    omit_links: bool = False
    include_data_sources: bool = False
    root_path: bool = False


class AssetQuery(Struct, frozen=True, kw_only=True):
    """Which asset of a node; `relative_path` inside it if it is a directory."""

    id: int
    relative_path: str | None = None


class ManifestQuery(Struct, frozen=True, kw_only=True):
    """Which asset of a node."""

    id: int


def describe(request: Request) -> Message:
    """The description of one node."""
    query: MetadataQuery = request.query
    check_range("max_depth", query.max_depth, 0, 5)
    view = View(
        fields=parse_fields(query.fields),
        select=parse_selection(query.select_metadata),
        links=not query.omit_links,
        data_sources=query.include_data_sources,
        max_depth=query.max_depth,
    )
    resource = request.service.describer.resource(request.entry, request.base, view)
    stale_after = getattr(request.entry.node, "stale_after", None)
    meta = {"root_path": f"{request.root_path}/api"} if query.root_path else {}
    content = {"data": resource, "error": None, "links": None, "meta": meta}
    return Message(content, headers=expires(stale_after), version=version_of(request.entry.node))


def asset_bytes(request: Request) -> File:
    """A file behind a node, byte for byte."""
    query: AssetQuery = request.query
    path = _sourced(request).asset_path(query.id, query.relative_path)
    return File(path=path, filename=path.name, media_type=media_type_of_suffix(path.suffix[1:]) or ARRAY_BYTES)


def asset_manifest(request: Request) -> Message:
    """The files of a directory behind a node, relative to it."""
    return Message({"manifest": _sourced(request).manifest(request.query.id)})


def check_raw_assets(request: Request) -> None:
    """Forbidden where the files behind nodes are nobody's business."""
    if not request.service.settings.expose_raw_assets:
        raise Forbidden("this server does not hand out raw files")


def _sourced(request: Request) -> Sourced | FileEntry:
    """What knows the files behind the node; NotAllowed if there are none."""
    check_raw_assets(request)
    entry = request.entry
    if isinstance(entry.node, Sourced):
        return entry.node
    if entry.file is None or not entry.is_file_root:
        raise NotAllowed(f"{'/'.join(entry.path)!r} has no assets: no files stand behind it")
    return entry.file


_METADATA = frozenset({READ_METADATA})
_DATA = frozenset({READ_DATA})

ROUTES = (
    Route(
        path="/metadata/{path}",
        handler=describe,
        scopes=_METADATA,
        parameters=MetadataQuery,
        describes=True,
        light=True,
    ),
    Route(path="/asset/bytes/{path}", handler=asset_bytes, scopes=_DATA, parameters=AssetQuery, describes=True),
    Route(
        path="/asset/manifest/{path}", handler=asset_manifest, scopes=_DATA, parameters=ManifestQuery, describes=True
    ),
)
