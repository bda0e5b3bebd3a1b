"""Answers as ASGI messages: ETag and 304, content coding, ranges, back-pressure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from email.utils import formatdate
from time import perf_counter
from typing import Any, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from tiledkernel import wire
from tiledkernel.encoding import Body, Parts
from tiledkernel.errors import BadRequest, Gone, RangeNotSatisfiable
from tiledkernel.nodes.protocols import EncodedBlock
from tiledkernel.server.answers import Document, File, Message, Payload, Reply
from tiledkernel.server.compression import Codings
from tiledkernel.server.exchange import CLOSED, STANDARD, Exchange
from tiledkernel.server.preconditions import versioned
from tiledkernel.server.validators import confirmed, etag_of, etag_of_state, with_coding

Send: TypeAlias = Callable[[Any], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]
Answer: TypeAlias = Message | Payload | Document | File | Reply

PIECE = 1 << 20  # bytes handed to the socket at a time
_SMALL = 64 << 10  # bytes; smaller pieces are sent together
DIGESTED = 1 << 20  # bytes of a body that is looked at to tell whether it has changed, if nothing else can
_VARY = (b"vary", b"Accept, Accept-Encoding")
_SANDBOX = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox",
)
_AT_REST = (b"x-tiledkernel-encoded", b"at-rest")
_UNTOLD = (b"cache-control", b"no-store")  # nobody can tell whether a stored copy is current
_ON_DATA = (*STANDARD, _VARY, _SANDBOX)
_ON_MESSAGES = (*STANDARD, _VARY, CLOSED)
_ON_DOCUMENTS = (*STANDARD, _VARY)  # a document brings its own policy, or is closed


class Response(Struct):
    """A response whose body is complete (`body`), comes piece by piece (`chunks`), or is empty."""

    status: int
    headers: Headers
    body: bytes | bytearray | memoryview = b""
    chunks: Iterator[Any] | None = None


def _reply(answer: Reply) -> Response:
    own = any(name == CLOSED[0] for name, _ in answer.headers)  # a page with a form brings its own policy
    headers = [*answer.headers, *STANDARD, *(() if own else (CLOSED,)), _UNTOLD]
    headers.append((b"content-length", b"%d" % len(answer.body)))
    if answer.media_type is not None:
        headers.append((b"content-type", answer.media_type.encode()))
    return Response(answer.status, headers, answer.body)


class Responder:
    """Turns answers into responses; everything here may run outside the event loop.

    `suffixes` are those of files of a media type, as far as programs besides our clients know it.
    """

    def __init__(self, codings: Codings, boot: str, suffixes: Mapping[str, str]) -> None:
        self._codings = codings
        self._boot = boot
        self._suffixes = suffixes

    def respond(self, answer: Answer, exchange: Exchange, query: bytes, key: str = "") -> Response:
        """The response to an answer; `query` is the query string that was asked with, `key` that of the node."""
        exchange.secured = True
        if type(answer) is Payload:
            return self._payload(answer, exchange, query, key)
        if type(answer) is Message:
            return self._message(answer, exchange)
        if type(answer) is Document:
            own = [*(answer.headers or (CLOSED,)), *_ON_DOCUMENTS]
            draft = _Draft(own, answer.media_type, f'"{wire.digest(answer.body)}"')
            return self._complete(answer.body, draft, exchange)
        if type(answer) is Reply:
            return _reply(answer)
        assert isinstance(answer, File)
        return _file(answer, exchange.headers)

    def _message(self, answer: Message, exchange: Exchange) -> Response:
        if wire.prefers_msgpack(exchange.headers.get(b"accept", b"").decode("latin-1")):
            body, media_type = wire.encode_msgpack(answer.content), wire.MSGPACK
        else:
            body, media_type = wire.encode_json(answer.content), wire.JSON
        etag = versioned(wire.digest(body), answer.version)
        return self._complete(body, _Draft([*answer.headers, *_ON_MESSAGES], media_type, etag), exchange)

    def _payload(self, answer: Payload, exchange: Exchange, query: bytes, key: str) -> Response:
        draft = _Draft([*answer.headers, *_ON_DATA], answer.media_type, None, answer.itemsize)
        if answer.filename is not None:
            draft.headers.append((b"content-disposition", attachment(answer.filename)))
        elif (suffix := self._suffixes.get(answer.media_type.partition(";")[0])) is not None:
            draft.headers.append((b"content-disposition", _inline(key, suffix)))
        if answer.stamp is not None:
            draft.etag = etag_of_state(answer.stamp, answer.media_type, self._boot, query)
            if (known := confirmed(exchange.headers.get(b"if-none-match"), draft.etag)) is not None:
                return draft.unchanged(known)
        return self._data(answer.work(), draft, exchange, answer.length)

    def _data(self, body: Body | EncodedBlock, draft: _Draft, exchange: Exchange, length: int | None) -> Response:
        whole: bytes | bytearray | memoryview
        if isinstance(body, EncodedBlock):
            draft.take_coding(body.coding)
            draft.headers.append(_AT_REST)
            return Response(200, draft.finish(len(body.data)), body.data)
        if isinstance(body, Parts):
            if body.nbytes > PIECE:
                sample = max(body.pieces, key=_size)
                return self._streamed(body.gather(_SMALL), draft, exchange, body.nbytes, sample=sample)
            whole = b"".join(body.pieces)
        elif isinstance(body, str):
            whole = body.encode("utf-8", "replace")
        elif isinstance(body, (bytes, bytearray, memoryview)):
            whole = body
        else:
            whole, rest = _gather(body)
            if rest is not None:
                return self._streamed(_again(whole, rest), draft, exchange, length, sample=whole)
        if draft.etag is None and _size(whole) <= DIGESTED:
            draft.etag = etag_of(wire.digest(whole), draft.media_type)
        return self._complete(whole, draft, exchange)

    def _complete(self, body: Any, draft: _Draft, exchange: Exchange) -> Response:
        headers = exchange.headers
        if (known := confirmed(headers.get(b"if-none-match"), draft.etag)) is not None:
            return draft.unchanged(known)
        coding = self._codings.choose(headers.get(b"accept-encoding", b""), draft.media_type)
        if coding is not None:
            started = perf_counter()
            if (compressed := coding.compress(body, draft.itemsize)) is not None:
                draft.take_coding(coding.name)
                exchange.note("compress", started, f";ratio={_size(body) / len(compressed):.1f}")
                body = compressed
        return Response(200, draft.finish(_size(body)), body)

    def _streamed(
        self, chunks: Iterator[Any], draft: _Draft, exchange: Exchange, length: int | None, *, sample: Any
    ) -> Response:
        coding = self._codings.choose(exchange.headers.get(b"accept-encoding", b""), draft.media_type)
        if coding is not None and coding.worthwhile(sample, draft.itemsize):
            draft.take_coding(coding.name)
            return Response(200, draft.finish(None), chunks=coding.stream(chunks, draft.itemsize))
        return Response(200, draft.finish(length), chunks=chunks)


class _Draft(Struct):
    """The headers of a response in the making."""

    headers: Headers
    media_type: str
    etag: str | None = None
    itemsize: int = 1

    def unchanged(self, etag: str) -> Response:
        """What a client is told that has this state under this name."""
        return Response(304, [(b"etag", etag.encode()), *self.headers])

    def take_coding(self, name: str) -> None:
        """Note the content coding; other bytes have another ETag."""
        self.headers.append((b"content-encoding", name.encode()))
        self.etag = self.etag and with_coding(self.etag, name)

    def finish(self, length: int | None) -> Headers:
        """All headers; without a length if nobody knows it."""
        self.headers += (
            _UNTOLD if self.etag is None else (b"etag", self.etag.encode()),
            (b"content-type", self.media_type.encode()),
        )
        if length is not None:
            self.headers.append((b"content-length", b"%d" % length))
        return self.headers


def _size(body: bytes | bytearray | memoryview) -> int:
    return body.nbytes if type(body) is memoryview else len(body)


def _gather(chunks: Iterator[Any]) -> tuple[Any, Iterator[Any] | None]:
    """The beginning of a stream, and the rest; None if the beginning, of moderate size, is all."""
    begun: list[Any] = []
    size = 0
    for chunk in chunks:
        data = chunk.encode("utf-8", "replace") if isinstance(chunk, str) else chunk
        if size := size + _size(data):
            begun.append(data)
        if size > PIECE:
            return begun[0] if len(begun) == 1 else b"".join(begun), chunks
    return b"".join(begun), None


def _again(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    for chunk in rest:
        yield chunk.encode("utf-8", "replace") if isinstance(chunk, str) else chunk


def _inline(key: str, suffix: str) -> bytes:
    """A Content-Disposition that lets browsers show what they can, and names the file if somebody saves it."""
    name = key or "data"
    return _disposition("inline", name if name.lower().endswith(f".{suffix}") else f"{name[:180]}.{suffix}")


def attachment(filename: str) -> bytes:
    """A Content-Disposition that makes browsers save under `filename` (RFC 6266); no quotes, slashes or controls."""
    return _disposition("attachment", filename)


def _disposition(kind: str, filename: str) -> bytes:
    safe = "".join(c if c.isprintable() and c not in '"\\/' else "_" for c in filename)[:200] or "data"
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    text = f'{kind}; filename="{plain}"'
    return (text if plain == safe else f"{text}; filename*=UTF-8''{quote(safe)}").encode()


def _file(answer: File, headers: Mapping[bytes, bytes]) -> Response:
    """A file as it is: 200, 206 for one range, 416 for a range outside it, 304 if the client has it."""
    try:
        stat = answer.path.stat()
    except OSError:
        raise Gone(f"the file {answer.filename!r} is not there any more") from None
    etag = etag_of(stat.st_mtime_ns, stat.st_size, stat.st_ino)
    own: Headers = [
        (b"accept-ranges", b"bytes"),
        (b"etag", etag.encode()),
        (b"last-modified", formatdate(stat.st_mtime, usegmt=True).encode()),
        *STANDARD,
        _SANDBOX,
    ]
    if confirmed(headers.get(b"if-none-match"), etag) is not None:
        return Response(304, own)
    own += (
        (b"content-disposition", attachment(answer.filename)),
        (b"content-type", answer.media_type.encode()),
    )
    condition = headers.get(b"if-range", b"").decode("latin-1")
    wanted = headers.get(b"range", b"").decode("latin-1") if condition in ("", etag) else ""
    span = parse_range(wanted, stat.st_size)
    if span is None:
        own.append((b"content-length", b"%d" % stat.st_size))
        return Response(200, own, chunks=_pieces(answer, 0, stat.st_size))
    start, stop = span
    own.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, stat.st_size)))
    own.append((b"content-length", b"%d" % (stop - start)))
    return Response(206, own, chunks=_pieces(answer, start, stop))


def _pieces(answer: File, start: int, stop: int) -> Iterator[bytes]:
    with answer.path.open("rb") as file:
        file.seek(start)
        while start < stop:
            data = file.read(min(PIECE, stop - start))
            if not data:
                raise Gone(f"the file {answer.filename!r} became shorter while it was sent")
            start += len(data)
            yield data


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """[start, stop) of a `Range` header with one range; None if there is none, or several (all is sent then).

    RangeNotSatisfiable (416) for a range outside the resource, BadRequest for a malformed one.
    """
    unit, _, spans = text.partition("=")
    if unit.strip().lower() != "bytes" or "," in spans:
        return None
    first, dash, last = (part.strip() for part in spans.partition("-"))
    digits = first + last
    if not dash or not digits.isascii() or not digits.isdigit() or len(digits) > 40:
        raise BadRequest(
            f"the range {text[:80]!r} is not understood: expected 'bytes=first-last', such as 'bytes=0-99'"
        )
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            raise BadRequest(f"the range {text[:80]!r} ends before it begins")
    if start >= size or stop <= start:
        raise RangeNotSatisfiable(f"the range {text!r} lies outside this file of {size} bytes", size)
    return start, stop
