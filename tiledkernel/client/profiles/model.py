"""Every key of a profile, its type, its default and one sentence on it.

The sentences are the descriptions of the JSON Schema (`tiledkernel profile schema`), and the advice in error messages.
Keys and meanings are those of Tiled; `api_key` is ours.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Uri = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/]+",
        description="the address of a server or of a node, such as 'https://data.example.org/api/v1/metadata/raw'",
    ),
]
Reference = Annotated[str, Meta(pattern=r"^[^:\s]+:[^:\s]+$", description="a class, written 'module:Class'")]
Seconds = Annotated[float, Meta(gt=0, description="seconds, or null to wait for ever")]
Bytes = Annotated[int, Meta(ge=1)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a profile; a key that it does not have is an error."""


class CacheSettings(Section, frozen=True):
    """Answers of the server that are kept on disk."""

    filepath: Annotated[str | None, Meta(description="the file to keep them in; none: one for all servers")] = None
    capacity: Annotated[Bytes, Meta(description="bytes that are kept, the latest used")] = 500_000_000
    max_item_size: Annotated[Bytes, Meta(description="bytes of the largest answer that is kept")] = 500_000
    readonly: Annotated[bool, Meta(description="answers are looked up, but not kept")] = False


class TimeoutSettings(Section, frozen=True):
    """How long the network may be silent; each is a number of seconds, or null to wait for ever."""

    connect: Annotated[Seconds | None, Meta(description="to reach the server")] = 5.0
    read: Annotated[Seconds | None, Meta(description="for the next bytes of an answer")] = 30.0
    write: Annotated[Seconds | None, Meta(description="to send the next bytes")] = 30.0
    pool: Annotated[Seconds | None, Meta(description="for one of the connections to become free")] = 5.0


class Profile(Section, frozen=True):
    """How to connect to one server."""

    uri: Uri | None = None
    direct: Annotated[
        dict[str, Any] | None,
        Meta(
            description="instead of `uri`: the configuration of a server, which then runs inside the client's process"
        ),
    ] = None
    structure_clients: Annotated[
        Literal["numpy", "dask"] | dict[str, Reference],
        Meta(description="'numpy', 'dask', or a mapping of structure families and specs to classes, 'module:Class'"),
    ] = "numpy"
    api_key: Annotated[str | None, Meta(description="the key to send; none: that of `uri`, else TILED_API_KEY")] = None
    headers: Annotated[dict[str, str], Meta(description="headers to send with every request")] = field(
        default_factory=dict
    )
    cache: CacheSettings | None = None
    timeout: TimeoutSettings | None = None
    token_cache: Annotated[str | None, Meta(description="the folder that logins are kept in")] = None
    max_connections: Annotated[
        int, Meta(ge=1, description="how many connections, and requests for data, may be open at once")
    ] = 16
    verify: Annotated[bool, Meta(description="whether certificates of https are checked")] = True
    username: Annotated[str | None, Meta(description="obsolete; ignored with a warning")] = None
    auth_provider: Annotated[str | None, Meta(description="obsolete; ignored with a warning")] = None


OBSOLETE = ("username", "auth_provider")
