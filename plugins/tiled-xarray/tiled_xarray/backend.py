"""The engine "tiled" of xarray: `xarray.open_dataset(url, engine="tiled")` reads where it is sliced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import xarray
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from tiled_xarray.client import DatasetClient
from tiled_xarray.client_dataset import Part, reading_labels
from tiled_xarray.specs import DATASET
from tiledkernel.client import Context, from_uri
from tiledkernel.client.lazy import Remote
from tiledkernel.client.node import Node
from tiledkernel.families.array.client_source import ArraySource

if TYPE_CHECKING:
    import os

_NODE = re.compile(r"https?://[^?#]*/api/v1/metadata/[^?#]")


class TiledBackend(BackendEntrypoint):
    """Opens datasets on servers of Tiled."""

    description: ClassVar[str] = "Datasets on a Tiled server, of which only what is selected travels"

    def open_dataset(  # type: ignore[override]  # of all that xarray might open, nodes
        self,
        filename_or_obj: str | os.PathLike[Any] | Node,
        *,
        drop_variables: str | Iterable[str] | None = None,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> xarray.Dataset:
        """The dataset at a URI, or of a client, as variables that are fetched when they are used.

        Labels of dimensions are fetched at once. `chunks={}` divides variables as the server does.
        """
        dropped = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
        if isinstance(filename_or_obj, Node):
            return _open(filename_or_obj, dropped)
        node = from_uri(str(filename_or_obj), api_key=api_key, headers=headers)
        try:
            dataset = _open(node, dropped)
        except BaseException:
            node.context.close()
            raise
        dataset.set_close(Closing(node.context))
        return dataset

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether this is a client of a dataset, or the URI of some node; what else has a URI is left to others."""
        if isinstance(filename_or_obj, str):
            return _NODE.match(filename_or_obj) is not None
        return isinstance(filename_or_obj, DatasetClient)


class Closing:
    """Closes the connection that a dataset was opened with; a copy that is sent elsewhere has none of its own."""

    def __init__(self, context: Context | None = None) -> None:
        self._context = context

    def __call__(self) -> None:
        """Close it."""
        if self._context is not None:
            self._context.close()

    def __reduce__(self) -> tuple[type[Closing], tuple[()]]:
        return type(self), ()


class RemoteArray(BackendArray):
    """The elements of a variable, as xarray indexes them: each selection is fetched when it is used."""

    def __init__(self, source: ArraySource) -> None:
        self._source = source
        self.shape = source.shape
        self.dtype = source.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        support = indexing.IndexingSupport.BASIC  # what else is selected is selected here, of what lies around it
        return indexing.explicit_indexing_adapter(key, self.shape, support, self._source.__getitem__)


def _open(node: Node, dropped: set[str]) -> xarray.Dataset:
    if not isinstance(node, DatasetClient):
        raise ValueError(_advice(node))  # noqa: TRY004 - what is wrong is the value of the URI
    dataset = Remote(node).run(reading_labels(node, None, _later, dropped=dropped))
    dataset.encoding["source"] = node.uri  # not what was given, which may hold a key
    return dataset


def _later(part: Part) -> xarray.Variable:
    elements = indexing.LazilyIndexedArray(RemoteArray(ArraySource(part.array)))
    return part.variable(elements, {"preferred_chunks": dict(zip(part.dims, part.array.chunks, strict=True))})


def _advice(node: Node) -> str:
    """What to do with a node that is no dataset."""
    begin = f"{node.uri} is no dataset: it has not the spec {DATASET.name!r}, but is of the family"
    if node.structure_family == "container":
        return (
            f"{begin} 'container'. If it holds arrays that belong together, put them together: "
            'node = tiledkernel.client.from_uri(url, "dask"); '
            "xarray.Dataset({name: (array.dims, array.read()) for name, array in node.items()})"
        )
    return f"{begin} {str(node.structure_family)!r}: open it with tiledkernel.client.from_uri(url, 'dask')"
