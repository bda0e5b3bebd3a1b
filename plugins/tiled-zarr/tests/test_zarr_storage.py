"""Arrays that are uploaded: what is written is there, for us and for the library; what cannot be is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import zarr
from tiled_zarr import describing, storage
from tiledkernel.nodes.durable import PARTIAL
from tiled_zarr.storage import DoesNotFit, StoredArray
from tiled_zarr.versions import VersionedArray

from tiledkernel.errors import Gone, NotFound, Unavailable, Unprocessable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.slices import cut_shape
from tiledkernel.testing.comparisons import same

NESTED = np.dtype([("id", ">i4"), ("where", "<f8", (2, 3)), ("inner", [("a", "u1"), ("b", ">f4")])])
DATA = np.arange(25 * 17, dtype="<i4").reshape(25, 17)


def created(path: Path, data=DATA, chunks=(10, 8), dims=None) -> StoredArray:
    return StoredArray.create(path, describe_array(data.shape, data.dtype, chunks, dims))


def content(array: StoredArray) -> np.ndarray:
    node = array.node()
    return node.read(cut_shape((), node.structure.shape))


def test_what_was_written_is_read_by_the_library(path):
    array = created(path, dims=("y", "x"))
    array.write(DATA)
    found = zarr.open_array(path, mode="r")
    assert found[...].tolist() == DATA.tolist()
    assert found.chunks == (10, 8)
    assert found.metadata.dimension_names == ("y", "x")


@pytest.mark.parametrize(
    "dtype",
    ["?", "i1", "u2", "<i4", ">i8", "f2", ">f4", "<f8", "c8", ">c16", "S3", "<U4", ">U4", "V5", "M8[ns]", ">M8[D]",
     "m8[25us]", [("a", "<i4"), ("b", "S3")], [("a", ">i4"), ("b", "f4")], NESTED],
    ids=str,
)  # fmt: skip
def test_every_element_type_comes_back_as_it_was(path, dtype):
    raw = np.random.default_rng(0).integers(0, 60, (7, 5 * np.dtype(dtype).itemsize), "u1")
    data = (raw & 1 if np.dtype(dtype) == "?" else raw).view(dtype) if np.dtype(dtype).kind != "U" else None
    if data is None:
        data = np.array([["a", "bé", "π", "", "word"]] * 7, dtype)
    array = created(path, data, (4, 3))
    array.write(data)
    assert same(content(array), data)
    assert array.structure.data_type == describe_array(data.shape, data.dtype).data_type
    assert not array.node().metadata


@pytest.mark.parametrize("dtype", [">i4", "M8[s]", "S3", "<U4", [("a", "<i4"), ("b", "S3")]], ids=str)
def test_the_library_reads_what_it_has_a_name_for(path, dtype):
    data = np.array([(7, b"ab")] * 3, dtype) if isinstance(dtype, list) else np.array([65, 66, 67]).astype(dtype)
    array = created(path, data, (2,))
    array.write(data)
    assert same(zarr.open_array(path, mode="r")[...], data)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,)])
def test_arrays_without_axes_and_without_elements(path, shape):
    data = np.ones(shape)
    array = StoredArray.create(path, describe_array(shape, data.dtype))
    array.write(data)
    assert same(content(array), data)


def test_an_array_of_which_nothing_was_written_is_blank(path):
    assert not content(created(path)).any()


def test_a_block_is_one_file_and_is_sent_as_it_rests(path):
    array = created(path)
    array.write_block((1, 1), DATA[10:20, 8:16])
    assert sorted(found.name for found in path.iterdir()) == ["c.1.1", "zarr.json"]
    assert array.node().encoded_block((1, 1)).coding == "zstd"
    array.write_block((2, 2), DATA[20:, 16:])
    assert content(array)[10:20, 8:16].tolist() == DATA[10:20, 8:16].tolist()
    assert content(array)[20:, 16:].tolist() == DATA[20:, 16:].tolist()


def test_a_slice_of_a_block_leaves_the_rest_as_it_was(path):
    array = created(path)
    array.write(DATA)
    array.write_block((1, 1), np.full((2, 8), -1, "<i4"), (slice(None, None, 5),))
    array.write_block((2, 0), np.full(8, -2, "<i4"), (4,))
    expected = DATA.copy()
    expected[10:20:5, 8:16] = -1
    expected[24, :8] = -2
    assert content(array).tolist() == expected.tolist()


def test_a_part_goes_to_all_chunks_that_it_touches(path):
    array = created(path)
    array.write(DATA)
    array.write_part((slice(20, 5, -1), slice(3, 12)), DATA[20:5:-1, 3:12] * -1)
    expected = DATA.copy()
    expected[6:21, 3:12] *= -1
    assert content(array).tolist() == expected.tolist()


def test_chunks_that_are_not_regular_are_laid_on_a_grid_that_is(path):
    array = created(path, chunks=((3, 10, 12), (17,)))
    array.write_part((slice(3, 13),), DATA[3:13])
    assert content(array)[3:13].tolist() == DATA[3:13].tolist()


def test_chunks_that_nobody_chose_have_a_few_mebibytes(path):
    structure = describe_array((4000, 2000), np.dtype("f8"), None)
    chunk = describing.chunk_to_store(structure)
    assert 1 << 20 <= np.prod(chunk) * 8 <= 8 << 20


def test_the_chunks_of_an_array_that_begins_empty_have_a_few_mebibytes_too():
    chunk = describing.chunk_to_store(describe_array((0, 2000), np.dtype("f8"), None))
    assert 1 << 20 <= np.prod(chunk) * 8 <= 8 << 20


def test_one_array_is_not_made_over_another(path):
    created(path)
    with pytest.raises(FileExistsError):
        created(path)


def test_there_must_be_an_array_to_open_one(tmp_path):
    with pytest.raises(NotFound):
        StoredArray(tmp_path)


def test_an_array_that_somebody_else_wrote_in_another_form_is_not_written_to(path):
    zarr.create_array(path, data=DATA, chunks=(10, 8), compressors=None)
    with pytest.raises(Unavailable, match="was not stored here"):
        StoredArray(path)


def test_a_damaged_chunk_can_be_replaced_but_not_written_in_part(path):
    array = created(path)
    array.write(DATA)
    (path / "c.0.0").write_bytes(b"broken")
    with pytest.raises(Unavailable, match="is damaged"):
        array.write_part((0, 0), np.array(5, "<i4"))
    array.write_block((0, 0), DATA[:10, :8])
    assert content(array).tolist() == DATA.tolist()


# growing


def test_appended_rows_follow_the_others(path):
    array = created(path)
    array.write(DATA)
    structure = array.append(DATA[:7])
    assert structure.shape == (32, 17)
    assert structure.chunks[0] == (10, 10, 10, 2)
    assert content(array).tolist() == [*DATA.tolist(), *DATA[:7].tolist()]
    assert zarr.open_array(path, mode="r").shape == (32, 17)


def test_many_appends_at_once_lose_nothing(path):
    array = created(path, np.empty((0, 3), "i8"), (4, 3))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: StoredArray(path).append(np.full((1, 3), number)), range(40)))
    assert sorted(content(array)[:, 0].tolist()) == list(range(40))


def test_slices_written_at_once_to_one_chunk_lose_nothing(path):
    array = created(path, np.zeros(64, "i8"), (64,))
    barrier = threading.Barrier(8)

    def write(start: int) -> None:
        barrier.wait()
        for at in range(start, 64, 8):
            StoredArray(path).write_part((at,), np.array(at))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert content(array).tolist() == list(range(64))


def test_a_patch_grows_the_array_as_far_as_needed(path):
    array = created(path)
    array.write(DATA)
    structure = array.patch((30, 15), np.full((2, 4), 5, "<i4"), extend=True)
    assert structure.shape == (32, 19)
    expected = np.zeros((32, 19), "<i4")
    expected[:25, :17] = DATA
    expected[30:, 15:] = 5
    assert content(array).tolist() == expected.tolist()


def test_a_patch_inside_needs_not_say_so(path):
    array = created(path)
    assert array.patch((3,), DATA[:2]).shape == (25, 17)
    assert content(array)[3:5].tolist() == DATA[:2].tolist()


def test_a_patch_that_reaches_beyond_is_refused_unless_the_array_may_grow(path):
    with pytest.raises(DoesNotFit, match=r"Use \?extend=true to") as caught:
        created(path).patch((24,), DATA[:2])
    assert caught.value.status == 409


def test_what_a_killed_append_left_behind_is_never_seen(path, monkeypatch):
    array = created(path)
    array.write(DATA)
    monkeypatch.setattr(StoredArray, "_clear", lambda *_: None)

    def killed(target: Path, data: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "write_file", killed)
    with pytest.raises(KeyboardInterrupt):
        array.append(DATA)  # its chunks are there, the array has not grown
    monkeypatch.undo()
    assert content(array).tolist() == DATA.tolist()
    array.patch((49, 0), DATA[:1], extend=True)
    found = content(array)
    assert not found[25:49].any()
    assert found[:25].tolist() == DATA.tolist()
    assert found[49].tolist() == DATA[0].tolist()


# refused


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((10**6, 10**6), ((1,) * 10**6,) * 2), ((1 << 61, 1 << 61), ((1 << 61,),) * 2), ((-1,), ((-1,),)),
        ((5,), ((2, 2),)), ((1,) * 40, ((1,),) * 40), ((1 << 40,), ((1 << 40,),)), ((2,), ((3, -1),)),
    ],
    ids=["10**12 chunks", "large", "negative", "sum", "axes", "chunk", "negative chunk"],
)  # fmt: skip
def test_absurd_arrays_are_refused_before_anything_is_made(path, shape, chunks):
    data_type = describe_array((1,), np.dtype("f8")).data_type
    with pytest.raises(Unprocessable):
        StoredArray.create(path, ArrayStructure(data_type=data_type, shape=shape, chunks=chunks))
    assert not path.exists()


def test_too_many_chunks_are_refused(path, monkeypatch):
    monkeypatch.setattr(describing, "MAX_CHUNKS", 5)
    with pytest.raises(Unprocessable, match="9 chunks"):
        created(path)


def test_growing_beyond_all_bounds_is_refused(path):
    array = created(path)
    with pytest.raises(Unprocessable, match="chunks"):
        array.patch((1 << 50,), DATA, extend=True)
    assert array.structure.shape == (25, 17)


@pytest.mark.parametrize(
    ("data", "block"),
    [(DATA, (0, 0)), (DATA[:10, :8].astype("f8"), (0, 0)), (DATA[:10, :8], (3, 0)), (DATA[:10, :8], (0,)),
     (DATA[:10, :8], (-1, 0))],
    ids=["shape", "type", "outside", "too few", "negative"],
)  # fmt: skip
def test_data_that_do_not_fit_are_refused(path, data, block):
    array = created(path)
    with pytest.raises(Unprocessable):
        array.write_block(block, data)
    assert [found.name for found in path.iterdir()] == ["zarr.json"]


@pytest.mark.parametrize("offset", [(-1,), (0, 0, 0)])
def test_offsets_that_cannot_be_are_refused(path, offset):
    with pytest.raises(Unprocessable):
        created(path).patch(offset, DATA, extend=True)


def test_a_write_that_fails_leaves_nothing_behind(path, monkeypatch):
    array = created(path)
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        array.write_block((0, 0), DATA[:10, :8])
    assert [found.name for found in path.iterdir()] == ["zarr.json"]


# versions


def test_readers_see_one_version_or_the_other(tmp_path):
    versioned = VersionedArray(tmp_path / "array")
    with pytest.raises(NotFound):
        versioned.current()
    structure = describe_array(DATA.shape, DATA.dtype, (10, 8))
    with versioned.replacing(structure) as array:
        array.write(DATA)
    before = versioned.current()
    with versioned.replacing(structure) as array:
        array.write_block((0, 0), DATA[:10, :8] * 2)
        assert content(versioned.current()).tolist() == DATA.tolist()
        array.write(DATA * 2)
    assert content(before).tolist() == DATA.tolist()
    assert content(versioned.current()).tolist() == (DATA * 2).tolist()


def test_a_version_that_fails_is_removed(tmp_path):
    versioned = VersionedArray(tmp_path / "array")
    structure = describe_array(DATA.shape, DATA.dtype, (10, 8))
    with versioned.replacing(structure) as array:
        array.write(DATA)
    with pytest.raises(Unprocessable), versioned.replacing(structure) as array:
        array.write(DATA[:3])
    assert content(versioned.current()).tolist() == DATA.tolist()
    assert len(list(versioned.path.glob("*.zarr"))) == 1


def test_old_versions_are_swept_and_their_readers_get_an_error(tmp_path):
    versioned = VersionedArray(tmp_path / "array")
    structure = describe_array(DATA.shape, DATA.dtype, (10, 8))
    for factor in (1, 2):
        with versioned.replacing(structure) as array:
            array.write(DATA * factor)
        if factor == 1:
            old = versioned.current().node()
    (versioned.current().path / f"{PARTIAL}x").write_bytes(b"half")
    assert versioned.sweep(3600) == 0
    assert versioned.sweep(0) == 1
    assert not list(versioned.path.rglob(f"{PARTIAL}*"))
    with pytest.raises(Gone):
        old.read(cut_shape((), DATA.shape))
    assert content(versioned.current()).tolist() == (DATA * 2).tolist()
