"""Arrays of our own server: the right elements, and no more requests than needed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from tiledkernel.client import ClientError, record_history
from tiledkernel.families.array.client import ArrayClient, format_chunks
from tiledkernel.families.array.client_memory import targets
from tiledkernel.families.array.client_selection import MAX_PIECE, cut_index, divide
from tiledkernel.families.array.memory import MemoryArray

CUBE = np.arange(6 * 7 * 8).reshape(6, 7, 8)
INDICES = [
    ...,
    (),
    0,
    -1,
    (slice(None),),
    slice(1, 5, 2),
    slice(None, None, -1),
    slice(4, None, -3),
    slice(-2, None),
    (2, 3, 4),
    (..., 0),
    (0, ..., slice(None, None, -2)),
    (slice(None, None, -1), slice(5, 1, -1), -3),
    (slice(2, 2), slice(None)),
    (slice(10, 20), ...),
    (np.int64(1), slice(np.int32(0), np.int32(2))),
]


@pytest.fixture
def cube(client_of: Any) -> Any:
    return client_of({"cube": MemoryArray(CUBE, chunks=((2, 2, 2), (4, 3), (8,)))})["cube"]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_an_index_selects_as_in_numpy(cube: Any, index: Any) -> None:
    expected = CUBE[index]
    for result in (cube[index], cube.read(index)):
        assert isinstance(result, np.ndarray)
        assert result.shape == expected.shape
        assert (result == expected).all()


def test_one_selection_is_one_request(cube: Any) -> None:
    with record_history() as history:
        _ = cube[1, ::2, ::-1]
    assert len(history.requests) == 1
    assert cube.fetch_count() == 1


def test_nothing_is_asked_for_an_empty_selection(cube: Any) -> None:
    with record_history() as history:
        assert cube[3:3].shape == (0, 7, 8)
        assert cube[:, :, 9:].shape == (6, 7, 0)
    assert history.requests == []
    assert cube.fetch_count(np.s_[3:3]) == 0


@pytest.mark.parametrize(
    "index", [6, -7, (0, 7), (0, 0, 0, 0), [0, 1], None, (None, 0), True, CUBE > 3, "a", 1.0, (..., ...)]
)
def test_what_cannot_be_selected_is_an_index_error_without_a_request(cube: Any, index: Any) -> None:
    with record_history() as history, pytest.raises(IndexError):
        cube[index]
    assert history.requests == []


def test_a_step_of_zero_is_a_value_error_as_in_numpy(cube: Any) -> None:
    with pytest.raises(ValueError, match="step cannot be zero"):
        cube[::0]


def test_a_block_is_one_chunk(cube: Any) -> None:
    assert (cube.read_block((1, 1, 0)) == CUBE[2:4, 4:7]).all()
    assert (cube.read_block((2, 0, 0), np.s_[1, ::-2]) == CUBE[5, 0:4][::-2]).all()


@pytest.mark.parametrize("block", [(3, 0, 0), (0, 0), (-1, 0, 0), 0])
def test_a_block_outside_the_grid_is_an_index_error(cube: Any, block: Any) -> None:
    with pytest.raises(IndexError, match="no block"):
        cube.read_block(block)


def test_it_describes_itself(cube: Any) -> None:
    assert (cube.shape, cube.ndim, cube.size, cube.nbytes, len(cube)) == ((6, 7, 8), 3, 336, 2688, 6)
    assert cube.chunks == ((2, 2, 2), (4, 3), (8,))
    assert cube.dtype == CUBE.dtype
    assert cube.dims is None


def test_numpy_takes_it_for_an_array(cube: Any) -> None:
    assert (np.asarray(cube) == CUBE).all()
    assert np.asarray(cube, dtype="f4").dtype == np.float32
    with pytest.raises(ValueError, match="without copying"):
        np.array(cube, copy=False)


def test_it_is_iterated_along_its_first_axis_chunk_by_chunk(cube: Any) -> None:
    with record_history() as history:
        assert all((row == CUBE[number]).all() for number, row in enumerate(cube))
    assert len(history.requests) == 3


KINDS = [
    np.array([1.5, np.nan, np.inf]),
    np.array([[1, 2], [3, 4]], dtype=">i2"),
    np.array([True, False]),
    np.array([1 + 2j]),
    np.array(["a", "bcd"]),
    np.array([b"a", b"bcd"]),
    np.array(["2020-01-01", "NaT"], dtype="M8[ns]"),
    np.array([3, 4], dtype="m8[10ms]"),
    np.array([("Rex", 9, 81.0)], dtype=[("name", "<U10"), ("age", "<i4"), ("weight", "<f4")]),
    np.array([(1, [[1, 2], [3, 4]])], dtype=[("n", "u1"), ("m", "<f4", (2, 2))]),
    np.array(3.5),
    np.ones((0, 4)),
]


@pytest.mark.parametrize("array", KINDS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_every_kind_of_element_arrives_as_it_was(client_of: Any, array: Any) -> None:
    result = client_of({"a": array})["a"].read()
    assert result.dtype == array.dtype
    assert result.shape == array.shape
    assert result.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.ones((300, 300)), "<ArrayClient shape=(300, 300) chunks=((300,), (300,)) dtype=float64>"),
        (np.ones(100), "<ArrayClient shape=(100,) chunks=((100,)) dtype=float64>"),
        (np.array(1), "<ArrayClient shape=() chunks=() dtype=int64>"),
        (
            np.zeros(2, [("name", "<U10"), ("age", "<i4")]),
            "<ArrayClient shape=(2,) chunks=((2,)) dtype=[('name', '<U10'), ('age', '<i4')]>",
        ),
        (
            MemoryArray(np.ones((1, 2)), dims=("x", "y")),
            "<ArrayClient shape=(1, 2) chunks=((1,), (2,)) dtype=float64 dims=('x', 'y')>",
        ),
    ],
)
def test_its_repr_says_what_it_is(client_of: Any, array: Any, text: str) -> None:
    assert repr(client_of({"a": array})["a"]) == text


@pytest.mark.parametrize(
    ("lengths", "text"),
    [
        ((100,), "(100,)"),
        ((4096, 4096, 1808), "(4096, 4096, 1808)"),
        ((1, 2, 3, 4, 5), "(1, 2, 3, 4, 5)"),
        ((100,) * 10, "(100, 100, ..., 100)"),
        ((1, 1, 1, 1, 1, 3), "(1, 1, ..., 1, 3)"),
        ((1, 2, 3, 4, 5, 6), "variable"),
    ],
)
def test_many_chunks_are_abbreviated(lengths: tuple[int, ...], text: str) -> None:
    assert format_chunks(lengths) == text


# Large arrays


@pytest.mark.parametrize("index", [..., np.s_[1:, ::-2], np.s_[:, 3], np.s_[::2, 1:6, 5]], ids=str)
def test_a_large_selection_is_put_together_from_pieces(cube: Any, index: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ArrayClient, "largest_piece", 100)
    assert cube.fetch_count(index) > 1
    with record_history() as history:
        result = cube[index]
    assert (result == CUBE[index]).all()
    assert len(history.requests) == cube.fetch_count(index)


@pytest.mark.parametrize("limit", [1, 100, 1000, 5000])
@pytest.mark.parametrize("index", INDICES, ids=str)
def test_pieces_cover_a_selection_exactly_once(index: Any, limit: int) -> None:
    cut = cut_index(index, CUBE.shape)
    result = np.full(cut.shape, -1)
    for piece in divide(cut, ((2, 2, 2), (4, 3), (8,)), 8, limit):
        assert (result[piece.target] == -1).all()
        assert CUBE[piece.index].shape == piece.shape
        result[piece.target] = CUBE[piece.index]
    assert (np.flip(result, cut.flipped) == CUBE[index]).all()


def test_pieces_end_where_chunks_end() -> None:
    pieces = divide(cut_index(np.s_[1:, 2:], (6, 7)), ((2, 2, 2), (4, 3)), 8, limit=1)
    assert [piece.index for piece in pieces] == [
        (slice(1, 2, 1), slice(2, 4, 1)), (slice(1, 2, 1), slice(4, 7, 1)),
        (slice(2, 4, 1), slice(2, 4, 1)), (slice(2, 4, 1), slice(4, 7, 1)),
        (slice(4, 6, 1), slice(2, 4, 1)), (slice(4, 6, 1), slice(4, 7, 1)),
    ]  # fmt: skip


def test_a_hundred_mebibytes_are_one_request_and_more_are_several() -> None:
    chunks = ((625,) * 16, (625,) * 16)
    assert len(divide(cut_index(np.s_[:1000], (10_000, 10_000)), chunks, 8, MAX_PIECE)) == 1
    pieces = divide(cut_index(..., (10_000, 10_000)), chunks, 8, MAX_PIECE)
    assert len(pieces) == 8
    assert all(np.prod(piece.shape) * 8 <= MAX_PIECE == 100 << 20 for piece in pieces)


@pytest.mark.parametrize(
    ("lengths", "limit", "count"),
    [
        ((1,) * 256, 100, 3),  # 256 in hundreds
        ((1,) * 256, 256, 1),
        ((1,) * 256, 255, 2),
        ((64,) * 4, 100, 4),  # two chunks would be too many
        ((64,) * 4, 128, 2),
        ((150, 10, 10, 10), 100, 2),  # a chunk is not cut
        ((60, 50, 40, 30), 100, 3),
        ((60, 50, 50, 40, 30), 100, 3),
    ],
)
def test_as_few_requests_are_made_as_the_budget_allows(lengths: tuple[int, ...], limit: int, count: int) -> None:
    total = sum(lengths)
    pieces = divide(cut_index(..., (total,)), (lengths,), 1, limit)
    assert len(pieces) == count
    assert sum(piece.shape[0] for piece in pieces) == total


def test_what_comes_in_several_requests_is_shared_out_evenly() -> None:
    pieces = divide(cut_index(..., (256,)), ((1,) * 256,), 1, 100)
    assert max(piece.shape[0] for piece in pieces) <= 87


@pytest.mark.parametrize("index", [np.s_[:], np.s_[:, 1:3], np.s_[:, :, ::2], np.s_[2, 1:, 3]], ids=str)
def test_memory_is_filled_in_row_major_order(index: Any) -> None:
    array = np.zeros((4, 5, 6), dtype="<i2")
    part = array[index]
    data = iter(np.arange(1, part.size + 1, dtype="<i2").tobytes())
    for view in targets(part):
        view[:] = bytes(next(data) for _ in range(view.nbytes))
    assert part.ravel().tolist() == list(range(1, part.size + 1))


def test_contiguous_memory_is_filled_in_place() -> None:
    array = np.zeros((4, 5))
    (view,) = targets(array)
    view[:8] = np.float64(1).tobytes()
    assert array[0, 0] == 1


# Export


@pytest.mark.parametrize("index", [np.s_[:2], np.s_[::-1, 0], np.s_[5:2:-2], np.s_[..., -3:], np.s_[:0]], ids=str)
def test_an_export_holds_what_the_slice_selects(client_of: Any, index: Any) -> None:
    table = np.arange(42).reshape(6, 7)
    buffer = io.BytesIO()
    client_of({"a": table})["a"].export(buffer, format="application/octet-stream", slice=index)
    assert buffer.getvalue() == table[index].tobytes()


def test_an_export_goes_to_a_file_whole(cube: Any, tmp_path: Any) -> None:
    cube.export(tmp_path / "cube.bin", format="application/octet-stream")
    assert (tmp_path / "cube.bin").read_bytes() == CUBE.tobytes()


def test_a_refused_export_leaves_nothing_behind(cube: Any, tmp_path: Any) -> None:
    with pytest.raises(ClientError, match=r"^406:"):
        cube.export(tmp_path / "cube.nonsense")
    assert list(tmp_path.iterdir()) == []


def test_a_buffer_needs_a_format(cube: Any) -> None:
    with pytest.raises(ValueError, match="pass format="):
        cube.export(io.BytesIO())


def test_a_path_without_a_suffix_needs_a_format(cube: Any, tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="no suffix"):
        cube.export(tmp_path / "cube")
