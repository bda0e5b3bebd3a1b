"""What may have been done is done again only where that does no harm."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tiledkernel.client import ClientError
from tiledkernel.client.calls import Call, call_upload, call_writing
from tiledkernel.client.deleting import deleting
from tiledkernel.client.plans import ask_message, ask_upload

from .scripted import message

URL = "http://local-tiled-app/api/v1/metadata/a"
LOST = httpx.ReadTimeout("no answer")
FAILED = message({"detail": "oops"}, 500)
REFUSED = httpx.ConnectError("nobody there")
BUSY = message({"detail": "busy"}, 429)
DONE = message({"id": "a"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("failure", [LOST, FAILED, REFUSED, BUSY])
def test_what_does_no_harm_twice_is_tried_again(scripted: Any, impatient: None, method: Any, failure: Any) -> None:
    context, app = scripted(failure, failure, DONE)
    assert context.run(ask_message(call_writing(method, URL))) == {"id": "a"}
    assert len(app.received) == 3


@pytest.mark.parametrize("failure", [LOST, FAILED])
def test_a_patch_that_may_have_been_applied_is_not_sent_again(scripted: Any, impatient: None, failure: Any) -> None:
    context, app = scripted(failure, DONE)
    with pytest.raises((httpx.ReadTimeout, httpx.HTTPStatusError)):
        context.run(ask_message(call_writing("PATCH", URL)))
    assert len(app.received) == 1


@pytest.mark.parametrize("failure", [REFUSED, BUSY])
def test_a_patch_that_was_surely_not_applied_is_sent_again(scripted: Any, impatient: None, failure: Any) -> None:
    context, app = scripted(failure, failure, DONE)
    context.run(ask_message(call_writing("PATCH", URL)))
    assert len(app.received) == 3


def test_nor_is_a_patch_sent_again_after_one_doubtful_failure_among_others(scripted: Any, impatient: None) -> None:
    context, app = scripted(BUSY, LOST, DONE)
    with pytest.raises(httpx.ReadTimeout):
        context.run(ask_message(call_writing("PATCH", URL)))
    assert len(app.received) == 2


def test_who_knows_better_may_say_so(scripted: Any, impatient: None) -> None:
    context, app = scripted(LOST, DONE)
    context.run(ask_message(call_writing("PATCH", URL, repeatable=True)))
    assert len(app.received) == 2
    context, app = scripted(LOST, DONE)
    with pytest.raises(httpx.ReadTimeout):
        context.run(ask_message(call_writing("POST", URL, repeatable=False)))
    assert len(app.received) == 1


@pytest.mark.parametrize(("failure", "doubt"), [(LOST, True), (FAILED, True), (REFUSED, False), (BUSY, False)])
def test_a_refusal_tells_whether_it_may_be_by_our_own_doing(
    scripted: Any, impatient: None, failure: Any, doubt: Any
) -> None:
    context, _ = scripted(failure, message({"detail": "taken"}, 409))
    with pytest.raises(ClientError) as caught:
        context.run(ask_message(call_writing("POST", URL)))
    assert caught.value.after_doubt is doubt


def test_what_is_gone_after_a_doubtful_attempt_to_delete_it_is_deleted(scripted: Any, impatient: None) -> None:
    context, app = scripted(LOST, message({"detail": "no such entry"}, 404))
    context.run(deleting(URL, recursive=False, external_only=True))
    assert [received.method for received in app.received] == ["DELETE", "DELETE"]


def test_what_was_never_there_cannot_be_deleted(scripted: Any, impatient: None) -> None:
    context, _ = scripted(REFUSED, message({"detail": "no such entry"}, 404))
    with pytest.raises(ClientError, match="404"):
        context.run(deleting(URL, recursive=False, external_only=True))


@pytest.mark.parametrize(
    "content", [b"abc", bytearray(b"abc"), memoryview(b"abc"), memoryview(b"abcdef").cast("B", (2, 3))]
)
def test_an_upload_sends_what_a_buffer_holds(scripted: Any, content: Any) -> None:
    context, app = scripted(DONE)
    context.run(ask_upload(call_upload("PUT", URL, content, "application/octet-stream")))
    (received,) = app.received
    assert received.body == bytes(memoryview(content).cast("B"))
    assert received.headers["content-length"] == str(len(received.body))
    assert received.headers["content-type"] == "application/octet-stream"


def test_a_large_upload_is_sent_again_from_its_beginning(scripted: Any, impatient: None) -> None:
    content = bytes(range(256)) * 4096
    context, app = scripted(LOST, DONE)
    context.run(ask_upload(call_upload("PUT", URL, content, "application/octet-stream")))
    assert [received.body == content for received in app.received] == [True, True]


@pytest.mark.parametrize("content", [b"", memoryview(b"").cast("B")])
def test_an_empty_upload_has_an_empty_body(scripted: Any, content: Any) -> None:
    context, app = scripted((200, {}, b""))
    assert context.run(ask_upload(call_upload("PUT", URL, content, "application/octet-stream"))) is None
    assert (app.received[0].body, app.received[0].headers["content-length"]) == (b"", "0")


def test_a_request_without_a_body_has_none(scripted: Any) -> None:
    context, app = scripted(DONE)
    context.run(ask_message(Call(url=URL)))
    assert app.received[0].body == b""
