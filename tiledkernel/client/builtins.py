"""The families that the kernel itself shows: a client plugin like any other."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

CLIENT_CLASSES = (
    ClientClass("container", "tiledkernel.families.container.client:Container"),
    ClientClass("array", "tiledkernel.families.array.client:ArrayClient"),
    ClientClass("table", "tiledkernel.families.table.client:DataFrameClient"),
    ClientClass("dataframe", "tiledkernel.families.table.client:DataFrameClient"),  # a spec, from older servers
    ClientClass("bytes", "tiledkernel.families.bytes.client:BytesClient"),
)
