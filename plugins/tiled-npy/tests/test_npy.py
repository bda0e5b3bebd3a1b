"""NumPy files, against what NumPy reads."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
import tiled_npy
from tiled_npy.reader import open_npy

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array import plain
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.families.array.slabs import CEILING
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample
from tiledkernel.testing.comparisons import basic_indices, same

CHANCE = np.random.default_rng(5)


def write(folder: Path, array: np.ndarray, name: str = "a.npy") -> Path:
    np.save(folder / name, array)
    return folder / name


class TestPlain(ReaderContract):
    reader = tiled_npy.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = CHANCE.random((21, 34))
        return Sample(path=write(tmp_path, array), arrays={"": array})


class TestFortranOrderAndBigEndian(ReaderContract):
    reader = tiled_npy.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = np.asfortranarray(CHANCE.integers(-99, 99, (5, 21, 34)).astype(">i2"))
        return Sample(path=write(tmp_path, array), arrays={"": array})


class TestRecords(ReaderContract):
    reader = tiled_npy.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        kind = np.dtype([("x", ">f4"), ("n", "u1"), ("pair", "i2", (2,)), ("name", "U3")])
        array = np.zeros((7, 3), kind)
        array["x"] = CHANCE.random((7, 3))
        array["name"][2] = "äb"
        return Sample(path=write(tmp_path, array), arrays={"": array})


ARRAYS = {
    "no axes": np.array(2.5),
    "one axis": np.arange(30, dtype="<u4"),
    "no elements": np.zeros((0, 7)),
    "no columns": np.zeros((7, 0), order="F"),
    "booleans": CHANCE.random((9, 7)) > 0.5,
    "complex": CHANCE.random((9, 7)) + 1j,
    "half": CHANCE.random((9, 7)).astype("f2"),
    "texts": np.array([["a", "bcd"], ["", "ü"]]),
    "big-endian texts": np.array([["a", "bcd"], ["", "ü"]]).astype(">U3"),
    "bytes": np.array([b"a", b"bcd"]),
    "dates": np.array(["2020-01-02", "NaT"], "M8[D]"),
    "durations": np.array([1, 2], "m8[25us]"),
    "Fortran order": np.asfortranarray(CHANCE.random((9, 7))),
    "Fortran order, five axes": np.asfortranarray(CHANCE.random((2, 3, 4, 5, 6)).astype(">f4")),
    "five axes": CHANCE.random((2, 3, 4, 5, 6)),
}


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("gap", [0, plain.GAP])
def test_any_slice_is_what_numpy_reads(tmp_path, monkeypatch, kind, gap):
    monkeypatch.setattr(plain, "GAP", gap)
    path = write(tmp_path, ARRAYS[kind])
    expected = np.load(path)
    node = open_npy(path)
    assert node.structure.shape == expected.shape
    for index in basic_indices(expected.shape, 60):
        cut = cut_shape(index, expected.shape)
        found = node.read(cut)
        assert found.dtype == expected.dtype
        assert same(found, expected[cut.index]), cut.index


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path, version):
    array = np.zeros((3,), [("µ" if version == (3, 0) else "x", "f4")])
    with (tmp_path / "a.npy").open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older programs cannot read the newer versions
        np.lib.format.write_array(file, array, version=version)
    assert open_npy(tmp_path / "a.npy").read(cut_shape((), (3,))).dtype == array.dtype


def test_a_file_of_python_2_is_read(tmp_path):
    header = b"{'descr': '<i4', 'fortran_order': False, 'shape': (3L, 1L), }".ljust(117) + b"\n"
    content = b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + np.arange(3, dtype="<i4").tobytes()
    (tmp_path / "a.npy").write_bytes(content)
    assert open_npy(tmp_path / "a.npy").read(cut_shape((), (3, 1))).tolist() == [[0], [1], [2]]


def test_padding_between_fields_is_not_sent(tmp_path):
    array = np.zeros((4,), np.dtype([("n", "u1"), ("x", "f8")], align=True))
    array["x"] = CHANCE.random(4)
    found = open_npy(write(tmp_path, array)).read(cut_shape((slice(1, 3),), (4,)))
    assert found.dtype.itemsize == 9
    assert (found["x"] == array["x"][1:3]).all()


def test_chunks_are_rows_or_parts_of_columns_as_the_file_has_them(tmp_path):
    c_order = open_npy(write(tmp_path, np.zeros((4000, 1000)))).structure.chunks
    fortran = open_npy(write(tmp_path, np.zeros((4000, 1000), order="F"))).structure.chunks
    wide = open_npy(write(tmp_path, np.zeros((4000, 2000), order="F"))).structure.chunks
    assert c_order == ((524,) * 7 + (332,), (1000,))
    assert fortran == ((4000,), (131,) * 7 + (83,))
    assert wide[0][0] * 2000 * 8 <= CEILING  # a row of blocks can be read at once
    assert wide[0][0] * wide[1][0] * 8 == pytest.approx(4 << 20, rel=0.01)


def test_an_array_in_fortran_order_leaves_in_few_pieces(tmp_path, count):
    array = np.asfortranarray(CHANCE.random((4000, 2000)))
    node = open_npy(write(tmp_path, array))
    pieces = list(ArrayPayload(node, cut_shape((), array.shape)).slabs())
    assert (np.concatenate(pieces) == array).all()
    assert len(pieces) == 2
    assert sum(count) <= 2 * array.nbytes


@pytest.fixture
def count(monkeypatch) -> list[int]:
    """How many bytes each read asks for."""
    lengths: list[int] = []
    real = plain.read_bytes
    monkeypatch.setattr(plain, "read_bytes", lambda *args: (lengths.append(len(args[2])), real(*args)))
    return lengths


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ((2, slice(10, 12)), 2 * 60_000 * 8),  # two rows
        ((2, slice(10, 12), slice(0, 5)), 2 * 5 * 8),  # a part of each
        ((slice(None), 3, 7), 4 * 8),  # one element of each plane
        ((1, slice(None), 9), 20 * 8),  # a column
        ((0, 0, slice(0, 60_000, 20_000)), 3 * 8),  # far apart
        ((slice(0, 0),), 0),
    ],
)
def test_a_slice_reads_what_it_touches(tmp_path, count, index, expected):
    array = np.memmap(tmp_path / "raw", "f8", "w+", shape=(4, 20, 60_000))
    node = open_npy(write(tmp_path, array))
    node.read(cut_shape(index, array.shape))
    assert sum(count) == expected


def test_what_lies_close_together_is_read_in_one_go(tmp_path, count):
    array = CHANCE.random((500, 40))
    found = open_npy(write(tmp_path, array)).read(cut_shape((slice(None), 3), array.shape))
    assert (found == array[:, 3]).all()
    assert len(count) == 1


def test_python_objects_are_refused_with_a_reason(tmp_path):
    path = write(tmp_path, np.array([{"a": 1}, None], dtype=object))
    with pytest.raises(Unavailable, match=r"'a.npy' holds Python objects, which are not read.*fixed length"):
        open_npy(path)
    with pytest.raises(Unavailable, match="holds Python objects"):
        open_npy(write(tmp_path, np.zeros(2, [("x", "f4"), ("o", object)])))


def test_an_array_that_was_cut_off_is_an_error(tmp_path):
    path = write(tmp_path, CHANCE.random((9, 7)))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(Unavailable, match=r"'a.npy' ends 5 bytes before its array of shape \(9, 7\) does.*cut off"):
        open_npy(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no NumPy file: it begins with b''"),
        (b"PK\3\4" + bytes(60), "is no NumPy file"),
        (b"\x93NUMPY\7\0" + bytes(60), "version 7.0"),
        (b"\x93NUMPY\2\0\xff\xff\xff\x7f" + bytes(60), "header of 2_147_483_647 bytes"),
        (b"\x93NUMPY\1\0\x40\0" + b"{" * 64, "damaged header"),
        (b"\x93NUMPY\1\0\x40\0" + b"{'descr': 'x9', 'fortran_order': False, 'shape': ()}".ljust(64), "damaged header"),
        (b"\x93NUMPY\1\0\x40\0" + b"{'descr': '<f8', 'fortran_order': 0, 'shape': ()}".ljust(64), "damaged header"),
        (b"\x93NUMPY\1\0\x40\0" + b"{'descr':'<f8','fortran_order':False,'shape':(-1,)}".ljust(64), "damaged header"),
        (b"\x93NUMPY\1\0\x40\0" + b"__import__('os').system('true')".ljust(64), "damaged header"),
        (b"\x93NUMPY\1\0\x48\0" + b"{'descr':'<f8','fortran_order':False,'shape':(10**99,)}".ljust(72), "damaged"),
        (b"\x93NUMPY\1\0\x48\0" + b"{'descr':'<f8','fortran_order':False,'shape':(999999999,)}".ljust(72), "cut off"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path, content, reason):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(Unavailable, match=reason):
        open_npy(tmp_path / "a.npy")


def test_a_file_that_is_rewritten_while_it_is_open_is_not_ready(tmp_path):
    node = open_npy(write(tmp_path, np.zeros((9, 7))))
    write(tmp_path, np.zeros((90, 70)))
    with pytest.raises(NotReady, match="has changed"):
        node.read(cut_shape((), (9, 7)))


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    path = write(tmp_path, np.zeros((90, 7)))
    node = open_npy(path)
    real = plain.read_bytes

    def shrinking(*args):
        path.write_bytes(path.read_bytes()[:500])
        return real(*args)

    monkeypatch.setattr(plain, "read_bytes", shrinking)
    with pytest.raises(Unavailable, match=r"ends .* bytes before the array does"):
        node.read(cut_shape((), (90, 7)))


def test_reading_leaves_no_file_open(tmp_path):
    node = open_npy(write(tmp_path, np.zeros((9, 7))))
    before = psutil.Process().num_fds()
    for _ in range(20):
        node.read(cut_shape((), (9, 7)))
    assert psutil.Process().num_fds() == before
