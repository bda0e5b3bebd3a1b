"""TIFF files of every kind, against what tifffile reads."""

from __future__ import annotations

import logging
import struct
import warnings
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
import tiled_tiff
from tiled_tiff.reader import open_tiff

from tiledkernel import wire
from tiledkernel.errors import NotReady, Unavailable
from tiledkernel.families.array import plain
from tiledkernel.slices import cut_shape
from tiledkernel.testing import ReaderContract, Sample
from tiledkernel.testing.comparisons import basic_indices, same

CHANCE = np.random.default_rng(3)


def image(shape: tuple[int, ...], dtype: str = "u2") -> np.ndarray:
    return CHANCE.integers(0, 200, shape).astype(dtype)


def read(node):
    return node.read(cut_shape((), node.structure.shape))


class TestPlain(ReaderContract):
    reader = tiled_tiff.READER
    heavy = ("tifffile", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = image((21, 34))
        tifffile.imwrite(tmp_path / "a.tif", array, description="a test")
        metadata = {"": {"ImageWidth": 34, "ImageLength": 21, "ImageDescription": "a test", "BitsPerSample": 16}}
        return Sample(path=tmp_path / "a.tif", arrays={"": array}, metadata=metadata)


class TestStack(ReaderContract):
    reader = tiled_tiff.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = image((5, 21, 34), "f4")
        with tifffile.TiffWriter(tmp_path / "a.tiff") as file:
            for page in array:
                file.write(page, contiguous=False, metadata=None)
        return Sample(path=tmp_path / "a.tiff", arrays={"": array})


class TestTiled(ReaderContract):
    reader = tiled_tiff.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = image((3, 70, 50, 3), "u1")
        tifffile.imwrite(tmp_path / "a.tif", array, tile=(32, 16), compression="zlib", photometric="rgb")
        return Sample(path=tmp_path / "a.tif", arrays={"": array})


KINDS = {
    "grey": (image((9, 7)), {}),
    "one row": (image((1, 7)), {}),
    "one column": (image((9, 1)), {}),
    "one pixel": (image((1, 1)), {}),
    "signed": (image((9, 7), "i2"), {}),
    "half": (image((9, 7), "f2"), {}),
    "float": (image((9, 7), "f4"), {}),
    "double": (image((9, 7), "f8"), {}),
    "complex": (image((9, 7), "c8"), {}),
    "wide": (image((9, 7), "u8"), {}),
    "bilevel": (image((9, 13)) > 100, {"photometric": "minisblack"}),
    "big endian": (image((9, 7)), {"byteorder": ">"}),
    "big endian, deflated": (image((9, 7)), {"byteorder": ">", "compression": "zlib"}),
    "big endian stack": (image((4, 9, 7), "f4"), {"byteorder": ">", "photometric": "minisblack"}),
    "BigTIFF": (image((9, 7)), {"bigtiff": True}),
    "BigTIFF, big endian": (image((4, 9, 7)), {"bigtiff": True, "byteorder": ">", "photometric": "minisblack"}),
    "deflated": (image((90, 7)), {"compression": "zlib", "rowsperstrip": 16}),
    "predicted": (image((90, 7)), {"compression": "zlib", "rowsperstrip": 16, "predictor": True}),
    "strips": (image((90, 7)), {"rowsperstrip": 16}),
    "tiles": (image((90, 70)), {"tile": (32, 16)}),
    "deflated tiles": (image((90, 70)), {"tile": (32, 16), "compression": "zlib"}),
    "RGB": (image((9, 7, 3), "u1"), {"photometric": "rgb"}),
    "RGBA": (image((9, 7, 4), "u1"), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "planar RGB": (image((3, 40, 7), "u1"), {"photometric": "rgb", "planarconfig": "separate"}),
    "planar RGB, deflated tiles": (
        image((3, 40, 37), "u1"),
        {"photometric": "rgb", "planarconfig": "separate", "tile": (16, 16), "compression": "zlib"},
    ),
    "palette": (image((9, 7), "u1"), {"photometric": "palette", "colormap": image((3, 256))}),
    "stack": (image((4, 9, 7)), {"photometric": "minisblack"}),
    "deflated stack": (image((4, 90, 7)), {"photometric": "minisblack", "compression": "zlib", "rowsperstrip": 16}),
    "RGB stack": (image((4, 9, 7, 3), "u1"), {"photometric": "rgb"}),
    "five axes": (image((2, 3, 4, 9, 7)), {"photometric": "minisblack"}),
    "one axis": (image((12,)), {}),
    "one axis, deflated": (image((12,)), {"compression": "zlib"}),
    "volume": (image((8, 32, 16)), {"volumetric": True, "tile": (4, 16, 16), "photometric": "minisblack"}),
    "volume, deflated": (
        image((7, 40, 20)),
        {"volumetric": True, "tile": (4, 16, 16), "photometric": "minisblack", "compression": "zlib"},
    ),
    "ImageJ hyperstack": (image((2, 3, 9, 7)), {"imagej": True, "metadata": {"axes": "TZYX"}}),
    "OME": (image((2, 3, 9, 7)), {"ome": True, "metadata": {"axes": "TCYX"}, "photometric": "minisblack"}),
    "no pixels": (np.zeros((0, 7), "u2"), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_what_tifffile_reads(tmp_path: Path, kind: str):
    array, options = KINDS[kind]
    path = tmp_path / ("a.ome.tif" if kind == "OME" else "a.tif")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tifffile warns when it writes arrays without pixels
        tifffile.imwrite(path, array, **options)
    expected = tifffile.imread(path)
    node = open_tiff(path)
    assert node.structure.shape == expected.shape
    found = read(node)
    assert found.dtype == expected.dtype
    assert same(found, expected)
    for index in basic_indices(expected.shape, 40):
        cut = cut_shape(index, expected.shape)
        assert same(node.read(cut), expected[cut.index]), cut.index
    assert wire.encode_json(wire.plain(node.metadata))


def test_only_the_first_series_is_served(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(image((9, 7)))
        file.write(image((3, 4), "u1"))
    assert open_tiff(tmp_path / "a.tif").structure.shape == (9, 7)


def test_each_page_is_a_chunk(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image((4, 9, 7)), photometric="minisblack")
    assert open_tiff(tmp_path / "a.tif").structure.chunks == ((1, 1, 1, 1), (9,), (7,))


def test_a_huge_page_is_divided_at_its_tiles(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5000, 4096), "f4"), tile=(256, 256), compression="zlib")
    chunks = open_tiff(tmp_path / "a.tif").structure.chunks
    assert chunks[1] == (4096,)
    assert len(chunks[0]) > 1
    assert chunks[0][0] % 256 == 0


def test_a_slice_decodes_only_the_strips_it_touches(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", image((160, 7)), compression="zlib", rowsperstrip=16)
    node = open_tiff(tmp_path / "a.tif")
    reads = []
    real = plain.read_bytes
    monkeypatch.setattr("tiled_tiff.pages.read_bytes", lambda *args: (reads.append(args[1]), real(*args)))
    node.read(cut_shape((slice(30, 40),), (160, 7)))
    assert len(reads) == 2


def test_a_column_of_an_uncompressed_stack_reads_rows_not_pages(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", image((6, 600, 700)), photometric="minisblack")
    node = open_tiff(tmp_path / "a.tif")
    lengths = []
    real = plain.read_bytes
    monkeypatch.setattr(plain, "read_bytes", lambda *args: (lengths.append(len(args[2])), real(*args)))
    node.read(cut_shape((2, slice(10, 12), slice(0, 5)), (6, 600, 700)))
    assert sum(lengths) == 2 * 700 * 2


def test_reading_leaves_no_file_open(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", image((4, 9, 7)), photometric="minisblack", compression="zlib")
    node = open_tiff(tmp_path / "a.tif")
    before = psutil.Process().num_fds()
    for _ in range(20):
        read(node)
    assert psutil.Process().num_fds() == before


def test_a_compression_that_needs_a_package_names_it(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image((9, 7), "u1"), rowsperstrip=3)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["Compression"].overwrite(5)
    node = open_tiff(path)
    assert node.structure.shape == (9, 7)
    assert node.metadata["Compression"] == 5
    with pytest.raises(Unavailable, match=r"LZW.* needs the package imagecodecs: install it"):
        read(node)


def test_a_stack_that_was_cut_off_is_an_error_not_a_shorter_stack(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for page in image((5, 21, 34)):
            file.write(page, contiguous=False, metadata=None)
    content = path.read_bytes()
    for length in range(len(content) // 3, len(content), len(content) // 7):
        path.write_bytes(content[:length])
        with pytest.raises(Unavailable, match="cut off"):
            read(open_tiff(path))


def test_pages_in_a_circle_are_an_error(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image((9, 7)), metadata=None)
    content = bytearray(path.read_bytes())
    first = struct.unpack("<I", content[4:8])[0]
    count = struct.unpack("<H", content[first : first + 2])[0]
    link = first + 2 + 12 * count
    content[link : link + 4] = struct.pack("<I", first)
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="in a circle"):
        open_tiff(path)


def test_a_file_that_is_no_tiff_says_so(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(Unavailable, match=r"'a.tif' is no TIFF file: it begins with b'\\x89PNG'"):
        open_tiff(tmp_path / "a.tif")


def test_a_file_that_is_rewritten_while_it_is_open_is_not_ready(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image((9, 7)))
    node = open_tiff(path)
    tifffile.imwrite(path, image((90, 70)))
    with pytest.raises(NotReady, match="has changed"):
        read(node)


def test_an_image_never_opens_the_files_that_it_names(tmp_path):
    (tmp_path / "served").mkdir()
    tifffile.imwrite(tmp_path / "secret.tif", np.full((9, 7), 7, "u2"), metadata=None)
    path = tmp_path / "served" / "a.ome.tif"
    tifffile.imwrite(path, image((2, 9, 7)), ome=True, metadata={"axes": "TYX"}, photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        xml = file.ome_metadata
    planes = '<TiffData IFD="0" FirstT="0" PlaneCount="1"/><TiffData IFD="0" FirstT="1" PlaneCount="1">'
    planes += '<UUID FileName="../secret.tif">urn:uuid:00000000-0000-0000-0000-000000000001</UUID></TiffData>'
    start = xml.index("<TiffData")
    stop = xml.index("</Pixels>")
    forged = xml[:start] + planes + xml[stop:]
    tifffile.imwrite(path, image((2, 9, 7)), metadata=None, description=forged.encode(), photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        assert 7 in file.series[0].asarray()[1]  # tifffile itself would follow
    assert not (read(open_tiff(path))[1:] == 7).all()


def test_odd_files_do_not_fill_the_log(tmp_path, caplog):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image((9, 7)), extratags=[(65000, "H", 3, (1, 2, 3), True)])
    with tifffile.TiffFile(path, mode="r+") as file:
        offset = file.pages[0].tags[65000].offset
    content = bytearray(path.read_bytes())
    content[offset + 2 : offset + 4] = b"\xff\xff"  # a type that does not exist
    path.write_bytes(content)
    with caplog.at_level(logging.DEBUG, logger="root"):
        assert same(read(open_tiff(path)), tifffile.imread(path))
    assert not caplog.records


def test_long_lists_and_texts_are_no_metadata(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image((1000, 7)), rowsperstrip=1, compression="zlib", description="x" * 100_000)
    metadata = open_tiff(path).metadata
    assert "StripOffsets" not in metadata
    assert metadata["ImageDescription"] == "not shown: 100_000 characters"
    assert metadata["Compression"] == 8
