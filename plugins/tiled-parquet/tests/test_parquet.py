"""Tables written by pyarrow and pandas, read back through the reader."""

from __future__ import annotations

import datetime as dt
import decimal
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tiled_parquet
from pyarrow import parquet
from tiled_parquet import reader
from tiled_parquet.reader import open_parquet, open_parquet_directory, open_parquet_files

from tiledkernel.errors import Gone, KernelError, NotReady, ReadFailed
from tiledkernel.testing import ReaderContract, Sample

TABLE = pa.table(
    {
        "number": pa.array(range(10), pa.int16()),
        "text": [None, "ä", "", *"bcdefgh"],
        "a.b": np.linspace(0, 1, 10),
        "a": [{"b": n, "c": str(n)} for n in range(10)],
    }
)


def write(path: Path, table: pa.Table = TABLE, **options) -> Path:
    parquet.write_table(table, path, **options)
    return path


def read(table, columns=None) -> pa.Table:
    return pa.concat_tables(table.read_partition(n, columns) for n in range(table.structure.npartitions))


def count_reads(monkeypatch) -> list[tuple[list[int], list[str]]]:
    """Which row groups and columns the library is asked for from now on."""
    asked = []
    original = parquet.ParquetFile.read_row_groups

    def noting(self, groups, columns=None, **options):
        asked.append((groups, columns))
        return original(self, groups, columns=columns, **options)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_groups", noting)
    return asked


class TestFileContract(ReaderContract):
    reader = tiled_parquet.READER
    heavy = ("pyarrow", "pandas", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        table = TABLE.replace_schema_metadata({"instrument": "BL7"})
        path = write(tmp_path / "a.parquet", table, row_group_size=4)
        return Sample(path=path, tables={"": TABLE}, metadata={"": {"instrument": "BL7"}})


class TestManyFilesContract(ReaderContract):
    reader = tiled_parquet.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths = (write(tmp_path / "p1.parquet", TABLE.slice(0, 7)), write(tmp_path / "p2.parquet", TABLE.slice(7)))
        return Sample(path=paths, tables={"": TABLE})


class TestDirectoryContract(ReaderContract):
    reader = tiled_parquet.DIRECTORY_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        folder = tmp_path / "table.parquet"
        folder.mkdir()
        write(folder / "part.0.parquet", TABLE.slice(0, 3))
        write(folder / "part.1.parquet", TABLE.slice(3))
        return Sample(path=folder, tables={"": TABLE})


NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
TYPES = {
    "booleans": pa.array([True, None, False]),
    "unsigned": pa.array([0, None, 2**64 - 1], pa.uint64()),
    "halves": pa.array(np.array([0.5, 1, 2], "f2")),
    "nan": pa.array([float("nan"), None, 1.0]),
    "decimals": pa.array([decimal.Decimal("1.23"), None, decimal.Decimal("-4.50")]),
    "dates": pa.array([dt.date(2026, 3, 1), None, dt.date(1900, 1, 1)]),
    "local times": pa.array([NOON.replace(tzinfo=None), None, NOON.replace(tzinfo=None)], pa.timestamp("us")),
    "zoned times": pa.array([NOON, None, NOON], pa.timestamp("ns", tz="Europe/Berlin")),
    "durations": pa.array([dt.timedelta(days=1), None, dt.timedelta(0)], pa.duration("us")),
    "dictionary": pa.array(["x", None, "y"]).dictionary_encode(),
    "binary": pa.array([b"\0\xff", None, b""]),
    "fixed": pa.array([b"abc", None, b"def"], pa.binary(3)),
    "large": pa.array(["a", None, "b"], pa.large_string()),
    "lists": pa.array([[1, 2], None, []]),
    "fixed lists": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "structs": pa.array([{"x": 1, "y": [None, "a"]}, None, {"x": 2, "y": []}]),
    "maps": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())),
    "lists of dictionaries": pa.array([["x"], None, ["y"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    "nothing": pa.nulls(3),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("row_group_size", [1, 3])
def test_every_type_survives(tmp_path, name, row_group_size):
    table = pa.table({name: TYPES[name]})
    found = open_parquet(write(tmp_path / "t.parquet", table, row_group_size=row_group_size)).read_partition(0, [name])
    assert found.schema == table.schema
    assert repr(found.to_pylist()) == repr(table.to_pylist())


def test_a_partition_with_several_dictionaries_fits_an_arrow_file(tmp_path):
    one, two = (pa.table({"d": pa.array([text]).dictionary_encode()}) for text in "xy")
    with parquet.ParquetWriter(tmp_path / "d.parquet", one.schema) as writer:
        writer.write_table(one)
        writer.write_table(two)
    found = open_parquet(tmp_path / "d.parquet").read_partition(0, None)
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, found.schema) as writer:
        writer.write_table(found)
    assert pa.ipc.open_file(buffer.getvalue()).read_all()["d"].to_pylist() == ["x", "y"]


def test_small_row_groups_are_gathered_into_one_partition(tmp_path):
    table = open_parquet(write(tmp_path / "t.parquet", row_group_size=1))
    assert table.structure.npartitions == 1
    assert table.read_partition(0, None).num_rows == 10


def test_partitions_hold_row_groups_up_to_the_limit(tmp_path, monkeypatch):
    numbers = pa.table({"x": np.random.default_rng(0).random(1000)})
    path = write(tmp_path / "t.parquet", numbers, row_group_size=100, use_dictionary=False)
    size = parquet.read_metadata(path).row_group(0).total_byte_size
    monkeypatch.setattr(reader, "PARTITION", 3 * size)
    table = open_parquet(path)
    assert table.structure.npartitions == 4
    assert [table.read_partition(n, None).num_rows for n in range(4)] == [300, 300, 300, 100]
    assert read(table).equals(numbers)


def test_only_the_row_groups_and_columns_asked_for_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "PARTITION", 1)
    table = open_parquet(write(tmp_path / "t.parquet", row_group_size=4))
    asked = count_reads(monkeypatch)
    table.read_partition(2, ["text"])
    assert asked == [([2], ["text"])]


def test_the_footer_is_parsed_once(tmp_path, monkeypatch):
    table = open_parquet(write(tmp_path / "t.parquet"))
    footers = []
    original = parquet.ParquetFile.__init__

    def noting(self, source, *, metadata=None, **options):
        footers.append(metadata)
        original(self, source, metadata=metadata, **options)

    monkeypatch.setattr(parquet.ParquetFile, "__init__", noting)
    table.read_partition(0, None)
    assert footers[0] is not None


def test_a_name_with_a_dot_is_not_taken_for_a_field_of_a_struct(tmp_path):
    table = open_parquet(write(tmp_path / "t.parquet"))
    assert table.read_partition(0, ["a.b"]).equals(TABLE.select(["a.b"]))
    assert table.read_partition(0, ["a"]).equals(TABLE.select(["a"]))


def test_an_empty_selection_of_columns_is_no_error(tmp_path):
    assert open_parquet(write(tmp_path / "t.parquet")).read_partition(0, []).column_names == []


def test_a_file_without_rows_is_one_empty_partition(tmp_path):
    table = open_parquet(write(tmp_path / "t.parquet", TABLE.slice(0, 0)))
    assert table.structure.npartitions == 1
    assert table.read_partition(0, None).schema.equals(TABLE.schema)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1, 2]}, index=["a", "b"]),
        pd.DataFrame({"x": [1, 2]}, index=pd.Index([5, 6], name="sample")),
        pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["i", "j"])),
        pd.DataFrame({"x": [1, 2]}),
        pd.DataFrame({"t": pd.to_datetime(["2026-01-01", None]).tz_localize("Asia/Tokyo")}),
        pd.DataFrame({"c": pd.Categorical(["u", "v"])}),
    ],
    ids=["text index", "named index", "two-level index", "range index", "times", "categories"],
)
def test_what_pandas_wrote_pandas_gets_back(tmp_path, frame):
    frame.to_parquet(tmp_path / "t.parquet")
    table = open_parquet(tmp_path / "t.parquet")
    assert table.structure.columns == tuple(frame.columns)
    pd.testing.assert_frame_equal(read(table).to_pandas(), frame)


def test_index_columns_come_last_and_with_every_selection(tmp_path):
    frame = pd.DataFrame({"x": [1, 2], "y": [3, 4]}, index=pd.Index(["a", "b"], name="sample"))
    written = pa.Table.from_pandas(frame)
    table = open_parquet(write(tmp_path / "t.parquet", written.select(["sample", "x", "y"])))
    assert table.read_partition(0, None).column_names == ["x", "y", "sample"]
    assert table.read_partition(0, ["y"]).column_names == ["y", "sample"]
    assert table.read_partition(0, ["sample", "y"]).column_names == ["sample", "y"]


def test_metadata_are_the_owners_words_only(tmp_path):
    table = pa.Table.from_pandas(pd.DataFrame({"x": [1]}))
    table = table.replace_schema_metadata({**table.schema.metadata, b"operator": "Zoë".encode(), b"raw": b"\xff"})
    assert open_parquet(write(tmp_path / "t.parquet", table)).metadata == {"operator": "Zoë", "raw": b"\xff"}


def test_part_files_come_in_the_order_of_their_numbers(tmp_path):
    for number in range(11):
        write(tmp_path / f"part.{number}.parquet", pa.table({"n": [number]}))
    assert read(open_parquet_directory(tmp_path))["n"].to_pylist() == list(range(11))


def test_notes_of_the_writer_are_no_parts(tmp_path):
    write(tmp_path / "part-0.snappy.parquet")
    for note in ("_metadata.parquet", ".part-0.parquet", "_SUCCESS", "notes.txt"):
        (tmp_path / note).write_bytes(b"")
    assert open_parquet_directory(tmp_path).structure.npartitions == 1


def test_a_directory_without_parts_says_so(tmp_path):
    (tmp_path / "year=2026").mkdir()
    with pytest.raises(ValueError, match=r"no file that ends in .parquet.*'year=2026' is a folder"):
        open_parquet_directory(tmp_path)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (TABLE.drop(["text"]), "no column 'text'"),
        (TABLE.append_column("more", TABLE["number"]), "a column 'more' more"),
        (TABLE.set_column(0, "number", TABLE["number"].cast("int64")), "'number' is int64, expected int16"),
    ],
)
def test_files_that_do_not_fit_together_are_named(tmp_path, other, sentence):
    paths = (write(tmp_path / "first.parquet"), write(tmp_path / "odd.parquet", other))
    with pytest.raises(ValueError, match=rf"odd.parquet does not fit first.parquet: .*{sentence}"):
        open_parquet_files(paths)


def test_files_may_order_their_columns_differently(tmp_path):
    turned = TABLE.select(list(reversed(TABLE.column_names)))
    table = open_parquet_files((write(tmp_path / "1.parquet"), write(tmp_path / "2.parquet", turned)))
    assert table.read_partition(1, None).equals(TABLE)


def test_range_indices_of_several_files_do_not_disturb(tmp_path):
    for number in range(2):
        pd.DataFrame({"x": range(number + 1)}).to_parquet(tmp_path / f"{number}.parquet")
    table = open_parquet_files(tuple(sorted(tmp_path.iterdir())))
    assert read(table).to_pandas()["x"].tolist() == [0, 0, 1]


def test_two_columns_of_one_name_are_refused(tmp_path):
    twins = pa.table([[1], [2]], names=["x", "x"])
    with pytest.raises(ValueError, match=r"several columns named 'x'.*distinct"):
        open_parquet(write(tmp_path / "t.parquet", twins))


def test_what_is_no_parquet_is_explained(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(KernelError, match=r"^t.parquet cannot be read as Parquet: .*write it again$"):
        open_parquet(tmp_path / "t.parquet")


def test_damaged_pages_are_an_error_never_numbers(tmp_path):
    numbers = pa.table({"x": np.random.default_rng(0).random(1000)})
    path = write(tmp_path / "t.parquet", numbers, use_dictionary=False, compression="none", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReadFailed, match=r"^t\.parquet"):
        open_parquet(path).read_partition(0, None)


def test_a_file_that_changed_since_it_was_opened_is_never_read_with_the_old_footer(tmp_path):
    table = open_parquet(write(tmp_path / "t.parquet"))
    before = table.stamp(None)
    write(tmp_path / "t.parquet", TABLE.slice(5))
    assert table.stamp(None) != before
    with pytest.raises(NotReady, match="ask again"):
        table.read_partition(0, None)


def test_a_file_of_several_may_be_replaced_by_one_that_fits(tmp_path):
    paths = (write(tmp_path / "1.parquet"), write(tmp_path / "2.parquet"))
    table = open_parquet_files(paths)
    write(paths[1], TABLE.slice(8))
    assert table.read_partition(1, None).num_rows == 2
    write(paths[1], TABLE.drop(["a"]))
    with pytest.raises(ReadFailed, match=r"2.parquet no longer fits its table: it has no column 'a'"):
        table.read_partition(1, None)


def test_a_file_that_vanished_is_gone(tmp_path):
    table = open_parquet(write(tmp_path / "t.parquet"))
    (tmp_path / "t.parquet").unlink()
    assert table.stamp(None) == (None,)
    with pytest.raises((Gone, NotReady)):
        table.read_partition(0, None)
