"""Writing under a condition (RFC 9110, section 13.1.1): `If-Match` with the ETag of a node's description.

The ETag of a description ends in the node's version, which every change of the description counts up, and every
write of data that was made under such a condition.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tiledkernel.errors import PreconditionFailed
from tiledkernel.nodes.writing import Claiming, Versioned

if TYPE_CHECKING:
    from tiledkernel.server.request import Request

_VERSION = re.compile(r"\.v(\d{1,18})(?:\+[a-z0-9]+)?$")


def versioned(digest: str, version: int | None) -> str:
    """A quoted ETag that tells the version of the node, if it has one."""
    return f'"{digest}"' if version is None else f'"{digest}.v{version}"'


def version_of(node: object) -> int | None:
    """The version of a node that counts its changes."""
    return node.version_of() if isinstance(node, Versioned) else None


def expected_version(request: Request) -> int | None:
    """The version that the node must have to be changed; None if the caller does not mind.

    PreconditionFailed if it is another one already.
    """
    given = request.header(b"if-match")
    if not given or given.strip() == "*":
        return None
    current = version_of(request.entry.node)
    known = {int(found[1]) for tag in given.split(",") if (found := _VERSION.search(tag.strip().strip('"')))}
    if current is not None and current in known:
        return current
    raise PreconditionFailed(
        f"'If-Match: {given[:80]}' does not hold: {request.entry.key!r} is in another state; ask for its description "
        "(/metadata/...) again, and use the ETag of that"
    )


def check_precondition(request: Request) -> None:
    """Go on only if the node is in the state that the caller knows, if the caller minds; of several, one goes on."""
    version = expected_version(request)
    if version is not None and isinstance(request.entry.node, Claiming):
        request.entry.node.claim(version)
