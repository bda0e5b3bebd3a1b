"""Tables written by pyarrow and pandas, read back through the reader."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import struct
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tiled_arrow
from tiled_arrow import reader
from tiled_arrow.reader import open_arrow, open_arrow_directory, open_arrow_files

from tiledkernel.encoding import Encoding
from tiledkernel.errors import Gone, KernelError, NotReady, ReadFailed
from tiledkernel.families.table.arrow_file import arrow_file
from tiledkernel.families.table.encoders import encode_arrow
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.media_types import Offer
from tiledkernel.testing import ReaderContract, Sample

TABLE = pa.table(
    {
        "number": pa.array(range(10), pa.int16()),
        "text": [None, "ä", "", *"bcdefgh"],
        "kind": pa.array(["x", None, "y", "x", "y"] * 2).dictionary_encode(),
        "a": [{"b": n, "c": str(n)} for n in range(10)],
    }
)
FORMS = {".arrow": pa.ipc.new_file, ".arrows": pa.ipc.new_stream}
form = pytest.mark.parametrize("suffix", FORMS)


def write(path: Path, table: pa.Table = TABLE, rows: int | None = None, **options) -> Path:
    """A file, or a stream if its suffix says so; `rows` per record batch."""
    options = pa.ipc.IpcWriteOptions(**options)
    with FORMS.get(path.suffix, pa.ipc.new_file)(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


def read(table, columns=None) -> pa.Table:
    return pa.concat_tables(table.read_partition(n, columns) for n in range(table.structure.npartitions))


def bytes_read() -> int:
    """What this process has read from files up to now."""
    return int(Path("/proc/self/io").read_text().split()[1])


class TestFileContract(ReaderContract):
    reader = tiled_arrow.READER
    heavy = ("pyarrow", "pandas", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        path = write(tmp_path / "a.arrow", TABLE.replace_schema_metadata({"instrument": "BL7"}), 4)
        return Sample(path=path, tables={"": TABLE}, metadata={"": {"instrument": "BL7"}})


class TestCompressedContract(ReaderContract):
    reader = tiled_arrow.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        return Sample(path=write(tmp_path / "a.feather", rows=3, compression="zstd"), tables={"": TABLE})


class TestStreamContract(ReaderContract):
    reader = tiled_arrow.STREAM_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        path = write(tmp_path / "a.arrows", TABLE.replace_schema_metadata({"instrument": "BL7"}), 4)
        return Sample(path=path, tables={"": TABLE}, metadata={"": {"instrument": "BL7"}})


class TestManyFilesContract(ReaderContract):
    reader = tiled_arrow.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        paths = (write(tmp_path / "p1.arrow", TABLE.slice(0, 7)), write(tmp_path / "p2.feather", TABLE.slice(7)))
        return Sample(path=paths, tables={"": TABLE})


class TestDirectoryContract(ReaderContract):
    reader = tiled_arrow.DIRECTORY_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        folder = tmp_path / "table.arrow"
        folder.mkdir()
        write(folder / "part-0.arrow", TABLE.slice(0, 3))
        write(folder / "part-1.arrow", TABLE.slice(3))
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
    "view": pa.array(["a", None, "longer than twelve letters"], pa.string_view()),
    "lists": pa.array([[1, 2], None, []]),
    "fixed lists": pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2)),
    "structs": pa.array([{"x": 1, "y": [None, "a"]}, None, {"x": 2, "y": []}]),
    "maps": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int8())),
    "unions": pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array([*"abc"])]),
    "lists of dictionaries": pa.array([["x"], None, ["y"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    "extension": pa.array([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2).bytes], pa.uuid()),
    "nothing": pa.nulls(3),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("compression", [None, "lz4"])
@form
def test_every_type_survives(tmp_path, name, compression, suffix):
    table = pa.table({name: TYPES[name], "other": [1, 2, 3]})
    found = open_arrow(write(tmp_path / f"t{suffix}", table, 2, compression=compression)).read_partition(0, [name])
    assert found.schema == table.select([name]).schema
    assert repr(found.to_pylist()) == repr(table.select([name]).to_pylist())


@pytest.mark.parametrize("name", TYPES)
@form
def test_every_type_can_be_sent(tmp_path, name, suffix):
    table = pa.table({name: TYPES[name]})
    found = open_arrow(write(tmp_path / f"t{suffix}", table, 2)).read_partition(0, None)
    sent = pa.ipc.open_file(b"".join(arrow_file(found.schema, [found]).pieces)).read_all()
    assert repr(sent.to_pylist()) == repr(table.to_pylist())


@form
def test_small_batches_are_gathered_into_one_partition(tmp_path, suffix):
    table = open_arrow(write(tmp_path / f"t{suffix}", rows=1))
    assert table.structure.npartitions == 1
    assert table.read_partition(0, None).num_rows == 10


@form
def test_partitions_hold_batches_up_to_the_limit(tmp_path, monkeypatch, suffix):
    numbers = pa.table({"x": np.arange(10_000)})
    monkeypatch.setattr(reader, "PARTITION", 3 * 8_000)
    table = open_arrow(write(tmp_path / f"t{suffix}", numbers, 1_000))
    assert [table.read_partition(n, None).num_rows for n in range(table.structure.npartitions)] == [3000] * 3 + [1000]
    assert read(table).equals(numbers)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
@form
def test_the_limit_is_one_of_memory_and_not_of_what_is_compressed(tmp_path, monkeypatch, suffix, compression):
    numbers = pa.table({"x": np.arange(100_000) // 50})  # which takes a tenth of the space when compressed
    monkeypatch.setattr(reader, "PARTITION", 100_000)
    table = open_arrow(write(tmp_path / f"t{suffix}", numbers, 1_000, compression=compression))
    sizes = [table.read_partition(n, None).nbytes for n in range(table.structure.npartitions)]
    assert max(sizes) <= 100_000
    assert len(sizes) < 50  # of 100 batches
    assert read(table).equals(numbers)


def test_a_batch_larger_than_the_limit_stays_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "PARTITION", 1)
    assert open_arrow(write(tmp_path / "t.arrow", rows=4)).structure.npartitions == 3


def test_only_the_batches_and_columns_asked_for_are_read_from_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "PARTITION", 2 << 20)
    wide = pa.table({f"c{n}": np.zeros(400_000) for n in range(4)})
    table = open_arrow(write(tmp_path / "t.arrow", wide, 50_000))
    before = bytes_read()
    table.read_partition(1, ["c2"])
    assert 400_000 <= bytes_read() - before < 500_000


def test_dividing_a_file_does_not_read_it(tmp_path):
    for suffix in FORMS:
        numbers = np.random.default_rng(0).random(1_000_000)
        path = write(tmp_path / f"t{suffix}", pa.table({"x": numbers}), 10_000, compression="zstd")
        size, before = path.stat().st_size, bytes_read()
        open_arrow(path)
        assert bytes_read() - before < size / 100


def test_an_uncompressed_column_is_copied_once_from_the_disk_and_never_again(tmp_path):
    path = write(tmp_path / "t.arrow", pa.table({"x": np.arange(1_000_000.0)}))
    node = open_arrow(path)
    before, start = pa.default_memory_pool().bytes_allocated(), bytes_read()
    found = node.read_partition(0, None)
    sent = arrow_file(found.schema, [found])
    assert pa.default_memory_pool().bytes_allocated() - before < 8_100_000
    assert bytes_read() - start < 8_100_000
    assert found["x"].chunk(0).buffers()[1].address in [pa.py_buffer(piece).address for piece in sent.pieces]


@form
def test_an_empty_selection_of_columns_is_no_error(tmp_path, suffix):
    assert open_arrow(write(tmp_path / f"t{suffix}")).read_partition(0, []).column_names == []


@form
def test_a_file_without_rows_is_one_empty_partition(tmp_path, suffix):
    for table in (TABLE.slice(0, 0), pa.table({})):
        node = open_arrow(write(tmp_path / f"t{suffix}", table))
        assert node.structure.npartitions == 1
        assert node.read_partition(0, None).schema.equals(table.schema)


def test_a_stream_may_go_by_the_suffix_of_a_file(tmp_path):
    stream = write(tmp_path / "t.arrows", rows=3)
    assert read(open_arrow(stream.rename(tmp_path / "t.arrow"))).equals(TABLE)


def test_a_stream_may_lack_its_end_mark(tmp_path):
    path = write(tmp_path / "t.arrows")
    path.write_bytes(path.read_bytes()[:-8])
    assert read(open_arrow(path)).equals(TABLE)


@pytest.mark.parametrize("deltas", [False, True], ids=["replaced", "grown"])
@pytest.mark.parametrize("limit", [1, 1 << 20])
def test_dictionaries_that_change_within_a_stream_are_followed(tmp_path, monkeypatch, deltas, limit):
    monkeypatch.setattr(reader, "PARTITION", limit)
    texts = [["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d"], ["z"]]
    others = pa.array(["u", "u", "v", "u"])
    batches = [
        pa.record_batch({"d": pa.DictionaryArray.from_arrays([len(known) - 1], known), "e": other.dictionary_encode()})
        for known, other in zip(texts[: 3 if deltas else 4], (others[n : n + 1] for n in range(4)), strict=False)
    ]
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    with pa.ipc.new_stream(str(tmp_path / "t.arrows"), batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    table = open_arrow(tmp_path / "t.arrows")
    assert table.structure.npartitions == (len(batches) if limit == 1 else 1)
    wanted = pa.Table.from_batches(batches)
    assert read(table).to_pylist() == wanted.to_pylist()
    for number in range(table.structure.npartitions):
        part = table.read_partition(number, ["d"])
        arrow_file(part.schema, [part])  # fits a file: one dictionary per column


def test_a_file_may_have_dictionaries_that_grow(tmp_path):
    first, second = (pa.DictionaryArray.from_arrays([len(known) - 1], known) for known in (["a"], ["a", "b"]))
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    schema = pa.schema({"d": first.type})
    with pa.ipc.new_file(str(tmp_path / "t.arrow"), schema, options=options) as writer:
        for values in (first, second):
            writer.write_batch(pa.record_batch([values], schema))
    assert read(open_arrow(tmp_path / "t.arrow"))["d"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [1, 2]}),
        pd.DataFrame({"t": pd.to_datetime(["2026-01-01", None]).tz_localize("Asia/Tokyo")}),
        pd.DataFrame({"c": pd.Categorical(["u", "v"], ordered=True)}),
        pd.DataFrame({"p": pd.period_range("2026-01", periods=2, freq="M")}),
        pd.DataFrame({"i": pd.interval_range(0, 2)}),
    ],
    ids=["range index", "times", "categories", "periods", "intervals"],
)
@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_what_pandas_wrote_pandas_gets_back(tmp_path, frame, compression):
    frame.to_feather(tmp_path / "t.feather", compression=compression)
    table = open_arrow(tmp_path / "t.feather")
    assert table.structure.columns == tuple(frame.columns)
    pd.testing.assert_frame_equal(read(table).to_pandas(), frame)


def test_an_index_of_pandas_comes_back_as_the_index(tmp_path):
    frame = pd.DataFrame({"x": [1, 2], "y": [3, 4]}, index=pd.Index(["a", "b"], name="sample"))
    written = pa.Table.from_pandas(frame)
    table = open_arrow(write(tmp_path / "t.arrow", written.select(["sample", "x", "y"])))
    assert table.structure.columns == ("x", "y")
    assert table.read_partition(0, ["y"]).column_names == ["y", "sample"]
    pd.testing.assert_frame_equal(read(table).to_pandas(), frame)


def test_metadata_are_the_owners_words_only(tmp_path):
    table = pa.Table.from_pandas(pd.DataFrame({"x": [1]}))
    table = table.replace_schema_metadata({**table.schema.metadata, b"operator": "Zoë".encode(), b"raw": b"\xff"})
    assert open_arrow(write(tmp_path / "t.arrow", table)).metadata == {"operator": "Zoë", "raw": b"\xff"}


def test_what_a_field_notes_about_itself_is_kept(tmp_path):
    schema = pa.schema([pa.field("energy", pa.float64(), metadata={"units": "keV"})])
    found = open_arrow(write(tmp_path / "t.arrow", pa.table({"energy": [8.3]}, schema=schema))).read_partition(0, None)
    assert found.schema.field("energy").metadata == {b"units": b"keV"}


class _Celsius(pa.ExtensionType):
    """A type of which only some processes know."""

    def __init__(self) -> None:
        super().__init__(pa.float64(), "test.celsius")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls()


def test_an_extension_type_may_become_known_while_a_file_is_served(tmp_path):
    table = pa.table({"t": pa.ExtensionArray.from_storage(_Celsius(), pa.array([20.5]))})
    node = open_arrow(write(tmp_path / "t.arrow", table))
    assert node.read_partition(0, None).schema.field("t").type == pa.float64()
    pa.register_extension_type(_Celsius())
    try:
        assert node.read_partition(0, None).schema.field("t").type == _Celsius()
    finally:
        pa.unregister_extension_type("test.celsius")


def test_two_columns_of_one_name_are_refused(tmp_path):
    twins = pa.table([[1], [2]], names=["x", "x"])
    with pytest.raises(ValueError, match=r"several columns named 'x'.*distinct"):
        open_arrow(write(tmp_path / "t.arrow", twins))


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (TABLE.drop(["text"]), "no column 'text'"),
        (TABLE.append_column("more", TABLE["number"]), "a column 'more' more"),
        (TABLE.set_column(0, "number", TABLE["number"].cast("int64")), "'number' is int64, expected int16"),
    ],
)
def test_files_that_do_not_fit_together_are_named(tmp_path, other, sentence):
    paths = (write(tmp_path / "first.arrow"), write(tmp_path / "odd.arrow", other))
    with pytest.raises(ValueError, match=rf"odd.arrow does not fit first.arrow: .*{sentence}"):
        open_arrow_files(paths)


def test_files_may_order_their_columns_differently(tmp_path):
    turned = TABLE.select(list(reversed(TABLE.column_names)))
    table = open_arrow_files((write(tmp_path / "1.arrow"), write(tmp_path / "2.arrows", turned)))
    assert table.read_partition(1, None).equals(TABLE)
    assert table.read_partition(1, ["text", "number"]).equals(TABLE.select(["text", "number"]))


@pytest.mark.parametrize("nested", [False, True])
def test_a_table_whose_files_have_different_dictionaries_can_be_sent_whole(tmp_path, nested):
    values = [pa.array([text]).dictionary_encode() for text in "ab"]
    if nested:
        values = [pa.ListArray.from_arrays([0, 1], one) for one in values]
    paths = [write(tmp_path / f"{number}.arrow", pa.table({"d": one})) for number, one in enumerate(values)]
    body = encode_arrow(TablePayload(open_arrow_files(paths), None, range(2)), Encoding(Offer("")))
    sent = pa.ipc.open_file(b"".join(body.pieces)).read_all()
    assert sent["d"].to_pylist() == ([["a"], ["b"]] if nested else ["a", "b"])


def test_reading_one_partition_opens_one_file_of_many(tmp_path, monkeypatch):
    for number in range(30):
        write(tmp_path / f"part-{number}.arrow", pa.table({"n": [number]}))
    table = open_arrow_directory(tmp_path)
    opened = []
    original = pa.OSFile
    monkeypatch.setattr(pa, "OSFile", lambda path, mode: opened.append(Path(path).name) or original(path, mode))
    assert table.read_partition(11, None)["n"].to_pylist() == [11]
    assert opened == ["part-11.arrow"]


def test_a_file_of_several_may_be_replaced_by_one_that_fits(tmp_path):
    paths = (write(tmp_path / "1.arrow"), write(tmp_path / "2.arrow"))
    table = open_arrow_files(paths)
    write(paths[1], TABLE.slice(8))
    assert table.read_partition(1, None).num_rows == 2
    write(paths[1], TABLE.drop(["a"]))
    with pytest.raises(ReadFailed, match=r"2.arrow no longer fits its table: it has no column 'a'"):
        table.read_partition(1, None)


@form
def test_a_file_that_changed_since_it_was_opened_is_never_read_by_the_old_list_of_batches(tmp_path, suffix):
    table = open_arrow(write(tmp_path / f"t{suffix}"))
    before = table.stamp(None)
    write(tmp_path / f"t{suffix}", TABLE.slice(5))
    assert table.stamp(None) != before
    with pytest.raises(NotReady, match="ask again"):
        table.read_partition(0, None)


def test_a_file_that_vanished_is_gone(tmp_path):
    table = open_arrow(write(tmp_path / "t.arrow"))
    (tmp_path / "t.arrow").unlink()
    assert table.stamp(None) == (None,)
    with pytest.raises(Gone, match=r"^t\.arrow is gone"):
        table.read_partition(0, None)


def test_feather_of_version_1_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "t.feather").write_bytes(b"FEA1\0\0\0\0" + bytes(100) + b"FEA1")
    with pytest.raises(ReadFailed, match=r"version 1.*pandas.read_feather\(old\).to_feather\(new\)"):
        open_arrow(tmp_path / "t.feather")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"ARROW1\0\0" + bytes(100), "its end, where it lists what is in it, is missing; if it is still being written"),
        (b"ARROW1\0\0" + bytes(100) + b"ARROW1", "cannot be read as Arrow"),
        (b"\x89HDF\r\n\x1a\n", r"it begins with b'\\x89HDF"),
        (b"\xff\xff\xff\xff\x10\0\0\0" + bytes(16), "cannot be read as Arrow"),
    ],
)
def test_what_is_no_arrow_is_explained(tmp_path, content, sentence):
    (tmp_path / "t.arrow").write_bytes(content)
    with pytest.raises(KernelError, match=r"^t.arrow cannot be read as Arrow: .*write it again$") as caught:
        open_arrow(tmp_path / "t.arrow")
    assert caught.match(sentence)


def test_a_stream_that_is_cut_short_says_where(tmp_path):
    path = write(tmp_path / "t.arrows", rows=5)
    whole = path.read_bytes()
    for length in range(len(whole) - 9, 600, -97):
        path.write_bytes(whole[:length])
        with pytest.raises(KernelError, match=r"^t.arrows cannot be read as Arrow: it ends within the message .*byte"):
            open_arrow(path)


@pytest.mark.parametrize("compression", [None, "lz4"])
@form
def test_no_damage_ends_the_process_or_hangs_it(tmp_path, suffix, compression):
    whole = write(tmp_path / f"t{suffix}", rows=4, compression=compression).read_bytes()
    chance = np.random.default_rng(0)
    path = tmp_path / f"damaged{suffix}"
    for _ in range(300):
        content = bytearray(whole)
        for place in chance.integers(8, len(content), 3):
            content[place] = chance.integers(256)
        path.write_bytes(content)
        try:
            found = read(open_arrow(path))
        except (KernelError, ValueError):
            continue
        repr(found.to_pylist())
        found.to_pandas()


def test_texts_that_point_outside_their_column_are_an_error(tmp_path):
    texts = pa.array(["some", "texts", "of", "a", "column"])
    path = write(tmp_path / "t.arrow", pa.table({"s": texts}))
    offsets = bytes(texts.buffers()[1])
    content = path.read_bytes()
    assert content.count(offsets) == 1
    path.write_bytes(
        content.replace(offsets, np.array([0, 4, 9, 1 << 30, 12, 18], "i4").tobytes().ljust(len(offsets), b"\0"))
    )
    with pytest.raises(ReadFailed, match=r"^t\.arrow cannot be read as Arrow"):
        open_arrow(path).read_partition(0, None)


def views(*pointers: tuple[int, bytes, int, int], valid: int) -> pa.Array:
    """An array of texts that point where they like; `valid` is its bitmap."""
    places = b"".join(struct.pack("<i4sii", *pointer) for pointer in pointers)
    buffers = [pa.py_buffer(bytes([valid])), pa.py_buffer(places)]
    return pa.Array.from_buffers(pa.string_view(), len(pointers), buffers)


@form
def test_what_lies_in_the_place_of_a_missing_view_is_not_followed(tmp_path, suffix):
    wild = views((-161596270, b"abcd", 7, 1 << 20), (1, b"a", 0, 0), valid=0b10)
    dictionary = pa.DictionaryArray.from_arrays([1, 0], wild)
    found = open_arrow(write(tmp_path / f"t{suffix}", pa.table({"v": wild, "d": dictionary}))).read_partition(0, None)
    assert found["v"].cast(pa.large_string()).to_pylist() == [None, "a"]
    assert found["d"].cast(pa.string()).to_pylist() == ["a", None]


def test_views_that_point_outside_their_column_are_an_error(tmp_path):
    wild = views((1 << 20, b"abcd", 0, 1 << 20), (-5, b"a", 0, 0), valid=0b01)
    path = write(tmp_path / "t.arrow", pa.table({"v": wild}))
    with pytest.raises(ReadFailed, match=r"^t\.arrow cannot be read as Arrow"):
        open_arrow(path).read_partition(0, None)


def test_entries_that_a_dictionary_does_not_have_are_an_error(tmp_path):
    indices = np.array([0, 1, 1, 0, 1, 0, 1], "i4")
    path = write(tmp_path / "t.arrow", pa.table({"d": pa.DictionaryArray.from_arrays(indices, ["a", "b"])}))
    content = path.read_bytes()
    assert content.count(indices.tobytes()) == 1
    path.write_bytes(content.replace(indices.tobytes(), (indices * 1_000_000).tobytes()))
    with pytest.raises(ReadFailed, match=r"'d' refers to entries 0 to 1000000 of a dictionary that has 2"):
        open_arrow(path).read_partition(0, None)


@form
def test_dictionaries_of_views_become_ones_that_can_be_decoded(tmp_path, suffix):
    kind = pa.dictionary(pa.uint32(), pa.string_view(), ordered=True)
    indices, texts = pa.array([1, None, 0], pa.uint32()), pa.array(["a", "b"], pa.string_view())
    values = pa.DictionaryArray.from_arrays(indices, texts, ordered=True)
    assert values.type == kind
    schema = pa.schema([pa.field("c", kind, metadata={"levels": "2"})])
    node = open_arrow(write(tmp_path / f"t{suffix}", pa.table({"c": values}, schema=schema), 2))
    found = node.read_partition(0, None)
    assert found.schema.field("c").type == pa.dictionary(pa.uint32(), pa.string(), ordered=True)
    assert found.schema.field("c").metadata == {b"levels": b"2"}
    assert found["c"].cast(pa.string()).to_pylist() == ["b", None, "a"]


@form
def test_many_tiny_batches_come_as_one(tmp_path, suffix):
    table = pa.table({"n": range(1000), "text": [str(n) for n in range(1000)]})
    found = open_arrow(write(tmp_path / f"t{suffix}", table, 1)).read_partition(0, None)
    assert found.equals(table)
    assert found["text"].num_chunks == 1


def test_batches_of_a_moderate_size_are_not_copied_together(tmp_path):
    found = open_arrow(write(tmp_path / "t.arrow", pa.table({"x": np.arange(40_000.0)}), 10_000))
    assert found.read_partition(0, None)["x"].num_chunks == 4


def test_notes_in_the_footer_are_metadata_too(tmp_path):
    with pa.ipc.new_file(str(tmp_path / "t.arrow"), TABLE.schema, metadata={"run": "12"}) as writer:
        writer.write_table(TABLE)
    assert open_arrow(tmp_path / "t.arrow").metadata == {"run": "12"}


def test_a_big_dictionary_is_looked_at_once_and_not_for_each_batch(tmp_path):
    shared = pa.DictionaryArray.from_arrays(np.zeros(1_000, "i4"), [str(n) for n in range(100_000)])
    table = open_arrow(write(tmp_path / "t.arrow", pa.table({"d": shared}), 1))
    assert table.structure.npartitions == 1
    found = table.read_partition(0, None)  # a thousand times 100 000 texts would take longer than tests may
    assert len({chunk.dictionary.buffers()[2].address for chunk in found["d"].chunks}) == 1


def test_what_is_read_back_from_the_wire_is_the_table(tmp_path):
    found = open_arrow(write(tmp_path / "t.feather", rows=3, compression="lz4")).read_partition(0, None)
    body = io.BytesIO(b"".join(arrow_file(found.schema, [found]).pieces))
    assert pa.ipc.open_file(body).read_all().equals(TABLE)
