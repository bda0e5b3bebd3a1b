"""EXIF tags and texts as metadata."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational
from tiled_images.reader import open_image

from tiledkernel import wire

PIXELS = Image.fromarray(np.zeros((4, 5), "u1"))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def as_json(path: Path) -> dict:
    return wire.decode_json(wire.encode_json(wire.plain(open_image(path).metadata)))


def exif() -> Image.Exif:
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "a maker\0 "
    tags[ExifTags.Base.XResolution] = IFDRational(300, 1)
    below = tags.get_ifd(ExifTags.IFD.Exif)
    below[ExifTags.Base.ExposureTime] = IFDRational(1, 250)
    below[ExifTags.Base.FNumber] = IFDRational(0, 0)
    below[ExifTags.Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    below[ExifTags.Base.UserComment] = b"ASCII\0\0\0sample 7"
    below[ExifTags.Base.ExifVersion] = b"0232"
    below[ExifTags.Base.MakerNote] = bytes(range(256)) * 4
    below[ExifTags.Base.SceneType] = b"\x01"
    below[ExifTags.Base.LensSpecification] = (IFDRational(24), IFDRational(70), IFDRational(28, 10), IFDRational(4))
    position = tags.get_ifd(ExifTags.IFD.GPSInfo)
    position[ExifTags.GPS.GPSLatitudeRef] = "N"
    position[ExifTags.GPS.GPSLatitude] = (IFDRational(53), IFDRational(34), IFDRational(3051, 100))
    return tags


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_exif_tags_are_plain_values_under_their_names(tmp_path, suffix):
    PIXELS.save(tmp_path / f"a.{suffix}", exif=exif())
    found = as_json(tmp_path / f"a.{suffix}")["exif"]
    assert found == {
        "Make": "a maker",
        "XResolution": 300.0,
        "ExposureTime": 0.004,
        "FNumber": None,
        "DateTimeOriginal": "2024:05:06 07:08:09",
        "UserComment": "sample 7",
        "ExifVersion": "0232",
        "SceneType": "data:application/octet-stream;base64,AQ==",
        "LensSpecification": [24.0, 70.0, 2.8, 4.0],
        "GPSInfo": {"GPSLatitudeRef": "N", "GPSLatitude": [53.0, 34.0, 30.51]},
    }


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow tells whoever runs the server
def test_damaged_exif_tags_do_not_hide_the_image(tmp_path):
    PIXELS.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\x00" + b"\x07" * 40)
    node = open_image(tmp_path / "a.jpg")
    assert node.structure.shape == (4, 5)
    assert wire.encode_json(wire.plain(node.metadata))


def test_texts_of_a_png_are_found_before_and_behind_the_pixels(tmp_path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "a täst")
    texts.add_itxt("Author", "Ωmega", zip=True)
    texts.add_text("Software", "x" * 1000, zip=True)
    path = tmp_path / "a.png"
    PIXELS.save(path, pnginfo=texts)
    content = path.read_bytes()
    end = content.rindex(b"IEND") - 4
    behind = chunk(b"tEXt", b"date\x002024-05-06") + chunk(b"eXIf", exif().tobytes())
    path.write_bytes(content[:end] + behind + content[end:])
    found = as_json(path)
    assert found["text"] == {"Title": "a täst", "Author": "Ωmega", "Software": "x" * 1000, "date": "2024-05-06"}
    assert found["exif"]["Make"] == "a maker"


def test_long_texts_are_no_metadata(tmp_path):
    path = tmp_path / "a.png"
    PIXELS.save(path)
    content = path.read_bytes()
    end = content.rindex(b"IEND") - 4
    bomb = chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(50_000_000)))
    path.write_bytes(content[:end] + bomb + chunk(b"tEXt", b"long\0" + b"y" * 70_000) + content[end:])
    assert as_json(path)["text"] == {
        "bomb": "not shown: 1_048_576 characters",
        "long": "not shown: 70_000 characters",
    }


def test_damaged_chunks_behind_the_pixels_say_nothing(tmp_path):
    path = tmp_path / "a.png"
    PIXELS.save(path)
    content = path.read_bytes()
    end = content.rindex(b"IEND") - 4
    path.write_bytes(content[:end] + chunk(b"zTXt", b"a\0\0nothing") + b"\xff\xff\xff\xffjunk")
    assert "text" not in as_json(path)
