"""Sparse arrays in files: what is written is read, whole or not at all, and what cannot be is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import sparse
import tiled_sparse
from tiled_sparse.elements import Elements, in_order
from tiled_sparse.memory import MemorySparse
from tiled_sparse.writing import WritableSparse

from tiledkernel.errors import Unavailable, Unprocessable
from tiledkernel.nodes.storing import Location, parse_location, path_of_uri
from tiledkernel.slices import cut_shape, format_slice
from tiledkernel.testing.comparisons import basic_indices
from tiledkernel.testing.keeping import Kept, at_once

(STORAGE,) = tiled_sparse.register_storages()
DENSE = np.where((numbers := np.random.default_rng(0).random((20, 9))) < 0.7, 0.0, numbers)
COO = sparse.COO.from_numpy(DENSE)
ALL = Elements(COO.coords, COO.data, DENSE.shape)
NONE = Elements(np.empty((2, 0), np.int64), np.empty(0), DENSE.shape)
CHUNKS = ((8, 8, 4), (5, 4))


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return parse_location(str(tmp_path / "stored"))


@pytest.fixture
def create(tmp_path: Path, location: Location) -> Callable[..., Kept]:
    """Make an array like one in memory, without its elements."""

    def make(array: MemorySparse | None = None, **changes: Any) -> Kept:
        array = array or MemorySparse(COO.coords, COO.data, COO.shape, chunks=CHUNKS)
        return Kept.create(tmp_path, STORAGE, location, msgspec.structs.replace(array.structure, **changes))

    return make


def files(location: Location) -> list[Path]:
    return sorted(path for path in location.folder.rglob("*") if path.is_file())


def content(kept: Kept) -> np.ndarray:
    node = kept.open()
    found = node.read(cut_shape((), node.structure.shape))
    assert np.array_equal(found.coords, in_order(found).coords)
    return sparse.COO(found.coords, found.data, shape=found.shape).todense()


# What is made


def test_each_block_has_a_file_from_the_beginning(create, location) -> None:
    source = create().keeper.current()
    assert source.mimetype == "application/x-parquet;structure=sparse"
    assert [(asset.parameter, asset.num, asset.is_directory) for asset in source.assets] == [
        ("data_uris", number, False) for number in range(6)
    ]
    names = [path_of_uri(asset.data_uri).name for asset in source.assets]
    assert names == [f"block-{row}.{column}.parquet" for row in range(3) for column in range(2)]
    assert [path.name for path in files(location)] == names


def test_an_array_that_nobody_has_written_has_no_elements(create) -> None:
    assert len(create().open().read(cut_shape((), DENSE.shape)).data) == 0


def test_the_node_can_be_written(create) -> None:
    assert isinstance(create().open(), WritableSparse)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": (10**6, 10**6), "chunks": ((1,) * 10**6,) * 2}, "1_000_000_000_000 chunks are too many"),
        ({"chunks": ((8, 8), (5, 4))}, "do not add up"),
        ({"chunks": ((20,),)}, "one entry per dimension"),
        ({"shape": (-1, 9), "chunks": ((-1,), (9,))}, "cannot be negative"),
        ({"shape": (1 << 70, 9), "chunks": ((1 << 70,), (9,))}, "cannot count|too large|structure"),
        ({"dims": ("x",)}, "one name per dimension"),
        ({"layout": "CSR"}, "'COO'"),
    ],
)
def test_arrays_that_cannot_be_are_refused_before_anything_is_made(create, location, changes, reason) -> None:
    with pytest.raises(Unprocessable, match=reason):
        create(**changes)
    assert not files(location)


@pytest.mark.parametrize("dtype", ["c16", "S3", "U2", "V4", "M8[h]", [("a", "i4")]], ids=str)
def test_elements_that_no_table_holds_are_refused_before_anything_is_made(create, location, dtype) -> None:
    array = MemorySparse([[0], [0]], np.zeros(1, dtype), (2, 2))
    with pytest.raises(Unprocessable, match="cannot be kept in a sparse array"):
        create(array)
    assert not files(location)


@pytest.mark.parametrize(("changes", "reason"), [({"kind": "f"}, "numbers"), ({"itemsize": 1}, "cannot count")])
def test_coordinates_must_be_integers_that_reach_far_enough(create, changes, reason) -> None:
    array = MemorySparse(np.zeros((1, 0)), [], (300,))
    wrong = msgspec.structs.replace(array.structure.coord_data_type, **changes)
    with pytest.raises(Unprocessable, match=reason):
        create(array, coord_data_type=wrong)


# What is written is read


@pytest.mark.parametrize("index", list(basic_indices(DENSE.shape, 30)), ids=format_slice)
def test_any_slice_of_many_blocks_has_the_elements_that_numpy_gives(create, index) -> None:
    kept = create()
    kept.open().write(ALL)
    cut = cut_shape(index, DENSE.shape)
    found = kept.open().read(cut)
    dense = sparse.COO(found.coords, found.data, shape=found.shape).todense()
    assert np.array_equal(np.flip(dense, cut.flipped) if cut.flipped else dense, DENSE[index])


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "<u2", ">i4", "i8", "f2", ">f4", "f8", "M8[ns]", "M8[s]", "M8[D]", "m8[s]"]
)
def test_every_element_type_comes_back_as_it_was(create, dtype) -> None:
    values = np.array([1, 0, 1]).astype(dtype)
    array = MemorySparse([[0, 3, 5]], values, (6,), chunks=(4,))
    kept = create(array)
    kept.open().write(array.elements)
    found = kept.open().read(cut_shape((), (6,)))
    assert found.data.dtype == array.elements.data.dtype
    assert (found.coords.tolist(), found.data.tolist()) == ([[0, 3, 5]], values.tolist())


@pytest.mark.parametrize(
    ("shape", "coords"), [((), np.empty((0, 1))), ((0,), np.empty((1, 0))), ((3, 0), np.empty((2, 0)))]
)
def test_arrays_without_axes_and_without_room_are_arrays_too(create, shape, coords) -> None:
    array = MemorySparse(coords, np.ones(coords.shape[1]), shape)
    kept = create(array)
    kept.open().write(array.elements)
    assert content(kept).tolist() == np.ones(shape).tolist()


def test_a_block_is_replaced_and_no_other(create) -> None:
    kept = create()
    kept.open().write(ALL)
    kept.open().write_block((1, 1), Elements(np.array([[7], [0]]), np.array([5.0]), (8, 4)))
    expected = DENSE.copy()
    expected[8:16, 5:9] = 0
    expected[15, 5] = 5
    assert np.array_equal(content(kept), expected)


def test_what_was_written_is_written_over(create) -> None:
    kept = create()
    kept.open().write(ALL)
    kept.open().write(NONE)
    assert not content(kept).any()


def test_nothing_is_left_of_what_was_replaced_or_deleted(create, location) -> None:
    kept = create()
    for _ in range(3):
        kept.open().write(ALL)
    assert len(files(location)) == 6
    kept.delete()
    assert not files(location)


def test_a_block_that_does_not_exist_is_refused(create) -> None:
    with pytest.raises(Unprocessable, match="no block"):
        create().open().write_block((3, 0), NONE)


# What may happen meanwhile


def test_who_has_opened_the_array_sees_what_replaced_it(create) -> None:
    kept = create()
    kept.open().write(NONE)
    opened = kept.open()
    kept.open().write(ALL)
    assert len(opened.read(cut_shape((), DENSE.shape)).data) == len(ALL.data)


def test_a_block_goes_to_what_replaced_the_array(create) -> None:
    kept = create()
    opened = kept.open()
    kept.open().write(NONE)
    opened.write_block((0, 0), Elements(np.array([[1], [2]]), np.array([5.0]), (8, 5)))
    assert content(kept)[1, 2] == 5


def test_of_two_who_replace_all_one_wins(create, location) -> None:
    kept = create()
    twice = ALL._replace(data=ALL.data * 2)
    at_once(lambda: kept.open().write(ALL), lambda: kept.open().write(twice))
    found = content(kept)
    assert np.array_equal(found, DENSE) or np.array_equal(found, DENSE * 2)
    assert len(files(location)) == 6


def test_blocks_are_written_side_by_side(create) -> None:
    kept = create()
    one = Elements(np.array([[0], [0]]), np.array([1.0]), (4, 4))
    blocks = [(row, column) for row in range(3) for column in range(2)]
    at_once(*(lambda block=block: kept.open().write_block(block, one) for block in blocks))
    assert content(kept).sum() == 6


def test_readers_never_see_a_mixture(create) -> None:
    kept = create()
    kept.open().write(ALL)
    done = threading.Event()
    sums: set[float] = set()

    def read() -> None:
        while not done.is_set():
            sums.add(round(kept.open().read(cut_shape((), DENSE.shape)).data.sum() / ALL.data.sum(), 6))

    def write() -> None:
        try:
            for factor in (2, 3, 4, 5):
                kept.open().write(ALL._replace(data=ALL.data * factor))
        finally:
            done.set()

    at_once(read, write)
    assert sums <= {1.0, 2.0, 3.0, 4.0, 5.0}


def test_a_file_that_is_missing_is_an_error_that_names_it(create, location) -> None:
    kept = create()
    kept.open().write(ALL)
    next(path for path in files(location) if path.name == "block-1.0.parquet").unlink()
    with pytest.raises(Unavailable, match=r"'block-1\.0\.parquet', which was written, is missing"):
        content(kept)
    assert len(kept.open().read(cut_shape((0,), DENSE.shape)).data)  # which lies elsewhere


def test_a_file_that_is_damaged_is_an_error_that_names_it(create, location) -> None:
    kept = create()
    files(location)[0].write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(Unavailable, match=r"'block-0\.0\.parquet' is damaged"):
        content(kept)


@pytest.mark.parametrize("uri", ["file://localhost/etc/passwd", "{root}/../../secret.parquet"])
def test_no_file_elsewhere_is_touched(create, location, tmp_path, uri) -> None:
    (tmp_path / "secret.parquet").write_bytes(b"secret")
    kept = create(MemorySparse([[0]], [1.0], (3,)))
    source = kept.keeper.current()
    asset = msgspec.structs.replace(source.assets[0], data_uri=uri.format(root=location.uri))
    kept.keeper.path.write_bytes(msgspec.json.encode(msgspec.structs.replace(source, assets=(asset,))))
    with pytest.raises(Unavailable, match="outside the place"):
        content(kept)
    with pytest.raises(Unavailable, match="outside the place"):
        kept.delete()
    assert (tmp_path / "secret.parquet").exists()


def test_a_stamp_tells_blocks_that_were_written_from_others(create) -> None:
    kept = create()
    first, last = cut_shape((0,), DENSE.shape), cut_shape((-1,), DENSE.shape)
    before = [kept.open().stamp(cut) for cut in (first, last, None)]
    kept.open().write_block((0, 0), Elements(np.array([[0], [0]]), np.array([1.0]), (8, 5)))
    after = [kept.open().stamp(cut) for cut in (first, last, None)]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, True, False]


_KILLED = """
import sys
from pathlib import Path
import numpy as np
import tiled_sparse
from tiled_sparse.elements import Elements
from tiledkernel.nodes.storing import parse_location
from tiledkernel.testing.keeping import Kept

kept = Kept(Path(sys.argv[1]), tiled_sparse.register_storages()[0], parse_location(sys.argv[2]))
kept.keeper.dies = sys.argv[3]
kept.open().write(Elements(np.array([[0, 19], [0, 8]]), np.array([7.0, 7.0]), (20, 9)))
"""


@pytest.mark.parametrize(("moment", "expected"), [("before", DENSE.sum()), ("after", 14.0)])
def test_a_process_that_is_killed_leaves_the_old_array_or_the_new_one(create, location, moment, expected) -> None:
    kept = create()
    kept.open().write(ALL)
    command = [sys.executable, "-c", _KILLED, str(kept.keeper.path), str(location.folder), moment]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    assert content(kept).sum() == expected
    kept.open().write(ALL)
    assert np.array_equal(content(kept), DENSE)


def test_structures_that_are_none_are_refused(tmp_path, location) -> None:
    with pytest.raises(Unprocessable, match="no structure of a sparse array"):
        Kept.create(tmp_path, STORAGE, location, {"shape": "x"})
