"""Tables that are written over HTTP: whole, by partition, row by row; and what is not taken."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
import tiled_parquet

from tiledkernel.families.table.memory import MemoryTable, describe_table
from tiledkernel.nodes.storing import parse_location
from tiledkernel.testing.keeping import Kept
from tiledkernel.testing.table_storages import rows

ARROW = "application/vnd.apache.arrow.file"
SCHEMA = rows().schema


class GrowingTable(MemoryTable):
    """A table in memory that can be written; each key counts once."""

    def __init__(self, table: pa.Table, npartitions: int = 1) -> None:
        super().__init__(table, npartitions=npartitions, generation=None)
        self.keys: list[str | None] = []

    def write(self, data: pa.Table) -> None:
        self.table = data

    def write_partition(self, partition: int, data: pa.Table) -> None:
        self.table = data

    def append_partition(self, partition: int, data: pa.Table, key: str | None = None) -> None:
        self.keys.append(key)
        self.table = pa.concat_tables([self.table, data])


def body(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def stored(tmp_path):
    """A table of two partitions in Parquet files."""
    location = parse_location(str(tmp_path / "stored"))
    return Kept.create(tmp_path, tiled_parquet.STORAGE, location, describe_table(SCHEMA, 2)).open()


@pytest.fixture
def growing():
    return GrowingTable(rows(1))


@pytest.fixture
def caller(connect, stored, growing):
    return connect(
        {"t": stored, "g": growing, "fixed": MemoryTable(rows(1))}, headers={"authorization": "Apikey secret"}
    )


def send(caller, method: str, path: str, data: Any, media_type: str | None = ARROW, **headers: str):
    content = data if isinstance(data, bytes) else body(data)
    given = {"content-type": media_type} if media_type else {}
    return caller.request(method, path, content=content, headers={**given, **headers})


def numbers(caller, path: str) -> list[int]:
    response = caller.get(path)
    assert response.status_code == 200, response.text
    return pa.ipc.open_file(response.content).read_all().column("a").to_pylist()


@pytest.mark.parametrize("path", ["table/full/t", "node/full/t"])
def test_all_rows_are_replaced(caller, path):
    response = send(caller, "PUT", path, rows(1, 2, 3))
    assert (response.status_code, response.json()) == (200, None)
    assert numbers(caller, "table/full/t") == [1, 2, 3]
    assert send(caller, "PUT", path, rows(4)).status_code == 200
    assert numbers(caller, "table/full/t") == [4]


def test_one_partition_is_replaced(caller):
    for number in (0, 1, 0):
        response = send(caller, "PUT", f"table/partition/t?partition={number}", rows(number, 7))
        assert (response.status_code, response.json()) == (200, None)
    assert numbers(caller, "table/full/t") == [0, 7, 1, 7]
    assert numbers(caller, "table/partition/t?partition=1") == [1, 7]


def test_rows_are_added(caller, growing):
    response = send(caller, "PATCH", "table/partition/g?partition=0", rows(2))
    assert (response.status_code, response.json()) == (200, None)
    send(caller, "PATCH", "table/partition/g?partition=0", rows(3), **{"idempotency-key": "k2"})
    assert numbers(caller, "table/full/g") == [1, 2, 3]
    assert growing.keys == [None, "k2"]


def test_a_form_that_cannot_grow_says_which_can(caller):
    response = send(caller, "PATCH", "table/partition/t?partition=0", rows(2))
    assert response.status_code == 405
    assert "application/x-tiled-sql-table" in response.json()["detail"]


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_bodies_may_be_compressed_as_arrow_does_it(caller, compression):
    assert send(caller, "PUT", "table/full/t", body(rows(1, 2), compression=compression)).status_code == 200
    assert numbers(caller, "table/full/t") == [1, 2]


def test_nobody_has_to_say_that_it_is_arrow(caller):
    assert send(caller, "PUT", "table/full/t", rows(5), None).status_code == 200
    assert numbers(caller, "table/full/t") == [5]


def test_without_persist_rows_are_looked_at_and_not_kept(caller, growing):
    send(caller, "PUT", "table/full/t", rows(1))
    for method, path in (
        ("PUT", "table/full/t?"),
        ("PUT", "table/partition/t?partition=0&"),
        ("PATCH", "table/partition/g?partition=0&"),
    ):
        assert send(caller, method, f"{path}persist=false", rows(9)).status_code == 200
        assert send(caller, method, f"{path}persist=false", pa.table({"c": [1]})).status_code == 422
    assert numbers(caller, "table/full/t") == numbers(caller, "table/full/g") == [1]
    assert growing.keys == []


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "table/full/t"), ("PUT", "table/partition/t?partition=0"), ("PATCH", "table/partition/g?partition=0")],
)
def test_writing_needs_its_scope(connect, stored, growing, method, path):
    caller = connect({"t": stored, "g": growing})
    response = send(caller, method, path, rows(1))
    assert response.status_code == 401
    assert "write:data" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "table/full/fixed"), ("PATCH", "table/partition/fixed?partition=0")]
)
def test_what_cannot_be_written_says_so_before_anything_is_received(caller, method, path):
    response = send(caller, method, path, b"x" * 1000)
    assert response.status_code == 405
    assert "write a new table" in response.json()["detail"]


# What is not taken


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-parquet", "application/vnd.apache.arrow.stream"])
def test_other_formats_are_not_taken(caller, media_type):
    response = send(caller, "PUT", "table/full/t", b"a,b\n1,2\n", media_type)
    assert response.status_code == 415
    assert ARROW in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("table/partition/t?partition=2", 400, "no partition 2: this table has 2"),
        ("table/partition/t?partition=-1", 400, "no partition -1"),
        ("table/partition/t", 422, "partition"),
        ("table/partition/t?partition=x", 422, "partition"),
        ("table/full/t?persist=perhaps", 422, "persist"),
        ("table/full/nothing", 404, "nothing"),
    ],
)
def test_wrong_parameters_are_explained(caller, path, status, said):
    response = send(caller, "PUT", path, rows(1))
    assert response.status_code == status
    assert said in response.text


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"a": [1]}), "'b' of type string is missing"),
        (pa.table({"a": [1], "b": ["x"], "c": [2]}), "no column 'c' in this table, which has 'a', 'b'"),
        (pa.table({"a": [1.5], "b": ["x"]}), "'a' is of type double, expected int64"),
    ],
)
def test_rows_that_do_not_fit_are_refused(caller, table, said):
    send(caller, "PUT", "table/full/t", rows(1))
    for method, path in (("PUT", "table/full/t"), ("PUT", "table/partition/t?partition=0")):
        response = send(caller, method, path, table)
        assert response.status_code == 422
        assert said in response.json()["detail"][0]["msg"]
    assert numbers(caller, "table/full/t") == [1]


def stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


WHOLE = body(rows(*range(100)))
NEAR = b"\0\0\0\0\1\0\0\0\2\0\0\0"  # where two texts of one letter begin and end
FAR = body(rows(1, 2)).replace(NEAR, b"\0\0\0\0\xff\xff\xff\x7f\2\0\0\0")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no Arrow file"),
        (b"ARROW1", "without its end"),
        (b"a,b\n1,2\n", "no Arrow file"),
        (stream(rows(1)), "new_file"),
        (WHOLE[:-10], "without its end"),
        (WHOLE[:200], "without its end"),
        (WHOLE[:300] + WHOLE[-10:], "damaged"),
        (WHOLE[:-20] + b"\xff" * 14 + b"ARROW1", "damaged"),
        (FAR, "damaged"),
    ],
    ids=["empty", "begin", "text", "stream", "cut", "cut early", "hollow", "footer", "offsets"],
)  # fmt: skip
def test_a_damaged_body_is_refused_and_nothing_has_changed(caller, content, said):
    send(caller, "PUT", "table/full/t", rows(1))
    response = send(caller, "PUT", "table/full/t", content)
    assert response.status_code == 422
    assert said in response.text
    assert numbers(caller, "table/full/t") == [1]


def test_what_would_take_too_much_memory_is_refused_before_it_is_unpacked(caller):
    """A few bytes that say that they stand for many."""
    packed = body(pa.table({"a": [0] * 100_000, "b": [""] * 100_000}, SCHEMA), compression="zstd")
    size = (800_000).to_bytes(8, "little")
    assert size in packed
    response = send(caller, "PUT", "table/full/t", packed.replace(size, (1 << 40).to_bytes(8, "little")))
    assert response.status_code == 422
    assert "memory" in response.text


def test_columns_without_values_are_counted_too(caller):
    """A column of nothing but gaps takes no memory, however long it is."""
    few = body(pa.table({"a": pa.nulls(99_991), "b": pa.nulls(99_991)}))
    many = few.replace((99_991).to_bytes(8, "little"), (10**12).to_bytes(8, "little"))
    response = send(caller, "PUT", "table/full/t", many)
    assert response.status_code == 422
    assert "memory" in response.text


def test_dictionaries_are_counted_for_what_they_stand_for(caller):
    """A text of a million letters that is referred to a hundred thousand times."""
    indices = pa.array([0] * 100_000, pa.int8())
    table = pa.table({"a": [1] * 100_000, "b": pa.DictionaryArray.from_arrays(indices, ["x" * 1_000_000])})
    response = send(caller, "PUT", "table/full/t", table)
    assert response.status_code == 422
    assert "memory" in response.text


@pytest.mark.parametrize(
    "noted", [b"{", b"[]", b'{"index_columns": 5}', b"[" * 100_000, b"\xff", b'{"index_columns": [[1]]}']
)
def test_what_pandas_notes_need_not_be_true(caller, noted):
    """It is a text like any other, which anybody may have written."""
    response = send(caller, "PUT", "table/full/t", rows(1).replace_schema_metadata({b"pandas": noted}))
    assert response.status_code in (200, 422)


def test_an_index_that_is_only_noted_must_be_as_long_as_the_table(tmp_path, connect):
    schema = SCHEMA.append(pa.field("__index_level_0__", pa.int64()))
    location = parse_location(str(tmp_path / "stored"))
    kept = Kept.create(tmp_path, tiled_parquet.STORAGE, location, describe_table(schema))
    caller = connect({"t": kept.open()}, headers={"authorization": "Apikey secret"})
    frame = rows(5, 6).to_pandas()
    frame.index = range(3, 5)
    assert send(caller, "PUT", "table/full/t", pa.Table.from_pandas(frame)).status_code == 200
    assert kept.open().read_partition(0, None).column("__index_level_0__").to_pylist() == [3, 4]
    noted = pa.Table.from_pandas(frame)
    note = noted.schema.metadata[b"pandas"].replace(b'"stop": 5', b'"stop": 1000000000000')
    longer = noted.replace_schema_metadata({b"pandas": note})
    response = send(caller, "PUT", "table/full/t", longer)
    assert response.status_code == 422
    assert "there are 2 rows" in response.text


def test_a_reader_of_all_partitions_holds_one_moment(connect):
    """The table is asked for it once; what is added meanwhile comes with the next request."""

    class Held(GrowingTable):
        held = 0

        def steady(self) -> MemoryTable:
            self.held += 1
            return MemoryTable(self.table.slice(0, 2), npartitions=2, generation=None)

    table = Held(rows(1, 2, 3, 4), npartitions=2)
    caller = connect({"t": table})
    assert numbers(caller, "table/full/t") == [1, 2]
    assert table.held == 1


def test_a_key_of_an_append_has_a_bound(caller, growing):
    headers = {"idempotency-key": "k" * 256}
    assert send(caller, "PATCH", "table/partition/g?partition=0", rows(2), **headers).status_code == 400
    assert growing.keys == []
