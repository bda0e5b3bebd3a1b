"""Arrow streams that were saved to a file: messages, one after the other, and nothing that lists them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from tiled_arrow.packing import packed
from tiled_arrow.values import checked
from tiled_arrow.views import convert_views, without_views
from tiledkernel.families.table.arrow_messages import (
    BATCH,
    DICTIONARY,
    Message,
    StreamMessage,
    messages_of_stream,
    sizes_in_memory,
)
from tiledkernel.families.table.dictionaries import with_one_dictionary
from tiledkernel.families.table.parts import gather

Span: TypeAlias = tuple[int, int]


class ArrowStream:
    """An open stream; a piece is itself a stream: the schema, the dictionaries in use, neighbouring record batches."""

    def __init__(self, source: pa.NativeFile) -> None:
        self._source = source
        self.schema = without_views(pa.ipc.open_stream(_Spliced(source, [(0, source.size())])).schema)
        self.noted: Mapping[bytes, bytes] = self.schema.metadata or {}

    def divide(self, limit: int) -> list[tuple[Span, ...]]:
        """Neighbouring record batches, as many as fit into `limit` bytes of memory."""
        schema, *others = messages_of_stream(self._source)
        batches = [found.message for found in others if found.kind == BATCH]
        groups = list(gather(sizes_in_memory(self._source, batches), limit))
        stretches = [(batches[group.start].start, batches[group.stop - 1].stop) for group in groups if group]
        begin = (schema.message.start, schema.message.stop)
        return [(begin, *before, stretch) for before, stretch in _with_dictionaries(others, stretches)] or [(begin,)]

    def read(self, pieces: tuple[Span, ...] | None, fields: list[int]) -> pa.Table:
        """The columns with these numbers (none: all) of a piece (None: of the whole stream)."""
        spans = ((0, self._source.size()),) if pieces is None else pieces
        options = pa.ipc.IpcReadOptions(included_fields=fields)
        reader = pa.ipc.open_stream(_Spliced(self._source, spans), options=options)
        table = packed(convert_views(checked(reader.read_all())))
        return with_one_dictionary(table)  # within a stream, a dictionary may be replaced


def _with_dictionaries(found: Iterable[StreamMessage], stretches: list[Span]) -> Iterator[tuple[list[Span], Span]]:
    """Each stretch of batches, and the dictionaries in use where it begins."""
    by_start = {stretch[0]: stretch for stretch in stretches}
    used: dict[int, list[Message]] = {}  # what sets each dictionary, and what adds to it
    for one in found:
        if one.kind == DICTIONARY and one.adds:
            used.setdefault(one.dictionary, []).append(one.message)
        elif one.kind == DICTIONARY:
            used[one.dictionary] = [one.message]
        elif one.message.start in by_start:
            yield (
                sorted((part.start, part.stop) for parts in used.values() for part in parts),
                by_start[one.message.start],
            )


class _Spliced(io.RawIOBase):
    """Some spans of a file, one after the other, as Arrow reads a stream: without going back."""

    def __init__(self, source: pa.NativeFile, spans: Iterable[Span]) -> None:
        self._source = source
        self._spans = iter(spans)
        self._start = self._stop = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> Any:
        """At most `size` bytes of one span: a message never lies in two. Not copied, other than from the disk."""
        if self._start >= self._stop:
            self._start, self._stop = next(self._spans, (0, 0))
        self._source.seek(self._start)
        found = self._source.read_buffer(min(size, self._stop - self._start))
        self._start += found.size
        return found
