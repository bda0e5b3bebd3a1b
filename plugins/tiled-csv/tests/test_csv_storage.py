"""Uploaded tables as CSV files."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest
import tiled_csv

from tiledkernel.errors import ReadFailed
from tiledkernel.nodes.storing import path_of_uri
from tiledkernel.testing.table_storages import TableStorageContract, rows

NESTED = {"list", "text_list", "pair", "lists", "record", "map"}
BYTES = {"bytes", "large_bytes", "fixed_bytes"}


class TestCsvStorage(TableStorageContract):
    storage = tiled_csv.STORAGE
    refuses = frozenset(NESTED | BYTES)

    def test_each_partition_is_a_file_that_any_program_reads(self, create):
        kept = create(npartitions=2)
        kept.open().write(rows(1, 2))
        paths = [path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets]
        assert [path.name for path in paths] == ["partition-0.csv", "partition-1.csv"]
        assert list(csv.reader(paths[1].read_text(encoding="utf-8").splitlines())) == [["a", "b"], ["2", "2"]]

    def test_gaps_in_a_single_column_are_rows(self, create):
        table = pa.table({"x": pa.array([None, "a", None, ""])})
        kept = create(table.schema)
        kept.open().write(table)
        assert kept.open().read_partition(0, None).equals(table)

    @pytest.mark.parametrize("damaged", ["a,b\n1,2,3\n", "b\n1\n", "a,b\nx,y\n", ""])
    def test_a_file_that_somebody_changed_is_an_error_that_names_it(self, create, damaged):
        kept = create()
        (path,) = (path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets)
        path.write_text(damaged)
        with pytest.raises(ReadFailed, match=r"partition-0.csv"):
            kept.open().read_partition(0, None)
