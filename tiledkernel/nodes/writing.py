"""What a node may be asked to change: each an ability that it has by having the methods.

Whatever a method did is on disk when it returns, and it does all or nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tiledkernel.ability import Ability
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.slices import NDSlice
from tiledkernel.specs import Spec

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray


class Draft(Struct, frozen=True, kw_only=True):
    """A node to be made.

    Without a key it gets a random one. `token` is known to its maker alone: who sends it again gets the same node, not
    a conflict.
    """

    family: str = "container"
    key: str | None = None
    metadata: Mapping[str, Any] = {}
    specs: Sequence[Spec | str] = ()
    access_tags: Sequence[str] | None = None
    data_sources: Sequence[DataSource] = ()
    token: str | None = None


class Change(Struct, frozen=True, kw_only=True):
    """Another state of a node; what is None stays. `version` is the one that the caller knows, if it matters."""

    metadata: Mapping[str, Any] | None = None
    specs: Sequence[Spec | str] | None = None
    access_tags: Iterable[str] | None = None
    drop_revision: bool = False
    version: int | None = None


class Revision(Struct, frozen=True):
    """What a node was before it was changed; `updated` counts microseconds since 1970."""

    number: int
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    access_tags: frozenset[str] | None
    updated: int


class Versioned(Ability):
    """A node whose changes are counted."""

    @abstractmethod
    def version_of(self) -> int:
        """A number that is larger after every change of what the node says of itself."""


class Creating(Ability):
    """A container in which nodes can be made."""

    @abstractmethod
    def create(self, drafts: Sequence[Draft]) -> list[Any]:
        """The new children, all or none, in their order; Conflict if a key is taken.

        Data sources that the server is to manage get room in a storage; external ones must be where they may be read.
        """


class Changing(Ability):
    """A node whose metadata, specs and tags can be changed."""

    @abstractmethod
    def change(self, make: Callable[[Any], Change]) -> Any:
        """The node after what `make` wants of it, as it is when nobody else changes it."""


class Deleting(Ability):
    """A node that can be deleted."""

    @abstractmethod
    def delete(self, *, recursive: bool = False, external_only: bool = True, version: int | None = None) -> None:
        """Delete it, and what is below it if `recursive`; Conflict if there is something, or data would be lost."""


class Revised(Ability):
    """A node that keeps what it was before."""

    @abstractmethod
    def revisions(self, *, offset: int, limit: int) -> tuple[list[Revision], int]:
        """What it was, oldest first, and how many revisions there are."""

    @abstractmethod
    def delete_revision(self, number: int) -> None:
        """Forget one; NotFound if there is none of that number."""


class Sourced(Ability):
    """A node that says where its data rest."""

    @abstractmethod
    def data_sources(self) -> list[DataSource]:
        """Where they rest; empty if the node has none."""

    @abstractmethod
    def asset_path(self, asset_id: int, relative_path: str | None = None) -> Path:
        """The checked path of a file to hand out; of a directory, `relative_path` says which of its files."""

    @abstractmethod
    def manifest(self, asset_id: int) -> list[str]:
        """Relative paths of all files in a directory."""


class Resourcing(Ability):
    """A node whose data sources can be described anew."""

    @abstractmethod
    def replace_source(self, source: DataSource, *, version: int | None = None) -> None:
        """Describe the data source with this id anew; NotFound if there is none."""

    @abstractmethod
    def detach(self, asset_id: int, *, external_only: bool = True) -> tuple[Asset | None, bool]:
        """Take an asset from the node: the asset if nobody else has it, and whether its data went too."""


class Claiming(Ability):
    """A node with data that can be written under the condition that nobody else did."""

    @abstractmethod
    def claim(self, version: int) -> None:
        """Count the version up; PreconditionFailed if it is another one."""


# Data of a family. Sparse, awkward and ragged data have abilities of their own, with their families.


class WritableArray(Ability):
    """An array whose elements can be written; data of another shape or element type are Unprocessable."""

    @abstractmethod
    def write(self, data: NDArray[Any]) -> None:
        """Write everything; readers see what was before, or all of it."""

    @abstractmethod
    def write_block(self, block: tuple[int, ...], data: NDArray[Any], inside: NDSlice = ()) -> None:
        """Write one chunk, or a slice of it."""

    @abstractmethod
    def patch(self, offset: Sequence[int], data: NDArray[Any], *, extend: bool = False) -> ArrayStructure:
        """Write from `offset` on; Conflict if the array would have to grow and may not. The structure thereafter."""


class WritableTable(Ability):
    """A table whose rows can be written; data with other columns or types are Unprocessable."""

    @abstractmethod
    def write(self, data: pyarrow.Table) -> None:
        """Replace all rows."""

    @abstractmethod
    def write_partition(self, partition: int, data: pyarrow.Table) -> None:
        """Replace the rows of one partition."""

    @abstractmethod
    def append_partition(self, partition: int, data: pyarrow.Table, key: str | None = None) -> None:
        """Add rows to one partition, all or none; NotAllowed if the form in which they rest cannot grow.

        Of several calls with one `key` only the first adds something.
        """
