"""What the clients of all families have in common."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec
from msgspec import Struct

from tiledkernel.client.calls import call_node, without_query
from tiledkernel.client.classes import StructureClients, build_client
from tiledkernel.client.data_sources import DataSource, parse_data_source
from tiledkernel.client.raw_export import download_assets, fetch_manifest, pop_outdated_destination
from tiledkernel.client.readonly import DictView, ListView
from tiledkernel.client.uris import join_path
from tiledkernel.queries import StructureFamily
from tiledkernel.specs import Spec

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from tiledkernel.client.context import Context


class Node:
    """The client of one node: what it says of itself, and the way to its data."""

    structure_type: ClassVar[type[Struct] | None] = None

    def __init__(
        self,
        context: Context,
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
        """Media types in which this node can be exported."""
        offered = self.context.server_info.formats
        names = [*(spec.name for spec in self.specs), str(self.structure_family)]
        return sorted({media_type for name in names for media_type in offered.get(name, [])})

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
        if not parts:
            return None
        url = join_path(f"{self.context.api_uri}metadata/", tuple(parts[:-1]))
        item = self.context.message(call_node(url, include_data_sources=self._include_data_sources))["data"]
        return self._client_of(item)

    def refresh(self) -> Self:
        """Ask the server for the current description; this same client then shows it."""
        self._item = self._fetch_item(include_data_sources=self._include_data_sources)
        self._structure = None
        return self

    def _fetch_item(self, *, include_data_sources: bool) -> Mapping[str, Any]:
        call = call_node(self.uri, include_data_sources=include_data_sources)
        item: Mapping[str, Any] = self.context.message(call)["data"]
        return item

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

    # What lies behind it

    def include_data_sources(self) -> Self:
        """This node again, with the description of what lies behind it and its children."""
        if self._include_data_sources:
            return self
        return self.new_variation(item=self._fetch_item(include_data_sources=True), include_data_sources=True)

    def data_sources(self) -> list[DataSource] | None:
        """The stored things that this node is made of; None if it is made of none, as in memory."""
        raw = self.include_data_sources()._attributes.get("data_sources")  # noqa: SLF001 - of our own class
        return None if raw is None else [parse_data_source(source) for source in raw]

    def asset_manifest(self, data_sources: Sequence[DataSource]) -> dict[int | None, list[str] | None]:
        """For each asset the relative paths in it, or None if it is a single file."""
        return {
            asset.id: fetch_manifest(self.context, self.uri, asset) if asset.is_directory else None
            for source in data_sources
            for asset in source.assets
        }

    def raw_export(
        self,
        destination: str | Path | MutableMapping[str, Any] | None = None,
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
        sources = self.data_sources()
        if sources is None or len(sources) != 1:
            count = "no" if not sources else str(len(sources))
            raise NotImplementedError(
                f"raw_export downloads the files of one data source, but this node has {count}: "
                "use export(), or raw_export() of the nodes within"
            )
        return download_assets(
            self.context, self.uri, sources[0].assets, destination, max_workers=max_workers, compression=compression
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __dask_tokenize__(self) -> tuple[str, str]:
        return type(self).__qualname__, self.uri


class UnavailableClient(Node):
    """A node whose kind of data no installed class shows: what it says of itself is here, its data are not."""

    def __init__(self, *arguments: Any, reason: KeyError, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "export", "write"):
            raise self._reason
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def __getitem__(self, key: object) -> Any:
        raise self._reason

    def __repr__(self) -> str:
        return f"<UnavailableClient {str(self.structure_family)!r}>"
