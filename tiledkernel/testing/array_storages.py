"""What every storage of arrays must do, as a class of tests that a plugin's test class inherits."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from tiledkernel.blocks import block_bounds
from tiledkernel.errors import Conflict, Unprocessable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.storing import Location, parse_location
from tiledkernel.nodes.writing import WritableArray
from tiledkernel.records import Storage
from tiledkernel.slices import cut_shape
from tiledkernel.testing.comparisons import same
from tiledkernel.testing.keeping import Kept, at_once

_NESTED = [("id", ">i4"), ("where", "<f8", (2, 3)), ("inner", [("a", "u1"), ("b", ">f4")])]
_DTYPES: tuple[Any, ...] = (
    "?", "i1", "u2", "<i4", ">i8", "f2", ">f4", "<f8", "c8", ">c16", "S3", "<U4", ">U4", "V5", "M8[ns]", ">M8[D]",
    "m8[25us]", [("a", "<i4"), ("b", "S3")], [("a", ">i4"), ("b", "M8[s]")], _NESTED,
)  # fmt: skip
_FLOAT = describe_array((1,), np.dtype("<f8")).data_type
_ABSURD: dict[str, tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]] = {
    "10**12 chunks": ((10**6, 10**6), ((1,) * 10**6,) * 2),
    "10**12 irregular chunks": ((2 * 10**6, 2 * 10**6), ((1, 3) * 500_000,) * 2),
    "size": ((1 << 61, 1 << 61), ((1 << 61,),) * 2),
    "length": ((1 << 80,), ((1 << 80,),)),
    "negative": ((-1,), ((-1,),)),
    "sum": ((5,), ((2, 2),)),
    "axes": ((1,) * 70, ((1,),) * 70),
    "chunk": ((1 << 40,), ((1 << 40,),)),
    "negative chunk": ((2,), ((3, -1),)),
}
_DATA = np.arange(25 * 17, dtype="<i4").reshape(25, 17)
_SIDE = 300

_KILLED = """
import sys
import msgspec
import numpy as np
from pathlib import Path
from tiledkernel.nodes.storing import Location
from tiledkernel.records import Storage
from tiledkernel.testing.keeping import Kept

path, storage, location, moment = sys.argv[1:]
kept = Kept(
    Path(path), msgspec.json.decode(storage, type=Storage), msgspec.json.decode(location, type=Location, strict=False)
)
kept.keeper.dies = moment
{action}
"""


class ArrayStorageContract:
    """Inherit, set `storage`; overwrite the fixture `location` for places other than a folder.

    - `storage`: the record that the plugin registers, of the family 'array'.
    - `patches_are_whole`: False where one chunk can be replaced at a time and no more, as in a bucket: a process that
      is killed then leaves some chunks of a patch written and others not.
    """

    storage: ClassVar[Storage]
    patches_are_whole: ClassVar[bool] = True

    @pytest.fixture
    def location(self, tmp_path: Path) -> Location:
        """An empty place for data."""
        return parse_location(str(tmp_path / "stored"))

    @pytest.fixture
    def create(self, tmp_path: Path, location: Location) -> Callable[..., Kept]:
        """Make an array of the shape and type of some data, without the data."""

        def make(
            data: NDArray[Any], chunks: Sequence[int] | Sequence[Sequence[int]] | None = None, dims: Any = None
        ) -> Kept:
            structure = describe_array(data.shape, data.dtype, chunks, dims)  # type: ignore[arg-type]  # either kind
            return Kept.create(tmp_path, self.storage, location, structure)

        return make

    # What is made

    def test_a_new_array_says_where_it_is_and_in_which_form(
        self, create: Callable[..., Kept], location: Location
    ) -> None:
        """Clients and the catalog learn it from the data source."""
        source = create(_DATA, (10, 8), ("y", "x")).keeper.current()
        assert source.mimetype == self.storage.media_type
        assert source.management == "writable"
        assert source.assets, "name what the data lie in: the catalog deletes it with the node"
        assert all(location.holds(asset.data_uri) for asset in source.assets)
        assert msgspec.convert(source.structure, ArrayStructure) == describe_array(
            _DATA.shape, _DATA.dtype, (10, 8), ("y", "x")
        )

    def test_the_node_has_the_abilities(self, create: Callable[..., Kept]) -> None:
        """The routes that write ask for them."""
        assert isinstance(create(_DATA).open(), WritableArray)

    @pytest.mark.parametrize("dtype", ["<f8", ">i2", "S3", "<U4", [("a", "<i4"), ("b", "S3")]], ids=str)
    def test_an_array_of_which_nothing_was_written_is_blank(self, create: Callable[..., Kept], dtype: Any) -> None:
        """Zeros, and empty texts."""
        blank = np.zeros((25, 17), dtype)
        assert same(content(create(blank, (10, 8))), blank)

    def test_dates_that_nobody_wrote_are_none(self, create: Callable[..., Kept]) -> None:
        """Not the year 1970."""
        assert np.isnat(content(create(np.zeros(5, "M8[ns]")))).all()

    @pytest.mark.parametrize("case", _ABSURD)
    def test_absurd_arrays_are_refused_before_anything_is_made(
        self, tmp_path: Path, location: Location, case: str
    ) -> None:
        """Their cost is computed, not tried."""
        shape, chunks = _ABSURD[case]
        structure = ArrayStructure(data_type=_FLOAT, shape=shape, chunks=chunks)
        with pytest.raises(Unprocessable):
            Kept.create(tmp_path, self.storage, location, structure)
        assert not self.files(location)

    @pytest.mark.parametrize(
        "changes",
        [
            {"kind": "O"}, {"kind": "q"}, {"itemsize": 3}, {"itemsize": 0}, {"itemsize": -8}, {"itemsize": 1 << 40},
            {"endianness": "middle"}, {"dt_units": "[years]", "kind": "M"}, {"kind": "b"},
        ],
        ids=str,
    )  # fmt: skip
    def test_element_types_that_cannot_be_are_refused(
        self, tmp_path: Path, location: Location, changes: dict[str, Any]
    ) -> None:
        """With a sentence, before anything is made."""
        structure = describe_array((3,), np.dtype("f8"))
        wrong = msgspec.structs.replace(structure, data_type=msgspec.structs.replace(_FLOAT, **changes))
        with pytest.raises(Unprocessable, match=r"element type|cannot be stored"):
            Kept.create(tmp_path, self.storage, location, wrong)
        assert not self.files(location)

    def test_names_must_be_those_of_the_axes(self, tmp_path: Path, location: Location) -> None:
        """One for each."""
        wrong = msgspec.structs.replace(describe_array((3,), np.dtype("f8")), dims=("x", "y"))
        with pytest.raises(Unprocessable, match="dims"):
            Kept.create(tmp_path, self.storage, location, wrong)

    # What is written is read

    @pytest.mark.parametrize("dtype", _DTYPES, ids=str)
    def test_every_element_type_comes_back_as_it_was(self, create: Callable[..., Kept], dtype: Any) -> None:
        """Records, dates and texts too, in both orders of bytes."""
        data = some(np.dtype(dtype), (7, 5))
        kept = create(data, (4, 3))
        kept.open().write(data)
        assert same(content(kept), data)
        assert content(kept).dtype == data.dtype

    @pytest.mark.parametrize("dtype", ["<f8", ">U3", ">M8[s]", _NESTED], ids=str)
    @pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,)], ids=str)
    def test_arrays_without_axes_and_without_elements(
        self, create: Callable[..., Kept], shape: tuple[int, ...], dtype: Any
    ) -> None:
        """They are arrays like others."""
        data = some(np.dtype(dtype), shape)
        kept = create(data)
        kept.open().write(data)
        assert same(content(kept), data)

    @pytest.mark.parametrize(
        "chunks", [(10, 8), ((3, 10, 12), (17,)), ((25,), (1, 2, 14)), (1, 17), ((3, 3, 4, 15), (5, 12))], ids=str
    )
    def test_blocks_are_those_that_the_writer_has_chosen(self, create: Callable[..., Kept], chunks: Any) -> None:
        """Also if they are not regular."""
        kept = create(_DATA, chunks)
        structure = kept.open().structure
        for block in np.ndindex(*map(len, structure.chunks)):
            kept.open().write_block(block, _DATA[block_bounds(block, structure.chunks)])
        assert kept.open().structure == structure
        assert same(content(kept), _DATA)

    def test_a_slice_of_a_block_leaves_the_rest_as_it_was(self, create: Callable[..., Kept]) -> None:
        """Backwards too."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        kept.open().write_block((1, 1), np.arange(16, dtype="<i4").reshape(2, 8), (slice(None, None, -5),))
        kept.open().write_block((2, 0), np.full(8, -2, "<i4"), (4,))
        expected = _DATA.copy()
        expected[10:20, 8:16][::-5] = np.arange(16).reshape(2, 8)
        expected[24, :8] = -2
        assert same(content(kept), expected)

    def test_what_was_written_is_written_over(self, create: Callable[..., Kept]) -> None:
        """As a whole, as a block, and from an offset on."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        kept.open().write(_DATA * 2)
        kept.open().write_block((0, 0), _DATA[:10, :8] * 3)
        kept.open().patch((5, 5), _DATA[5:15, 5:15] * 4)
        expected = _DATA * 2
        expected[:10, :8] = _DATA[:10, :8] * 3
        expected[5:15, 5:15] = _DATA[5:15, 5:15] * 4
        assert same(content(kept), expected)

    def test_data_need_not_lie_in_order(self, create: Callable[..., Kept]) -> None:
        """Of whatever layout in memory, also such as may not be written to."""
        kept = create(_DATA, (10, 8))
        backwards = np.asfortranarray(_DATA[::-1])
        backwards.flags.writeable = False
        kept.open().write(backwards)
        assert same(content(kept), _DATA[::-1])

    # What is refused

    @pytest.mark.parametrize(
        ("data", "block"),
        [
            (_DATA, (0, 0)), (_DATA[:10, :8].astype("f8"), (0, 0)), (_DATA[:10, :8], (3, 0)), (_DATA[:10, :8], (0,)),
            (_DATA[:10, :8], (-1, 0)),
        ],
        ids=["shape", "type", "outside", "too few", "negative"],
    )  # fmt: skip
    def test_data_that_do_not_fit_a_block_are_refused(
        self, create: Callable[..., Kept], data: Any, block: tuple[int, ...]
    ) -> None:
        """And nothing has changed."""
        kept = create(_DATA, (10, 8))
        with pytest.raises(Unprocessable):
            kept.open().write_block(block, data)
        assert not content(kept).any()

    @pytest.mark.parametrize("data", [_DATA[:24], _DATA.astype("f8"), _DATA.ravel()], ids=["shape", "type", "axes"])
    def test_data_that_do_not_fit_the_array_are_refused(self, create: Callable[..., Kept], data: Any) -> None:
        """And nothing has changed."""
        kept = create(_DATA, (10, 8))
        with pytest.raises(Unprocessable):
            kept.open().write(data)
        assert not content(kept).any()

    @pytest.mark.parametrize("offset", [(-1,), (0, 0, 0)], ids=str)
    def test_offsets_that_cannot_be_are_refused(self, create: Callable[..., Kept], offset: tuple[int, ...]) -> None:
        """They are no ends of anything."""
        with pytest.raises(Unprocessable):
            create(_DATA).open().patch(offset, _DATA, extend=True)

    # Growing

    def test_what_reaches_beyond_is_refused_unless_the_array_may_grow(self, create: Callable[..., Kept]) -> None:
        """The client turns 'Use ?extend=true' into advice."""
        kept = create(_DATA, (10, 8))
        with pytest.raises(Conflict, match=r"Use \?extend=true to"):
            kept.open().patch((24,), _DATA[:2])
        assert not content(kept).any()

    def test_an_array_grows_by_chunks_at_its_end(self, create: Callable[..., Kept]) -> None:
        """The chunks that there were stay as they are: who knows the array as it was may still write them."""
        kept = create(np.arange(3))
        kept.open().write(np.arange(3))
        before = kept.open()
        structure = kept.open().patch((3,), np.array([3, 4, 5]), extend=True)
        assert structure.shape == (6,)
        assert structure.chunks == ((3, 3),)
        before.write_block((0,), np.array([7, 8, 9]))
        assert content(kept).tolist() == [7, 8, 9, 3, 4, 5]
        kept.open().write_block((1,), np.array([1, 1, 1]))
        assert content(kept).tolist() == [7, 8, 9, 1, 1, 1]
        assert kept.open().patch((4,), np.array([2, 2, 2]), extend=True).chunks == ((3, 3, 1),)
        assert content(kept).tolist() == [7, 8, 9, 1, 2, 2, 2]

    def test_an_array_grows_along_all_axes(self, create: Callable[..., Kept]) -> None:
        """What lies between is blank."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        structure = kept.open().patch((30, 15), np.full((2, 4), 5, "<i4"), extend=True)
        assert structure.shape == (32, 19)
        assert structure.chunks == ((10, 10, 5, 7), (8, 8, 1, 2))
        expected = np.zeros((32, 19), "<i4")
        expected[:25, :17] = _DATA
        expected[30:, 15:] = 5
        assert same(content(kept), expected)
        assert same(content(kept, block=(3, 2)), expected[25:, 16:17])

    def test_an_array_may_begin_without_elements(self, create: Callable[..., Kept]) -> None:
        """It grows all the same."""
        kept = create(np.empty((0, 3)))
        structure = kept.open().patch((0,), np.ones((2, 3)), extend=True)
        assert structure.chunks == ((2,), (3,))
        assert same(content(kept), np.ones((2, 3)))

    def test_extensions_may_come_out_of_order(self, create: Callable[..., Kept]) -> None:
        """The later one makes room for the earlier."""
        kept = create(np.arange(3))
        kept.open().write(np.arange(3))
        kept.open().patch((6,), np.arange(6, 9), extend=True)
        assert content(kept).tolist() == [0, 1, 2, 0, 0, 0, 6, 7, 8]
        kept.open().patch((3,), np.arange(3, 6), extend=True)
        assert content(kept).tolist() == list(range(9))

    def test_growing_beyond_all_bounds_is_refused(self, create: Callable[..., Kept]) -> None:
        """Before anything is made."""
        kept = create(_DATA, (10, 8))
        with pytest.raises(Unprocessable):
            kept.open().patch((1 << 50,), _DATA, extend=True)
        assert kept.open().structure.shape == (25, 17)

    def test_what_has_grown_can_be_written_as_a_whole(self, create: Callable[..., Kept]) -> None:
        """And goes on growing."""
        kept = create(_DATA, (10, 8))
        kept.open().patch((25,), _DATA, extend=True)
        twice = np.concatenate([_DATA, _DATA])
        kept.open().write(twice)
        kept.open().patch((50,), _DATA, extend=True)
        assert same(content(kept), np.concatenate([twice, _DATA]))

    # Together

    def test_who_reads_sees_one_state_of_an_array_that_is_written_as_a_whole(self, create: Callable[..., Kept]) -> None:
        """Never half of one and half of another, and no error."""
        kept = create(np.zeros((_SIDE, 8), "i8"), (_SIDE // 3, 8))
        kept.open().write(np.zeros((_SIDE, 8), "i8"))
        done = threading.Event()
        seen: list[set[int]] = []

        def write() -> None:
            try:
                for number in range(1, 12):
                    kept.open().write(np.full((_SIDE, 8), number))
            finally:
                done.set()

        def read() -> None:
            while not done.is_set():
                seen.append(set(np.unique(content(kept)).tolist()))

        at_once(write, read, read)
        assert all(len(values) == 1 for values in seen)
        assert set(content(kept).ravel().tolist()) == {11}

    def test_many_who_let_an_array_grow_lose_nothing(self, create: Callable[..., Kept]) -> None:
        """Each believes that the array has grown, and it has."""
        kept = create(np.empty((0, 3), "i8"))

        def grow(first: int) -> Callable[[], None]:
            def patch() -> None:
                for row in range(first, 24, 4):
                    structure = kept.open().patch((row,), np.full((1, 3), row + 1), extend=True)
                    assert structure.shape[0] > row

            return patch

        at_once(*map(grow, range(4)))
        assert content(kept)[:, 0].tolist() == list(range(1, 25))
        structure = kept.open().structure
        assert tuple(map(sum, structure.chunks)) == structure.shape == (24, 3)

    def test_slices_that_are_written_at_once_to_one_chunk_lose_nothing(self, create: Callable[..., Kept]) -> None:
        """Reading, changing and writing a chunk is one thing."""
        kept = create(np.zeros(32, "i8"), (32,))

        def write(start: int) -> Callable[[], None]:
            def patch() -> None:
                for at in range(start, 32, 4):
                    kept.open().patch((at,), np.array([at]))

            return patch

        at_once(*map(write, range(4)))
        assert content(kept).tolist() == list(range(32))

    def test_blocks_are_kept_that_are_written_while_the_array_grows(self, create: Callable[..., Kept]) -> None:
        """The last chunk, which the array grows in, is the one that counts."""
        kept = create(np.zeros(10, "i8"), (8,))

        def write() -> None:
            for number in range(1, 15):
                kept.open().write_block((1,), np.full(2, number))

        def grow() -> None:
            for end in range(10, 30):
                kept.open().patch((end,), np.array([100 + end]), extend=True)

        at_once(write, grow)
        assert content(kept).tolist() == [0] * 8 + [14] * 2 + list(range(110, 130))

    def test_a_block_that_is_written_after_the_array_was_written_as_a_whole_is_not_lost(
        self, create: Callable[..., Kept]
    ) -> None:
        """Also by one who has found the array before."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        known = kept.open()
        kept.open().write(_DATA * 2)
        known.write_block((0, 0), _DATA[:10, :8] * 3)
        expected = _DATA * 2
        expected[:10, :8] = _DATA[:10, :8] * 3
        assert same(content(kept), expected)

    def test_what_was_replaced_is_still_read_by_those_who_have_found_it_before(
        self, create: Callable[..., Kept]
    ) -> None:
        """They see what is there now, not an error and not fill values."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        known = kept.open()
        kept.open().write(_DATA * 2)
        assert same(known.read(cut_shape((), _DATA.shape)), _DATA * 2)

    # Stopped

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_process_that_is_killed_while_an_array_grows_leaves_all_or_nothing(
        self, create: Callable[..., Kept], location: Location, moment: str
    ) -> None:
        """What the catalog says is there, and what it does not say is never seen, not even when the array grows on."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        begin = 20 if self.patches_are_whole else 25
        written = f"np.full(({50 - begin}, 17), -1, '<i4')"
        self.killed(kept, location, moment, f"kept.open().patch(({begin},), {written}, extend=True)")
        expected = _DATA.copy()
        if moment == "after":
            expected = np.concatenate([_DATA[:begin], np.full((50 - begin, 17), -1, "<i4")])
        assert same(content(kept), expected)
        kept.open().patch((60,), _DATA, extend=True)
        found = content(kept)
        assert same(found[: len(expected)], expected)
        assert not found[len(expected) : 60].any()
        assert same(found[60:], _DATA)

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_process_that_is_killed_while_it_writes_a_whole_array_leaves_the_old_or_the_new_one(
        self, create: Callable[..., Kept], location: Location, moment: str
    ) -> None:
        """And the array can be written to again."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        self.killed(kept, location, moment, "kept.open().write(np.full((25, 17), -1, '<i4'))")
        expected = _DATA if moment == "before" else np.full((25, 17), -1, "<i4")
        assert same(content(kept), expected)
        kept.open().write_block((0, 0), _DATA[:10, :8] * 3)
        kept.open().patch((25,), _DATA, extend=True)
        assert same(content(kept)[:10, :8], _DATA[:10, :8] * 3)
        assert same(content(kept)[10:25], expected[10:])
        assert same(content(kept)[25:], _DATA)

    def killed(self, kept: Kept, location: Location, moment: str, action: str) -> None:
        """Let another process do something, and be killed around its commit."""
        code = _KILLED.format(action=action)
        described = [msgspec.json.encode(part).decode() for part in (self.storage, location)]
        arguments = [str(kept.keeper.path), *described, moment]
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=120, check=False)  # noqa: S603 - our own interpreter
        assert done.returncode == -9, done.stderr.decode()

    # Deleted

    def test_nothing_is_left_of_an_array_that_is_deleted(self, create: Callable[..., Kept], location: Location) -> None:
        """Whatever was done to it before; and deleting it again is no error."""
        kept = create(_DATA, (10, 8))
        kept.open().write(_DATA)
        kept.open().write(_DATA)
        kept.open().patch((20,), _DATA, extend=True)
        assert self.files(location)
        kept.delete()
        assert not self.files(location)
        kept.delete()

    def test_another_array_stays(self, create: Callable[..., Kept]) -> None:
        """Each lies in a place of its own."""
        one, other = create(_DATA), create(_DATA)
        one.open().write(_DATA)
        other.open().write(_DATA * 2)
        one.delete()
        assert same(content(other), _DATA * 2)

    def files(self, location: Location) -> list[str]:
        """All that lies in a location; overwrite it for places other than a folder."""
        return [str(path) for path in location.folder.rglob("*") if path.is_file()]


def content(kept: Kept, block: tuple[int, ...] | None = None) -> NDArray[Any]:
    """What a request reads: everything, or a block."""
    node = kept.open()
    structure: ArrayStructure = node.structure
    cut = cut_shape(() if block is None else block_bounds(block, structure.chunks), structure.shape)
    found: NDArray[Any] = node.read(cut)
    return found


def some(dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Elements of a type, none like the other."""
    count = int(np.prod(shape))
    if dtype.kind == "U":
        return np.resize(np.array(["a", "bé", "π", "", "word"], dtype), shape)
    raw = np.random.default_rng(0).integers(1, 60, count * dtype.itemsize, "u1")
    return (raw & 1 if dtype.kind == "b" else raw).view(dtype).reshape(shape)
