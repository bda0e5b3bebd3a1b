"""What a write is up against, in the words of Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tiledkernel.client.errors import ClientError
from tiledkernel.client.messages import parse_detail

_REFUSED = {400, 409}


class Conflicts(ValueError):
    """What is to be written does not fit what is there."""


@contextmanager
def in_words_of_python() -> Iterator[None]:
    """Let what the server refuses be a ValueError that names arguments instead of parameters of a URL."""
    try:
        yield
    except ClientError as error:
        status = error.response.status_code
        if status not in _REFUSED:
            raise
        response = error.response
        detail = parse_detail(response.headers.get("content-type", ""), response.content, response.reason_phrase)
        text = detail.replace("Use ?", "Pass keyword argument ")
        raise (Conflicts if status == 409 else ValueError)(text) from error
