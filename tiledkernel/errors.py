"""Every error that a caller or a plugin can cause, each with its HTTP status.

KernelError (500)
├── BadRequest (400)
│   ├── AuthorizationPending
│   ├── SliceOutOfRange
│   ├── TooLarge
│   └── UnsupportedQuery
├── Unauthorized (401)
├── Forbidden (403)
├── NotFound (404)
├── NotAllowed (405)
├── NotAcceptable (406)
├── Conflict (409)
│   └── KeyTaken
├── Gone (410)
│   ├── BrokenLink
│   └── Unavailable
├── PreconditionFailed (412)
├── UnsupportedMediaType (415)
├── RangeNotSatisfiable (416)
├── Unprocessable (422)
├── TooManyRequests (429)
├── ReadFailed (500)
├── NotReady (503)
└── StorageFull (507)

ConfigurationError and PluginError stop or degrade the start-up; no request ever sees them.

A message says what was asked, what was expected and what to do. `server/problems.py` is the only place that
turns one of these into a response.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class KernelError(Exception):
    """Anything that tiledkernel reports on purpose."""

    status: ClassVar[int] = 500

    @property
    def detail(self) -> str | dict[str, Any] | list[dict[str, Any]]:
        """What the body of the answer says under `detail`."""
        return str(self)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that belong to an answer with this error."""
        return {}


class BadRequest(KernelError):
    """The request is well formed but cannot be meant."""

    status = 400


class AuthorizationPending(BadRequest):
    """Somebody is still logging in, in a browser; the reason is that of RFC 8628."""

    @property
    def detail(self) -> dict[str, Any]:
        """An object, as the wire format has it."""
        return {"error": str(self)}


class SliceOutOfRange(BadRequest):
    """An integer index lies outside the array."""


class TooLarge(BadRequest):
    """The answer would exceed the configured limit."""


class UnsupportedQuery(BadRequest):
    """This node cannot run that query."""


class Unauthorized(KernelError):
    """Credentials are missing or wrong, or lack a scope that the route needs.

    `recognised`: they are good, so that better ones of the same kind would not help.
    """

    status = 401

    def __init__(self, message: str, scopes: frozenset[str] = frozenset(), *, recognised: bool = False) -> None:
        super().__init__(message)
        self.scopes = scopes
        self.recognised = recognised


class Forbidden(KernelError):
    """The caller is known, sees the node, and still may not do this."""

    status = 403


class NotFound(KernelError):
    """No such node, or none that the caller may know of."""

    status = 404


class NotAllowed(KernelError):
    """The node or the route cannot do this operation."""

    status = 405

    def __init__(self, message: str, allow: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.allow = allow

    @property
    def headers(self) -> Mapping[str, str]:
        """The methods that would be answered."""
        return {"allow": ", ".join(self.allow)} if self.allow else {}


class NotAcceptable(KernelError):
    """None of the requested formats can hold this data."""

    status = 406


class Conflict(KernelError):
    """What is asked for contradicts what is there."""

    status = 409


class KeyTaken(Conflict):
    """A new node was to have the key that another one has, which lies at `path`."""

    def __init__(self, key: str, path: str | None = None) -> None:
        self.key = key
        there = "what is there" if path is None else repr(path)
        super().__init__(f"the key {key!r} is taken: choose another one, or delete {there}")


class Gone(KernelError):
    """The node is known, but what it stands for is not there."""

    status = 410


class BrokenLink(Gone):
    """A link inside a file, or in the tree, points at nothing."""


class Unavailable(Gone):
    """A file that no reader can open, or a plugin that is set aside."""


class PreconditionFailed(KernelError):
    """The node is no longer in the state that the caller knows."""

    status = 412


class UnsupportedMediaType(KernelError):
    """Nobody here takes, or keeps, data in this form."""

    status = 415


class RangeNotSatisfiable(KernelError):
    """A byte range lies outside the resource."""

    status = 416

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size

    @property
    def headers(self) -> Mapping[str, str]:
        """How large the resource is."""
        return {"content-range": f"bytes */{self.size}"}


class Unprocessable(KernelError):
    """A parameter or a body that does not validate; says which one and why.

    `where` is ("query" | "path" | "body", name, ...), as the wire format has it under `loc`.
    """

    status = 422

    def __init__(self, message: str, *where: str, value: object = None, kind: str = "value_error") -> None:
        super().__init__(message)
        self.where = where
        self.value = value
        self.kind = kind

    @property
    def detail(self) -> str | list[dict[str, Any]]:
        """One object that says which parameter it is, as the wire format has it."""
        value = self.value if isinstance(self.value, (str, int, float, list, type(None))) else repr(self.value)
        return [{"type": self.kind, "loc": list(self.where), "msg": str(self), "input": value}]


class TooManyRequests(KernelError):
    """Too many attempts; the next one is answered after `retry_after` seconds."""

    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        """When to ask again."""
        return {"retry-after": str(self.retry_after)}


class ReadFailed(KernelError):
    """A plugin raised while it was reading; the message names it."""

    status = 500


class NotReady(KernelError):
    """The data are still being written; ask again."""

    status = 503

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        """When to ask again."""
        return {"retry-after": str(self.retry_after)}


class StorageFull(KernelError):
    """There is no room left for what is to be kept; nothing was changed."""

    status = 507


class ConfigurationError(KernelError):
    """The configuration cannot be used; the message names the key."""


class PluginError(KernelError):
    """A plugin cannot be used; the message names it."""


class AmbiguousName(PluginError):
    """Two plugins claim one name."""


class UnknownName(PluginError):
    """Nothing is registered under this name; the message lists what is."""
