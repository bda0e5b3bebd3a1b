"""JPEG and PNG files of every kind, against what Pillow reads."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
import tiled_images
from PIL import Image
from tiled_images import decode, reader
from tiled_images.reader import open_image

from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample
from tiledkernel.testing.comparisons import basic_indices, same

CHANCE = np.random.default_rng(8)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def image(shape: tuple[int, ...], dtype: str = "u1") -> np.ndarray:
    return CHANCE.integers(0, 250, shape).astype(dtype)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG file of a kind that Pillow reads but does not write."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class TestPng(ReaderContract):
    reader = tiled_images.PNG_READER
    heavy = ("PIL", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = image((21, 34, 3))
        Image.fromarray(array).save(tmp_path / "a.png", dpi=(300, 300))
        metadata = {"": {"format": "PNG", "mode": "RGB", "bit_depth": 8}}
        return Sample(path=tmp_path / "a.png", arrays={"": array}, metadata=metadata)


class TestGreyPngOf16Bits(ReaderContract):
    reader = tiled_images.PNG_READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = CHANCE.integers(0, 60_000, (21, 34)).astype("u2")
        Image.fromarray(array).save(tmp_path / "a.png")
        return Sample(path=tmp_path / "a.png", arrays={"": array}, metadata={"": {"mode": "I;16", "bit_depth": 16}})


class TestJpeg(ReaderContract):
    reader = tiled_images.JPEG_READER
    heavy = ("PIL", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        Image.fromarray(image((21, 34, 3))).save(tmp_path / "a.jpg", comment="a test", dpi=(72, 72))
        with Image.open(tmp_path / "a.jpg") as opened:
            array = np.asarray(opened)
        metadata = {"": {"format": "JPEG", "mode": "RGB", "comment": "a test", "dpi": [72, 72]}}
        return Sample(path=tmp_path / "a.jpg", arrays={"": array}, metadata=metadata)


def modes(folder: Path) -> dict[str, Path]:
    """A file of every mode that the formats have."""
    grey, colour = Image.fromarray(image((9, 7))), Image.fromarray(image((9, 7, 3)))
    images = {
        "grey.png": grey,
        "bilevel.png": grey.convert("1"),
        "palette.png": colour.quantize(9),
        "grey and alpha.png": colour.convert("LA"),
        "colour.png": colour,
        "alpha.png": colour.convert("RGBA"),
        "grey.jpg": grey,
        "colour.jpg": colour,
        "inks.jpg": colour.convert("CMYK"),
    }
    for name, content in images.items():
        content.save(folder / name)
    colour.save(folder / "progressive.jpg", progressive=True)
    colour.save(folder / "transparent.png", transparency=(1, 2, 3))
    rows = image((4, 1 + 3 * 3 * 2))
    rows[:, 0] = 0
    (folder / "16 bits.png").write_bytes(png(3, 4, 16, 2, rows.tobytes()))
    (folder / "2 bits.png").write_bytes(png(8, 2, 2, 0, b"\0\x1b\x1b\0\xe4\xe4"))
    names = [*images, "progressive.jpg", "transparent.png", "16 bits.png", "2 bits.png"]
    return {name: folder / name for name in names}


def test_every_mode_is_what_pillow_reads(tmp_path):
    for name, path in modes(tmp_path).items():
        with Image.open(path) as opened:
            expected, mode = np.asarray(opened), opened.mode
        node = open_image(path)
        assert node.structure.shape == expected.shape, name
        assert node.metadata["mode"] == mode
        for index in basic_indices(expected.shape, 20):
            cut = cut_shape(index, expected.shape)
            found = node.read(cut)
            assert found.dtype == expected.dtype, name
            assert same(found, expected[cut.index]), (name, cut.index)


def test_metadata_tell_the_depth_that_the_pixels_do_not_have(tmp_path):
    rows = b"".join(b"\0" + np.full((3, 3), 0xABCD, ">u2").tobytes() for _ in range(4))
    (tmp_path / "a.png").write_bytes(png(3, 4, 16, 2, rows))
    node = open_image(tmp_path / "a.png")
    assert node.metadata["bit_depth"] == 16
    assert (node.read(cut_shape((), (4, 3, 3))) == 0xAB).all()


def test_a_file_is_known_by_its_content(tmp_path):
    Image.fromarray(image((9, 7))).save(tmp_path / "a.jpg", "PNG")
    assert open_image(tmp_path / "a.jpg").metadata["format"] == "PNG"


def test_an_image_is_not_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(image((9, 7))).save(tmp_path / "a.jpg", exif=exif)
    node = open_image(tmp_path / "a.jpg")
    assert node.structure.shape == (9, 7)
    assert node.metadata["exif"]["Orientation"] == 6


def test_an_image_is_one_chunk(tmp_path):
    Image.fromarray(image((90, 70, 3))).save(tmp_path / "a.png")
    assert open_image(tmp_path / "a.png").structure.chunks == ((90,), (70,), (3,))


def test_an_image_that_leaves_in_pieces_is_decoded_once(tmp_path, monkeypatch):
    array = np.zeros((4000, 3000, 3), "u1")
    Image.fromarray(array).save(tmp_path / "a.png", compress_level=1)
    node = open_image(tmp_path / "a.png")
    decoded = []
    monkeypatch.setattr(reader, "decode", lambda content: decoded.append(1) or decode.decode(content))
    pieces = 0
    for piece in ArrayPayload(node, cut_shape((), array.shape)).slabs():
        assert piece.nbytes < array.nbytes
        pieces += 1
    assert pieces > 3
    assert decoded == [1]


def test_a_decoded_image_is_not_kept(tmp_path):
    Image.fromarray(image((90, 70, 3))).save(tmp_path / "a.png")
    node = open_image(tmp_path / "a.png")
    node.read(cut_shape((), (90, 70, 3)))
    assert node._decoded() is None


def test_opening_decodes_nothing(tmp_path):
    (tmp_path / "a.png").write_bytes(png(30_000, 5_000, 8, 0, b"no pixels at all"))
    node = open_image(tmp_path / "a.png")
    assert node.structure.shape == (5_000, 30_000)


def test_an_image_of_too_many_pixels_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png(1 << 20, 1 << 20, 8, 2, b""))
    with pytest.raises(Unavailable, match=r"'a.png' has 1048576 x 1048576 pixels, more than .*tiled TIFF"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_that_was_cut_off_is_an_error(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(image((64, 64, 3))).save(path)
    content = path.read_bytes()
    for length in (len(content) // 3, len(content) // 2, len(content) - 40):
        path.write_bytes(content[:length])
        with pytest.raises(Unavailable, match=f"'a.{suffix}' cannot be read as an image"):
            open_image(path).read(cut_shape((), (64, 64, 3)))


def test_a_damaged_png_is_an_error_never_pixels(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(image((64, 64, 3))).save(path)
    content = path.read_bytes()
    for place in range(60, len(content) - 20, len(content) // 20):
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with pytest.raises(Unavailable, match="cannot be read as an image"):
            open_image(path).read(cut_shape((), (64, 64, 3)))


def test_what_is_no_image_says_so(tmp_path):
    (tmp_path / "a.png").write_bytes(b"GIF89a" + bytes(100))
    with pytest.raises(Unavailable, match=r"'a.png' is no JPEG or PNG file: it begins with b'GIF89a"):
        open_image(tmp_path / "a.png")


def test_a_file_that_is_rewritten_while_it_is_open_is_not_ready(tmp_path):
    Image.fromarray(image((9, 7))).save(tmp_path / "a.png")
    node = open_image(tmp_path / "a.png")
    Image.fromarray(image((90, 70))).save(tmp_path / "a.png")
    with pytest.raises(NotReady, match="has changed"):
        node.read(cut_shape((), (9, 7)))


def test_reading_leaves_no_file_open(tmp_path):
    Image.fromarray(image((9, 7))).save(tmp_path / "a.jpg")
    before = psutil.Process().num_fds()
    for _ in range(20):
        open_image(tmp_path / "a.jpg").read(cut_shape((), (9, 7)))
    assert psutil.Process().num_fds() == before
