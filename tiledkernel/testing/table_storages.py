"""What every storage of tables must do, as a class of tests that a plugin's test class inherits."""

from __future__ import annotations

import datetime
import decimal
import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pyarrow as pa
import pytest

from tiledkernel.errors import BadRequest, KernelError, NotAllowed, NotFound, NotReady, Unprocessable
from tiledkernel.nodes.protocols import Stamped
from tiledkernel.nodes.storing import Location, parse_location
from tiledkernel.nodes.writing import WritableTable
from tiledkernel.records import Storage
from tiledkernel.references import load
from tiledkernel.testing.keeping import Kept, at_once

_DAY = datetime.date
_MOMENTS = [0, None, -1, 1_600_000_000, 253_402_300_799]  # up to the end of the year 9999, in seconds

# Columns whose values must come back exactly as they were, with what is easily lost: gaps, edges, signs, lengths.
COLUMNS: dict[str, Any] = {
    "bool": pa.array([True, None, False, True, None]),
    "int8": pa.array([-128, None, 127, 0, -1], pa.int8()),
    "int16": pa.array([-(2**15), None, 2**15 - 1, 0, -1], pa.int16()),
    "int32": pa.array([-(2**31), None, 2**31 - 1, 0, -1], pa.int32()),
    "int64": pa.array([-(2**63), None, 2**63 - 1, 0, -1], pa.int64()),
    "uint8": pa.array([0, None, 255, 1, 2], pa.uint8()),
    "uint16": pa.array([0, None, 2**16 - 1, 1, 2], pa.uint16()),
    "uint32": pa.array([0, None, 2**32 - 1, 1, 2], pa.uint32()),
    "uint64": pa.array([0, None, 2**64 - 1, 2**63, 2], pa.uint64()),
    "float16": pa.array([0.5, None, float("inf"), -2.0, 65504.0], pa.float16()),
    "float32": pa.array([0.1, None, float("-inf"), 1e-45, 3.4028234e38], pa.float32()),
    "float64": pa.array([0.1, None, float("inf"), 5e-324, 1.7976931348623157e308], pa.float64()),
    "text": pa.array(["", None, "NULL", 'a,"b"\n\r\nc', "µ\U0001f600"]),
    "large_text": pa.array(["x", None, "", "nan", " y "], pa.large_string()),
    "bytes": pa.array([b"\xff\0", None, b"", b"\n", b'"']),
    "large_bytes": pa.array([b"\xff\0", None, b"", b"\n", b'"'], pa.large_binary()),
    "fixed_bytes": pa.array([b"abc", None, b"\0\0\0", b"\xff\xfe\xfd", b"   "], pa.binary(3)),
    "date": pa.array([_DAY(1970, 1, 1), None, _DAY(1, 1, 1), _DAY(9999, 12, 31), _DAY(2024, 2, 29)], pa.date32()),
    "date_ms": pa.array([_DAY(1970, 1, 1), None, _DAY(1, 1, 1), _DAY(9999, 12, 31), _DAY(2024, 2, 29)], pa.date64()),
    "time_s": pa.array([0, None, 86_399, 1, 2], pa.time32("s")),
    "time_ms": pa.array([0, None, 86_399_999, 1, 2], pa.time32("ms")),
    "time_us": pa.array([0, None, 86_399_999_999, 1, 2], pa.time64("us")),
    "time_ns": pa.array([0, None, 86_399_999_999_999, 1, 2], pa.time64("ns")),
    "moment_s": pa.array(_MOMENTS, pa.timestamp("s")),
    "moment_ms": pa.array([value and value * 1000 + 1 for value in _MOMENTS], pa.timestamp("ms")),
    "moment_us": pa.array([value and value * 1_000_000 + 1 for value in _MOMENTS], pa.timestamp("us")),
    "moment_ns": pa.array([0, None, -1, 2**62, 1_600_000_000_123_456_789], pa.timestamp("ns")),
    "moment_utc": pa.array([0, None, -1, 1, 1_600_000_000_123_456], pa.timestamp("us", "UTC")),
    "moment_zone": pa.array([0, None, -1, 1, 1_600_000_000], pa.timestamp("s", "Europe/Berlin")),
    "moment_zone_ns": pa.array([0, None, -1, 1, 1_600_000_000_123_456_789], pa.timestamp("ns", "+05:30")),
    "span": pa.array([0, None, -1, 2**62, 7], pa.duration("ns")),
    "decimal": pa.array([decimal.Decimal(text) if text else None for text in ("0.00", "", "-99.99", "12.30", "1.00")]),
    "wide_decimal": pa.array([decimal.Decimal("1" * 38), None, decimal.Decimal(0), decimal.Decimal(-1), None]).cast(
        pa.decimal128(38, 0)
    ),
    "widest_decimal": pa.array([1, None, 0, -1, 2], pa.decimal256(70, 3)),
    "category": pa.array(["x", None, "x", "", "y"]).dictionary_encode(),
    "number_category": pa.array([5, None, 5, 0, 7]).dictionary_encode(),
    "list": pa.array([[1, None], None, [], [2], [3, 4]]),
    "text_list": pa.array([["a", None], None, [], [""], ["b"]], pa.large_list(pa.string())),
    "pair": pa.array([[1, 2], None, [3, None], [5, 6], [7, 8]], pa.list_(pa.int16(), 2)),
    "lists": pa.array([[[1], []], None, [], [None], [[2, 3]]]),
    "record": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": ""}, {"a": 2, "b": None}, {"a": 3, "b": "z"}]),
    "map": pa.array([[("x", 1)], None, [], [("y", None)], [("", 2)]], pa.map_(pa.string(), pa.int32())),
}
_TYPES: dict[str, Any] = {"a": pa.int64(), "b": pa.string()}
_SCHEMA = pa.schema(_TYPES)


def rows(*numbers: int) -> pa.Table:
    """Rows of a table with the columns a and b."""
    return pa.table({"a": list(numbers), "b": [str(number) for number in numbers]}, _SCHEMA)


class TableStorageContract:
    """Inherit, set `storage`; overwrite the fixture `location` for places other than a folder.

    - `storage`: the record that the plugin registers, of the family 'table'.
    - `refuses`: names of those of `COLUMNS` that it cannot hold, and says so when a table is made.
    - `appends`: whether rows can be added.
    """

    storage: ClassVar[Storage]
    refuses: ClassVar[frozenset[str]] = frozenset()
    appends: ClassVar[bool] = False

    @pytest.fixture
    def location(self, tmp_path: Path) -> Location:
        """An empty place for data."""
        return parse_location(str(tmp_path / "stored"))

    @pytest.fixture
    def create(self, tmp_path: Path, location: Location) -> Callable[..., Kept]:
        """Make a table with the columns of a schema, without rows."""

        def make(schema: pa.Schema = _SCHEMA, npartitions: int = 1, **changes: Any) -> Kept:
            structure = load("tiledkernel.families.table.describe:describe_table")(schema, npartitions)
            changed = {**msgspec.to_builtins(structure), **changes}
            return Kept.create(tmp_path, self.storage, location, changed)

        return make

    # What is made

    def test_a_new_table_says_where_it_is_and_in_which_form(
        self, create: Callable[..., Kept], location: Location
    ) -> None:
        """Clients and the catalog learn it from the data source."""
        source = create(_SCHEMA, 3).keeper.current()
        assert source.mimetype == self.storage.media_type
        assert source.management == "writable"
        assert source.assets, "name what the data lie in: the catalog finds the place by it, and deletes it"
        assert all(location.holds(asset.data_uri) for asset in source.assets)
        assert source.structure["columns"] == ["a", "b"]
        assert source.structure["npartitions"] == 3

    def test_the_node_has_the_abilities(self, create: Callable[..., Kept]) -> None:
        """The routes that write ask for the first, caches for the second."""
        node = create().open()
        assert isinstance(node, WritableTable)
        assert isinstance(node, Stamped)

    def test_a_table_to_which_nothing_was_written_has_columns_and_no_rows(self, create: Callable[..., Kept]) -> None:
        """In each of its partitions."""
        kept = create(_SCHEMA, 2)
        for partition in range(2):
            assert kept.open().read_partition(partition, None).equals(_SCHEMA.empty_table())

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"npartitions": 0}, "partitions"),
            ({"npartitions": -1}, "partitions"),
            ({"npartitions": 10**12}, "partitions"),
            ({"columns": ["a"]}, "'b'"),
            ({"columns": ["a", "b", "c"]}, "'c'"),
            ({"arrow_schema": "AAAA"}, "arrow_schema"),
            ({"arrow_schema": "data:application/vnd.apache.arrow.file;base64,%%%"}, "arrow_schema"),
            ({"arrow_schema": "data:application/vnd.apache.arrow.file;base64,/////wAAAAA="}, "arrow_schema"),
            ({"arrow_schema": 5}, "structure"),
        ],
        ids=str,
    )
    def test_tables_that_cannot_be_are_refused_before_anything_is_made(
        self, create: Callable[..., Kept], location: Location, changes: dict[str, Any], message: str
    ) -> None:
        """With a sentence."""
        with pytest.raises(Unprocessable, match=message):
            create(_SCHEMA, **changes)
        assert not self.files(location)

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            (pa.string_view(), "x"),
            (pa.run_end_encoded(pa.int32(), pa.int8()), "x"),
            (pa.list_(pa.dictionary(pa.int8(), pa.string())), "x"),
            (pa.month_day_nano_interval(), "x"),
            (pa.dense_union([pa.field("a", pa.int8())]), "x"),
        ],
        ids=str,
    )
    def test_types_that_are_bound_to_the_memory_of_one_program_are_refused(
        self, create: Callable[..., Kept], kind: pa.DataType, name: str
    ) -> None:
        """The column is named."""
        with pytest.raises(Unprocessable, match=f"'{name}'"):
            create(pa.schema([("y", pa.int8()), (name, kind)]))

    def test_two_columns_of_one_name_are_refused(self, create: Callable[..., Kept]) -> None:
        """Columns are asked for by their names."""
        with pytest.raises(Unprocessable, match="'a'"):
            create(pa.schema([("a", pa.int8()), ("a", pa.int8())]))

    # What is written is read

    @pytest.mark.parametrize("name", COLUMNS)
    def test_every_type_comes_back_as_it_was_or_is_refused(self, create: Callable[..., Kept], name: str) -> None:
        """Whole, in parts, and when there are no rows."""
        table = pa.table({"first": [1, 2, 3, 4, 5], name: COLUMNS[name]})
        if name in self.refuses:
            with pytest.raises(Unprocessable, match=f"'{name}'"):
                create(table.schema)
            return
        kept = create(table.schema)
        assert kept.open().read_partition(0, None).num_rows == 0
        kept.open().write(table)
        assert_same(kept.open().read_partition(0, None), table)
        kept.open().write_partition(0, table.slice(1, 2))
        assert_same(kept.open().read_partition(0, [name]), table.select([name]).slice(1, 2))

    @pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
    def test_a_number_that_is_none_is_told_from_a_missing_one(
        self, create: Callable[..., Kept], kind: pa.DataType
    ) -> None:
        """And a negative zero from a positive one."""
        values = pa.array([float("nan"), None, -0.0, 0.0], kind)
        kept = create(pa.schema([("x", kind)]))
        kept.open().write(pa.table({"x": values}))
        found = kept.open().read_partition(0, None).column("x").combine_chunks()
        assert found.null_count == 1
        assert str(found.to_pylist()) == "[nan, None, -0.0, 0.0]"

    def test_columns_come_in_the_order_in_which_they_are_asked_for(self, create: Callable[..., Kept]) -> None:
        """And no others."""
        kept = create()
        kept.open().write(rows(1, 2))
        assert kept.open().read_partition(0, ["b", "a"]).equals(rows(1, 2).select(["b", "a"]))
        assert kept.open().read_partition(0, ["b"]).column_names == ["b"]

    def test_a_column_that_there_is_not_is_a_key_error(self, create: Callable[..., Kept]) -> None:
        """As of every table."""
        with pytest.raises(KeyError, match="c"):
            create().open().read_partition(0, ["a", "c"])

    def test_columns_may_have_any_name(self, create: Callable[..., Kept]) -> None:
        """Names are what users have, with signs that mean something to programs."""
        names = ['we"ird', "a.b", "%s", "$1", "semi;colon", "--", "select", "µ", "two words", "?", "{}", "'", "\\"]
        table = pa.table({name: [number] for number, name in enumerate(names)})
        kept = create(table.schema)
        kept.open().write(table)
        assert kept.open().read_partition(0, None).equals(table)

    def test_long_values_come_back(self, create: Callable[..., Kept]) -> None:
        """Of several megabytes, with every sign in them."""
        text = 'a,"\n' * (1 << 20)
        kept = create(pa.schema([("x", pa.string())]))
        kept.open().write(pa.table({"x": [text, "short", None, text]}))
        assert kept.open().read_partition(0, None).column("x").to_pylist() == [text, "short", None, text]

    def test_rows_are_kept_in_their_order(self, create: Callable[..., Kept]) -> None:
        """However many there are."""
        numbers = [(number * 7919) % 100_003 for number in range(100_003)]
        kept = create(pa.schema([("x", pa.int64())]))
        kept.open().write(pa.table({"x": numbers}))
        assert kept.open().read_partition(0, None).column("x").to_pylist() == numbers

    # Partitions

    def test_a_partition_is_replaced_by_itself(self, create: Callable[..., Kept]) -> None:
        """The others stay."""
        kept = create(_SCHEMA, 3)
        for partition in range(3):
            kept.open().write_partition(partition, rows(partition, partition))
        kept.open().write_partition(1, rows(7))
        assert content(kept) == [[0, 0], [7], [2, 2]]

    def test_a_table_that_is_written_as_a_whole_is_divided(self, create: Callable[..., Kept]) -> None:
        """Into partitions of about the same size, in order."""
        kept = create(_SCHEMA, 3)
        kept.open().write(rows(*range(10)))
        assert content(kept) == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
        kept.open().write(rows(5))
        assert [*itertools.chain(*content(kept))] == [5]

    @pytest.mark.parametrize("partition", [-1, 2])
    def test_a_partition_that_there_is_not_is_refused(self, create: Callable[..., Kept], partition: int) -> None:
        """Before anything is changed."""
        with pytest.raises(BadRequest, match="numbered from 0"):
            create(_SCHEMA, 2).open().write_partition(partition, rows(1))

    # What does not fit

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (pa.table({"a": [1]}), "'b'"),
            (pa.table({"a": [1], "b": ["1"], "c": [1]}), "'c'"),
            (pa.table({"a": [1.5], "b": ["1"]}), "'a' is of type double, expected int64"),
            (pa.table({"a": [1], "b": [1]}), "'b' is of type int64, expected string"),
            (pa.table({"a": pa.array([1], pa.int32()), "b": ["1"]}), "'a' is of type int32, expected int64"),
        ],
        ids=["missing", "one more", "float", "number", "narrower"],
    )
    def test_rows_that_do_not_fit_are_refused_and_nothing_has_changed(
        self, create: Callable[..., Kept], wrong: pa.Table, message: str
    ) -> None:
        """The column is named, with what was found and what was expected."""
        kept = create()
        kept.open().write(rows(1))
        for change in (kept.open().write, lambda table: kept.open().write_partition(0, table)):
            with pytest.raises(Unprocessable, match=message):
                change(wrong)
        assert content(kept) == [[1]]

    def test_columns_may_come_in_another_order_and_another_layout(self, create: Callable[..., Kept]) -> None:
        """What they hold is the same."""
        kept = create()
        kept.open().write(pa.table({"b": pa.array(["x", None]).dictionary_encode(), "a": [1, 2]}))
        kept.open().write_partition(0, pa.table({"b": pa.array(["y"], pa.large_string()), "a": pa.nulls(1)}))
        found = kept.open().read_partition(0, None)
        assert found.equals(pa.table({"a": pa.array([None], pa.int64()), "b": ["y"]}, _SCHEMA))

    def test_values_that_must_be_there_are_asked_for(self, create: Callable[..., Kept]) -> None:
        """If the schema says that none is missing."""
        schema = pa.schema([pa.field("x", pa.int64(), nullable=False)])
        kept = create(schema)
        kept.open().write(pa.table({"x": [1]}, schema))
        with pytest.raises(Unprocessable, match="'x'"):
            kept.open().write(pa.table({"x": [None]}, pa.schema([("x", pa.int64())])))
        assert kept.open().read_partition(0, None).equals(pa.table({"x": [1]}, schema))

    def test_the_unnamed_index_of_a_data_frame_is_kept_only_if_the_table_has_one(
        self, create: Callable[..., Kept]
    ) -> None:
        """Pandas sends it along; where nobody asked for it, it goes."""
        table = rows(1, 2).append_column("__index_level_0__", pa.array([5, 6]))
        kept = create()
        kept.open().write(table)
        assert content(kept) == [[1, 2]]
        with_index = create(table.schema, columns=["a", "b", "__index_level_0__"])
        with_index.open().write(table)
        assert with_index.open().read_partition(0, None).column("__index_level_0__").to_pylist() == [5, 6]

    # Adding rows

    def test_rows_are_added_or_it_is_said_why_not(self, create: Callable[..., Kept]) -> None:
        """To one partition."""
        kept = create(_SCHEMA, 2)
        if not self.appends:
            with pytest.raises(NotAllowed, match="x-tiled-sql-table"):
                kept.open().append_partition(0, rows(1))
            return
        kept.open().append_partition(1, rows(1, 2))
        kept.open().append_partition(0, rows(3))
        kept.open().append_partition(1, rows(4))
        kept.open().append_partition(1, rows())
        assert content(kept) == [[3], [1, 2, 4]]

    def test_a_table_that_was_replaced_goes_on_growing(self, create: Callable[..., Kept]) -> None:
        """Whichever way it was replaced."""
        if self.appends:
            kept = create()
            kept.open().append_partition(0, rows(1))
            kept.open().write(rows(2))
            kept.open().append_partition(0, rows(3))
            kept.open().write_partition(0, rows(4))
            kept.open().append_partition(0, rows(5))
            assert content(kept) == [[4, 5]]

    def test_rows_with_a_key_are_added_once(self, create: Callable[..., Kept]) -> None:
        """A client that got no answer asks again."""
        if self.appends:
            kept, other = create(), create()
            for _ in range(3):
                kept.open().append_partition(0, rows(1), key="one")
            kept.open().append_partition(0, rows(1), key="two")
            other.open().append_partition(0, rows(9), key="one")
            assert content(kept) == [[1, 1]]
            assert content(other) == [[9]]

    def test_rows_with_a_key_are_added_once_by_many_at_once(self, create: Callable[..., Kept]) -> None:
        """The first may not have ended when the second comes."""
        if self.appends:
            kept = create()
            at_once(*[lambda: kept.open().append_partition(0, rows(*range(50)), key="x")] * 4)
            assert content(kept) == [list(range(50))]

    def test_rows_that_do_not_fit_are_not_added(self, create: Callable[..., Kept]) -> None:
        """And the key is not used up."""
        if self.appends:
            kept = create()
            with pytest.raises(Unprocessable, match="'a'"):
                kept.open().append_partition(0, pa.table({"a": ["x"], "b": ["x"]}), key="x")
            kept.open().append_partition(0, rows(1), key="x")
            assert content(kept) == [[1]]

    def test_who_reads_sees_whole_batches(self, create: Callable[..., Kept]) -> None:
        """All rows of each, in the order in which they were added, however many add some."""
        if not self.appends:
            return
        kept = create()
        size, batches, writers = 500, 8, 2
        done = threading.Event()
        seen: list[list[int]] = []

        def append(writer: int) -> Callable[[], None]:
            def add() -> None:
                for number in range(batches):
                    kept.open().append_partition(0, rows(*[writer * 100 + number] * size))

            return add

        def read() -> None:
            while not done.is_set():
                seen.append(content(kept)[0])

        reader = threading.Thread(target=read)
        reader.start()
        try:
            at_once(*map(append, range(writers)))
        finally:
            done.set()
            reader.join()
        for found in [*seen, content(kept)[0]]:
            firsts = found[::size]
            assert found == [first for first in firsts for _ in range(size)]
            for writer in range(writers):
                own = [first for first in firsts if first // 100 == writer]
                assert own == [writer * 100 + number for number in range(len(own))]
        assert len(content(kept)[0]) == size * batches * writers

    # Together

    def test_who_reads_sees_one_state_of_a_table_that_is_replaced(self, create: Callable[..., Kept]) -> None:
        """Or is told to ask again; never half of one and half of another."""
        kept = create(_SCHEMA, 2)
        kept.open().write(rows(*[0] * 100))
        done = threading.Event()
        seen: list[set[int]] = []

        def write() -> None:
            try:
                for number in range(1, 12):
                    kept.open().write(rows(*[number] * 100))
            finally:
                done.set()

        def read() -> None:
            while not done.is_set():
                try:
                    found = content(kept)
                except NotReady:
                    continue
                assert sum(map(len, found)) == 100
                seen.append({value for part in found for value in part})

        at_once(write, read)
        assert all(len(values) == 1 for values in seen)
        assert content(kept) == [[11] * 50] * 2

    def test_a_partition_that_is_written_after_all_were_replaced_is_not_lost(self, create: Callable[..., Kept]) -> None:
        """Also by one who has found the table before."""
        kept = create(_SCHEMA, 2)
        known = kept.open()
        kept.open().write(rows(1, 2))
        known.write_partition(0, rows(7))
        assert content(kept) == [[7], [2]]

    def test_what_was_replaced_is_still_read_by_those_who_have_found_it_before(
        self, create: Callable[..., Kept]
    ) -> None:
        """They see what is there now."""
        kept = create()
        known = kept.open()
        kept.open().write(rows(1))
        assert known.read_partition(0, None).equals(rows(1))

    def test_partitions_that_are_written_at_once_are_all_there(self, create: Callable[..., Kept]) -> None:
        """As clients send them."""
        kept = create(_SCHEMA, 8)
        at_once(*[lambda number=number: kept.open().write_partition(number, rows(number)) for number in range(8)])
        assert content(kept) == [[number] for number in range(8)]

    def test_every_change_is_told_by_the_stamp(self, create: Callable[..., Kept]) -> None:
        """Stored copies are told from current ones by it."""
        kept = create(_SCHEMA, 2)
        stamps = [kept.open().stamp(None)]
        kept.open().write(rows(1, 2))
        stamps.append(kept.open().stamp(None))
        kept.open().write_partition(1, rows(3))
        stamps.append(kept.open().stamp(None))
        if self.appends:
            kept.open().append_partition(0, rows(4))
            stamps.append(kept.open().stamp(None))
        assert len(set(stamps)) == len(stamps)
        assert kept.open().stamp(None) == stamps[-1]

    # Deleted

    def test_another_table_stays(self, create: Callable[..., Kept]) -> None:
        """Each has its own rows."""
        one, other = create(), create()
        one.open().write(rows(1))
        other.open().write(rows(2))
        one.delete()
        assert content(other) == [[2]]
        third = create()
        assert content(third) == [[]]

    def test_deleting_twice_is_no_error(self, create: Callable[..., Kept]) -> None:
        """The catalog may do it again."""
        kept = create(_SCHEMA, 2)
        kept.open().write(rows(1))
        kept.delete()
        kept.delete()

    def test_what_was_lost_is_never_taken_for_an_empty_table(self, create: Callable[..., Kept]) -> None:
        """It is an error that says so."""
        kept = create()
        kept.open().write(rows(1))
        kept.delete()
        with pytest.raises(KernelError):
            kept.open().read_partition(0, None)

    def test_writing_to_a_table_that_was_deleted_is_not_found(self, create: Callable[..., Kept]) -> None:
        """Nothing is made again."""
        kept = create()
        known = kept.open()
        kept.delete()
        kept.keeper.path.unlink()
        with pytest.raises(NotFound):
            known.write(rows(1))
        with pytest.raises(NotFound):
            known.write_partition(0, rows(1))

    def files(self, location: Location) -> list[str]:
        """All that lies in a location; overwrite it for places other than a folder."""
        return [str(path) for path in location.folder.rglob("*") if path.is_file()]


def content(kept: Kept) -> list[list[int]]:
    """The column a of each partition, as one request reads it."""
    node = kept.open()
    steady = node.steady() if hasattr(node, "steady") else node
    return [
        steady.read_partition(number, ["a"]).column("a").to_pylist() for number in range(node.structure.npartitions)
    ]


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    """The tables have the same columns with the same types and values."""
    assert found.schema.equals(expected.schema), f"{found.schema} is not {expected.schema}"
    found.validate(full=True)
    for name in expected.column_names:
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name
