"""Graphs of dask whose tasks read an array from a server, or write one."""

from __future__ import annotations

import dask.array as da
import numpy as np
from dask.base import tokenize

from tiledkernel.families.array.client_source import ArraySource
from tiledkernel.families.array.client_writing import BlockTarget


def lazy_array(source: ArraySource) -> da.Array:
    """The elements as an array of dask with the server's chunks: each is fetched in one request when it is computed."""
    array: da.Array = da.from_array(  # type: ignore[no-untyped-call]  # dask has no types there
        source,
        chunks=source.chunks,
        name=f"tiled-array-{tokenize(source)}",
        asarray=False,  # they are arrays of numpy
        meta=np.empty((0,) * source.ndim, source.dtype),
    )
    return array


def store(array: da.Array, target: BlockTarget) -> None:
    """Compute an array with the server's chunks, each of which is sent where, and when, it is there."""
    chunked = array.rechunk(target.node.structure().chunks)  # type: ignore[no-untyped-call]  # dask has no types there
    da.store(chunked, target, lock=False, compute=True)  # type: ignore[arg-type]  # it wants no more than __setitem__
