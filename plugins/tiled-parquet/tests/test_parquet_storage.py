"""Uploaded tables as Parquet files."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tiled_parquet
from pyarrow import parquet

from tiledkernel.errors import ReadFailed
from tiledkernel.nodes.storing import path_of_uri
from tiledkernel.testing.table_storages import TableStorageContract, rows


class TestParquetStorage(TableStorageContract):
    storage = tiled_parquet.STORAGE

    def test_each_partition_is_a_file_that_any_program_reads(self, create):
        kept = create(npartitions=2)
        kept.open().write(rows(1, 2))
        paths = [path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets]
        assert [path.name for path in paths] == ["partition-0.parquet", "partition-1.parquet"]
        assert [parquet.read_table(path).column("a").to_pylist() for path in paths] == [[1], [2]]

    def test_damage_is_told_and_never_read_as_numbers(self, create):
        kept = create()
        kept.open().write(rows(*range(10_000)))
        (path,) = (path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets)
        data = bytearray(path.read_bytes())
        data[200] ^= 1
        path.write_bytes(data)
        with pytest.raises(ReadFailed, match=r"partition-0.parquet cannot be read"):
            kept.open().read_partition(0, None)

    def test_large_tables_are_divided_into_row_groups(self, create):
        table = pa.table({"x": pa.array(range(300_000), pa.int32())})
        kept = create(table.schema)
        kept.open().write(table)
        (path,) = (path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets)
        assert parquet.ParquetFile(path).num_row_groups == 3
        assert kept.open().read_partition(0, None).equals(table)
