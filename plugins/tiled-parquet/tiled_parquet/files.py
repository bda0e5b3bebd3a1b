"""One Parquet file: opened for the length of a call, and what is wrong with it said in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tiledkernel.errors import Gone, ReadFailed

# Kept in the file by libraries for themselves; not what an owner says about the data.
_TECHNICAL = frozenset({b"pandas", b"ARROW:schema"})


@contextmanager
def opened(path: Path, footer: parquet.FileMetaData | None = None) -> Iterator[parquet.ParquetFile]:
    """The file, with its `footer` if that is known already; closed afterwards.

    Plain reads, no memory map: they are as fast (the pages must be decoded anyway), and a file that another program
    cuts short is then an error rather than the end of the process.
    """
    with (
        pa.OSFile(str(path), "rb") as source,
        parquet.ParquetFile(source, metadata=footer, page_checksum_verification=True) as file,
    ):
        yield file


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the library says about a file into a sentence that names it."""
    try:
        yield
    except FileNotFoundError:
        raise Gone(f"{path.name} is gone: it was deleted, or moved, after it was listed") from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise ReadFailed(
            f"{path.name} cannot be read as Parquet: {reason}; if it is still being written, wait for its end, "
            "else write it again"
        ) from error


def read_row_groups(file: parquet.ParquetFile, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
    """These columns of these row groups, and no others, decoded."""
    names = list(columns)
    try:
        table = file.read_row_groups(list(groups), columns=names)
    except pa.ArrowNotImplementedError:  # some nested types can only be read from one row group at a time
        table = pa.concat_tables([file.read_row_groups([group], columns=names) for group in groups])
    table = table.select(names)  # a name with a dot in it has also matched a field inside a struct
    has_dictionary = any(pa.types.is_dictionary(kind) for kind in table.schema.types)
    return table.unify_dictionaries() if has_dictionary else table  # an Arrow file has one dictionary per column


def owner_metadata(footer: parquet.FileMetaData) -> dict[str, Any]:
    """What the owner noted in the file: texts by name."""
    noted = {key: value for key, value in (footer.metadata or {}).items() if key not in _TECHNICAL}
    return {key.decode(errors="replace"): _text(value) for key, value in noted.items()}


def _text(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
