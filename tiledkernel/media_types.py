"""Media types: their names, file suffixes, and the choice that `format=` and `Accept` make."""

from __future__ import annotations

import math
import mimetypes
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tiledkernel.errors import NotAcceptable

ARRAY_BYTES = "application/octet-stream"
ARROW_FILE = "application/vnd.apache.arrow.file"
JSON = "application/json"
JSON_SEQ = "application/json-seq"
MSGPACK = "application/x-msgpack"
CSV = "text/csv"
PLAIN = "text/plain"
HTML = "text/html"
PNG = "image/png"
HDF5 = "application/x-hdf5"

# Spellings of one format: what the first serializes, the others name too.
CSV_SPELLINGS = (CSV, "text/x-comma-separated-values", PLAIN, "application/vnd.ms-excel")

# Suffixes that the platform's table lacks or, like xslx, that published examples spell that way.
_SUFFIXES = {
    "arrow": ARROW_FILE,
    "feather": ARROW_FILE,
    "h5": HDF5,
    "hdf5": HDF5,
    "nc": "application/netcdf",
    "parquet": "application/x-parquet",
    "text": PLAIN,
    "txt": PLAIN,
    "xdi": "application/x-xdi",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xslx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_PLATFORM = mimetypes.MimeTypes()  # the table built into Python: the same on every machine

# One parameter; its value is echoed in a header, so it is a token, perhaps in quotes (RFC 9110, section 5.6.6).
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - no secret: a token in the sense of HTTP
_PARAMETER = re.compile(rf"({_TOKEN})\s*=\s*(?:({_TOKEN})?|\"({_TOKEN})\")")


class Offer(Struct, frozen=True):
    """A media type that somebody asks for: `text/csv;header=absent` has a base and parameters."""

    base: str
    parameters: tuple[tuple[str, str], ...] = ()
    quality: float = 1.0

    def __str__(self) -> str:
        return ";".join([self.base, *(f"{name}={value}" for name, value in self.parameters)])


def parse_media_type(text: str) -> Offer:
    """Split a media type from its parameters; `q` becomes the quality. Malformed parameters are left out."""
    base, *rest = text.split(";")
    parameters = []
    quality = 1.0
    for part in rest:
        parameter = _PARAMETER.fullmatch(part.strip())
        if parameter is None:
            continue
        name, value = parameter[1].lower(), parameter[2] or parameter[3] or ""
        if name == "q":
            quality = parse_quality(value)
        else:
            parameters.append((name, value))
    return Offer(base.strip().lower(), tuple(parameters), quality)


def parse_quality(text: str) -> float:
    """A quality value between 0 and 1; a malformed one counts as 1."""
    try:
        quality = float(text)
    except ValueError:
        return 1.0
    return min(1.0, max(0.0, quality)) if math.isfinite(quality) else 1.0


def parse_accept(text: str) -> list[Offer]:
    """The offers of an `Accept` header, best first; those of quality 0 are left out."""
    offers = [parse_media_type(part) for part in text.split(",") if part.strip()]
    return sorted((offer for offer in offers if offer.quality > 0), key=lambda offer: -offer.quality)


def parse_format(text: str, aliases: Mapping[str, str]) -> list[Offer]:
    """The offers of a `format=` parameter: file suffixes without a dot, or media types, separated by commas.

    NotAcceptable if a parameter of a media type is malformed: it would not have its effect.
    """
    offers = []
    for part in text.split(","):
        for parameter in part.split(";")[1:]:
            if parameter.strip() and not _PARAMETER.fullmatch(parameter.strip()):
                raise NotAcceptable(
                    f"the parameter {parameter[:80]!r} of a format is not understood: expected name=value"
                )
        offer = parse_media_type(part)
        name = offer.base.removeprefix(".")
        base = offer.base if "/" in offer.base else media_type_of_suffix(name, aliases) or offer.base
        offers.append(Offer(base, offer.parameters))
    return offers


def media_type_of_suffix(suffix: str, aliases: Mapping[str, str] | None = None) -> str | None:
    """The media type that a file suffix without its dot stands for, or None."""
    suffix = suffix.lower()
    if aliases and suffix in aliases:
        return aliases[suffix]
    return _SUFFIXES.get(suffix) or _PLATFORM.types_map[True].get(f".{suffix}")


def suffixes_of(media_type: str, aliases: Mapping[str, str] | None = None) -> list[str]:
    """The suffixes, without dots, that stand for a media type; configured ones first, no doubles."""
    own = [suffix for suffix, target in (aliases or {}).items() if target == media_type]
    known = [suffix for suffix, target in _SUFFIXES.items() if target == media_type]
    platform = [suffix[1:] for suffix, target in _PLATFORM.types_map[True].items() if target == media_type]
    return list(dict.fromkeys([*own, *known, *platform]))


def join_media_types(media_types: Sequence[str]) -> str:
    """A list for a sentence."""
    return ", ".join(media_types) or "none"
