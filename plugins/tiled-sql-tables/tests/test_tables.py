"""Tables in databases: shared, kept apart, and safe from each other and from what else is there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pytest
import tiled_sql_tables
from tiled_sql_tables import databases, registers, storage

from tiledkernel.errors import Conflict, Gone, NotReady, TooLarge, Unavailable, Unprocessable
from tiledkernel.families.table.describe import describe_table
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import Location, new_name, parse_location
from tiledkernel.testing.keeping import Kept
from tiledkernel.testing.table_storages import content, rows

SCHEMA = rows().schema
KINDS = ["duckdb", "sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def location(request: pytest.FixtureRequest, new_uri: Callable[[str], str]) -> Iterator[Location]:
    location = parse_location(new_uri(request.param))
    yield location
    storage.close(location)


@pytest.fixture
def create(tmp_path, location):
    def make(schema: pa.Schema = SCHEMA, npartitions: int = 1, **parameters: Any) -> Kept:
        source = DataSource(
            structure_family="table",
            structure=msgspec.to_builtins(describe_table(schema, npartitions)),
            parameters=parameters,
            management="writable",
        )
        made = storage.create(source, location, new_name())
        path = tmp_path / f"{new_name()}.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(made, id=1)))
        return Kept(path, tiled_sql_tables.STORAGE, location)

    return make


def run(location: Location, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with storage.database_of(location).writing() as session:
        return session.run(statement, *values)


def parameters(kept: Kept) -> dict[str, Any]:
    return kept.keeper.current().parameters


# Shared tables


def test_tables_with_the_same_columns_share_one(create, location):
    one, other = create(), create()
    assert parameters(one)["table_name"] == parameters(other)["table_name"]
    assert parameters(one)["dataset_id"] != parameters(other)["dataset_id"]
    one.open().append_partition(0, rows(1))
    other.open().append_partition(0, rows(2))
    one.open().write(rows(3))
    assert (content(one), content(other)) == ([[3]], [[2]])


def test_other_programs_find_the_rows_by_the_name_that_the_user_chose(create, location):
    kept = create(table_name="Scans_2024")
    kept.open().append_partition(0, rows(1, 2))
    assert parameters(kept)["table_name"] == "scans_2024"
    dataset = parameters(kept)["dataset_id"]
    assert run(location, f'SELECT "a", "b" FROM scans_2024 WHERE _dataset_id = {dataset} ORDER BY _row') == [
        (1, "1"),
        (2, "2"),
    ]


def test_a_table_goes_with_its_last_data_set(create, location):
    one, other = create(table_name="scans"), create(table_name="scans")
    find = storage.database_of(location).find_table
    one.delete()
    assert run(location, find, "scans")
    other.delete()
    assert not run(location, find, "scans")
    again = create(table_name="scans")
    again.open().append_partition(0, rows(1))
    one.delete()
    assert content(again) == [[1]]


def test_a_table_of_other_columns_is_a_conflict(create):
    create(table_name="scans")
    with pytest.raises(Conflict, match="'scans' has other columns"):
        create(pa.schema([("x", pa.int64())]), table_name="scans")


def test_columns_that_rest_alike_share_a_table_and_come_back_as_they_were(create):
    one = create(pa.schema([("x", pa.string())]), table_name="texts")
    other = create(pa.schema([("x", pa.large_string())]), table_name="texts")
    one.open().write(pa.table({"x": ["a"]}))
    other.open().write(pa.table({"x": ["b"]}))
    assert one.open().read_partition(0, None).schema.field("x").type == pa.string()
    assert other.open().read_partition(0, None).schema.field("x").type == pa.large_string()


def test_a_table_that_was_not_made_here_is_not_touched(create, location):
    run(location, "CREATE TABLE nodes (x INTEGER)")
    run(location, "INSERT INTO nodes VALUES (7)")
    with pytest.raises(Conflict, match="'nodes'"):
        create(table_name="nodes")
    assert run(location, "SELECT x FROM nodes") == [(7,)]


@pytest.mark.parametrize(
    "name", ["", "1a", "a b", "a;drop table x", 'a"b', "_tiled_tables", "a" * 64, "pg_class", "sqlite_master", "é", 5]
)
def test_names_that_no_table_has_are_refused(create, location, name):
    with pytest.raises(Unprocessable, match="name of a table"):
        create(table_name=name)


def test_parameters_that_nobody_knows_are_refused(create):
    with pytest.raises(Unprocessable, match="'dataset_id' is no parameter"):
        create(dataset_id=1)


# Columns


@pytest.mark.parametrize("name", ["", "_row", "_DATASET_ID", "x\0y", "x" * 2000])
def test_names_that_no_column_has_are_refused(create, name):
    with pytest.raises(Unprocessable):
        create(pa.schema([("a", pa.int64()), (name, pa.int64())]))


def test_columns_must_differ_in_more_than_case(create):
    with pytest.raises(Unprocessable, match="'A' and 'a'"):
        create(pa.schema([("A", pa.int64()), ("a", pa.int64())]))


def test_categories_may_become_many(create):
    narrow = pa.dictionary(pa.int8(), pa.string())
    kept = create(pa.schema([("x", narrow)]))
    for start in range(0, 400, 100):
        some = pa.array([str(number) for number in range(start, start + 100)]).dictionary_encode()
        kept.open().append_partition(0, pa.table({"x": some}))
    found = kept.open().read_partition(0, None).column("x")
    assert found.type == pa.dictionary(pa.int32(), pa.string())
    assert found.to_pylist() == [str(number) for number in range(400)]


# Values that one of them cannot hold


def test_what_a_database_cannot_hold_is_refused_and_nothing_has_changed(new_uri, tmp_path):
    location = parse_location(new_uri("postgresql"))
    schema = pa.schema([("t", pa.string()), ("d", pa.timestamp("s"))])
    kept = Kept.create(tmp_path, tiled_sql_tables.STORAGE, location, describe_table(schema))
    good = {"t": ["x"], "d": pa.array([0], pa.timestamp("s"))}
    kept.open().append_partition(0, pa.table(good))
    with pytest.raises(Unprocessable, match="NUL"):
        kept.open().append_partition(0, pa.table(good | {"t": ["a\0b"]}))
    for moment in (-(10**11), 10**12, 10**18):
        with pytest.raises(Unprocessable, match="'d'"):
            kept.open().append_partition(0, pa.table(good | {"d": pa.array([moment], pa.timestamp("s"))}))
    assert kept.open().read_partition(0, None).equals(pa.table(good))
    storage.close(location)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_texts_may_have_any_sign(new_uri, tmp_path, kind):
    location = parse_location(new_uri(kind))
    kept = Kept.create(tmp_path, tiled_sql_tables.STORAGE, location, describe_table(pa.schema([("x", pa.string())])))
    kept.open().write(pa.table({"x": ["a\0b", "\U0010ffff"]}))
    assert kept.open().read_partition(0, None).column("x").to_pylist() == ["a\0b", "\U0010ffff"]
    storage.close(location)


# One moment


def test_who_takes_several_partitions_sees_one_moment(create):
    kept = create(npartitions=2)
    kept.open().append_partition(0, rows(1))
    held = kept.open().steady()
    kept.open().append_partition(0, rows(2))
    kept.open().append_partition(1, rows(3))
    assert [held.read_partition(number, ["a"]).column("a").to_pylist() for number in range(2)] == [[1], []]
    assert content(kept) == [[1, 2], [3]]


def test_who_takes_several_partitions_is_told_if_rows_were_replaced(create):
    kept = create(npartitions=2)
    kept.open().write(rows(1, 2))
    held = kept.open().steady()
    held.read_partition(0, None)
    kept.open().write_partition(1, rows(3))
    with pytest.raises(NotReady, match="ask again"):
        held.read_partition(1, None)


def test_what_is_too_large_to_be_read_at_once_is_not_read(create, monkeypatch):
    kept = create()
    kept.open().write(rows(*range(1000)))
    monkeypatch.setattr(databases, "MAX_READ", 1000)
    with pytest.raises(TooLarge, match="name fewer columns"):
        kept.open().read_partition(0, None)


# Lasting


def test_rows_survive_a_restart(create, location):
    kept = create()
    kept.open().append_partition(0, rows(1), key="k")
    storage.close(location)
    kept.open().append_partition(0, rows(1), key="k")
    kept.open().append_partition(0, rows(2))
    assert content(kept) == [[1, 2]]


def test_keys_are_forgotten_after_a_day(create, location, monkeypatch):
    kept = create()
    kept.open().append_partition(0, rows(1), key="old")
    later = time.time() + 2 * 86_400
    monkeypatch.setattr(registers.time, "time", lambda: later)
    kept.open().append_partition(0, rows(2), key="new")
    assert run(location, "SELECT count(*) FROM _tiled_appends") == [(1,)]


KILLED = """
import os, signal, sys
import msgspec
from pathlib import Path
from tiled_sql_tables import STORAGE, registers
from tiledkernel.nodes.storing import Location
from tiledkernel.testing.keeping import Kept
from tiledkernel.testing.table_storages import rows

registers_move_on = registers.move_on
def die(*arguments):
    registers_move_on(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
import tiled_sql_tables.table
tiled_sql_tables.table.move_on = die
kept = Kept(Path(sys.argv[1]), STORAGE, msgspec.json.decode(sys.argv[2], type=Location))
kept.open().append_partition(0, rows(*range(1000)), key="k")
"""


def test_a_process_that_is_killed_adds_nothing(create, location):
    kept = create()
    kept.open().append_partition(0, rows(1))
    storage.close(location)
    arguments = [str(kept.keeper.path), msgspec.json.encode(location).decode()]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr.decode()
    assert content(kept) == [[1]]
    kept.open().append_partition(0, rows(2), key="k")
    assert content(kept) == [[1, 2]]


def test_rows_that_were_removed_behind_our_back_are_gone(create, location):
    kept = create()
    run(location, "DELETE FROM _tiled_datasets")
    with pytest.raises(Gone, match="are gone"):
        kept.open().read_partition(0, None)


# Places


def test_nobody_learns_the_password(create, location):
    said = json.dumps(msgspec.to_builtins(create().keeper.current()))
    assert "sesame" not in said
    assert "postgres:" not in said


def test_a_database_that_cannot_be_reached_is_told_without_its_address(tmp_path):
    location = parse_location(f"postgresql://user:sesame@/db?host={tmp_path}")
    with pytest.raises(NotReady, match="cannot be reached") as caught:
        Kept.create(tmp_path, tiled_sql_tables.STORAGE, location, describe_table(SCHEMA))
    assert "sesame" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_file_of_another_kind_is_told(tmp_path, kind):
    (tmp_path / "x.db").write_bytes(b"no database at all" * 1000)
    location = parse_location(f"{kind}:///{tmp_path}/x.db")
    with pytest.raises(NotReady, match="cannot be used"):
        Kept.create(tmp_path, tiled_sql_tables.STORAGE, location, describe_table(SCHEMA))
    storage.close(location)


def test_a_file_of_duckdb_that_another_process_has_is_told(new_uri, tmp_path):
    location = parse_location(new_uri("duckdb"))
    kept = Kept.create(tmp_path, tiled_sql_tables.STORAGE, location, describe_table(SCHEMA))
    storage.close(location)
    path = location.uri.removeprefix("duckdb:///")
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({path!r}); print('open', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(NotReady, match="in use by another process"):
        kept.open().read_partition(0, None)
    holder.communicate(b"\n")
    assert content(kept) == [[]]
    storage.close(location)


def test_a_database_that_was_lost_is_told(create, location):
    kept = create()
    for table in ("_tiled_datasets", "_tiled_tables", "_tiled_appends"):
        run(location, f"DROP TABLE {table}")
    with pytest.raises(Gone, match="are gone"):
        kept.open().read_partition(0, None)


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "duckdb:///:memory:", "sqlite://elsewhere/x.db"])
def test_databases_that_do_not_last_are_refused(tmp_path, uri):
    with pytest.raises(Unavailable, match="no file that lasts"):
        Kept.create(tmp_path, tiled_sql_tables.STORAGE, Location(uri), describe_table(SCHEMA))


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tiledkernel.references.installed", lambda module: module != "duckdb")
    location = parse_location(f"duckdb:///{tmp_path}/x.duckdb")
    with pytest.raises(Unavailable, match=r"tiled-sql-tables\[duckdb\]"):
        Kept.create(tmp_path, tiled_sql_tables.STORAGE, location, describe_table(SCHEMA))


def test_all_who_use_a_location_share_its_database(location):
    assert storage.database_of(location) is storage.database_of(Location(location.uri))


def test_the_plugin_loads_nothing_heavy():
    heavy = ("pyarrow", "duckdb", "psycopg", "numpy", "sqlite3")
    code = f"import sys, tiled_sql_tables; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.split()
