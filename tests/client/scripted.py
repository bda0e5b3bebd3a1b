"""A small application that answers as it is told, and the messages that servers send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tiledkernel.wire import decode_json, encode_json

ABOUT = {"api_version": 0, "library_version": "0.2.20", "links": {"self": "http://local-tiled-app/api/v1"}}


@dataclass(frozen=True)
class Received:
    """A request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return decode_json(self.body)


class Scripted:
    """An ASGI application that says what it is, and else answers what the test put into `answers`, one a request.

    An answer is (status, headers, body), or an exception to raise. The last one is given again and again.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.received: list[Received] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError("only HTTP")
        path = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        if path == "/api/v1/":
            status, headers, body = 200, {"content-type": "application/json"}, encode_json(ABOUT)
        else:
            self.requests.append((path, {name.decode(): text.decode() for name, text in scope["headers"]}))
            self.received.append(Received(scope["method"], *self.requests[-1], await _body(receive)))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(answer, Exception):
                raise answer
            status, headers, body = answer
        raw = [(name.encode(), text.encode()) for name, text in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        pieces = [body] if isinstance(body, bytes) else body
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    return body


def resource(key: str, family: str = "container", **attributes: Any) -> dict[str, Any]:
    """The description of a node, as a server sends it."""
    base = "http://local-tiled-app/api/v1"
    described = {"ancestors": [], "structure_family": family, "specs": [], "metadata": {}, "structure": None}
    links = {"self": f"{base}/metadata/{key}", "search": f"{base}/search/{key}", "full": f"{base}/{family}/full/{key}"}
    if family == "array":
        links["block"] = f"{base}/array/block/{key}?block={{0}}"
    return {"id": key, "attributes": described | attributes, "links": links, "meta": None}


def message(data: Any, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    """An answer with one control message."""
    return status, {"content-type": "application/json"}, encode_json(data)
