"""Tables whose partitions are parts of files."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import pyarrow
from msgspec import Struct

from tiledkernel.families.table.describe import describe_table
from tiledkernel.families.table.files import explained
from tiledkernel.families.table.schemas import index_last, with_index
from tiledkernel.families.table.structure import FAMILY
from tiledkernel.nodes.stamps import Stamp, stamp_of
from tiledkernel.slices import Cut
from tiledkernel.specs import Spec

# Bytes in memory that the small pieces of a file are gathered to; a piece that is larger stays whole.
PARTITION = 64 << 20


class Part(Struct, frozen=True):
    """One partition: some pieces of a file, or (None) all that it has when it is read.

    `pieces` are what the format divides its files into; they are those of the file as it was when it had this stamp.
    """

    path: Path
    pieces: Any = None
    stamp: Stamp | None = None


ReadPart: TypeAlias = Callable[[Part, pyarrow.Schema], pyarrow.Table]


class FileTable:
    """A table node over files of one format, none of which is open but while it is read.

    - `kind`: the name of the format in messages.
    - `read_part`: function(part, wanted) -> table that reads the columns of the schema `wanted`, in its order, and no
      others, after it has made sure, with `check_present`, that the file has them.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(
        self,
        kind: str,
        parts: Sequence[Part],
        schema: pyarrow.Schema,
        metadata: Mapping[str, Any],
        read_part: ReadPart,
    ) -> None:
        self._kind = kind
        self._parts = tuple(parts)
        self._paths = tuple(dict.fromkeys(part.path for part in parts))
        self._schema = index_last(schema)
        self._read_part = read_part
        self.structure = describe_table(self._schema, len(self._parts))
        self.metadata = metadata

    def read_partition(self, partition: int, columns: Sequence[str] | None) -> pyarrow.Table:
        """One partition, its index columns last; KeyError names a column that there is not."""
        wanted = with_index(self._schema, columns)
        part = self._parts[partition]
        with explained(part.path, self._kind):
            table = self._read_part(part, wanted)
        # Files of one table may differ in what pandas noted, such as the length of a range index.
        return table.replace_schema_metadata(wanted.metadata)

    def stamp(self, cut: Cut | None) -> Hashable:
        """Size and time of change of every file."""
        del cut
        return tuple(map(stamp_of, self._paths))

    def __repr__(self) -> str:
        first = self._paths[0].name
        return f"<{self._kind} table {first!r} of {len(self._paths)} files, {len(self._parts)} partitions>"


def gather(sizes: Iterable[int], limit: int) -> Iterator[range]:
    """Pieces of these sizes, neighbours together as long as they stay within `limit`; none at all are one range."""
    start = number = total = 0
    for number, size in enumerate(sizes, 1):
        if total and total + size > limit:
            yield range(start, number - 1)
            start, total = number - 1, 0
        total += size
    yield range(start, number)
