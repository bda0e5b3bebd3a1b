"""Retries, errors, codings and streaming, against applications that misbehave on purpose."""

from __future__ import annotations

import gzip
import pickle
import threading
import zlib
from typing import Any

import blosc2
import httpx
import numpy as np
import pytest
import zstandard

from tiledkernel.client import ClientError, Context, from_context
from tiledkernel.client.calls import Call, call_message
from tiledkernel.client.errors import ServerError
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.retries import retry_after

from .scripted import ABOUT, message, resource

URL = "http://local-tiled-app/api/v1/metadata/a"
CALL = call_message(URL)
BUSY = (503, {"content-type": "application/json"}, b'{"detail": "busy"}')
FAILED = (500, {"content-type": "application/json", "x-tiled-request-id": "abc123"}, b'{"detail": "oops"}')


def test_an_answer_is_a_message(scripted: Any) -> None:
    context, _ = scripted(message({"data": 1}))
    assert context.message(CALL) == {"data": 1}


@pytest.mark.parametrize("failure", [BUSY, FAILED, message({}, 429)])
def test_a_failure_that_may_pass_is_asked_again(scripted: Any, impatient: None, failure: Any) -> None:
    context, app = scripted(failure, failure, message("fine"))
    assert context.message(CALL) == "fine"
    assert len(app.requests) == 3


def test_the_person_who_waits_is_told(scripted: Any, impatient: None, capsys: pytest.CaptureFixture[str]) -> None:
    context, _ = scripted(BUSY, BUSY, message("fine"))
    context.message(CALL)
    assert capsys.readouterr().err == "Retrying…\n"


def test_a_refusal_is_not_asked_again(scripted: Any, impatient: None) -> None:
    context, app = scripted(message({"detail": "no such thing"}, 404))
    with pytest.raises(ClientError, match=r"^404: no such thing http://local-tiled-app/api/v1/metadata/a$"):
        context.message(CALL)
    assert len(app.requests) == 1


def test_a_lasting_failure_names_the_request_for_the_administrator(scripted: Any, impatient: None) -> None:
    context, app = scripted(FAILED)
    with pytest.raises(ServerError, match=r"^500: oops .*abc123$"):
        context.message(CALL)
    assert len(app.requests) == 3


def test_the_environment_limits_attempts(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_RETRY_ATTEMPTS", "1")
    context, app = scripted(BUSY)
    with pytest.raises(ServerError):
        context.message(CALL)
    assert len(app.requests) == 1


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [(429, "7", 7.0), (503, "1", 1.0), (429, "", True), (429, "100000", False), (503, "soon", True), (404, "1", False)],
)
def test_a_server_may_say_when_to_ask_again(status: int, header: str, wait: Any) -> None:
    request = httpx.Request("GET", URL)
    response = httpx.Response(status, headers={"retry-after": header}, request=request)
    assert retry_after(httpx.HTTPStatusError("", request=request, response=response)) == wait


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (httpx.ConnectError("refused"), True),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("broke off"), True),
        (httpx.UnsupportedProtocol("ftp"), False),
        (httpx.LocalProtocolError("bad header"), False),
        (ValueError("a mistake"), False),
    ],
)
def test_only_transport_errors_are_worth_another_attempt(error: Exception, again: Any) -> None:
    assert retry_after(error) is again


def test_validation_errors_are_shown_as_sentences(scripted: Any) -> None:
    detail = [{"type": "x", "loc": ["query", "slice"], "msg": "not understood", "input": "?"}]
    context, _ = scripted(message({"detail": detail}, 422))
    with pytest.raises(ClientError, match=r"^422: not understood \(in query.slice\)"):
        context.message(CALL)


def test_an_error_without_a_detail_shows_the_reason_phrase(scripted: Any) -> None:
    context, _ = scripted((418, {"content-type": "text/html"}, b"<p>short and stout"))
    with pytest.raises(ClientError, match=r"^418: I'm a teapot"):
        context.message(CALL)


def test_keys_are_redacted_in_errors(scripted: Any) -> None:
    context, _ = scripted(message({"detail": "no"}, 403))
    with pytest.raises(ClientError) as caught:
        context.message(call_message(URL, [("api_key", "SECRET")]))
    assert "SECRET" not in str(caught.value)


def test_another_kind_of_server_is_recognised(scripted: Any) -> None:
    context, _ = scripted((200, {"content-type": "text/html"}, b"<p>hello"))
    with pytest.raises(UnexpectedAnswer, match="is this the address of a Tiled server"):
        context.message(CALL)


def test_a_failing_application_surfaces_as_itself(scripted: Any) -> None:
    context, app = scripted(ZeroDivisionError("mine"))
    with pytest.raises(ZeroDivisionError, match="mine"):
        context.message(CALL)
    assert len(app.requests) == 1


def test_an_application_that_ends_in_the_middle_is_asked_again(impatient: None) -> None:
    asked = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
        await send(start)
        asked.append(scope["path"])
        if len(asked) == 2:
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        await send({"type": "http.response.body", "body": str(ABOUT).replace("'", '"').encode()})

    with Context.from_app(app) as context:
        assert context.message(CALL)["api_version"] == 0
    assert len(asked) == 3


def test_a_failure_at_startup_surfaces_as_the_original_exception() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})
        raise ExceptionGroup("wrapped", [FileNotFoundError("catalog.db")])

    with pytest.raises(FileNotFoundError, match=r"catalog\.db"):
        Context.from_app(app)


def test_the_lifespan_runs_around_the_connection() -> None:
    events = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                event = await receive()
                events.append(event["type"])
                await send({"type": event["type"] + ".complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": str(ABOUT).replace("'", '"').encode()})

    with Context.from_app(app):
        assert events == ["lifespan.startup"]
    assert events == ["lifespan.startup", "lifespan.shutdown"]


class Full:
    def __init__(self, headers: httpx.Headers) -> None:
        pass

    def write(self, piece: bytes) -> None:
        raise RuntimeError("enough")

    def abandon(self) -> None:
        pass


def test_a_body_is_made_no_faster_than_it_is_read() -> None:
    made = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        if scope["path"] == "/api/v1/":
            await send({"type": "http.response.body", "body": str(ABOUT).replace("'", '"').encode()})
            return
        for number in range(1000):
            made.append(number)
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    with Context.from_app(app) as context, pytest.raises(RuntimeError, match="enough"):
        context.data(Call(url=URL), Full)
    assert len(made) < 50


def test_a_closed_connection_leaves_no_thread(scripted: Any) -> None:
    context, _ = scripted(message(1))
    context.message(CALL)
    context.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "tiledkernel-app"]


DATA = np.arange(5000, dtype="<i4").tobytes()
HALVES = DATA[:10_000], DATA[10_000:]
CODED = {
    "identity": DATA,
    "gzip": gzip.compress(HALVES[0]) + gzip.compress(HALVES[1]),
    "deflate": zlib.compress(DATA),
    "zstd": zstandard.compress(HALVES[0]) + zstandard.compress(HALVES[1]),
    "blosc2": b"".join(blosc2.compress2(half, typesize=4) for half in HALVES),
    "deflate, gzip": gzip.compress(zlib.compress(DATA)),
}


@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("size", [1, 777, 1 << 20])
def test_bodies_are_decoded_however_they_are_cut(scripted: Any, coding: str, size: int) -> None:
    body = CODED[coding]
    pieces = [body[start : start + size] for start in range(0, len(body), size)][:5000] if size > 1 else [body]
    context, _ = scripted((200, {"content-encoding": coding}, pieces))
    assert context.data_bytes(Call(url=URL)) == DATA


def test_a_bare_deflate_stream_is_understood(scripted: Any) -> None:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = compressor.compress(DATA) + compressor.flush()
    pieces = [body[:1], body[1:2], body[2:]]
    context, _ = scripted((200, {"content-encoding": "deflate"}, pieces))
    assert context.data_bytes(Call(url=URL)) == DATA


@pytest.mark.parametrize("coding", [coding for coding in CODED if coding != "identity"])
@pytest.mark.parametrize("missing", [1, 5, 100])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_body_that_ends_too_early_is_an_error(scripted: Any, coding: str, missing: int, size: int) -> None:
    body = CODED[coding][:-missing]
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    context, app = scripted((200, {"content-encoding": coding}, pieces))
    with pytest.raises(UnexpectedAnswer, match="is no valid"):
        context.data_bytes(Call(url=URL))
    assert len(app.requests) == 1


@pytest.mark.parametrize("coding", [coding for coding in CODED if coding != "identity"])
def test_what_follows_a_body_is_an_error(scripted: Any, coding: str) -> None:
    context, _ = scripted((200, {"content-encoding": coding}, CODED[coding] + b"what is this, I wonder"))
    with pytest.raises(UnexpectedAnswer, match="is no valid"):
        context.data_bytes(Call(url=URL))


@pytest.mark.parametrize("coding", [coding for coding in CODED if coding != "identity"])
def test_a_body_of_nothing_is_nothing(scripted: Any, coding: str) -> None:
    context, _ = scripted((200, {"content-encoding": coding}, b""))
    assert context.data_bytes(Call(url=URL)) == b""


def test_a_coding_that_was_not_offered_is_an_error(scripted: Any) -> None:
    context, _ = scripted((200, {"content-encoding": "lz4"}, b"x"))
    with pytest.raises(UnexpectedAnswer, match="'lz4', which was not offered"):
        context.data_bytes(Call(url=URL))


ARRAY = {
    "structure": {
        "data_type": {"endianness": "little", "kind": "i", "itemsize": 4, "dt_units": None},
        "shape": [10], "chunks": [[10]], "dims": None,
    },
}  # fmt: skip


@pytest.mark.parametrize(("length", "word"), [(39, "shorter"), (41, "longer"), (0, "shorter")])
def test_an_array_of_another_size_is_refused(scripted: Any, length: int, word: str) -> None:
    context, _ = scripted(message({"data": resource("a", "array", **ARRAY)}), (200, {}, b"x" * length))
    with pytest.raises(UnexpectedAnswer, match=word):
        from_context(context, node_path_parts=["a"]).read()


def test_a_connection_in_this_process_cannot_be_pickled(scripted: Any) -> None:
    context, _ = scripted(message(1))
    with pytest.raises(TypeError, match="in this process"):
        pickle.dumps(context)
