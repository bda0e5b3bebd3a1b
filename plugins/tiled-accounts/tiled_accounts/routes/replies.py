"""Answers that concern one caller, and are never kept."""

from __future__ import annotations

from typing import Any

from tiledkernel.server.answers import Message, Reply
from tiledkernel.wire import JSON, encode_json

NOT_KEPT = ((b"cache-control", b"no-store"),)
DONE = Reply(status=204)


def secret(content: Any) -> Reply:
    """What nobody but the caller may see: always JSON."""
    return Reply(body=encode_json(content), media_type=JSON)


def personal(content: Any) -> Message:
    """What is about the caller, as JSON or msgpack."""
    return Message(content, headers=NOT_KEPT)
