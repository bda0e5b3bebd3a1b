"""What the server says: control messages, and the sentences of its errors. No I/O happens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from tiledkernel.wire import JSON, MSGPACK


class Provider(Struct, frozen=True, kw_only=True):
    """A way to log in."""

    provider: str
    mode: str
    links: dict[str, str] | None = None
    confirmation_message: str | None = None
    extra_scopes: list[str] | None = None


class Authentication(Struct, frozen=True, kw_only=True):
    """Whether one must log in, and how one can."""

    required: bool = False
    providers: tuple[Provider, ...] = ()
    links: dict[str, str] | None = None


class About(Struct, frozen=True, kw_only=True):
    """What a server says of itself."""

    api_version: int
    library_version: str
    formats: dict[str, list[str]] = field(default_factory=dict)
    aliases: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    queries: list[str] = field(default_factory=list)
    authentication: Authentication = field(default_factory=Authentication)
    links: dict[str, str] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def recognises_attempts(self) -> bool:
        """Whether of all attempts with one token the server carries out one."""
        return "+tiledkernel" in self.library_version

    @property
    def distributions(self) -> dict[str, str]:
        """What to install to have a family, by its name; for families that do not come with the client itself."""
        told = self.meta.get("distributions")
        return {str(name): str(found) for name, found in told.items()} if isinstance(told, dict) else {}


class UnexpectedAnswer(ValueError):
    """An answer that is not what the protocol promises, perhaps of another kind of server."""


def parse_message(content_type: str, body: bytes | bytearray) -> Any:
    """A control message; times in msgpack become aware datetimes."""
    try:
        if content_type == MSGPACK:
            return msgspec.msgpack.decode(body)
        if content_type.partition(";")[0].strip() == JSON:
            return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswer(f"the answer is no valid {content_type}: {error}") from error
    raise UnexpectedAnswer(
        f"expected a message of type {MSGPACK!r}, got {content_type!r}: is this the address of a Tiled server?"
    )


def parse_about(message: Any) -> About:
    """What a server says of itself, checked; what it leaves open, or null, is empty."""
    try:
        return msgspec.convert(_without_nulls(message), About)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(f"this is no Tiled server, or one of another generation: {error}") from error


def _without_nulls(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    return {name: _without_nulls(value) for name, value in message.items() if value is not None}


def item_of(message: Any) -> Mapping[str, Any]:
    """The description of a node in a message, checked to be one."""
    item = message.get("data") if isinstance(message, dict) else None
    if not isinstance(item, dict) or not all(isinstance(item.get(part), dict) for part in ("attributes", "links")):
        raise UnexpectedAnswer("the answer describes no node: is this the address of a Tiled server?")
    return item


def parse_detail(content_type: str, body: bytes, reason: str) -> str:
    """The sentence in an error's body, or the reason phrase if there is none."""
    if content_type.partition(";")[0].strip() != JSON:
        return reason
    try:
        message = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return reason
    detail = message.get("detail", reason) if isinstance(message, dict) else reason
    if isinstance(detail, list):
        return "; ".join(_format_problem(problem) for problem in detail)
    return str(detail)


def _format_problem(problem: Any) -> str:
    if not isinstance(problem, dict) or "msg" not in problem:
        return str(problem)
    where = ".".join(str(part) for part in problem.get("loc", []))
    return f"{problem['msg']} (in {where})" if where else str(problem["msg"])
