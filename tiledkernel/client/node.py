"""What the clients of all families have in common."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import msgspec
from msgspec import Struct

from tiledkernel.client.calls import call_node, without_query
from tiledkernel.client.classes import StructureClients, build_client
from tiledkernel.client.data_sources import DataSource, parse_data_source
from tiledkernel.client.deleting import deleting
from tiledkernel.client.messages import item_of
from tiledkernel.client.metadata_changes import (
    JSON_PATCH,
    Patches,
    change_to,
    patch_body,
    patching,
    replacing,
    state_of,
    updating,
)
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.raw_export import Destination, asking_manifest, downloading_assets, pop_outdated_destination
from tiledkernel.client.readonly import DictView, ListView
from tiledkernel.client.revisions import MetadataRevisions
from tiledkernel.client.uris import join_path, sibling_route
from tiledkernel.queries import StructureFamily
from tiledkernel.specs import Spec

if TYPE_CHECKING:
    from tiledkernel.client.connection import Connection

T = TypeVar("T")


class Node:
    """The client of one node: what it says of itself, and the way to its data.

    With an `AsyncContext`, methods that ask the server give what is to be awaited instead of the result.
    """

    structure_type: ClassVar[type[Struct] | None] = None

    def __init__(
        self,
        context: Connection,
        *,
        item: Mapping[str, Any],
        structure_clients: StructureClients = "numpy",
        structure: Any = None,
        include_data_sources: bool = False,
    ) -> None:
        self.context = context
        self.structure_clients = structure_clients
        self._item = item
        self._structure = structure
        self._include_data_sources = include_data_sources

    def _run(self, plan: Plan[T]) -> T:
        """What a plan comes to; something to await if the program is asynchronous."""
        found: T = self.context.run(plan)
        return found

    def _run_now(self, plan: Plan[T], instead: str) -> T:
        """What a plan comes to where Python cannot wait, as in len(); `instead` is what else to write."""
        found: T = self.context.run_now(plan, instead)
        return found

    # What it says of itself

    @property
    def item(self) -> Mapping[str, Any]:
        """The server's whole description."""
        return self._item

    @property
    def _attributes(self) -> Mapping[str, Any]:
        attributes: Mapping[str, Any] = self._item["attributes"]
        return attributes

    @property
    def metadata(self) -> DictView:
        """What the owner says about the data."""
        return DictView(self._attributes["metadata"] or {})

    def metadata_copy(self) -> list[Any]:
        """Metadata, specs and access tags as copies that may be changed; what the server does not have is left out."""
        tags = self._attributes.get("access_tags")
        parts = [self._attributes["metadata"], list(self.specs), tags]
        return [copy.deepcopy(part) for part in parts if part is not None]

    @property
    def specs(self) -> ListView[Spec]:
        """Promises beyond the structure, most specific first."""
        return ListView([Spec(spec["name"], spec.get("version")) for spec in self._attributes.get("specs") or []])

    @property
    def access_tags(self) -> ListView[str]:
        """Names by which access is controlled."""
        tags = self._attributes.get("access_tags")
        if tags is None:
            raise AttributeError("this node has no access tags: the tree that holds it does not know such")
        return ListView(tags)

    @property
    def structure_family(self) -> StructureFamily | str:
        """The kind of structure."""
        family: str = self._attributes["structure_family"]
        return StructureFamily(family) if family in StructureFamily.__members__ else family

    def structure(self) -> Any:
        """Shape, type, columns ... of the data, as the family has it; None for a container."""
        if self._structure is None and self.structure_type is not None:
            self._structure = msgspec.convert(self._attributes["structure"], self.structure_type)
        return self._structure

    @property
    def formats(self) -> list[str]:
        """Media types in which this node can be exported; a slice of it may leave in others of its family as well."""
        offered = self.context.server_info.formats
        refused = set((self._item.get("meta") or {}).get("unsuitable_formats") or ())
        names = [*(spec.name for spec in self.specs), str(self.structure_family)]
        return sorted({media_type for name in names for media_type in offered.get(name, [])} - refused)

    @property
    def uri(self) -> str:
        """The link to this node."""
        uri: str = self._item["links"]["self"]
        return uri

    @property
    def path_parts(self) -> list[str]:
        """The path of this node; empty at the root."""
        return [part for part in [*self._attributes["ancestors"], self._item["id"]] if part]

    @property
    def parent(self) -> Any:
        """The client of the node above, or None at the root."""
        parts = self.path_parts
        return self._run(self._finding_parent(parts[:-1])) if parts else None

    def _finding_parent(self, path: Sequence[str]) -> Plan[Any]:
        url = join_path(f"{self.context.api_uri}metadata/", tuple(path))
        answer = yield from ask_message(call_node(url, include_data_sources=self._include_data_sources))
        return self._client_of(item_of(answer))

    def refresh(self) -> Self:
        """Ask the server for the current description; this same client then shows it."""
        return self._run(self._refreshing())

    def _refreshing(self) -> Plan[Self]:
        self._item = yield from self._asking_item(include_data_sources=self._include_data_sources)
        self._structure = None
        return self

    def _asking_item(self, *, include_data_sources: bool) -> Plan[Mapping[str, Any]]:
        answer = yield from ask_message(call_node(self.uri, include_data_sources=include_data_sources))
        return item_of(answer)

    def _link(self, name: str) -> str:
        return without_query(self._item["links"][name])

    # Variations

    def new_variation(self, **changes: Any) -> Self:
        """This node again, with other settings."""
        settings: dict[str, Any] = {
            "item": self._item,
            "structure_clients": self.structure_clients,
            "structure": self._structure,
            "include_data_sources": self._include_data_sources,
        }
        return type(self)(self.context, **{**settings, **changes})

    def _client_of(self, item: Mapping[str, Any]) -> Any:
        return build_client(self.context, item, self.structure_clients, include_data_sources=self._include_data_sources)

    def admitting(self, draft: Mapping[str, Any]) -> Plan[None]:
        """Go on if a child that is described so may be made here, as far as a client can tell; ValueError if not."""
        del draft
        yield from ()

    # What lies behind it

    def include_data_sources(self) -> Self:
        """This node again, with the description of what lies behind it and its children."""
        return self._run(self._including_data_sources())

    def _including_data_sources(self) -> Plan[Self]:
        if self._include_data_sources:
            return self
        item = yield from self._asking_item(include_data_sources=True)
        return self.new_variation(item=item, include_data_sources=True)

    def data_sources(self) -> list[DataSource] | None:
        """The stored things that this node is made of; None if it is made of none, as in memory."""
        return self._run(self._finding_data_sources())

    def _finding_data_sources(self) -> Plan[list[DataSource] | None]:
        described = yield from self._including_data_sources()
        raw = described._attributes.get("data_sources")  # noqa: SLF001 - of our own class
        return None if raw is None else [parse_data_source(source) for source in raw]

    def asset_manifest(self, data_sources: Sequence[DataSource]) -> dict[int | None, list[str] | None]:
        """For each asset the relative paths in it, or None if it is a single file."""
        return self._run(self._finding_manifest(data_sources))

    def _finding_manifest(self, data_sources: Sequence[DataSource]) -> Plan[dict[int | None, list[str] | None]]:
        found: dict[int | None, list[str] | None] = {}
        for source in data_sources:
            for asset in source.assets:
                found[asset.id] = (yield from asking_manifest(self.uri, asset)) if asset.is_directory else None
        return found

    def raw_export(
        self,
        destination: Destination = None,
        max_workers: int = 4,
        *,
        compression: bool = True,
        **outdated: Any,
    ) -> list[Any]:
        """Download the files behind this node exactly as they are.

        Parameters
        ----------
        destination
            A directory (default: the current one), or a mapping that receives `io.BytesIO` objects.
        max_workers
            How many files are downloaded at once.
        compression
            Whether they may be compressed while they travel.

        Returns
        -------
        list
            The paths that were written, or the keys of the mapping.
        """
        destination = pop_outdated_destination(destination, outdated)
        return self._run(self._exporting_raw(destination, max_workers, compression=compression))

    def _exporting_raw(self, destination: Destination, max_workers: int, *, compression: bool) -> Plan[list[Any]]:
        sources = yield from self._finding_data_sources()
        if sources is None or len(sources) != 1:
            count = str(len(sources)) if sources else "none"
            raise NotImplementedError(
                f"raw_export downloads the files of one data source, but this node has {count}: "
                "use export(), or raw_export() of the nodes within"
            )
        assets = sources[0].assets
        return (
            yield from downloading_assets(
                self.uri, assets, destination, max_workers=max_workers, compression=compression
            )
        )

    # Changing what it says of itself

    def update_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
        *,
        drop_revision: bool = False,
    ) -> None:
        """Change the metadata that are named, also within nested dictionaries; all others stay.

        Parameters
        ----------
        metadata
            What changes. `tiledkernel.client.DELETE_KEY` as a value removes a key.
        specs
            All specs that the node has from now on, as names or `Spec`; None leaves them.
        access_tags
            All its tags; None, or none, leaves them.
        drop_revision
            Whether to forget the state before, which is otherwise kept in `metadata_revisions`.

        Examples
        --------
        >>> node.update_metadata({"sample": {"temperature": 300, "note": DELETE_KEY}})
        """
        change = change_to(metadata, specs, access_tags)
        return self._run(self._adopting(updating(self._item, change, drop_revision=drop_revision)))

    def replace_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
        *,
        drop_revision: bool = False,
    ) -> None:
        """Replace all metadata, specs or tags by those that are given; see `update_metadata`."""
        change = change_to(metadata, specs, access_tags)
        return self._run(self._adopting(replacing(self._item, change, drop_revision=drop_revision)))

    def patch_metadata(
        self,
        metadata_patch: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None,
        specs_patch: Sequence[Any] | None = None,
        access_tags_patch: Sequence[Any] | None = None,
        content_type: str = JSON_PATCH,
        drop_revision: bool = False,  # noqa: FBT001, FBT002 - users know it as the fifth argument
    ) -> None:
        """Apply patches: lists of operations (RFC 6902), or with the other content type what to merge (RFC 7386).

        >>> node.patch_metadata([{"op": "replace", "path": "/color", "value": "blue"}])
        >>> node.patch_metadata({"color": "blue"}, content_type="application/merge-patch+json")
        """
        body = patch_body(metadata_patch, specs_patch, access_tags_patch, content_type)
        return self._run(self._adopting(patching(self._item, body, drop_revision=drop_revision)))

    def build_metadata_patches(
        self,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Patches:
        """The patches that `update_metadata` would send, of metadata, specs and tags; nothing is sent or changed."""
        change = change_to(metadata, specs, access_tags)
        before = state_of(self._item)
        return change.patches(before, change.update(before))

    def _adopting(self, plan: Plan[Mapping[str, Any]]) -> Plan[None]:
        self._item = yield from plan

    @property
    def metadata_revisions(self) -> MetadataRevisions:
        """The states before changes, oldest first: `len()`, indices, slices, and `delete_revision(number)`."""
        return MetadataRevisions(self, sibling_route(self.uri, "revisions"))

    def delete(self, recursive: bool = False, external_only: bool = True) -> None:  # noqa: FBT001, FBT002 - positional in published code
        """Delete this node. Files that were registered stay; what was uploaded is gone for ever.

        Parameters
        ----------
        recursive
            Whether everything below goes, too; without it, a container that is not empty stays.
        external_only
            Whether to refuse if that would destroy data that the server itself stores.
        """
        return self._run(deleting(self.uri, recursive=recursive, external_only=external_only))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __dask_tokenize__(self) -> tuple[str, ...]:
        app = getattr(self.context.http_client, "app", None)  # those in this process all have the same URI
        return type(self).__qualname__, self.uri, *([] if app is None else [str(id(app))])


class UnavailableClient(Node):
    """A node whose kind of data no installed class shows: what it says of itself is here, its data are not."""

    def __init__(self, *arguments: Any, reason: KeyError, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._reason = reason

    def new_variation(self, **changes: Any) -> Self:
        """This node again, with other settings."""
        return super().new_variation(**{"reason": self._reason, **changes})

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "export", "write"):
            raise self._reason
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def __getitem__(self, key: object) -> Any:
        raise self._reason

    def __repr__(self) -> str:
        return f"<UnavailableClient {str(self.structure_family)!r}>"
