"""How wide the texts of a dataset are."""

from __future__ import annotations

import h5py

from tiled_hdf5.elements import Field, to_bytes
from tiledkernel.families.array.slabs import divide
from tiledkernel.slices import cut_shape

PIECE = 1 << 16  # texts read at a time
MAX_PIECES = 64  # beyond, a part of the pieces stands for all


def measure(dataset: h5py.Dataset, fields: tuple[Field, ...]) -> dict[Field, int]:
    """The length of the longest text of each field.

    Of a very long dataset only some pieces are read, and twice the longest text in them is taken; a longer one is
    then an error when it is read, never cut short.
    """
    widths = dict.fromkeys(fields, 1)
    if not dataset.shape and dataset.shape != ():
        return widths
    pieces = list(divide(cut_shape((), dataset.shape), PIECE)) if 0 not in dataset.shape else []
    sampled = len(pieces) > MAX_PIECES
    if sampled:
        last = len(pieces) - 1
        pieces = [pieces[number * last // (MAX_PIECES - 1)] for number in range(MAX_PIECES)]
    for piece in pieces:
        found = dataset[piece.index]
        for field in fields:
            widths[field] = max(widths[field], *map(len, to_bytes(found, field, dataset.file.id)))
    return {field: 2 * width for field, width in widths.items()} if sampled else widths
