"""What a container can be told to do: make children, and delete them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tiledkernel import references
from tiledkernel.client.classes import load_writing
from tiledkernel.client.creating import checked_key, creating
from tiledkernel.client.deleting import deleting
from tiledkernel.client.node import Node
from tiledkernel.client.plans import Plan, together
from tiledkernel.client.uris import join_path

if TYPE_CHECKING:
    from tiledkernel.client.data_sources import DataSource
    from tiledkernel.client.sorting import Direction
    from tiledkernel.specs import Spec

T = TypeVar("T")

_APPENDABLE = "tiledkernel.families.table.client_writing:creating_appendable_table"
_REGISTERING = "tiledkernel.client.register_files:registering_uris"


class WritingContainer(Node):
    """The writing half of a container.

    What makes a child takes its `key` (None: a random one), `metadata`, `specs` (names or `Spec`) and `access_tags`
    (None: the server decides), and gives its client. A key that is taken is a `ClientError` with status 409.
    """

    _length: tuple[float, int] | None = None  # when the children were counted, and how many there were

    def _changing(self, plan: Plan[T]) -> Plan[T]:
        """What a plan comes to that makes or deletes children, which are to be counted anew."""
        try:
            return (yield from plan)
        finally:
            self._length = None

    # Any family

    def new(  # noqa: PLR0913 - what a node is described with
        self,
        structure_family: str,
        data_sources: Sequence[DataSource],
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """A new child of any family, described by hand; the methods `write_...` describe and send data.

        Parameters
        ----------
        structure_family
            The kind of structure.
        data_sources
            One, or none for a container. If it has assets it is registered: the data stay where they are.
        """
        plan = creating(
            self, structure_family, data_sources, key=key, metadata=metadata, specs=specs, access_tags=access_tags
        )
        return self._run(self._changing(plan))

    def write(self, structure_family: str, /, *data: Any, **described: Any) -> Any:
        """Store data of any family that an installed client plugin knows to write, as a new child.

        `container.write("sparse", coords, values, shape, key="x")` is what `write_sparse` does.
        """
        writing = load_writing(structure_family, self.context.server_info.distributions)
        return self._run(self._changing(writing(self, *data, **described)))

    def create_container(
        self,
        key: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """A new container in this one.

        >>> run = client.create_container("run-42", metadata={"sample": "copper"})
        """
        return self.new("container", [], key=key, metadata=metadata, specs=specs, access_tags=access_tags)

    # Each family

    def write_array(  # noqa: PLR0913 - what a node is described with
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """Store an array, a list of numbers or a number; an array of dask is stored chunk by chunk.

        >>> container.write_array(numpy.ones((3, 3)), key="ones", dims=["x", "y"])
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        return self.write("array", array, dims=dims, **named)

    def write_table(
        self,
        data: Any,
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """Store a table: a DataFrame of pandas or dask, or a dictionary of columns.

        >>> container.write_table({"x": [1, 2, 3], "y": [4, 5, 6]}, key="points")
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        return self.write("table", data, **named)

    def write_dataframe(self, dataframe: Any, **described: Any) -> Any:
        """Store a table, as `write_table` does under its present name."""
        warnings.warn("write_dataframe is now called write_table", DeprecationWarning, stacklevel=2)
        return self.write_table(dataframe, **described)

    def create_appendable_table(  # noqa: PLR0913 - what a node is described with
        self,
        schema: Any,
        npartitions: int = 1,
        *,
        table_name: str | None = None,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """An empty table with the columns of a `pyarrow.Schema`, to which rows can be appended.

        >>> table = container.create_appendable_table(pyarrow.schema([("x", pyarrow.float64())]), key="log")
        >>> table.append_partition(0, {"x": [1.0, 2.0]})
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        creating_table = references.load(_APPENDABLE)
        return self._run(self._changing(creating_table(self, schema, npartitions, table_name=table_name, **named)))

    def write_sparse(  # noqa: PLR0913 - what a node is described with
        self,
        coords: Any,
        data: Any,
        shape: Sequence[int],
        *,
        dims: Sequence[str] | None = None,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """Store a sparse array: the coordinates of its elements, one row for each axis, and their values.

        >>> container.write_sparse([[0, 2], [1, 1]], [3.8, 4.0], shape=(3, 3), key="peaks")
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        return self.write("sparse", coords, data, shape, dims=dims, **named)

    def write_awkward(
        self,
        array: Any,
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """Store an array of the `awkward` library.

        >>> container.write_awkward(awkward.Array([{"x": 1, "y": [1, 2]}, {"x": 2, "y": []}]), key="events")
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        return self.write("awkward", array, **named)

    def write_ragged(  # noqa: PLR0913 - what a node is described with
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        max_partition_bytes: int | None = None,
        appendable: bool = True,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """Store an array whose rows differ in length: of the `ragged` or `awkward` library, or nested lists.

        >>> container.write_ragged([[1, 2, 3], [4]], key="traces")
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        stored = {"max_partition_bytes": max_partition_bytes, "appendable": appendable}
        return self.write("ragged", array, dims=dims, **stored, **named)

    def register(  # noqa: PLR0913 - what a node is described with
        self,
        *uris: Any,
        key: str | None = None,
        structure: Any = None,
        mimetype: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[str | Spec] | None = None,
        access_tags: Iterable[str] | None = None,
    ) -> Any:
        """One new child that shows files which the server can reach, where they are; several files are stacked.

        Parameters
        ----------
        uris
            Of the files, or their paths.
        structure
            What to show them as, if not as they describe themselves: another shape or other chunks.
        mimetype
            Their format, if their names do not tell.
        parameters
            For the reader of the format, such as `{"sep": ";"}`.

        >>> container.register("/data/scan-1.csv", key="scan-1")
        """
        named = {"key": key, "metadata": metadata, "specs": specs, "access_tags": access_tags}
        opened = {"structure": structure, "mimetype": mimetype, "parameters": parameters}
        registering = references.load(_REGISTERING)
        return self._run(self._changing(registering(self, uris, **opened, **named)))

    # Deleting

    def delete_contents(
        self,
        keys: str | Iterable[str] | None = None,
        recursive: bool = False,  # noqa: FBT001, FBT002 - users know it as the second argument
        external_only: bool = True,  # noqa: FBT001, FBT002 - and this as the third
    ) -> Self:
        """Delete children, all of them if no keys are given; see `delete`. Of a search, only what was found."""
        plan = self._deleting_contents(keys, recursive=recursive, external_only=external_only)
        return self._run(self._changing(plan))

    def _deleting_contents(
        self, keys: str | Iterable[str] | None, *, recursive: bool, external_only: bool
    ) -> Plan[Self]:
        found: list[str] = []
        if keys is None:
            for page in self._key_pages(0, None, 1, None):
                found += yield from page
        else:
            found += [checked_key(key) for key in ([keys] if isinstance(keys, str) else keys)]
        yield from together(
            deleting(join_path(self.uri, (key,)), recursive=recursive, external_only=external_only) for key in found
        )
        return self

    def _key_pages(
        self, start: int, count: int | None, direction: Direction, page_size: int | None
    ) -> Iterator[Plan[Sequence[str]]]:
        raise NotImplementedError
