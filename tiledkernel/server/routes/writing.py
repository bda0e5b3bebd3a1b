"""Making, changing and deleting nodes, whatever their family; the data have routes of their family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct, structs

from tiledkernel import references, wire
from tiledkernel.ability import Ability
from tiledkernel.access.scopes import (
    CREATE_NODE,
    DELETE_NODE,
    DELETE_REVISION,
    READ_METADATA,
    REGISTER,
    WRITE_METADATA,
)
from tiledkernel.access.sight import Seeing
from tiledkernel.errors import BadRequest, Forbidden, KeyTaken, NotAcceptable, NotAllowed, Unprocessable
from tiledkernel.families.container.paging import MAX_LIMIT, check_range
from tiledkernel.nodes.patches import Patch
from tiledkernel.nodes.protocols import Asset, DataSource, DeepPaging
from tiledkernel.nodes.writing import Change, Changing, Creating, Deleting, Draft, Resourcing, Revised
from tiledkernel.records import Route
from tiledkernel.server.answers import Message
from tiledkernel.server.preconditions import expected_version, version_of
from tiledkernel.server.quoting import quoted
from tiledkernel.server.request import Request
from tiledkernel.server.routes.nodes import check_raw_assets
from tiledkernel.specs import Spec, check_specs

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
MAX_DRAFTS = 10_000  # of one request
MAX_BODY = 256 << 20  # bytes: a long sequence of files has as many assets
MAX_OFFSET = 10**15
MAX_TOKEN = 255  # characters
MAX_DEPTH = 200  # levels below a node, more than a path has


class NewAsset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file or directory that a node's data rest in, as a client describes it."""

    data_uri: str
    is_directory: bool
    parameter: str | None = None
    num: int | None = None
    size: int | None = None
    id: int | None = None


class NewSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the data of a node rest, or what data it is to have, as a client describes it."""

    structure_family: str
    structure: Any = None
    id: int | None = None
    mimetype: str | None = None
    parameters: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    assets: list[NewAsset] = []
    management: str = "writable"


class NewNode(Struct, frozen=True, kw_only=True):
    """A node to be made; what else a client sends is not looked at."""

    structure_family: str
    id: str | None = None
    metadata: dict[str, Any] = {}
    specs: list[Spec] = []
    access_tags: list[str] | None = None
    data_sources: list[NewSource] = []


class NewState(Struct, frozen=True, kw_only=True):
    """What a node is to be like; None leaves it as it is."""

    metadata: dict[str, Any] | None = None
    specs: list[Spec] | None = None
    access_tags: list[str] | None = None


class NodePatch(Struct, frozen=True, kw_only=True, rename={"content_type": "content-type"}):
    """Patches of a node, in the form that their content type names."""

    content_type: str
    metadata: Any = None
    specs: Any = None
    access_tags: Any = None


class SourceUpdate(Struct, frozen=True, kw_only=True):
    """A data source that is described anew."""

    data_source: NewSource


class ChangeQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a change: whether to forget what was before."""

    drop_revision: bool = False


class DeleteQuery(Struct, frozen=True, kw_only=True):
    """Parameters of a deletion: its safeguards."""

    recursive: bool = False
    external_only: bool = True


class AssetQuery(Struct, frozen=True, kw_only=True):
    """Which asset is to be taken from a node."""

    id: int
    external_only: bool = True


class SourceQuery(Struct, frozen=True, kw_only=True):
    """Which region of the data is new: both or none."""

    patch_shape: str | None = None
    patch_offset: str | None = None


class RevisionsQuery(Struct, frozen=True, kw_only=True, rename={"limit": "page[limit]", "offset": "page[offset]"}):
    """Which revisions are wanted."""

    limit: int = 100
    offset: int = 0


class RevisionQuery(Struct, frozen=True, kw_only=True):
    """Which revision is meant."""

    number: int


# Making


def create(request: Request) -> Message:
    """Make a child of a container, with room for data if it is to have any."""
    return Message(_create(request, [request.body])[0])


def register(request: Request) -> Message:
    """Make a child, or all of a list of them, whose data are in files that are there already."""
    if isinstance(request.body, list):
        return Message(_create(request, request.body))
    return Message(_create(request, [request.body])[0])


def _create(request: Request, bodies: Sequence[NewNode | None]) -> list[dict[str, Any]]:
    family = request.entry.node.family
    if family != "container":
        raise NotAllowed(
            f"{'/'.join(request.entry.path)!r} is of family {family!r}: only containers have nodes in them"
        )
    node = _able(request, Creating, "in which nodes can be made")
    expected_version(request)
    if len(bodies) > MAX_DRAFTS:
        raise Unprocessable(f"{len(bodies)} nodes are too many: at most {MAX_DRAFTS} are made at once", "body")
    token = request.header(b"idempotency-key") or None
    if token is not None and len(token) > MAX_TOKEN:
        raise Unprocessable(f"an Idempotency-Key has at most {MAX_TOKEN} characters", "header", "idempotency-key")
    drafts = [_draft(request, body, token, number) for number, body in enumerate(bodies)]
    for draft in drafts:
        request.service.validators.check_child(node, draft)
    try:
        made = node.create(drafts)
    except KeyTaken as error:
        raise KeyTaken(error.key, "/".join(("", *request.entry.path, error.key))) from None
    return [_acknowledged(request, body, draft, child) for body, draft, child in zip(bodies, drafts, made, strict=True)]


def _draft(request: Request, body: NewNode | None, token: str | None, number: int) -> Draft:
    if body is None:
        raise Unprocessable("the body is empty: send a JSON object that describes the node", "body")
    specs = check_specs(body.specs)
    sources = tuple([_source(request, source) for source in body.data_sources])
    if body.structure_family not in request.service.composition.families:
        raise Unprocessable(
            f"{body.structure_family!r:.80} is no structure family: expected one of "
            f"{', '.join(sorted(request.service.composition.families))}",
            "body", "structure_family", value=body.structure_family[:80], kind="enum",
        )  # fmt: skip
    _check_sources(request, body, sources)
    structure = sources[0].structure if sources else None
    metadata = request.service.validators.checked(specs, body.metadata, None, body.structure_family, structure)
    return Draft(
        family=body.structure_family,
        key=body.id,
        metadata=metadata,
        specs=specs,
        access_tags=_tags_of_new(request, body.access_tags),
        data_sources=sources,
        token=token if token is None or not number else f"{token} {number}",
    )


def _tags_of_new(request: Request, given: Sequence[str] | None) -> list[str] | None:
    """The tags that a node gets from the access policy; without one nobody would go by them, and so it gets none."""
    if request.sight is None:
        return None
    tags = request.sight.tags_of_new(None if given is None else frozenset(given))
    return None if tags is None else sorted(tags)


def _check_sources(request: Request, body: NewNode, sources: Sequence[DataSource]) -> None:
    where = ("body", "data_sources")
    if body.structure_family == "container":
        if any(source.management != "external" for source in sources):
            raise Unprocessable("a container has no data of its own: leave out 'data_sources'", *where)
    elif len(sources) != 1:
        raise Unprocessable(
            f"expected exactly one data source, which says what the {body.structure_family} looks like; "
            f"found {len(sources)}", *where,
        )  # fmt: skip
    for source in sources:
        if source.structure_family != body.structure_family:
            raise Unprocessable(
                f"the node is of family {body.structure_family!r}, its data of family {source.structure_family!r}",
                *where,
            )
        if source.management == "external":
            request.require(frozenset({REGISTER}))
        elif source.assets:
            raise Unprocessable(
                "where uploaded data rest is for the server to say: leave out 'assets', or set 'management' to "
                "'external' to register files that are there", *where,
            )  # fmt: skip


def _source(request: Request, given: NewSource) -> DataSource:
    """A data source with a structure that is one of its family."""
    family = request.service.composition.families.get(given.structure_family)
    structure = given.structure
    if family is not None and given.structure_family != "container":
        try:
            kind = references.load(family.structure)
            structure = msgspec.convert({} if structure is None else structure, kind)
        except msgspec.ValidationError as error:
            raise Unprocessable(
                f"this is no structure of a {given.structure_family}: {error}", "body", "data_sources", "structure"
            ) from None
    assets = tuple([Asset(**structs.asdict(asset)) for asset in given.assets])
    return DataSource(**{**structs.asdict(given), "structure": structure, "assets": assets})


def _acknowledged(request: Request, body: NewNode | None, draft: Draft, child: Any) -> dict[str, Any]:
    assert body is not None, "refused before"
    entry = request.entry.child(child.key, child)
    structure = None if child.family == "container" else child.structure
    answer: dict[str, Any] = {
        "id": child.key,
        "links": request.service.describer.links(entry, request.base, structure),
        "data_sources": [msgspec.to_builtins(source) for source in child.data_sources()],
    }
    if draft.metadata is not body.metadata:
        answer["metadata"] = wire.plain(draft.metadata)
    tags = sorted(child.access_tags or ())
    if tags != body.access_tags:
        answer["access_tags"] = tags
    return answer


# Changing


def replace(request: Request) -> Message:
    """Give a node other metadata or specs."""
    body: NewState = request.body or NewState()
    tags = None if request.sight is None else body.access_tags
    change = Change(metadata=body.metadata, specs=body.specs, access_tags=tags)
    return _change(request, lambda _: change, body)


def patch(request: Request) -> Message:
    """Change parts of a node's metadata and specs."""
    body: NodePatch | None = request.body
    _able(request, Changing, "that can be changed")
    if body is None:
        raise Unprocessable("the body is empty: send a JSON object with 'content-type' and patches", "body")
    if body.content_type not in (JSON_PATCH, MERGE_PATCH):
        raise NotAcceptable(f"{body.content_type!r:.80} is no patch: expected {JSON_PATCH!r} or {MERGE_PATCH!r}")
    tags = None if request.sight is None else body.access_tags
    merging = body.content_type == MERGE_PATCH
    wanted = Patch(metadata=body.metadata, specs=body.specs, access_tags=tags, merging=merging)
    return _change(request, wanted.of, body)


def _change(request: Request, make: Callable[[Any], Change], body: NewState | NodePatch) -> Message:
    node = _able(request, Changing, "that can be changed")
    version, drop = expected_version(request), request.query.drop_revision
    corrected: list[Any] = []
    proposed_tags: list[str] = []

    def checked(before: Any) -> Change:
        change = make(before)
        specs = check_specs(before.specs if change.specs is None else change.specs)
        proposed = before.metadata if change.metadata is None else change.metadata
        metadata = request.service.validators.checked(specs, proposed, node)
        corrected[:] = [] if metadata is proposed else [metadata]
        kept = None if change.metadata is None and not corrected else metadata
        proposed_tags[:] = change.access_tags or ()
        tags = _tags_of_changed(request, before, change.access_tags)
        return structs.replace(change, metadata=kept, access_tags=tags, drop_revision=drop, version=version)

    changed = node.change(checked)
    answer: dict[str, Any] = {"id": request.entry.key}
    if corrected:
        answer["metadata"] = wire.plain(corrected[0])
    tags = sorted(changed.access_tags or ())
    if body.access_tags is not None and (request.sight is None or tags != sorted({*proposed_tags})):
        answer["access_tags"] = tags
    return Message(answer, version=version_of(changed))


def _tags_of_changed(request: Request, before: Any, wanted: Iterable[str] | None) -> list[str] | None:
    """The tags that a node gets from the access policy if its tags are to change."""
    if request.sight is None or wanted is None:
        return None
    tags = request.sight.tags_of_changed(before, frozenset(wanted))
    return None if tags is None else sorted(tags)


def replace_source(request: Request) -> Message:
    """Describe a data source of a node anew, as when files have been added to it."""
    query: SourceQuery = request.query
    if (query.patch_shape is None) != (query.patch_offset is None):
        raise BadRequest("'patch_shape' and 'patch_offset' go together: give both or none")
    for name in ("patch_shape", "patch_offset"):
        _check_numbers(name, getattr(query, name))
    node = _able(request, Resourcing, "whose data are described here")
    body: SourceUpdate | None = request.body
    if body is None or body.data_source.id is None:
        raise Unprocessable("a data source to be described anew is named by its 'id'", "body", "data_source", "id")
    node.replace_source(_source(request, body.data_source), version=expected_version(request))
    return Message(None)


def _check_numbers(name: str, text: str | None) -> None:
    if text is not None and not all(part.isascii() and part.isdigit() and len(part) < 19 for part in text.split(",")):
        raise Unprocessable(f"{name}={text!r:.80}: expected numbers with commas between, such as 2,3", "query", name)


# Deleting


def delete(request: Request) -> Message:
    """Delete a node."""
    query: DeleteQuery = request.query
    node = _able(request, Deleting, "that can be deleted")
    if query.recursive:
        _check_below(request, node)
    node.delete(recursive=query.recursive, external_only=query.external_only, version=expected_version(request))
    return Message(None)


def _check_below(request: Request, node: Any) -> None:
    """Forbidden unless the viewer may delete whatever lies below a node, what is hidden from it included."""
    sight = request.sight
    if sight is None or sight.policy is None or not isinstance(node, Seeing):
        return
    whole, mine = node.seen(None), node.seen(sight.demanding(_DELETING))
    if not isinstance(whole, DeepPaging) or not isinstance(mine, DeepPaging):
        raise Forbidden("whether you may delete all that lies below cannot be told: delete it piece by piece")
    if whole.deep_count((), depth=MAX_DEPTH) != mine.deep_count((), depth=MAX_DEPTH):
        raise Forbidden("something lies below that you may not delete: nothing was deleted")


def delete_asset(request: Request) -> Message:
    """Take an asset from a node."""
    query: AssetQuery = request.query
    check_raw_assets(request)
    node = _able(request, Resourcing, "with assets")
    expected_version(request)
    asset, data_deleted = node.detach(query.id, external_only=query.external_only)
    return Message({"asset_deleted": asset is not None, "data_deleted": data_deleted})


# Revisions


def revisions(request: Request) -> Message:
    """What a node was before, oldest first."""
    query: RevisionsQuery = request.query
    check_range("page[limit]", query.limit, 0, MAX_LIMIT)
    check_range("page[offset]", query.offset, 0, MAX_OFFSET)
    node = _able(request, Revised, "that keeps revisions")
    found, count = node.revisions(offset=query.offset, limit=query.limit)
    here = f"{request.base}/revisions/{quoted(request.segments)}?"
    end = query.offset + query.limit
    links = {
        "self": f"{here}page[offset]={query.offset}&page[limit]={query.limit}",
        "first": f"{here}page[limit]={query.limit}",
        "next": f"{here}page[offset]={end}&page[limit]={query.limit}" if query.limit and end < count else None,
    }
    data = [
        {
            "revision_number": revision.number,
            "attributes": {
                "metadata": revision.metadata,
                "specs": list(revision.specs),
                "access_tags": sorted(revision.access_tags or ()),
                "time_updated": datetime.fromtimestamp(revision.updated / 1e6, UTC),
            },
        }
        for revision in found
    ]
    return Message({"data": data, "error": None, "links": links, "meta": {"count": count}})


def delete_revision(request: Request) -> Message:
    """Forget what a node was."""
    node = _able(request, Revised, "that keeps revisions")
    expected_version(request)
    check_range("number", request.query.number, 0, MAX_OFFSET)
    node.delete_revision(request.query.number)
    return Message(None)


def _able(request: Request, ability: type[Ability], what: str) -> Any:
    """The node, if it has an ability; NotAllowed says what it would have to be."""
    node = request.entry.node
    if not isinstance(node, ability):
        path = "/".join(request.entry.path)
        shown = repr(path) if path else "the root"
        raise NotAllowed(f"{shown} is no node {what}: it belongs to a tree, or to a file, that is only read")
    return node


_DELETING = frozenset({DELETE_NODE, DELETE_REVISION})
_CREATING = frozenset({WRITE_METADATA, CREATE_NODE})
_CHANGING = frozenset({WRITE_METADATA})
_SOURCING = frozenset({WRITE_METADATA, REGISTER})
_READING = frozenset({READ_METADATA})

ROUTES = (
    Route(
        path="/metadata/{path}", handler=create, scopes=_CREATING, methods=("POST",), body=NewNode | None,
        body_limit=MAX_BODY, describes=True,
    ),
    Route(
        path="/register/{path}", handler=register, scopes=_CREATING | {REGISTER}, methods=("POST",),
        body=NewNode | list[NewNode] | None, body_limit=MAX_BODY, describes=True,
    ),
    Route(
        path="/metadata/{path}", handler=replace, scopes=_CHANGING, methods=("PUT",), parameters=ChangeQuery,
        body=NewState | None, body_limit=MAX_BODY, describes=True,
    ),
    Route(
        path="/metadata/{path}", handler=patch, scopes=_CHANGING, methods=("PATCH",), parameters=ChangeQuery,
        body=NodePatch | None, body_limit=MAX_BODY, describes=True,
    ),
    Route(
        path="/metadata/{path}", handler=delete, scopes=_DELETING, methods=("DELETE",),
        parameters=DeleteQuery, describes=True,
    ),
    Route(
        path="/data_source/{path}", handler=replace_source, scopes=_SOURCING, methods=("PUT",), parameters=SourceQuery,
        body=SourceUpdate | None, body_limit=MAX_BODY, describes=True,
    ),
    Route(
        path="/asset/{path}", handler=delete_asset, scopes=frozenset({DELETE_NODE}), methods=("DELETE",),
        parameters=AssetQuery, describes=True,
    ),
    Route(path="/revisions/{path}", handler=revisions, scopes=_READING, parameters=RevisionsQuery, describes=True),
    Route(
        path="/revisions/{path}", handler=delete_revision, scopes=frozenset({DELETE_REVISION}), methods=("DELETE",),
        parameters=RevisionQuery, describes=True,
    ),
)  # fmt: skip
