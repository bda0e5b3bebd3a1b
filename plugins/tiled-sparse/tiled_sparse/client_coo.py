"""From an Arrow file of coordinates and values to an array of the `sparse` library."""

from __future__ import annotations

from typing import Any

import numpy as np
import sparse

from tiled_sparse.elements import Elements, flipped
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.families.table.client_frames import decode_arrow_file
from tiledkernel.slices import Cut


def decode(body: bytes | bytearray | None, cut: Cut, dtype: np.dtype[Any]) -> sparse.COO:
    """The array that `cut` selects, from the answer to a request for `cut.index`; None: nothing is stored there."""
    ndim = len(cut.shape)
    if body is None:
        coords, data = np.empty((ndim, 0), np.int64), np.empty(0, dtype)
    else:
        table = decode_arrow_file(body)
        names = [f"dim{axis}" for axis in range(ndim)]
        missing = {*names, "data"} - set(table.column_names)
        if missing:
            raise UnexpectedAnswer(
                f"the answer lacks the columns {sorted(missing)} of a sparse array of {ndim} dimensions"
            )
        columns = [table.column(name).to_numpy() for name in names]
        coords = np.array(columns, np.int64).reshape(ndim, table.num_rows)
        data = table.column("data").to_numpy().astype(dtype, copy=False)
    elements = flipped(Elements(coords, data, cut.shape), cut.flipped)
    return sparse.COO(elements.coords, elements.data, shape=elements.shape)
