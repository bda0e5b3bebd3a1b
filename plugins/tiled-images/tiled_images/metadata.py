"""What an image file says about its pixels, as metadata: plain values of bounded length."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from PIL import ExifTags, Image, ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import IFDRational

from tiled_images.png import read_chunks

MAX_TEXT = 64 << 10  # characters of one text
MAX_ITEMS = 256  # of a list, and bytes that are no text; longer ones are a camera's private notes
_POINTERS = frozenset({ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop})
_CHARSETS = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"\0" * 8: "utf-8"}  # in front of a comment in EXIF


def read_metadata(image: ImageFile.ImageFile) -> dict[str, Any]:
    """Format, mode and resolution; EXIF tags under 'exif', the texts of a PNG file under 'text'."""
    metadata: dict[str, Any] = {"format": image.format, "mode": image.mode}
    exif = image.info.get("exif")
    if isinstance(image, PngImageFile):
        chunks = read_chunks(image.fp) if image.fp is not None else None
        if chunks is not None:
            exif = exif or chunks.exif
            metadata["bit_depth"] = chunks.bit_depth
            if chunks.texts:
                metadata["text"] = {name: _text(text) for name, text in chunks.texts.items()}
    dpi = image.info.get("dpi")
    if dpi is not None:
        metadata["dpi"] = _plain(dpi)
    if comment := image.info.get("comment"):
        metadata["comment"] = _plain(comment)
    if exif:
        metadata["exif"] = read_exif(exif)
    return metadata


def read_exif(data: bytes) -> Mapping[str, Any] | str:
    """The tags by name, those of the position under 'GPSInfo'; a sentence if they are damaged."""
    exif = Image.Exif()
    try:
        exif.load(data)
        tags = {**_named(exif.items(), ExifTags.TAGS), **_named(_below(exif, ExifTags.IFD.Exif), ExifTags.TAGS)}
        position = _named(_below(exif, ExifTags.IFD.GPSInfo), ExifTags.GPSTAGS)
    except Exception as error:  # noqa: BLE001 - tags of any maker may be damaged in any way; the pixels are not
        return f"unreadable: {error}"
    return {**tags, "GPSInfo": position} if position else tags


def _below(exif: Image.Exif, pointer: ExifTags.IFD) -> Iterable[tuple[int, Any]]:
    found: dict[int, Any] = exif.get_ifd(pointer) if pointer in exif else {}
    return found.items()


def _named(tags: Iterable[tuple[int, Any]], names: Mapping[int, str]) -> dict[str, Any]:
    found = {}
    for number, value in tags:
        if number in _POINTERS:
            continue
        plain = _plain(value)
        if plain is not None:
            found[names.get(number, f"tag {number}")] = plain
    return found


def _plain(value: Any) -> Any:
    """A value that JSON has too; None for what is too long to be metadata."""
    if isinstance(value, IFDRational):
        return float(value) if value.denominator else math.nan
    if isinstance(value, bytes):
        return _text_of_bytes(value)
    if isinstance(value, str):
        return _text(value.rstrip("\0 "))
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value] if len(value) <= MAX_ITEMS else None
    return value if isinstance(value, (int, float)) else str(value)


def _text_of_bytes(value: bytes) -> str | bytes | None:
    charset = _CHARSETS.get(value[:8])
    text = value[8:] if charset else value
    try:
        decoded = text.decode(charset or "utf-8").rstrip("\0 ")
    except UnicodeDecodeError:
        decoded = "\0"
    if decoded.isprintable():
        return _text(decoded)
    return value if len(value) <= MAX_ITEMS else None


def _text(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"not shown: {len(text):_} characters"
