"""Arrays as TIFF files, read back by tifffile and, as images, by Pillow."""

from __future__ import annotations

import io
import json
import tempfile

import numpy as np
import pytest
import tifffile
from PIL import Image
from tiled_exporters import tiff

from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.media_types import Offer
from tiledkernel.slices import cut_shape

TIFF = Encoding(Offer("image/tiff"))
RANDOM = np.random.default_rng(0)
DTYPES = ["u1", "<u2", ">u4", "u8", "i1", ">i2", "<i4", "i8", "f2", "<f4", ">f8", "c8", ">c16"]
SHAPES = [(), (5,), (5, 6), (1, 1), (3, 5, 6), (2, 3, 5, 6), (5, 6, 3), (2, 5, 6, 4), (1, 1, 5, 6)]


def payload_of(array, parts=()):
    return ArrayPayload(MemoryArray(array), cut_shape(parts, np.shape(array)))


def tiff_of(array, parts=()):
    return io.BytesIO(b"".join(tiff.encode(payload_of(array, parts), TIFF)))


def opened(array):
    """The elements in the file, what is said of them, and whether it is a BigTIFF."""
    with tifffile.TiffFile(tiff_of(array)) as file:
        return file.asarray(), json.loads(file.pages[0].description), file.is_bigtiff


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_shape_and_elements_come_back_as_they_were(shape, dtype):
    array = (RANDOM.normal(size=shape) * 50).astype(np.int64 if "u" in dtype else dtype).astype(dtype)
    found = tifffile.imread(tiff_of(array))
    assert found.shape == array.shape
    assert found.dtype == array.dtype.newbyteorder("=")
    assert np.array_equal(found, array)


@pytest.mark.parametrize("shape", [(1, 1, 2, 3, 5, 6), (1,) * 33])
def test_of_too_many_dimensions_leading_ones_do_not_count(shape):
    array = RANDOM.normal(size=shape)
    assert np.array_equal(tifffile.imread(tiff_of(array)), array.reshape(shape[-4:]))


@pytest.mark.parametrize("array", [np.array([[np.nan, -np.inf, np.inf, -0.0]]), np.array([[2**64 - 1, 0]], "u8")])
def test_values_are_not_scaled(array):
    assert tifffile.imread(tiff_of(array)).tobytes() == array.tobytes()


def test_truth_is_white_and_the_description_says_so():
    found, told, _ = opened(np.array([[True, False]]))
    assert found.tolist() == [[255, 0]]
    assert told == {"shape": [1, 2], "dtype": "bool", "stored_as": "uint8, of which 0 is false and 255 is true"}


@pytest.mark.parametrize(("dtype", "stored"), [("longdouble", "float64"), ("clongdouble", "complex128")])
def test_numbers_that_are_too_wide_lose_digits_and_the_description_says_so(dtype, stored):
    found, told, _ = opened(np.ones((2, 2), dtype))
    assert found.dtype == stored
    assert told["stored_as"].startswith(stored)


def test_other_programs_see_a_stack_as_pages():
    array = (RANDOM.random((3, 20, 30)) * 255).astype("u1")
    image = Image.open(tiff_of(array))
    assert (image.n_frames, image.size, image.mode) == (3, (30, 20), "L")
    image.seek(2)
    assert np.array_equal(np.asarray(image), array[2])


def test_other_programs_see_colours_and_opacity():
    array = (RANDOM.random((20, 30, 4)) * 255).astype("u1")
    image = Image.open(tiff_of(array))
    assert image.mode == "RGBA"
    assert np.array_equal(np.asarray(image), array)
    assert Image.open(tiff_of(array[..., :3].copy())).mode == "RGB"


@pytest.mark.parametrize("parts", [(slice(None, None, -1),), (slice(1, 3), slice(None, None, 2)), (0,)])
def test_a_slice_is_what_leaves(parts):
    array = RANDOM.normal(size=(4, 6, 7))
    assert np.array_equal(tifffile.imread(tiff_of(array, parts)), array[parts])


def test_nothing_is_read_before_the_file_begins_and_then_piece_by_piece():
    class Watched(MemoryArray):
        asked = 0

        def read(self, cut):
            self.asked += 1
            return super().read(cut)

    node = Watched(np.zeros((8, 1024, 1024)), chunks=(1, 1024, 1024))
    pieces = tiff.encode(ArrayPayload(node, cut_shape((), node.structure.shape)), TIFF)
    assert next(pieces)[:4] == b"II*\0"
    assert node.asked == 0
    assert memoryview(next(pieces)).nbytes == 8 << 20
    assert node.asked == 1
    assert sum(memoryview(piece).nbytes for piece in pieces) > 7 * 8 << 20


def test_no_file_stays_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pieces = tiff.encode(payload_of(np.zeros((2, 3, 4))), TIFF)
    next(pieces)
    pieces.close()
    list(tiff.encode(payload_of(np.zeros((2, 3, 4))), TIFF))
    assert not list(tmp_path.iterdir())


def test_a_large_file_is_a_big_tiff(monkeypatch):
    array = RANDOM.normal(size=(3, 40, 50))
    monkeypatch.setattr(tiff, "CLASSIC", array.nbytes)
    found, _, is_big = opened(array)
    assert is_big
    assert np.array_equal(found, array)


def test_beyond_four_gigabytes_offsets_have_64_bits():
    class Promised(MemoryArray):
        """Three pages of 2 GB that nobody reads here."""

        def read(self, cut):
            pytest.fail("it was read")

    node = Promised(np.broadcast_to(np.float64(), (3, 16384, 16384)))
    head = next(tiff.encode(ArrayPayload(node, cut_shape((), node.structure.shape)), TIFF))
    assert head[:4] == b"II+\0"


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((2, 3, 4, 5, 6), r"\(2, 3, 4, 5, 6\) has more than the 4 dimensions.*'slice=0'"),
        ((2, 2, 2, 2, 2, 2), r"'slice=0,0'"),
        ((0, 5), r"\(0, 5\) has no pixels"),
        ((3, 0), "choose a slice that is not empty"),
        ((200_000, 2, 2), "200000 images, more than the 100000.*'slice=:100000'"),
        ((1000, 200, 2, 2), "'slice=:500'"),
    ],
)
def test_what_is_no_image_is_refused_unread_with_a_way_out(shape, sentence):
    with pytest.raises(NotAcceptable, match=sentence):
        tiff.encode(payload_of(np.broadcast_to(np.uint8(), shape)), TIFF)


@pytest.mark.parametrize("dtype", ["U3", "S3", "M8[s]", "m8[s]", [("a", "i4")], "V4"])
def test_what_is_no_number_is_refused(dtype):
    with pytest.raises(NotAcceptable, match=r"no numbers.*text/csv"):
        tiff.encode(payload_of(np.zeros((3, 4), dtype)), TIFF)
