"""Arrow files whose columns are sent from where they are."""

from __future__ import annotations

import gc

import numpy as np
import pyarrow
import pytest

from tiledkernel.encoding import Parts
from tiledkernel.families.table.arrow_file import arrow_file

TABLE = pyarrow.table({"x": np.arange(1000.0), "text": [str(number) for number in range(1000)]})


def test_it_is_an_arrow_file() -> None:
    parts = arrow_file(TABLE.schema, [TABLE, TABLE.slice(10, 5)])
    whole = b"".join(parts.pieces)
    assert len(whole) == parts.nbytes
    assert pyarrow.ipc.open_file(whole).read_all().equals(pyarrow.concat_tables([TABLE, TABLE.slice(10, 5)]))


def test_no_column_is_copied() -> None:
    (buffer,) = TABLE.column("x").chunk(0).buffers()[1:]
    places = [pyarrow.py_buffer(piece).address for piece in arrow_file(TABLE.schema, [TABLE]).pieces]
    assert buffer.address in places


def test_the_columns_live_as_long_as_the_parts() -> None:
    parts = arrow_file(TABLE.schema, [pyarrow.table({"x": np.full(1000, 7.0), "text": ["a"] * 1000})])
    gc.collect()
    assert pyarrow.ipc.open_file(b"".join(parts.pieces)).read_all()["x"][999].as_py() == 7.0


@pytest.mark.parametrize("least", [1, 3, 100])
def test_small_pieces_are_sent_together(least: int) -> None:
    parts = Parts(tuple(memoryview(piece) for piece in (b"a", b"bb", b"cccc", b"", b"d", b"e")))
    gathered = [bytes(piece) for piece in parts.gather(least)]
    assert b"".join(gathered) == b"abbccccde"
    assert len(gathered) == {1: 6, 3: 3, 100: 1}[least]
