"""Which format leaves: `format=` or `Accept`, against what the node's specs and family offer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.encoding import Body, Encoding, Parts
from tiledkernel.errors import ConfigurationError, KernelError, NotAcceptable, PluginError
from tiledkernel.media_types import (
    ARRAY_BYTES,
    JSON_SEQ,
    PLAIN,
    Offer,
    join_media_types,
    parse_accept,
    parse_format,
    suffixes_of,
)
from tiledkernel.records import Serializer
from tiledkernel.server.blame import say

logger = logging.getLogger(__name__)

# Names for files of types whose suffixes the tables lack, or list others first.
_SUFFIXES = {
    JSON_SEQ: "json-seq",
    PLAIN: "txt",
    "text/comma-separated-values": "csv",
    "text/x-comma-separated-values": "csv",
}
MAX_TEXT = 2000
_CACHE = 1024


class Choice:
    """The format that was agreed on, and its encoder."""

    __slots__ = ("_convert", "_encode", "_reference", "content_type", "media_type", "wants_metadata")

    def __init__(self, serializer: Serializer, media_type: Offer) -> None:
        self.media_type = media_type
        text = str(media_type)
        self.content_type = f"{text}; charset=utf-8" if media_type.base.startswith("text/") else text
        self.wants_metadata = media_type.base != ARRAY_BYTES  # raw bytes never need what may be costly to collect
        self._convert = serializer.convert
        self._reference = serializer.encode
        self._encode: Callable[[Any, Encoding], Body] | None = None

    def encode(self, payload: Any, encoding: Encoding) -> Body:
        """The body; the encoder is imported when it is first needed. What it raises becomes a 406 that names it."""
        try:
            if self._encode is None:
                self._encode = references.load(self._reference)
            if self._convert is not None:
                payload = references.load(self._convert)(payload)
            body = self._encode(payload, encoding)
            if isinstance(body, (bytes, bytearray, str, Parts)):
                return body
            return self._stream(body, encoding) if isinstance(body, Iterator) else _as_bytes(body)
        except Exception as error:
            if _is_told_already(error):
                raise
            raise self._refusal(error, encoding) from error

    def _stream(self, body: Iterator[Any], encoding: Encoding) -> Iterator[Any]:
        try:
            yield from body
        except Exception as error:
            if _is_told_already(error):
                raise
            raise self._refusal(error, encoding) from error

    def _refusal(self, error: Exception, encoding: Encoding) -> NotAcceptable:
        logger.warning("%s failed for %r", self._reference, encoding.name, exc_info=error)
        return NotAcceptable(f"these data cannot be sent as {self.media_type}: {self._reference}: {say(error)}")


def _is_told_already(error: Exception) -> bool:
    """Whether an error on its way through an encoder says what the reader or the caller did wrong."""
    return isinstance(error, KernelError) and not isinstance(error, (ConfigurationError, PluginError))


def _as_bytes(body: Any) -> memoryview:
    """A buffer of any type and shape as bytes; TypeError if it is none."""
    view = memoryview(body)
    return view.cast("B") if view.nbytes else memoryview(b"")


class Negotiator:
    """Chooses formats; the answers to recent questions are kept."""

    def __init__(self, composition: Composition, file_extensions: Mapping[str, str]) -> None:
        self._composition = composition
        self._offers = {target: composition.serializers_for(target) for target in composition.targets()}
        self._aliases = dict(file_extensions)
        for serializers in self._offers.values():
            for serializer in serializers:
                for suffix in serializer.suffixes:
                    self._aliases.setdefault(suffix, serializer.media_type)
        self._known: dict[tuple[str, tuple[str, ...], str | None, str], Choice] = {}

    @property
    def formats(self) -> dict[str, list[str]]:
        """Media types by family and spec, as the root document lists them."""
        return {target: [serializer.media_type for serializer in offers] for target, offers in self._offers.items()}

    @property
    def aliases(self) -> dict[str, dict[str, list[str]]]:
        """Suffixes by target and media type."""
        return {
            target: {s.media_type: found for s in offers if (found := suffixes_of(s.media_type, self._aliases))}
            for target, offers in self._offers.items()
        }

    @property
    def suffixes(self) -> dict[str, str]:
        """What the name of a file of each media type ends with; raw elements are no file."""
        media_types = {serializer.media_type: serializer for offers in self._offers.values() for serializer in offers}
        found = {
            media_type: _SUFFIXES.get(media_type) or next(iter((*offer.suffixes, *suffixes_of(media_type))), None)
            for media_type, offer in media_types.items()
            if media_type != ARRAY_BYTES
        }
        return {media_type: suffix for media_type, suffix in found.items() if suffix is not None}

    def choose(self, node: Any, wanted: str | None, accept: str) -> Choice:
        """The first format that is asked for and there is; NotAcceptable lists what there is."""
        names = tuple([spec.name for spec in node.specs if spec.name in self._offers]) if node.specs else ()
        key = (node.family, names, wanted, "" if wanted is not None else accept)
        choice = self._known.get(key)
        if choice is None:
            choice = self._choose(*key)
            if len(self._known) >= _CACHE:
                self._known.clear()
            self._known[key] = choice
        return choice

    def _choose(self, family: str, names: tuple[str, ...], wanted: str | None, accept: str) -> Choice:
        offers = [*(s for name in names for s in self._offers[name]), *self._offers.get(family, ())]
        if len(wanted or accept) > MAX_TEXT:
            raise NotAcceptable(f"the list of formats is too long: at most {MAX_TEXT} characters are taken")
        asked = parse_accept(accept or "*/*") if wanted is None else parse_format(wanted, self._aliases)
        for offer in asked:
            for candidate in self._expand(family, offer, offers):
                for serializer in offers:
                    if serializer.media_type == candidate.base:
                        return Choice(serializer, candidate)
        supported = list(dict.fromkeys(serializer.media_type for serializer in offers))
        raise NotAcceptable(
            f"none of the formats asked for ({wanted or accept!s:.200}) is available; "
            f"this {family} is available as: {join_media_types(supported)}{self._composition.plugins.hint()}"
        )

    def _expand(self, family: str, offer: Offer, offers: list[Serializer]) -> list[Offer]:
        """What a media range stands for here; a plain media type stands for itself."""
        record = self._composition.families[family]
        if offer.base == "*/*":
            return [Offer(record.default_media_type), *(Offer(serializer.media_type) for serializer in offers)]
        if offer.base.endswith("/*"):
            preferred = [Offer(media_type) for name, media_type in record.media_ranges if name == offer.base]
            kind = offer.base[:-1]
            return [*preferred, *(Offer(s.media_type) for s in offers if s.media_type.startswith(kind))]
        return [offer]
