"""Arrays in folders: for other programs to read, in as few files as can be, and told when something is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import tiled_zarr
import zarr
from msgspec import structs
from tiled_zarr import describing, folder_array
from tiled_zarr.describing import describe_zarr, stored_metadata
from tiled_zarr.encoding import encode_chunk
from tiled_zarr.stored import METADATA
from tiled_zarr.version3 import parse_v3

from tiledkernel.errors import Conflict, NotAllowed, NotFound, Unavailable, Unprocessable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.protocols import EncodedBlock
from tiledkernel.nodes.storing import Location, parse_location
from tiledkernel.slices import cut_shape
from tiledkernel.testing.array_storages import content
from tiledkernel.testing.comparisons import same
from tiledkernel.testing.keeping import Kept

DATA = np.arange(25 * 17, dtype="<i4").reshape(25, 17)
NESTED = np.dtype([("id", ">i4"), ("where", "<f8", (2, 3)), ("inner", [("a", "u1"), ("b", ">f4")])])


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return parse_location(str(tmp_path / "stored"))


@pytest.fixture
def create(tmp_path: Path, location: Location) -> Callable[..., Kept]:
    """Make an array like some data; written, unless told otherwise."""

    def make(data: Any = DATA, chunks: Any = (10, 8), dims: Any = None, *, written: bool = True) -> Kept:
        structure = describe_array(data.shape, data.dtype, chunks, dims)
        kept = Kept.create(tmp_path, tiled_zarr.STORAGE, location, structure)
        if written:
            kept.open().write(data)
        return kept

    return make


def folder_of(kept: Kept) -> Path:
    return kept.open().path


def names(kept: Kept) -> set[str]:
    return {path.name for path in folder_of(kept).iterdir()}


# What rests


def test_what_was_written_is_read_by_the_library(create):
    kept = create(dims=("y", "x"))
    found = zarr.open_array(folder_of(kept), mode="r")
    assert found[...].tolist() == DATA.tolist()
    assert found.chunks == (10, 8)
    assert found.metadata.dimension_names == ("y", "x")


@pytest.mark.parametrize("dtype", [">i4", "M8[s]", "S3", "<U4", [("a", "<i4"), ("b", "S3")]], ids=str)
def test_the_library_reads_what_it_has_a_name_for(create, dtype):
    data = np.array([(7, b"ab")] * 3, dtype) if isinstance(dtype, list) else np.array([65, 66, 67]).astype(dtype)
    assert same(zarr.open_array(folder_of(create(data, (2,))), mode="r")[...], data)


def test_the_library_sees_how_an_array_has_grown(create):
    kept = create()
    kept.open().patch((25,), DATA, extend=True)
    assert zarr.open_array(folder_of(kept), mode="r")[...].tolist() == [*DATA.tolist(), *DATA.tolist()]


@pytest.mark.parametrize(
    "dtype", ["?", "<f8", ">i2", "<U4", ">M8[ns]", "S3", "V5", [("a", ">i4"), ("b", "S3")], NESTED]
)
def test_what_is_known_of_an_array_is_what_its_metadata_say(dtype):
    structure = describe_array((25, 17), np.dtype(dtype), (10, 8), ("y", "x"))
    known, said = stored_metadata(structure, (10, 8)), parse_v3(describe_zarr(structure, (10, 8), {}))
    assert same(known.fill, said.fill)
    assert structs.replace(known, fill=None) == structs.replace(said, fill=None)


def test_a_block_is_one_file_and_is_sent_as_it_rests(create):
    kept = create(written=False)
    kept.open().write_block((1, 1), DATA[10:20, 8:16])
    assert names(kept) == {"c.1.1", METADATA, ".written"}
    sent = kept.open().encoded_block((1, 1))
    assert sent == EncodedBlock("zstd", (folder_of(kept) / "c.1.1").read_bytes())


@pytest.mark.parametrize("block", [(2, 2), (0, 0)], ids=["edge", "blank"])
def test_a_block_that_does_not_rest_as_it_is_served_is_not_sent_so(create, block):
    kept = create(written=False)
    kept.open().write_block((2, 2), DATA[20:, 16:])
    assert kept.open().encoded_block(block) is None


def test_blocks_of_an_array_that_has_grown_rest_as_they_are_served_only_where_the_grids_agree(create):
    data = np.arange(20_000)
    kept = create(data, (10_000,))
    kept.open().patch((20_000,), data[:5000], extend=True)
    kept.open().patch((25_000,), data[:10_000], extend=True)
    node = kept.open()
    assert node.structure.chunks == ((10_000, 10_000, 5000, 10_000),)
    assert node.encoded_block((1,)) is not None
    assert node.encoded_block((2,)) is None
    assert node.encoded_block((3,)) is None


@pytest.mark.parametrize(
    ("data", "sizes"),
    [(np.random.default_rng(0).random(1 << 17), (1.0, 1.001)), (np.arange(1 << 17), (0, 0.5)), (np.zeros(5), (0, 1))],
    ids=["noise", "numbers", "few"],
)
def test_what_does_not_compress_rests_as_it_is(data, sizes):
    least, most = sizes
    frame = encode_chunk(data)
    assert least <= len(frame) / data.nbytes <= most
    assert (
        stored_metadata(describe_array(data.shape, data.dtype), data.shape).storage.decode(frame).tolist()
        == data.tolist()
    )


def test_chunks_that_are_not_regular_are_laid_on_a_grid_that_is(create):
    kept = create(chunks=((3, 10, 12), (17,)), written=False)
    kept.open().write_block((1, 0), DATA[3:13])
    assert content(kept)[3:13].tolist() == DATA[3:13].tolist()
    assert zarr.open_array(folder_of(kept), mode="r").chunks == (25, 17)


@pytest.mark.parametrize("shape", [(4000, 2000), (0, 2000)])
def test_chunks_that_nobody_chose_have_a_few_mebibytes(shape):
    chunk = describing.chunk_to_store(describe_array(shape, np.dtype("f8"), None))
    assert 1 << 20 <= np.prod(chunk) * 8 <= 8 << 20


def test_a_small_array_grows_in_the_file_that_it_has(create):
    kept = create(np.arange(3), (3,))
    for end in range(3, 50):
        kept.open().patch((end,), np.array([end]), extend=True)
    assert names(kept) == {"c.0", METADATA, ".written"}
    assert content(kept).tolist() == list(range(50))


def test_too_many_chunks_are_refused(create, monkeypatch):
    monkeypatch.setattr(describing, "MAX_CHUNKS", 5)
    with pytest.raises(Unprocessable, match="9 chunks"):
        create()


# What was lost is told from what was never written


def test_a_chunk_that_was_written_and_is_gone_is_an_error_that_names_it(create):
    kept = create()
    (folder_of(kept) / "c.1.0").unlink()
    with pytest.raises(Unavailable, match=r"c\.1\.0"):
        content(kept)
    assert content(kept, block=(0, 0)).tolist() == DATA[:10, :8].tolist()
    kept.open().write_block((1, 0), DATA[10:20, :8])
    assert same(content(kept), DATA)


def test_so_is_one_that_an_array_has_grown_by(create):
    kept = create()
    kept.open().patch((30,), DATA[:10], extend=True)
    (folder_of(kept) / "c.3.0").unlink()
    with pytest.raises(Unavailable, match=r"c\.3\.0"):
        content(kept)


def test_a_folder_that_is_gone_is_an_error_also_for_those_who_have_it_open(create):
    kept = create()
    node = kept.open()
    (folder_of(kept)).rename(folder_of(kept).with_suffix(".away"))
    with pytest.raises(Unavailable, match="is gone"):
        node.read(cut_shape((), DATA.shape))
    with pytest.raises(Unavailable, match="is gone"):
        content(kept)
    with pytest.raises(Unavailable, match="is gone"):
        node.write_block((0, 0), DATA[:10, :8])


def test_a_damaged_chunk_can_be_replaced_but_not_written_in_part(create):
    kept = create()
    (folder_of(kept) / "c.0.0").write_bytes(b"broken")
    with pytest.raises(Unavailable, match="is damaged"):
        content(kept)
    with pytest.raises(Unavailable, match="is damaged"):
        kept.open().patch((0, 0), np.array([[5]], "<i4"))
    kept.open().write_block((0, 0), DATA[:10, :8])
    assert same(content(kept), DATA)


def test_a_node_that_was_deleted_is_not_found_by_those_who_write(create):
    kept = create()
    node = kept.open()
    kept.delete()
    kept.keeper.path.unlink()
    with pytest.raises(NotFound):
        node.write_block((0, 0), DATA[:10, :8])


# All or nothing


def no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "write",
    [
        lambda node: node.write_block((0, 0), DATA[:10, :8] * 2),
        lambda node: node.write(DATA * 2),
        lambda node: node.patch((5, 5), DATA[:10, :10] * 2),
        lambda node: node.patch((20,), DATA * 2, extend=True),
    ],
    ids=["block", "whole", "part", "growth"],
)
def test_a_write_for_which_there_is_no_room_changes_nothing_and_leaves_nothing_behind(
    create, location, monkeypatch, write
):
    kept = create()
    before = names(kept)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", no_space)
        with pytest.raises(OSError, match="No space"):
            write(kept.open())
    assert names(kept) == before
    assert [path.name for path in location.folder.glob("*/*")] == [folder_of(kept).name]
    assert same(content(kept), DATA)


def test_a_change_of_several_chunks_that_was_sealed_is_finished_by_the_next_who_reads(create, monkeypatch):
    kept = create()
    with monkeypatch.context() as patched:
        patched.setattr("tiled_zarr.staging._finish", no_space)
        with pytest.raises(OSError, match="No space"):
            kept.open().patch((5, 5), DATA[:10, :10] * 2)
    expected = DATA.copy()
    expected[5:15, 5:15] = DATA[:10, :10] * 2
    assert same(content(kept), expected)
    assert not any(name.startswith((".journal", ".staged")) for name in names(kept))


@pytest.mark.parametrize("again", ["block", "part"])
def test_it_is_finished_before_anybody_writes(create, monkeypatch, again):
    kept = create()
    with monkeypatch.context() as patched:
        patched.setattr("tiled_zarr.staging._finish", no_space)
        with pytest.raises(OSError, match="No space"):
            kept.open().patch((5, 5), DATA[:10, :10] * 2)
    if again == "block":
        kept.open().write_block((0, 0), DATA[:10, :8] * 3)
    else:
        kept.open().patch((0, 0), DATA[:10, :8] * 3)
    expected = DATA.copy()
    expected[5:15, 5:15] = DATA[:10, :10] * 2
    expected[:10, :8] = DATA[:10, :8] * 3
    assert same(content(kept), expected)


def test_a_change_that_was_not_sealed_is_dropped(create, monkeypatch):
    kept = create()
    with monkeypatch.context() as patched:
        patched.setattr("tiled_zarr.staging.write_file", no_space)
        with pytest.raises(OSError, match="No space"):
            kept.open().patch((5, 5), DATA[:10, :10] * 2)
    assert same(content(kept), DATA)
    assert not any(name.startswith((".journal", ".staged")) for name in names(kept))


def test_a_catalog_that_refuses_leaves_the_old_array(create, monkeypatch, location):
    kept = create()

    def refuse(source: Any) -> None:
        raise Conflict("not now")

    with monkeypatch.context() as patched:
        patched.setattr(kept.keeper, "commit", refuse)
        for write in (lambda: kept.open().write(DATA * 2), lambda: kept.open().patch((25,), DATA, extend=True)):
            with pytest.raises(Conflict):
                write()
    assert same(content(kept), DATA)
    kept.open().write_block((0, 0), DATA[:10, :8] * 3)
    assert content(kept)[0, :3].tolist() == [0, 3, 6]
    assert METADATA in names(kept)
    assert len(list(location.folder.glob("*/*"))) == 1


def test_metadata_that_were_lost_are_written_again(create):
    kept = create()
    (folder_of(kept) / METADATA).unlink()
    kept.open().write_block((0, 0), DATA[:10, :8] * 3)
    assert zarr.open_array(folder_of(kept), mode="r").shape == DATA.shape


def test_data_for_an_array_that_has_grown_meanwhile_are_refused(create, monkeypatch):
    kept = create()
    fill = folder_array.FolderArray.fill

    def meanwhile(array: Any, data: Any) -> None:
        fill(array, data)
        kept.open().patch((25,), DATA, extend=True)

    monkeypatch.setattr(folder_array.FolderArray, "fill", meanwhile)
    with pytest.raises(Conflict, match="has grown"):
        kept.open().write(DATA * 2)
    assert same(content(kept), np.concatenate([DATA, DATA]))


# What another program has stored


def adopted(tmp_path: Path, location: Location, **options: Any) -> Kept:
    """An array in a place of ours that the library has made; the catalog says what it looks like."""
    path = location.path_of("adopted")
    zarr.create_array(path, data=DATA, chunks=(10, 8), **options)
    structure = describe_array(DATA.shape, DATA.dtype, (10, 8))
    kept = Kept.create(tmp_path, tiled_zarr.STORAGE, location, structure)
    source = kept.keeper.current()
    assets = (structs.replace(source.assets[0], data_uri=location.uri_of("adopted")),)
    kept.keeper.path.write_bytes(msgspec.json.encode(structs.replace(source, assets=assets, properties={})))
    return kept


def test_it_is_written_where_its_form_is_ours(tmp_path, location):
    kept = adopted(tmp_path, location)
    assert same(content(kept), DATA)
    kept.open().write_block((0, 0), DATA[:10, :8] * 3)
    kept.open().patch((25, 0), DATA, extend=True)
    expected = np.concatenate([DATA, DATA])
    expected[:10, :8] = DATA[:10, :8] * 3
    assert same(content(kept), expected)
    assert same(zarr.open_array(folder_of(kept), mode="r")[...], expected)


def test_elsewhere_it_is_read_and_replaced_as_a_whole(tmp_path, location):
    kept = adopted(tmp_path, location, compressors=zarr.codecs.BloscCodec())
    assert same(content(kept), DATA)
    for write in (
        lambda: kept.open().write_block((0, 0), DATA[:10, :8]),
        lambda: kept.open().patch((25, 0), DATA, extend=True),
    ):
        with pytest.raises(NotAllowed, match="as a whole"):
            write()
    assert same(content(kept), DATA)
    kept.open().write(DATA * 2)
    kept.open().write_block((0, 0), DATA[:10, :8])
    assert content(kept)[0, :3].tolist() == [0, 1, 2]


# What it costs


def test_a_block_costs_two_flushes_and_no_question_to_the_catalog(create, monkeypatch):
    kept = create()
    node = kept.open()
    flushed: list[int] = []
    real = os.fsync

    def counting(descriptor: int) -> None:
        flushed.append(descriptor)
        real(descriptor)

    monkeypatch.setattr("os.fsync", counting)
    monkeypatch.setattr(kept.keeper, "current", lambda: pytest.fail("the catalog was asked"))
    node.write_block((1, 1), DATA[10:20, 8:16])
    assert len(flushed) == 2


def test_a_slice_reads_only_the_chunks_that_it_touches(create, monkeypatch):
    kept = create()
    node = kept.open()
    opened: list[str] = []
    real = os.open

    def counting(name: Any, *arguments: Any, **options: Any) -> int:
        opened.append(Path(str(name)).name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", counting)
    node.read(cut_shape((slice(12, 15), 3), DATA.shape))
    assert opened == ["c.1.0"]
