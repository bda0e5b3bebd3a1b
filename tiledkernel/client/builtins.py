"""The families that the kernel itself shows: a client plugin like any other."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

_ARRAY = "tiledkernel.families.array"
_TABLE = "tiledkernel.families.table"

CLIENT_CLASSES = (
    ClientClass("container", "tiledkernel.families.container.client:Container"),
    ClientClass("composite", "tiledkernel.families.container.client_composite:CompositeClient"),  # a spec
    ClientClass(
        "array",
        f"{_ARRAY}.client:ArrayClient",
        dask=f"{_ARRAY}.client_dask:DaskArrayClient",
        writing=f"{_ARRAY}.client_writing:writing_array",
        copying=f"{_ARRAY}.client_copying:copying_array",
    ),
    ClientClass(
        "table",
        f"{_TABLE}.client:DataFrameClient",
        dask=f"{_TABLE}.client_dask:DaskDataFrameClient",
        writing=f"{_TABLE}.client_writing:writing_table",
        copying=f"{_TABLE}.client_copying:copying_table",
    ),
    ClientClass(  # a spec, from older servers
        "dataframe", f"{_TABLE}.client:DataFrameClient", dask=f"{_TABLE}.client_dask:DaskDataFrameClient"
    ),
    ClientClass("bytes", "tiledkernel.families.bytes.client:BytesClient"),
)
