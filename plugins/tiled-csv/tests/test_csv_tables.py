"""CSV files as tables: what people and programs write, read back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import tiled_csv
from tiled_csv import layout
from tiled_csv.reader import open_csv, open_csv_many

from tiledkernel.errors import Gone, NotReady
from tiledkernel.testing import ReaderContract, Sample

TABLE = pa.table(
    {
        "number": [1, None, 3],
        "half": [0.5, 1.0, -2e300],
        "text": ["a, b", 'say "hi"', "two\nlines"],
        "odd ü;name": [True, False, True],
        "day": [dt.date(2026, 3, 1), dt.date(1900, 1, 1), None],
    }
)
WRITTEN = (
    'number,half,text,odd ü;name,day\n1,0.5,"a, b",true,2026-03-01\n'
    ',1.0,"say ""hi""",false,1900-01-01\n3,-2e300,"two\nlines",true,\n'
)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(table) -> pa.Table:
    return pa.concat_tables(table.read_partition(n, None) for n in range(table.structure.npartitions))


@pytest.fixture
def rows(tmp_path):
    """Write a file and read its rows."""
    return lambda content: read(open_csv(write(tmp_path / "t.csv", content))).to_pylist()


@pytest.fixture
def small_pieces(monkeypatch):
    """Files are divided after a few bytes."""
    monkeypatch.setattr(layout, "PARTITION", 20)


class TestContract(ReaderContract):
    reader = tiled_csv.READER
    heavy = ("numpy", "pandas", "pyarrow")
    tells_damage = False

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        path = write(tmp_path / "a.csv", "# Beamline 7\n" + WRITTEN)
        return Sample(path=path, tables={"": TABLE}, metadata={"": {"comments": ["Beamline 7"]}})


class TestManyContract(ReaderContract):
    reader = tiled_csv.READER
    tells_damage = False

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        texts = ("a,b\n1,x\n2,y\n", "b,a\nz,0.5\n", "a;b\n1,5;w\n")
        paths = tuple(write(tmp_path / f"{number}.csv", text) for number, text in enumerate(texts))
        return Sample(path=paths, tables={"": pa.table({"a": [1.0, 2.0, 0.5, 1.5], "b": list("xyzw")})})


class TestPiecesContract(ReaderContract):
    reader = tiled_csv.READER
    tells_damage = False

    @pytest.fixture
    def sample(self, tmp_path: Path, small_pieces) -> Sample:
        return Sample(path=write(tmp_path / "a.csv", WRITTEN), tables={"": TABLE})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends_are_recognised(rows, separator, newline):
    text = newline.join([f"a{separator}b", f'1{separator}"x{separator}y"', f"2{separator}z", ""])
    assert rows(text) == [{"a": 1, "b": f"x{separator}y"}, {"a": 2, "b": "z"}]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a;b\n1,5;2\n-,25e1;3\n", [{"a": 1.5, "b": 2}, {"a": -2.5, "b": 3}]),
        ("1,5;2\n2,5;3\n", [{"0": 1.5, "1": 2}, {"0": 2.5, "1": 3}]),
        ("a;b\n1.5;x,y\n", [{"a": 1.5, "b": "x,y"}]),
        ("a\tb\n1,5\t2\n", [{"a": 1.5, "b": 2}]),
    ],
    ids=["semicolons", "no header", "decimal points", "tabs"],
)
def test_decimal_commas_are_numbers(rows, content, expected):
    assert rows(content) == expected


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xef\xbb\xbfstra\xc3\x9fe\n1\n", "straße"),
        ("straße\n1\n".encode("latin-1"), "straße"),
        ("straße\n1\n".encode(), "straße"),
    ],
    ids=["byte order mark", "latin-1", "utf-8"],
)
def test_encodings_are_recognised(rows, content, name):
    assert rows(content) == [{name: 1}]


def test_latin_1_far_behind_the_sample_is_noticed(tmp_path):
    content = b"word\n" + b"plain\n" * 60_000 + "Grün\n".encode("latin-1")
    assert read(open_csv(write(tmp_path / "t.csv", content)))["word"][-1].as_py() == "Grün"


def test_comments_above_are_metadata(tmp_path):
    table = open_csv(write(tmp_path / "t.csv", "# Instrument: BL7\n#\n\n# T = 3 K\na,b\n1,2\n"))
    assert table.metadata == {"comments": ["Instrument: BL7", "", "T = 3 K"]}
    assert read(table).to_pylist() == [{"a": 1, "b": 2}]


def test_comments_between_rows_are_skipped(rows):
    assert rows("a,b\n1,2\n# shutter closed\n3,4\n") == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_columns_without_a_header_are_numbered(rows):
    assert rows("1,2\n3,4\n") == [{"0": 1, "1": 2}, {"0": 3, "1": 4}]


def test_columns_without_a_header_are_named_by_the_comment_above(rows):
    assert rows("# run 7\n# time,signal\n0,1.5\n1,2.5\n")[0] == {"time": 0, "signal": 1.5}


@pytest.mark.parametrize("first", ["x,1", "2026-01-01,5", "a,b", "1 m,2"])
def test_a_first_row_that_is_not_all_numbers_names_the_columns(tmp_path, first):
    table = open_csv(write(tmp_path / "t.csv", f"{first}\n1,2\n"))
    assert table.structure.columns == tuple(first.split(","))


def test_repeated_and_missing_names_become_distinct(tmp_path):
    table = open_csv(write(tmp_path / "t.csv", "x,x, ,x.1,x\n1,2,3,4,5\n"))
    assert table.structure.columns == ("x", "x.2", "Unnamed: 2", "x.1", "x.3")
    assert read(table).to_pylist()[0]["x.3"] == 5


@pytest.mark.parametrize("name", ["a/b", "größe [µm]", 'with "quotes"', "two\nlines", "=1+1", "🙂"])
def test_names_with_odd_characters_are_kept(rows, name):
    quoted = name.replace('"', '""')
    assert rows(f'"{quoted}",b\n1,2\n') == [{name: 1, "b": 2}]


def test_a_quote_inside_a_field_is_a_character(rows):
    assert rows('a,b\n1,5" pipe\n2,x\n') == [{"a": 1, "b": '5" pipe'}, {"a": 2, "b": "x"}]


def test_a_header_alone_is_an_empty_table(tmp_path):
    table = open_csv(write(tmp_path / "t.csv", "a,b\n"))
    assert table.structure.npartitions == 1
    assert table.read_partition(0, ["b"]).to_pydict() == {"b": []}


def test_a_column_without_values_holds_missing_numbers(tmp_path):
    found = read(open_csv(write(tmp_path / "t.csv", "a,b\n1,\n2,\n")))
    assert found.schema.field("b").type == pa.float64()
    assert found["b"].to_pylist() == [None, None]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ("3", [1, 2, 3]),
        ("2.5", [1.0, 2.0, 2.5]),
        ("", [1, 2, None]),
        ("broken", ["1", "2", "broken"]),
    ],
    ids=["integer", "float", "gap", "word"],
)
def test_the_type_of_a_column_is_that_of_the_whole_file(small_pieces, rows, later, expected):
    assert [row["a"] for row in rows(f"a,b\n1,{'x' * 20}\n2,{'y' * 20}\n{later},{'z' * 20}\n")] == expected


def test_times_of_different_resolution_get_the_finer_one(small_pieces, tmp_path):
    times = ["2026-01-01 12:00:00", "2026-01-01 12:00:00.5", "2026-01-02 00:00:00"]
    table = open_csv(write(tmp_path / "t.csv", "\n".join(["t", *times, ""])))
    parts = [table.read_partition(number, None) for number in range(table.structure.npartitions)]
    assert [part.schema.field("t").type for part in parts] == [pa.timestamp("ns")] * 3
    assert [str(part["t"][0].as_py()) for part in parts][1:] == ["2026-01-01 12:00:00.500000", "2026-01-02 00:00:00"]


def test_times_too_far_away_for_the_finer_resolution_become_text(small_pieces, rows):
    times = ["0001-01-01 12:00:00", "2026-01-01 12:00:00.5"]
    assert [row["t"] for row in rows("\n".join(["t", *times, ""]))] == times


@pytest.mark.parametrize("text", ["18446744073709551615", "123456789012345678901234567890"])
def test_integers_beyond_64_bits_keep_their_digits(rows, text):
    assert rows(f"id,x\n{text},1\n7,1\n")[0]["id"] == text


def test_large_floats_stay_floats(rows):
    assert rows("x\n1e300\ninf\n-1e19\n") == [{"x": 1e300}, {"x": float("inf")}, {"x": -1e19}]


def test_texts_are_kept_to_the_letter(rows):
    assert rows("a,b\nNA,1\n,2\n x ,3\n") == [{"a": "NA", "b": 1}, {"a": "", "b": 2}, {"a": " x ", "b": 3}]


def test_numbers_with_spaces_around_are_numbers(rows):
    assert rows("a, b\n1, 2\n") == [{"a": 1, "b": 2}]


def test_numbers_equal_those_of_pandas(tmp_path):
    path = write(tmp_path / "t.csv", "a,b,c\n1,0.1,x\n-2,1e-7,y\n3,,z\n")
    found = read(open_csv(path)).to_pandas()
    pd.testing.assert_frame_equal(found, pd.read_csv(path), check_dtype=False)


def test_pieces_end_between_rows_and_not_inside_of_quotes(small_pieces, tmp_path):
    words = ["plain", "with\nline", 'and "quote"\nline', "\n\n\n", "x" * 100]
    rows = [f'{number},"{word.replace(chr(34), chr(34) * 2)}"\n' for number, word in enumerate(words * 3)]
    table = open_csv(write(tmp_path / "t.csv", "n,word\n" + "".join(rows)))
    assert table.structure.npartitions > 5
    assert read(table)["word"].to_pylist() == words * 3
    assert read(table)["n"].to_pylist() == list(range(15))


def test_reading_a_partition_parses_only_its_bytes_and_converts_only_its_columns(small_pieces, tmp_path, monkeypatch):
    table = open_csv(write(tmp_path / "t.csv", "a,b\n" + "".join(f"{n},text{n}\n" for n in range(10))))
    parsed = []
    original = layout.parse

    def noting(data, dialect, types, columns):
        parsed.append((len(data), list(columns)))
        return original(data, dialect, types, columns)

    monkeypatch.setattr(layout, "parse", noting)
    assert table.read_partition(1, ["b"]).column_names == ["b"]
    ((size, columns),) = parsed
    assert size <= 20
    assert columns == ["b"]


def test_a_file_is_read_through_once_however_often_it_is_opened(tmp_path, monkeypatch):
    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    open_csv(path)
    monkeypatch.setattr(layout, "infer", lambda *_: pytest.fail("the file was read through again"))
    open_csv(path)


def test_an_empty_selection_of_columns_is_no_error(tmp_path):
    assert open_csv(write(tmp_path / "t.csv", "a,b\n1,2\n")).read_partition(0, []).column_names == []


@pytest.mark.parametrize("content", ["", "\n\n", "# only\n# comments\n", "\ufeff"])
def test_a_file_without_rows_says_what_was_expected(tmp_path, content):
    with pytest.raises(ValueError, match=r"^t\.csv has no rows.*names of the columns"):
        open_csv(write(tmp_path / "t.csv", content))


@pytest.mark.parametrize("content", [bytes(range(256)) * 4, b"\x89PNG\r\n\x1a\n" + b"\1\2\3" * 50, b"a,b\n1,\0\n"])
def test_what_is_no_text_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match=r"^t\.csv is no CSV: it begins with .*suffix"):
        open_csv(write(tmp_path / "t.csv", content))


def test_a_zero_byte_far_behind_the_sample_is_noticed(tmp_path):
    with pytest.raises(ValueError, match=r"is no CSV: byte 360002 is 0"):
        open_csv(write(tmp_path / "t.csv", b"a\n" + b"plain\n" * 60_000 + b"\0\n"))


def test_utf_16_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(ValueError, match=r"UTF-16: save it as UTF-8"):
        open_csv(write(tmp_path / "t.csv", "a,b\n1,2\n".encode("utf-16")))


@pytest.mark.parametrize(("row", "count"), [("3", 1), ("3,4,5", 3)])
def test_a_ragged_row_is_named_with_its_line(small_pieces, tmp_path, row, count):
    text = "# comment\na,b\n" + "1,2\n" * 20 + row + "\n1,2\n"
    sentence = rf"^t\.csv cannot be read as CSV in line 23: the row '{row}' has {count} fields, expected 2"
    with pytest.raises(ValueError, match=sentence):
        open_csv(write(tmp_path / "t.csv", text))


def test_a_quote_that_is_never_closed_does_not_read_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("tiled_csv.rows.MAX_ROW", 1000)
    monkeypatch.setattr(layout, "PARTITION", 500)
    with pytest.raises(ValueError, match="never closed"):
        open_csv(write(tmp_path / "t.csv", 'a,b\n1,"x\n' + "2,3\n" * 1000))


def test_a_file_with_other_columns_is_named(tmp_path):
    paths = (write(tmp_path / "1.csv", "a,b\n1,2\n"), write(tmp_path / "2.csv", "a,c\n1,2\n"))
    with pytest.raises(ValueError, match=r"2\.csv does not fit 1\.csv: only one of them has the column 'b'"):
        open_csv_many(paths)


def test_a_large_file_of_several_has_several_partitions(small_pieces, tmp_path):
    paths = (write(tmp_path / "1.csv", "a\n1\n"), write(tmp_path / "2.csv", "a\n" + "22\n" * 20))
    table = open_csv_many(paths)
    assert table.structure.npartitions == 5
    assert read(table)["a"].to_pylist() == [1] + [22] * 20


def test_a_file_that_changed_is_never_read_with_the_old_layout(tmp_path):
    table = open_csv(write(tmp_path / "t.csv", "a,b\n1,2\n"))
    before = table.stamp(None)
    write(tmp_path / "t.csv", "a,b\n1,2\n3,4\n")
    assert table.stamp(None) != before
    with pytest.raises(NotReady, match="ask again"):
        table.read_partition(0, None)
    assert read(open_csv(tmp_path / "t.csv")).num_rows == 2


def test_a_file_that_vanished_is_gone(tmp_path):
    table = open_csv(write(tmp_path / "t.csv", "a,b\n1,2\n"))
    (tmp_path / "t.csv").unlink()
    assert table.stamp(None) == (None,)
    with pytest.raises(Gone, match=r"t\.csv is gone"):
        table.read_partition(0, None)


def test_memory_stays_bounded_by_a_piece(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "PARTITION", 1 << 20)
    path = write(tmp_path / "t.csv", "a,b\n" + "12345678,1.5\n" * 800_000)
    sizes = []
    original = layout.infer

    def noting(data, dialect):
        sizes.append(len(data))
        return original(data, dialect)

    monkeypatch.setattr(layout, "infer", noting)
    before = pa.total_allocated_bytes()
    table = open_csv(path)
    assert table.structure.npartitions == len(sizes) == 10
    assert max(sizes) <= 1 << 20
    assert pa.total_allocated_bytes() - before < 2 << 20  # of 10 MiB
