"""What the kernel asks of a node.

A node is any object with `family`, `metadata` and `specs`; the family decides which methods it must have. Nodes are
plain synchronous Python, called in a thread; one whose attribute `in_memory` is true never blocks, and is asked on the
event loop. The small protocols below the families are abilities that a node may have besides.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from tiledkernel.ability import Ability
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.families.table.structure import TableStructure
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

if TYPE_CHECKING:
    import pyarrow
    from numpy.typing import NDArray

    from tiledkernel.nodes.sorting import SortKey


class Node(Protocol):
    """Anything that has a place in a tree."""

    @property
    def family(self) -> str:
        """Name of the structure family."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the owner says about the data.

        An attribute `plain_metadata` that is true says: as JSON has it; an attribute `metadata_text` is that JSON.
        """

    @property
    def specs(self) -> Sequence[Spec]:
        """Promises beyond the structure, most specific first."""


class ArrayNode(Node, Protocol):
    """An n-dimensional array."""

    @property
    def structure(self) -> ArrayStructure:
        """Shape, chunks and element type."""

    def read(self, cut: Cut) -> NDArray[Any]:
        """The elements at `cut.index`: forward and inside the shape; integers drop their axis.

        The result has the declared element type; `cut.flipped` is not the node's concern.
        """


class TableNode(Node, Protocol):
    """Rows and named columns, divided into partitions."""

    @property
    def structure(self) -> TableStructure:
        """Schema, columns and number of partitions."""

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pyarrow.Table:
        """One partition in the order of `columns`, with the index columns last; all columns if None."""


class ContainerNode(Node, Protocol):
    """A mapping of keys to nodes."""

    def keys(self) -> Iterator[str] | Sequence[str]:
        """The keys in their natural order."""

    def __getitem__(self, key: str) -> Any:
        """The child (a node, or what a family adopts); KeyError if absent, BrokenLink if it leads nowhere."""

    def __len__(self) -> int:
        """Number of children."""


# Abilities


class EncodedBlock(Struct, frozen=True):
    """A chunk as it rests: HTTP content coding and bytes."""

    coding: str
    data: bytes


class RestsEncoded(Ability):
    """An array whose chunks may rest compressed in a coding that HTTP knows."""

    @abstractmethod
    def encoded_block(self, block: tuple[int, ...]) -> EncodedBlock | None:
        """The chunk as it rests, or None if it cannot be sent that way."""


class Stamped(Ability):
    """A node that can tell, cheaply, whether (part of) it has changed."""

    @abstractmethod
    def stamp(self, cut: Cut | None) -> Hashable:
        """A value that differs after every change of what `cut` selects (None: everything)."""


class Inlined(Ability):
    """A small container that clients always need whole: its children are described with it."""

    @abstractmethod
    def inlined(self, depth: int) -> bool:
        """Whether to describe the children, this container being `depth` levels below the requested node."""


class Words(Struct, frozen=True):
    """What a node says of itself, as JSON; nodes of equal `form` differ in nothing else but their keys.

    `count` is how many children a container has.
    """

    form: Hashable
    metadata: str
    specs: str
    tags: str
    count: int = 0


class Worded(Ability):
    """A node whose description rests as JSON: a listing of many takes it as it is."""

    @abstractmethod
    def words(self) -> Words | None:
        """What it says; None if it has to be described like other nodes. Its children are never described with it."""


class Narrowing(Ability):
    """A container that runs queries itself, where to look at each of its children would cost too much."""

    @abstractmethod
    def narrow(self, queries: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        """A container of what matches some of the queries, and the very queries that are left to the caller.

        UnsupportedQuery if some are left, and there are too many children to look at.
        """


class Ordering(Ability):
    """A container that sorts itself."""

    @abstractmethod
    def ordered(self, order: Sequence[SortKey]) -> Any | None:
        """A container of the same children in this order; None if it cannot tell."""


class Paging(Ability):
    """A container that finds a page of its children by where the page before ended, in whichever order it is."""

    @abstractmethod
    def page(
        self, *, after: bytes | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[Sequence[tuple[str, Any]], bytes | None]:
        """Children with their keys, after those that a token stands for or after the first `offset`.

        With them the token of what follows; None if nothing does. Unprocessable if a token is none of this order.
        """


class DeepPaging(Ability):
    """A container that finds what matches queries at any depth below it."""

    @abstractmethod
    def deep_page(
        self, queries: Sequence[Any], *, depth: int, after: bytes | None = None, offset: int = 0, limit: int = 100
    ) -> tuple[Sequence[tuple[tuple[str, ...], Any]], bytes | None] | None:
        """Nodes at most `depth` levels below with the keys that lead to them, as `Paging` does; None if it cannot."""

    @abstractmethod
    def deep_count(self, queries: Sequence[Any], *, depth: int) -> int | None:
        """How many there are; None if it cannot tell."""


class Reaching(Ability):
    """A container that finds what lies many keys below it at once.

    With an attribute `swift` that is true it does so within microseconds, as with a database in a file on this
    machine, and so do its nodes describe themselves: both happens on the event loop then.
    """

    @abstractmethod
    def reach(self, keys: Sequence[str]) -> tuple[Any, int]:
        """The node to which most of the keys lead, and how many these are: 0 and itself, if none does."""


class Summarising(Ability):
    """A container that knows which values its children have."""

    @abstractmethod
    def distinct(
        self, metadata: Sequence[str], *, structure_families: bool, specs: bool, counts: bool
    ) -> dict[str, Any] | None:
        """The summary of `tiledkernel.nodes.distinct`; None if it cannot tell."""


class Closing(Ability):
    """A tree that holds something open, such as connections to a database."""

    @abstractmethod
    def close(self) -> None:
        """Let it go; whoever asks the tree later finds it open again."""


class Asset(Struct, frozen=True, kw_only=True):
    """A file or directory behind a node."""

    data_uri: str
    is_directory: bool
    parameter: str | None
    num: int | None = None
    id: int | None = None
    size: int | None = None


class DataSource(Struct, frozen=True, kw_only=True):
    """Where the data of a node rest."""

    structure_family: str
    structure: Any
    id: int | None = None
    mimetype: str | None = None
    parameters: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    assets: tuple[Asset, ...] = ()
    management: str = "external"
