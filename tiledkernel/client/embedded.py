"""A server of one's own inside the client's process, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from tiledkernel import references
from tiledkernel.client.connect import from_uri

#: The servers that `simple` has started. They run as long as they are listed here; an exit closes them.
SERVERS: list[Any] = []


def simple(
    directory: str | PathLike[str] | None = None,
    api_key: str | None = None,
    port: int = 0,
    readable_storage: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
    quiet: bool = False,  # noqa: FBT001, FBT002 - positional in published code
) -> Any:
    """Start a server in this process, and connect to it.

    It keeps what is written to it, answers to this machine only, prints its address, and ends with the process. Any
    number of them may run at once.

    Parameters
    ----------
    directory
        Where everything is kept, to be found again by a later call. Without it, a temporary directory.
    api_key
        Letters and digits. Without it, a random one is made.
    port
        0: any that is free.
    readable_storage
        A folder, or several, in which files may lie that are registered.
    quiet
        Do not print the address.

    Examples
    --------
    >>> client = simple()
    >>> client.write_array([1, 2, 3], key="x")
    """
    # Only here does a client load the server's code.
    server = references.load("tiledkernel.server.simple:SimpleTiledServer")(directory, api_key, port, readable_storage)
    try:
        client = from_uri(server.uri, trust_env=False)  # no proxy leads to this machine
    except BaseException:
        server.close()
        raise
    SERVERS.append(server)
    if not quiet:
        print(server.uri)  # noqa: T201 - the person at the prompt gives it to a browser or to another program
    return client
