"""Tables as Parquet, HDF5 and HTML: what is particular to each of them."""

from __future__ import annotations

import datetime as dt
import io

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from tiled_exporters import table_hdf5, table_html, table_parquet

from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.media_types import Offer


def body_of(module, table: object, npartitions: int = 1, columns: list[str] | None = None, **known: object) -> bytes:
    payload = TablePayload(MemoryTable(table, npartitions=npartitions), columns, range(npartitions))
    return b"".join(module.encode(payload, Encoding(Offer("x/y"), **known)))


def file_of(table: object, **options: object) -> h5py.File:
    return h5py.File(io.BytesIO(body_of(table_hdf5, table, **options)))


@pytest.mark.parametrize("columns", [None, ["B"]])
def test_parquet_keeps_the_index_as_pandas_has_it(columns) -> None:
    frame = pd.DataFrame({"A": [1, 2, 3], "B": ["x", "y", None]}, index=pd.Index([7, 8, 9], name="run"))
    body = body_of(table_parquet, frame, npartitions=2, columns=columns)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(body)), frame if columns is None else frame[columns])


def test_parquet_has_a_row_group_for_each_partition_and_no_large_ones(monkeypatch) -> None:
    monkeypatch.setattr(table_parquet, "GROUP", 4000)
    table = pa.table({"A": np.arange(2000)})
    file = parquet.ParquetFile(io.BytesIO(body_of(table_parquet, table, npartitions=2)))
    assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [500] * 4
    assert file.read().equals(table)


def test_parquet_keeps_every_type_that_it_has() -> None:
    table = pa.table(
        {
            "moment": pa.array([dt.datetime(2026, 7, 1, tzinfo=dt.UTC), None], pa.timestamp("ns", "Europe/Berlin")),
            "kind": pa.array(["a", None]).dictionary_encode(),
            "list": [[1, None], None],
            "structure": [{"x": 1.5}, None],
            "span": pa.array([1, None], pa.duration("us")),
            "half": pa.array(np.array([1.5, 2], np.float16)),
            "bytes": [b"\xff\0", None],
        }
    )
    assert parquet.read_table(io.BytesIO(body_of(table_parquet, table))).equals(table)


def test_partitions_whose_types_deviate_are_written_in_those_of_the_table() -> None:
    class Deviating(MemoryTable):
        def read_partition(self, partition, columns):
            table = super().read_partition(partition, columns)
            return table.cast(pa.schema([("A", pa.int32())])) if partition else table

    payload = TablePayload(Deviating(pa.table({"A": [1, 2]}), npartitions=2), None, [0, 1])
    body = b"".join(table_parquet.encode(payload, Encoding(Offer("x/y"))))
    assert parquet.read_table(io.BytesIO(body)).equals(pa.table({"A": [1, 2]}))


def test_hdf5_has_one_dataset_per_column_in_their_order() -> None:
    file = file_of({"b": [1, 2], "a": [0.5, 1.5]})
    assert list(file) == ["b", "a"]
    assert file["b"].dtype == np.int64
    assert file["a"][:].tolist() == [0.5, 1.5]


def test_hdf5_has_the_metadata_as_attributes() -> None:
    metadata = {"sample": "Cu", "temperature": 10.5, "nested": {"a": [1, "b"]}, "nothing": None}
    attributes = file_of({"a": [1]}, metadata=metadata).attrs
    assert attributes["sample"] == "Cu"
    assert attributes["temperature"] == 10.5
    assert attributes["nested"] == '{"a":[1,"b"]}'


@pytest.mark.parametrize("npartitions", [1, 3])
@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ([1, 2, None], np.array([1, 2, np.nan])),
        ([None, 2, 3], np.array([np.nan, 2, 3])),
        ([True, False, None], np.array([1, 0, np.nan])),
        ([True, False, True], np.array([True, False, True])),
        (pa.array([1, 2, 3], pa.uint8()), np.array([1, 2, 3], np.uint8)),
        (pa.array([1, 2**64 - 1, 0], pa.uint64()), np.array([1, 2**64 - 1, 0], np.uint64)),
        (pa.array([1.5, None, 2], pa.float32()), np.array([1.5, np.nan, 2], np.float32)),
        (["a", None, "é"], np.array(["a", "", "é"], object)),
        ([[1], None, []], np.array(["[1]", "", "[]"], object)),
        (pa.array(["u", "v", "u"]).dictionary_encode(), np.array(["u", "v", "u"], object)),
        (pa.nulls(3), np.full(3, np.nan)),
    ],
)
def test_hdf5_stores_columns_by_their_types(values, stored, npartitions) -> None:
    dataset = file_of(pa.table({"a": values}), npartitions=npartitions)["a"]
    found = dataset.asstr()[:] if stored.dtype == object else dataset[:]
    np.testing.assert_array_equal(found, stored)
    assert found.dtype == stored.dtype


@pytest.mark.parametrize("values", [[b"\0x", None, b"abc"], [b"ab", b"cd", b"ef"]])
def test_hdf5_stores_bytes_to_the_letter(values) -> None:
    stored = file_of(pa.table({"a": values}))["a"][:]
    assert [bytes(value) for value in stored] == [value or b"" for value in values]


def test_hdf5_says_what_the_numbers_of_dates_count() -> None:
    moments = pa.array([dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC), None], pa.timestamp("ms", "Europe/Berlin"))
    file = file_of(pa.table({"t": moments, "d": pa.array([dt.date(1970, 1, 3), None])}))
    assert file["t"][:].tolist() == [1000, np.iinfo(np.int64).min]
    assert dict(file["t"].attrs) == {
        "units": "milliseconds since 1970-01-01", "numpy_dtype": "datetime64[ms]", "timezone": "Europe/Berlin",
    }  # fmt: skip
    assert file["d"][:].view("M8[D]")[0] == np.datetime64("1970-01-03")


def test_hdf5_refuses_what_it_cannot_hold_with_the_name_of_the_column() -> None:
    with pytest.raises(NotAcceptable, match=r"column 'notes' .* NUL"):
        file_of({"notes": ["a\0b"]})
    with pytest.raises(NotAcceptable, match=r"column 'a' .* already"):
        file_of(pa.table([[1], [2]], names=["a", "a"]))


def test_a_page_is_a_document_with_a_head_for_every_column() -> None:
    page = body_of(table_html, {"<A>": [1, 2], "B": ["x", None]}, name="a & b").decode()
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>a &amp; b</title>" in page
    assert '<thead><tr><th scope="col">&lt;A&gt;</th><th scope="col">B</th></tr></thead>' in page
    assert '<tr><td>1</td><td class="t">x</td></tr>\n<tr><td>2</td><td class="t"></td></tr>\n</tbody>' in page


@pytest.mark.parametrize("tag", ["</td>", "<script>", "<!--", "&lt;", '" onload="x', "]]>"])
def test_no_text_of_a_cell_is_markup(tag) -> None:
    page = body_of(table_html, {"a": [f"x{tag}y"], "b": [[tag]], "c": [tag.encode()]}).decode()
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert rows.count("<") == 2 * 3 + 2
    assert rows.count('"') == 2 * 3
