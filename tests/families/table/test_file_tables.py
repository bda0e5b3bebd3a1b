"""What the readers of tables in files share."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pytest

from tiledkernel.errors import Gone, KernelError, NotReady, ReadFailed
from tiledkernel.families.table.dictionaries import with_one_dictionary
from tiledkernel.families.table.files import explained, opened, part_files
from tiledkernel.families.table.parts import FileTable, Part, gather
from tiledkernel.families.table.schemas import check_same, index_last, with_index


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], [[]]),
        ([5], [[0]]),
        ([50], [[0]]),
        ([5, 5, 5], [[0, 1], [2]]),
        ([11, 1, 11], [[0], [1], [2]]),
        ([0, 0, 10, 0], [[0, 1, 2, 3]]),
    ],
)
def test_neighbours_are_gathered_up_to_the_limit(sizes, expected):
    assert [list(group) for group in gather(sizes, 10)] == expected


def test_part_files_come_in_the_order_of_their_numbers_without_notes(tmp_path):
    for name in ("part.10.x", "part.9.X", "_notes.x", ".hidden.x", "other.y"):
        (tmp_path / name).touch()
    assert [path.name for path in part_files(tmp_path, (".x",))] == ["part.9.X", "part.10.x"]


def test_a_folder_without_parts_says_what_it_looked_for(tmp_path):
    (tmp_path / "year=2026").mkdir()
    with pytest.raises(ValueError, match=r"no file that ends in .x or .y; 'year=2026' is a folder, which is not"):
        part_files(tmp_path, (".x", ".y"))


def change_during_a_read(path: Path, *, fails: bool) -> None:
    """Another program writes to a file while it is open here."""
    path.write_bytes(b"before")
    with explained(path, "Test"), opened(path) as source:
        path.write_bytes(b"and after")
        source.read()
        if fails:
            raise pyarrow.ArrowInvalid("nonsense")


@pytest.mark.parametrize("fails", [False, True])
def test_a_file_that_changes_while_it_is_read_is_not_ready_whatever_else_goes_wrong(tmp_path, fails):
    with pytest.raises(NotReady, match=r"^a was changed .* ask again"):
        change_during_a_read(tmp_path / "a", fails=fails)


@pytest.mark.parametrize(
    ("raised", "kind", "sentence"),
    [
        (FileNotFoundError(), Gone, "a is gone: it was deleted, or moved"),
        (pyarrow.ArrowInvalid("bad page.\nmore"), ReadFailed, "a cannot be read as Test: bad page; if it is still"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ReadFailed, "a cannot be read as Test: 'utf-8' codec"),
        (OSError(), ReadFailed, "a cannot be read as Test: OSError; if"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(raised, kind: type[KernelError], sentence):
    with pytest.raises(kind, match=f"^{sentence}"), explained(Path("folder/a"), "Test"):
        raise raised


def test_only_wanted_columns_are_asked_for_and_notes_of_pandas_stay():
    notes = {b"pandas": b'{"index_columns": ["i"]}'}
    schema = pyarrow.schema([("i", "int8"), ("x", "int8"), ("y", "int8")], notes)
    asked = []

    def read_part(part: Part, wanted: pyarrow.Schema) -> pyarrow.Table:
        asked.append((part.path.name, wanted.names))
        return wanted.empty_table().replace_schema_metadata(None)

    table = FileTable("Test", [Part(Path("1")), Part(Path("2"))], schema, {}, read_part)
    assert table.structure.columns == ("x", "y")
    assert table.read_partition(1, ["y"]).schema.metadata == notes
    assert asked == [("2", ["y", "i"])]
    with pytest.raises(KeyError, match="z"):
        table.read_partition(0, ["z"])


def test_an_index_comes_last():
    schema = pyarrow.schema([("i", "int8"), ("x", "int8")], {b"pandas": b'{"index_columns": ["i"]}'})
    assert index_last(schema).names == ["x", "i"]
    assert with_index(schema, ["i", "x"]).names == ["i", "x"]


def test_a_file_with_a_column_more_is_named():
    more = pyarrow.schema([("x", "int8"), ("y", "int8")])
    with pytest.raises(ValueError, match=r"^b does not fit a: it has a column 'y' more"):
        check_same(more, pyarrow.schema([("x", "int8")]), Path("b"), Path("a"))


def test_chunks_get_one_dictionary_also_inside_of_lists():
    kind = pyarrow.list_(pyarrow.dictionary(pyarrow.int8(), pyarrow.string()))
    table = pyarrow.table({"l": pyarrow.chunked_array([[["x"]], [["y"]]], kind)})
    found = with_one_dictionary(table)
    assert found.to_pylist() == table.to_pylist()
    assert {str(chunk.values.dictionary) for chunk in found["l"].chunks} == {str(pyarrow.array(["x", "y"]))}


def test_dictionaries_that_agree_are_left_where_they_are():
    values = pyarrow.array(["x", "y"]).dictionary_encode()
    table = pyarrow.table({"d": pyarrow.chunked_array([values, values[1:]])})
    assert with_one_dictionary(table) is table
