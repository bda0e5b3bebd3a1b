"""Ragged arrays in files: what is written is read, rows are added durably, and what cannot be is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import msgspec
import numpy as np
import pytest
import ragged
import tiled_awkward
from tiled_awkward.archives import read_archive
from tiled_awkward.buffers import put_together
from tiled_awkward.ragged import storage as ragged_storage
from tiled_awkward.ragged.describing import describe_ragged
from tiled_awkward.ragged.entries import buffers_of
from tiled_awkward.ragged.writing import WritableRagged

from tiledkernel.errors import Conflict, TooLarge, Unavailable, Unprocessable, UnsupportedMediaType
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import Location, StorageTable, path_of_uri
from tiledkernel.records import Storage
from tiledkernel.registry import Registry
from tiledkernel.testing.keeping import Kept, at_once

_, STORAGE, FOREIGN = tiled_awkward.register_storages()
LISTS = [[[1.1, 2.2, 3.3], []], [[4.4]], [], [[5.5, 6.6, 7.7, 8.8], [9.9]]]
KINDS: dict[str, Any] = {
    "nested": LISTS,
    "lists": [[1, 2], [3], []],
    "flat": [1, 2, 3],
    "regular": np.arange(6).reshape(2, 3),
    "cube": np.arange(12.0).reshape(2, 3, 2),
    "no columns": np.zeros((2, 0, 3)),
    "regular of lists": ak.to_regular(ak.Array([[[1], [2, 3]], [[4], []]]), axis=1),
    "lists of regular": ak.Array([[[1, 2], [3, 4]], [[5, 6]]][:1] * 2),
    "empty lists": [[], []],
    "nothing": [],
    "truth": [[True], [False, True]],
    "complex": [[1j], []],
    "small": ak.values_astype(ak.Array([[1, 2], [3]]), "u1"),
}


def array_of(lists: Any) -> ragged.array:
    return ragged.array(lists)


def rows_of(lists: Any) -> ak.Array:
    return ak.Array(array_of(lists)._impl)


@pytest.fixture
def create(tmp_path: Path, location: Location) -> Callable[..., Kept]:
    """Make an array like one in memory, without its rows."""

    def make(lists: Any = LISTS, rows: Any = None, **changes: Any) -> Kept:
        structure = describe_ragged(array_of(lists), rows=rows)
        return Kept.create(tmp_path, STORAGE, location, msgspec.structs.replace(structure, **changes))

    return make


def content(kept: Kept) -> Any:
    return ak.to_list(kept.open().read(()))


def files(location: Location) -> list[str]:
    return sorted(path.name for path in location.folder.rglob("*") if path.is_file())


# What is made


def test_an_array_is_a_folder_of_archives_that_any_program_reads(create, location) -> None:
    kept = create(rows=(2, 2))
    kept.open().write(rows_of(LISTS))
    source = kept.keeper.current()
    (asset,) = source.assets
    assert (source.mimetype, asset.is_directory, asset.parameter) == ("application/x-ragged-archives", True, "data_uri")
    folder = path_of_uri(asset.data_uri)
    found = [put_together(buffers_of(read_archive(path.read_bytes()))) for path in sorted(folder.iterdir())]
    assert [part.to_list() for part in found] == [LISTS[:2], LISTS[2:]]
    assert location.holds(asset.data_uri)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_lists_comes_back_as_it_was(create, kind) -> None:
    expected = array_of(KINDS[kind])
    kept = create(KINDS[kind])
    assert isinstance(kept.open(), WritableRagged)
    structure = kept.open().structure
    kept.open().write(rows_of(KINDS[kind]))
    found = ragged.array(kept.open().read(()))
    assert (found.tolist(), found.dtype, found.shape) == (expected.tolist(), expected.dtype, expected.shape)
    assert kept.open().structure == structure


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_that_nobody_has_written_has_rows_without_elements_or_zeros(create, kind) -> None:
    found = ragged.array(create(KINDS[kind]).open().read(()))
    assert found.shape == array_of(KINDS[kind]).shape
    assert not any(ak.to_list(ak.flatten(found._impl, axis=None)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": ()}, "whose first length is known"),
        ({"shape": (None, None, None)}, "whose first length is known"),
        ({"shape": (-4, None, None)}, "whose first length is known"),
        ({"chunks": ((3,), None, None)}, "add up to its length 4"),
        ({"chunks": (None, None, None)}, "add up to its length 4"),
        ({"chunks": ((5, -1), None, None)}, "add up to its length 4"),
        ({"shape": (10**6, None, None), "chunks": ((1,) * 10**6, None, None)}, "1 to 10_000"),
        ({"chunks": ((4,), (2,), None)}, "only the first axis"),
        ({"chunks": ((4,), None)}, "only the first axis"),
        ({"dims": ("x",)}, "name each of the 3 axes"),
        ({"size": -1}, "so many elements"),
        ({"shape": (4, 1 << 40, 1 << 40), "chunks": ((4,), (1 << 40,), (1 << 40,))}, "so many elements"),
    ],
)
def test_arrays_that_cannot_be_are_refused_before_anything_is_made(create, location, changes, reason) -> None:
    with pytest.raises(Unprocessable, match=reason):
        create(**changes)
    assert not location.folder.exists()


@pytest.mark.parametrize("changes", [{"kind": "S"}, {"kind": "O"}, {"endianness": "big"}, {"itemsize": 3}], ids=str)
def test_elements_that_are_no_numbers_are_refused(create, changes) -> None:
    data_type = msgspec.structs.replace(describe_ragged(array_of(LISTS)).data_type, **changes)
    with pytest.raises(Unprocessable, match="type"):
        create(data_type=data_type)


def test_rows_that_nobody_has_written_are_not_made_by_the_billion(create) -> None:
    node = create(shape=(10**12, None, None), chunks=((10**12,), None, None)).open()
    assert ak.to_list(node.read((10**11,))) == []
    assert len(node.read((slice(5, 8),))) == 3
    with pytest.raises(TooLarge, match="ask for fewer"):
        node.read(())


# What is written is read


@pytest.mark.parametrize("chunks", [(4,), (1, 1, 1, 1), (3, 0, 1), (0, 4)], ids=str)
@pytest.mark.parametrize(
    "index",
    [
        (), (0,), (-1,), (slice(1, 3),), (slice(None, None, -1),), (slice(3, 0, -2),), (slice(2, 2),), (0, 1),
        (slice(None), slice(None, 1)), (3, 0, -1), (slice(None, None, 2), slice(None), slice(1, None)),
    ],
    ids=str,
)  # fmt: skip
def test_any_index_selects_what_it_selects_in_memory(create, chunks, index) -> None:
    kept = create(rows=chunks)
    kept.open().write(rows_of(LISTS))
    assert ak.to_list(kept.open().read(index)) == ak.to_list(ak.Array(LISTS)[index] if index else LISTS)


@pytest.mark.parametrize("index", [(4,), (-5,), (0, 0, 9), (slice(None), 0)], ids=str)
def test_what_is_not_there_is_an_index_error(create, index) -> None:
    kept = create(rows=(2, 2))
    kept.open().write(rows_of(LISTS))
    with pytest.raises(IndexError):
        kept.open().read(index)


def test_rows_are_read_from_the_files_in_which_they_lie_and_no_others(create, location) -> None:
    kept = create(rows=(1, 1, 2))
    kept.open().write(rows_of(LISTS))
    for path in location.folder.rglob("[02]-*.zip"):
        path.unlink()
    assert ak.to_list(kept.open().read((1,))) == LISTS[1]


def test_chunks_are_written_in_any_order(create) -> None:
    kept = create(rows=(1, 3))
    kept.open().write_block(1, rows_of(LISTS)[1:])
    assert content(kept) == [[], *LISTS[1:]]
    kept.open().write_block(0, rows_of(LISTS)[:1])
    assert content(kept) == LISTS
    assert kept.open().structure == describe_ragged(array_of(LISTS), rows=(1, 3))


def test_the_size_is_that_of_the_elements_that_are_there(create) -> None:
    kept = create(rows=(2, 2))
    assert kept.open().structure.size == 9  # as promised
    kept.open().write_block(0, rows_of(LISTS)[:2])
    assert kept.open().structure.size == 9
    kept.open().patch((4,), rows_of([[[1.0, 2.0]]]), extend=True)
    assert kept.open().structure.size == 11
    kept.open().write_block(1, rows_of([[[1.0]], []]))
    assert kept.open().structure.size == 4 + 1 + 2
    kept.open().write_block(0, rows_of([[[]], [[1.0]]]))
    assert kept.open().structure.size == 1 + 1 + 2


def test_all_rows_are_replaced_by_as_many_or_by_others(create, location) -> None:
    kept = create(rows=(2, 2))
    kept.open().write(rows_of(LISTS))
    kept.open().write(rows_of(LISTS[::-1]))
    assert content(kept) == LISTS[::-1]
    assert kept.open().structure.chunks[0] == (2, 2)
    kept.open().write(rows_of(LISTS[:1]))
    structure = kept.open().structure
    assert (content(kept), structure.shape, structure.chunks[0], structure.size) == (
        LISTS[:1],
        (1, None, None),
        (1,),
        3,
    )
    assert len(files(location)) == 1


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([[1.0]], "too shallow"),
        ([[[[1.0]]]], "too deep"),
        ([[[1j]]], "complex128 do not fit an array of type float64"),
        (ak.Array([[["a"]]]), "lists of numbers"),
        (ak.Array([[[{"x": 1.0}]]]), "lists of numbers"),
        (ak.Array([[[1.0, None]]]), "lists of numbers"),
        (ak.Array([[[1.0], "a"]]), "lists of numbers"),
    ],
)
def test_lists_of_another_kind_are_refused(create, rows, reason) -> None:
    kept = create()
    found = rows if isinstance(rows, ak.Array) else rows_of(rows)
    for write in (kept.open().write, lambda rows: kept.open().patch((4,), rows, extend=True)):
        with pytest.raises(Unprocessable, match=reason):
            write(found)
    assert kept.open().structure == describe_ragged(array_of(LISTS))


def test_an_axis_of_fixed_length_keeps_its_length(create) -> None:
    kept = create(np.arange(6).reshape(2, 3))
    kept.open().patch((2,), rows_of([[6, 7, 8]]), extend=True)
    assert kept.open().structure.shape == (3, 3)
    with pytest.raises(Unprocessable, match="fixed length 3"):
        kept.open().patch((3,), rows_of([[6, 7]]), extend=True)


@pytest.mark.parametrize(
    ("block", "rows", "reason"), [(2, 2, "no block 2"), (-1, 2, "no block -1"), (0, 3, "has 2 rows, not 3")]
)
def test_a_chunk_is_replaced_as_a_whole(create, block, rows, reason) -> None:
    kept = create(rows=(2, 2))
    with pytest.raises(Unprocessable, match=reason):
        kept.open().write_block(block, rows_of(LISTS)[:rows])


def test_lists_that_overlap_are_not_multiplied_without_end(create) -> None:
    count = 1 << 20
    stops = ak.index.Index64(np.full(count, count))
    lists = ak.contents.ListArray(
        ak.index.Index64(np.zeros(count, np.int64)), stops, ak.contents.NumpyArray(np.zeros(count))
    )
    kept = create([[1.0]])
    with pytest.raises(Unprocessable, match="more than 1_073_741_824 bytes"):
        kept.open().write(ak.Array(lists))


# Rows that are added


def test_rows_are_added_at_the_end(create) -> None:
    kept = create([[1, 2], [3]])
    kept.open().write(rows_of([[1, 2], [3]]))
    structure = kept.open().patch((2,), rows_of([[4, 5, 6], []]), extend=True)
    assert structure == kept.open().structure
    assert (structure.shape, structure.chunks, structure.size) == ((4, None), ((2, 2), None), 6)
    assert content(kept) == [[1, 2], [3], [4, 5, 6], []]


def test_an_empty_array_grows(create) -> None:
    kept = create(ak.Array([[1]])[:0])
    kept.open().patch((0,), rows_of([[1], [2, 3]]), extend=True)
    assert kept.open().structure.chunks[0] == (2,)
    assert content(kept) == [[1], [2, 3]]


@pytest.mark.parametrize("offset", [(), (0,), (3,), (5,), (4, 1)], ids=str)
def test_rows_are_added_nowhere_else(create, offset) -> None:
    kept = create()
    with pytest.raises(Conflict, match="at the offset 4"):
        kept.open().patch(offset, rows_of(LISTS), extend=True)


def test_an_array_grows_only_if_that_is_wanted(create) -> None:
    with pytest.raises(Conflict, match=r"Use \?extend=true"):
        create().open().patch((4,), rows_of(LISTS))


def test_many_small_additions_do_not_make_as_many_files(create, location, monkeypatch) -> None:
    monkeypatch.setattr(ragged_storage, "MANY", 3)
    monkeypatch.setattr(ragged_storage, "SMALL", 5)
    kept = create([[0]])
    kept.open().write(rows_of([[0]]))
    for number in range(1, 10):
        kept.open().patch((number,), rows_of([[number]]), extend=True)
    assert kept.open().structure.chunks[0] == (1, 1, 3, 3, 2)
    assert content(kept) == [[number] for number in range(10)]
    assert len(files(location)) == 5


def test_of_two_who_add_at_the_same_place_one_is_told(create) -> None:
    kept = create()
    told = []

    def add(number: float) -> None:
        try:
            kept.open().patch((4,), rows_of([[[number]]]), extend=True)
        except Conflict as error:
            told.append(str(error))

    at_once(lambda: add(1.0), lambda: add(2.0))
    assert len(told) == 1
    assert kept.open().structure.shape[0] == 5


def test_readers_see_every_addition_whole(create) -> None:
    kept = create(np.zeros((1, 100)))
    done = threading.Event()
    seen = set()

    def read() -> None:
        while not done.is_set():
            node = kept.open()
            found = node.read(())
            assert len(found) == node.structure.shape[0]
            seen.update(ak.to_list(ak.num(found)))

    def add() -> None:
        try:
            for number in range(1, 20):
                kept.open().patch((number,), rows_of(np.full((1, 100), number)), extend=True)
        finally:
            done.set()

    at_once(read, add)
    assert seen == {100}


# What may happen meanwhile


def test_who_has_opened_the_array_sees_what_replaced_it(create) -> None:
    kept = create(rows=(2, 2))
    kept.open().write(rows_of(LISTS))
    opened = kept.open()
    kept.open().write(rows_of(LISTS[::-1]))
    assert ak.to_list(opened.read(())) == LISTS[::-1]


def test_what_was_read_before_it_was_replaced_is_there_as_long_as_somebody_looks_at_it(create) -> None:
    kept = create()
    kept.open().write(rows_of(LISTS))
    found = kept.open().read(())
    kept.open().write(rows_of(LISTS[::-1]))
    assert ak.to_list(found) == LISTS


def test_a_file_that_is_missing_is_an_error_that_names_it(create, location) -> None:
    kept = create(rows=(2, 2))
    kept.open().write(rows_of(LISTS))
    next(location.folder.rglob("1-*.zip")).unlink()
    with pytest.raises(Unavailable, match=r"'1-1\.zip' of this array, which was written, is missing"):
        content(kept)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_file_that_is_damaged_is_an_error_that_names_it(create, location, damage) -> None:
    kept = create([[1.5, 2.5]])
    kept.open().write(rows_of([[1.5, 2.5]]))
    (path,) = location.folder.rglob("*.zip")
    path.write_bytes(path.read_bytes().replace(np.float64(1.5).tobytes(), bytes(8)) if damage is None else damage)
    with pytest.raises(Unavailable, match=r"'0-1\.zip' of this array is damaged"):
        content(kept)


def test_a_catalog_that_names_files_elsewhere_is_not_believed(create) -> None:
    kept = create([[1.5]])
    source = kept.keeper.current()
    wrong = msgspec.structs.replace(source, properties={"partitions": [{"file": "../../x.zip", "size": 1}]})
    kept.keeper.path.write_bytes(msgspec.json.encode(wrong))
    with pytest.raises(Unavailable, match="does not tell in which files"):
        content(kept)


def test_nothing_is_left_of_what_was_replaced_or_deleted(create, location) -> None:
    kept = create(rows=(2, 2))
    for _ in range(3):
        kept.open().write(rows_of(LISTS))
        kept.open().write_block(1, rows_of(LISTS)[2:])
    assert len(files(location)) == 2
    kept.delete()
    assert not files(location)


_KILLED = """
import sys
from pathlib import Path
import awkward, tiled_awkward
from tiledkernel.nodes.storing import parse_location
from tiledkernel.testing.keeping import Kept

kept = Kept(Path(sys.argv[1]), tiled_awkward.register_storages()[1], parse_location(sys.argv[2]))
kept.keeper.dies = sys.argv[3]
rows = awkward.Array([[9.0], [8.0, 7.0]])
{action}
"""
_ACTIONS = {
    "patch": ("kept.open().patch((2,), rows, extend=True)", [[1.0, 2.0], [3.0], [9.0], [8.0, 7.0]]),
    "write": ("kept.open().write(rows)", [[9.0], [8.0, 7.0]]),
    "write_block": ("kept.open().write_block(1, rows[:1])", [[1.0, 2.0], [9.0]]),
}


@pytest.mark.parametrize("action", _ACTIONS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_is_killed_leaves_the_rows_from_before_or_all_of_the_new_ones(
    create, location, moment, action
) -> None:
    old = [[1.0, 2.0], [3.0]]
    kept = create(old, rows=(1, 1))
    kept.open().write(rows_of(old))
    code, new = _ACTIONS[action]
    command = [sys.executable, "-c", _KILLED.format(action=code), str(kept.keeper.path), str(location.folder), moment]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    expected = old if moment == "before" else new
    assert content(kept) == expected
    assert kept.open().structure.shape[0] == len(expected)
    assert kept.open().structure.size == sum(map(len, expected))
    kept.open().patch((len(expected),), rows_of([[5.0]]), extend=True)
    assert content(kept) == [*expected, [5.0]]


# Writers who name the form of another program


def test_who_asks_for_a_table_of_a_database_gets_our_form(tmp_path, location) -> None:
    registry: Registry[Storage] = Registry("storage")
    for storage in (STORAGE, FOREIGN):
        registry.add(f"{storage.family} {storage.media_type}", storage, "awkward")
    table = StorageTable(registry, [location])
    assert table.choose("ragged", None)[0] is STORAGE
    assert table.choose("ragged", "application/x-ragged+sql")[0] is FOREIGN
    with pytest.raises(UnsupportedMediaType):
        table.choose("ragged", "text/csv")
    kept = Kept.create(tmp_path, FOREIGN, location, describe_ragged(array_of(LISTS)))
    found = table.of(kept.keeper.current())
    assert found is not None
    assert found[0] is STORAGE


def test_rows_in_a_table_of_a_database_are_unavailable_with_the_reason(location) -> None:
    source = DataSource(structure_family="ragged", structure={}, mimetype="application/x-ragged+sql")
    with pytest.raises(Unavailable, match="table of a database"):
        ragged_storage.open_foreign(source, location, None)
