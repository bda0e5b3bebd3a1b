"""Fill a catalog of Tiled, by its own client: run with the address of its server and its key in its own environment.

What it makes is all that a catalog can hold: every way in which data rest, metadata of every kind, specs, revisions,
nested containers. The texts beside this file are catalogs that were made so, and then written down table by table.
"""

from __future__ import annotations

import sys

import awkward
import numpy as np
import pandas as pd
import pyarrow as pa
import ragged
import sparse
from tiled.client import from_uri
from tiled.structures.core import Spec


def main(address: str, key: str) -> None:
    """Create everything."""
    client = from_uri(address, api_key=key)
    raw = client.create_container("raw", metadata={"color": "red", "number": 1}, specs=[Spec("crate", "2"), "plain"])
    inner = raw.create_container("inner", metadata={"depth": 2}, access_tags=["staff", "public"])
    changed = inner.write_array(
        np.arange(12.0).reshape(3, 4), key="changed", metadata={"v": [1, None, {"q": "é"}], "f": 0.1, "t": True}
    )
    changed.update_metadata({"v": 2})
    changed.update_metadata({"v": 3}, specs=["new"])
    changed.update_metadata({"v": 4})
    changed.metadata_revisions.delete_revision(2)
    inner.write_array(
        np.arange(12).reshape(3, 4), key="twin of a shape", metadata={"large": 10**15, "nested": {"a.b": {}}}
    )
    inner.write_array(np.arange(12).reshape(3, 4), key="ü % é")
    inner.write_table(pd.DataFrame({"x": [1, 2], "y": ["a", "b"]}), key="table", metadata={"text": "dark matter"})
    points = sparse.COO(coords=[[0, 1], [1, 2]], data=[1.0, 2.0], shape=(3, 4))
    inner.write_sparse(key="sparse", coords=points.coords, data=points.data, shape=points.shape)
    inner.write_awkward(awkward.Array([[1, 2], [3]]), key="awkward")
    growing = inner.create_appendable_table(pa.schema([("x", "int64"), ("y", "float64")]), key="appendable")
    growing.append_partition(0, pa.table({"x": [1, 2], "y": [0.5, 0.25]}))
    inner.write_ragged(ragged.array([[1, 2], [3]]), key="ragged")
    raw.write_array(np.arange(3), key="gone")
    raw.delete_contents("gone", recursive=True, external_only=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
