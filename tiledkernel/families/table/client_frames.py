"""From Arrow files to a DataFrame."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
from pyarrow import ipc

from tiledkernel.client.messages import UnexpectedAnswer


def decode_arrow_file(body: bytes | bytearray) -> pa.Table:
    """The table in an Arrow file, whose memory it shares."""
    try:
        return ipc.open_file(pa.py_buffer(body)).read_all()
    except pa.ArrowInvalid as error:
        raise UnexpectedAnswer(f"the answer is no Arrow file: {error}") from error


def as_frame(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """The rows of several tables one after the other, with their index if they have one."""
    whole = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="permissive")
    frame: pd.DataFrame = whole.to_pandas()
    return frame
