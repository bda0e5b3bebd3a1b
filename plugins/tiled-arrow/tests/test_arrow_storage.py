"""Uploaded tables as Arrow files."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tiled_arrow

from tiledkernel.errors import ReadFailed
from tiledkernel.nodes.storing import path_of_uri
from tiledkernel.testing.table_storages import TableStorageContract, rows


class TestArrowStorage(TableStorageContract):
    storage = tiled_arrow.STORAGE

    def test_each_partition_is_a_file_that_any_program_reads(self, create):
        kept = create(npartitions=2)
        kept.open().write(rows(1, 2))
        paths = [path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets]
        assert [pa.ipc.open_file(str(path)).read_all().column("a").to_pylist() for path in paths] == [[1], [2]]

    def test_a_file_that_was_cut_short_is_an_error_that_names_it(self, create):
        kept = create()
        kept.open().write(rows(*range(1000)))
        (path,) = (path_of_uri(asset.data_uri) for asset in kept.keeper.current().assets)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(ReadFailed, match=r"partition-0.arrow cannot be read"):
            kept.open().read_partition(0, None)
