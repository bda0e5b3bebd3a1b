"""Content codings: which one, and whether it is worthwhile."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.media_types import ARRAY_BYTES, ARROW_FILE, CSV, HTML, JSON, MSGPACK, PLAIN, parse_media_type
from tiledkernel.records import Compressor

logger = logging.getLogger(__name__)

SMALLEST = 1000  # bytes; shorter bodies are never compressed
WORTHWHILE = 0.9  # of the original size
SAMPLE = 4096  # bytes that are tried before a whole body is
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ACCEPTED = 500  # characters of an `Accept-Encoding` that are looked at
REMEMBERED = 256  # answers
COMPRESSIBLE = frozenset({ARRAY_BYTES, ARROW_FILE, JSON, MSGPACK, CSV, PLAIN, HTML, _XLSX})


class Codings:
    """The content codings of a server, in its order of preference."""

    def __init__(self, composition: Composition) -> None:
        self._compressors = sorted(composition.compressors.values(), key=lambda record: record.rank)
        self._chosen: dict[tuple[bytes, str], Coding | None] = {}

    def choose(self, accept_encoding: bytes, media_type: str) -> Coding | None:
        """The best coding that the client accepts for this media type; None: send it as it is."""
        base = media_type.partition(";")[0]
        if not accept_encoding or base not in COMPRESSIBLE:
            return None
        key = (accept_encoding[:MAX_ACCEPTED], base)
        try:
            return self._chosen[key]
        except KeyError:
            coding = self._choose(accepted_codings(key[0].decode("latin-1")), base)
        if len(self._chosen) >= REMEMBERED:
            self._chosen.clear()
        self._chosen[key] = coding
        return coding

    def _choose(self, accepted: dict[str, float], base: str) -> Coding | None:
        usable = [
            (accepted.get(record.coding, accepted.get("*", 0.0)), record)
            for record in self._compressors
            if not record.media_types or base in record.media_types
        ]
        best = max((quality for quality, _ in usable), default=0.0)
        if best <= 0 or accepted.get("identity", 0.0) > best:
            return None
        return Coding(next(record for quality, record in usable if quality == best))


def accepted_codings(header: str) -> dict[str, float]:
    """The codings of an `Accept-Encoding` header with their qualities."""
    if not header:
        return {}
    offers = map(parse_media_type, header.split(","))
    return {offer.base: offer.quality for offer in offers if offer.base}


class Coding:
    """One content coding, loaded when it is first used."""

    def __init__(self, record: Compressor) -> None:
        self.name = record.coding
        self._record = record

    def compress(self, body: Any, itemsize: int) -> bytes | None:
        """The compressed body, or None if that is hardly smaller; a sample decides whether it is tried at all."""
        view = memoryview(body).cast("B")
        if view.nbytes < SMALLEST:
            return None
        if view.nbytes > 4 * SAMPLE:
            middle = view.nbytes // 2 // max(1, itemsize) * itemsize
            if self._try(view[middle : middle + SAMPLE], itemsize) is None:
                return None
        return self._try(view, itemsize)

    def worthwhile(self, sample: Any, itemsize: int) -> bool:
        """Whether a stream that begins with `sample` gets notably smaller."""
        return self._try(memoryview(sample).cast("B")[: 16 * SAMPLE], itemsize) is not None

    def _try(self, view: memoryview, itemsize: int) -> bytes | None:
        """The data, compressed, if that makes them notably smaller; a coding that fails is not used."""
        try:
            compressed: bytes = references.load(self._record.compress)(view, itemsize)
        except Exception:
            logger.warning("content coding %r failed", self.name, exc_info=True)
            return None
        return compressed if len(compressed) < WORTHWHILE * view.nbytes else None

    def stream(self, chunks: Iterator[Any], itemsize: int) -> Iterator[bytes]:
        """The compressed stream."""
        compressor = references.load(self._record.stream)(itemsize)
        for chunk in chunks:
            if data := compressor.add(chunk):
                yield data
        if data := compressor.finish():
            yield data
