"""Where the messages of Arrow files and streams lie, and how large they get in memory, told without reading them.

A message is a head, which describes columns, and a body, which holds them. pyarrow reads a record batch whole or not at
all; to divide a file into partitions, this looks at the heads, as the format has them:
https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import pyarrow as pa
from msgspec import Struct

from tiledkernel.families.table.flatbuffer import FlatTable

MAGIC = b"ARROW1"
CONTINUATION = b"\xff\xff\xff\xff"  # every message of a stream begins so, and so do streams
DICTIONARY, BATCH = 2, 3  # kinds of messages
_CURRENT = 4  # the version of the format since Arrow 1.0, which is what all its releases write
_TAIL = 4 + len(MAGIC)  # behind the footer of a file: its length, and what the file begins with
_SAMPLES = 8  # batches that are looked into to tell how well all are compressed


class Message(Struct, frozen=True):
    """Offsets in a file: where the message begins, where its body begins, and what comes after it."""

    start: int
    body: int
    stop: int


class StreamMessage(Struct, frozen=True):
    """A message, its kind, and of a dictionary: which one, and whether it `adds` to it or replaces it."""

    message: Message
    kind: int
    dictionary: int
    adds: bool


def bytes_at(source: pa.NativeFile, start: int, length: int) -> bytes:
    """Bytes of a file; fewer where it ends. ArrowInvalid if damaged numbers say where they are."""
    size = source.size()
    if not 0 <= start <= size or length < 0:
        raise pa.ArrowInvalid(f"it refers to {length} bytes at byte {start}, which it does not have")
    source.seek(start)
    return source.read(min(length, size - start))


def batches_of_file(source: pa.NativeFile) -> list[Message]:
    """The record batches of a file, as its footer lists them."""
    return _listed(source, 3)


def dictionaries_of_file(source: pa.NativeFile) -> list[Message]:
    """The dictionaries of a file, as its footer lists them."""
    return _listed(source, 2)


def _listed(source: pa.NativeFile, field: int) -> list[Message]:
    end = source.size() - _TAIL
    length = int.from_bytes(bytes_at(source, end, 4), "little")
    footer = FlatTable(bytes_at(source, end - length, length))
    return [Message(start, start + head, start + head + body) for start, head, body in footer.structs(field, "<qi4xq")]


def messages_of_stream(source: pa.NativeFile) -> Iterator[StreamMessage]:
    """All messages of a stream, from its schema to its end; ArrowInvalid where it is cut off or damaged."""
    size = source.size()
    start = 0
    while start < size:  # the mark at the end may be missing
        prefix = bytes_at(source, start, 8)
        length = int.from_bytes(prefix[4:], "little")
        if prefix == CONTINUATION + bytes(4):
            return
        body = start + 8 + length
        if not prefix.startswith(CONTINUATION[: len(prefix)]):
            raise pa.ArrowInvalid(f"no message begins at byte {start}, where one should")
        if len(prefix) < 8 or body > size:
            raise pa.ArrowInvalid(f"it ends within the message that begins at byte {start}")
        found = _stream_message(bytes_at(source, start + 8, length), start, body)
        if found.message.stop > size:
            raise pa.ArrowInvalid(f"it ends within the message that begins at byte {start}")
        yield found
        start = found.message.stop


def _stream_message(head: bytes, start: int, body: int) -> StreamMessage:
    try:
        table = FlatTable(head)
        length = table.number(3, "<q")
        kind = table.number(1, "<B")
        entry = table.table(2) if kind == DICTIONARY else None
        dictionary, adds = (entry.number(0, "<q"), bool(entry.number(2, "<B"))) if entry else (0, False)
    except struct.error as error:
        raise pa.ArrowInvalid(f"the message that begins at byte {start} is damaged") from error
    if length < 0:
        raise pa.ArrowInvalid(f"the message that begins at byte {start} is damaged")
    return StreamMessage(Message(start, body, body + length), kind, dictionary, adds)


class Weight(Struct, frozen=True):
    """What a message says that it will be in memory: values in its longest column, and bytes of all columns."""

    values: int
    nbytes: int


def weight_of(source: pa.NativeFile, message: Message, kind: int) -> Weight:
    """What a record batch, or a dictionary, says that it takes; nothing is decompressed. ArrowInvalid for nonsense."""
    head = bytes_at(source, message.start, message.body - message.start)
    try:
        table = FlatTable(_without_prefix(head))
        if table.number(0, "<h") != _CURRENT:  # older ones may hide how they are compressed
            raise pa.ArrowInvalid("it was written by an Arrow before version 1.0: write it with a newer one")
        record = table.table(2)
        if record is not None and kind == DICTIONARY:
            record = record.table(1)
        if record is None:
            return Weight(0, 0)
        lengths = [length for length, _ in record.structs(1, "<qq")]
        buffers = list(record.structs(2, "<qq"))
        packed = record.table(3) is not None
        sizes = [_length(source, message.body + at, size) if packed else size for at, size in buffers]
        longest = max([record.number(0, "<q"), *lengths])
    except struct.error as error:
        raise pa.ArrowInvalid(f"the message that begins at byte {message.start} is damaged") from error
    if min([0, *lengths, *sizes, *(at for at, _ in buffers), *(size for _, size in buffers)]) < 0:
        raise pa.ArrowInvalid(f"the message that begins at byte {message.start} has columns of negative size")
    return Weight(longest, sum(sizes))


def _without_prefix(head: bytes) -> bytes:
    """The description in a head, behind its length; before Arrow 0.15, nothing stood before that."""
    return head[8:] if head.startswith(CONTINUATION) else head[4:]


def sizes_in_memory(source: pa.NativeFile, batches: Sequence[Message]) -> list[int]:
    """About how many bytes each batch takes when it is read; some are looked into to tell how they are compressed."""
    step = -(-len(batches) // _SAMPLES) or 1
    growth = max((_growth(source, batch) for batch in batches[::step]), default=1.0) if len(batches) > 1 else 1.0
    return [int((batch.stop - batch.body) * growth) for batch in batches]


def _growth(source: pa.NativeFile, batch: Message) -> float:
    """How many times larger a batch is in memory than at rest; 1 if it is not compressed."""
    head = bytes_at(source, batch.start, batch.body - batch.start)
    try:
        record = FlatTable(_without_prefix(head)).table(2)
        if record is None or record.table(3) is None:
            return 1.0
        total = sum(_length(source, batch.body + offset, length) for offset, length in record.structs(2, "<qq"))
    except struct.error as error:
        raise pa.ArrowInvalid(f"the record batch at byte {batch.start} is damaged") from error
    return max(1.0, total / (batch.stop - batch.body or 1))


def _length(source: pa.NativeFile, start: int, length: int) -> int:
    """The length of a compressed buffer in memory, which stands before it; -1 there: this one is not compressed."""
    inside = int.from_bytes(bytes_at(source, start, 8), "little", signed=True) if length else 0
    return inside if inside >= 0 else length
