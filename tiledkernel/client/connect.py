"""From a URI to the client of the node that it names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tiledkernel.client.classes import StructureClients
from tiledkernel.client.context import Context
from tiledkernel.client.finding import finding
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.probe import adopt_https


def from_uri(  # noqa: PLR0913 - one function with all settings of a connection
    uri: str,
    structure_clients: StructureClients = "numpy",
    *,
    cache: Any = None,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | None = None,
    verify: bool = True,
    auth: httpx.Auth | None = None,
    include_data_sources: bool = False,
    remember_me: bool = True,
    max_connections: int = 16,
    show_progress: bool | None = None,
    token_cache: Path | None = None,
    trust_env: bool = True,
    **outdated: Any,
) -> Any:
    """Connect to the node at `uri`, usually a container.

    Parameters
    ----------
    uri
        Of a server (`http://localhost:8000`), of its API, or of a node (`.../api/v1/metadata/a/b`); it may carry a
        key (`?api_key=...`).
    structure_clients
        "numpy"; "dask", whose clients put off reading until `compute()`; or a mapping of structure families and specs
        to classes.
    api_key
        The key to use; else that of the URI; else the environment variable TILED_API_KEY.
    cache, headers, timeout, verify, auth, max_connections, show_progress, token_cache, trust_env
        See `Context`.
    include_data_sources, remember_me
        Whether each node comes with the description of the files behind it; whether a login is kept on disk, and one
        that is there is used.

    Examples
    --------
    >>> client = from_uri("http://localhost:8000")
    >>> client["small_image"][:2, :3]
    """
    _refuse_unknown(outdated)
    settings = {
        "cache": cache, "headers": headers, "timeout": timeout, "verify": verify, "auth": auth,
        "max_connections": max_connections, "show_progress": show_progress, "token_cache": token_cache,
        "trust_env": trust_env,
    }  # fmt: skip
    context, path = connect(uri, api_key=api_key, **settings)
    return _found(context, structure_clients, path, include_data_sources, remember_me)


def from_context(
    context: Context,
    structure_clients: StructureClients = "numpy",
    node_path_parts: Sequence[str] | None = None,
    include_data_sources: bool = False,  # noqa: FBT001, FBT002 - positional in published code
    remember_me: bool = True,  # noqa: FBT001, FBT002 - positional in published code
) -> Any:
    """The client of the node at a path, through an existing connection.

    If the server has logins and the connection has none, one that is remembered is used; if there is none, and the
    server wants one, the person at the terminal is asked. `remember_me=False`: nothing on disk is used or kept.
    """
    return context.run(
        finding(
            context,
            structure_clients,
            node_path_parts or (),
            include_data_sources=include_data_sources,
            remember_me=remember_me,
        )
    )


def connect(uri: str, **settings: Any) -> tuple[Context, list[str]]:
    """A connection, by https if the server wants that, and the path of the node."""
    of_the_network = {name: settings[name] for name in _OF_THE_NETWORK if name in settings}
    offline = settings.get("cache") is not None
    return Context.from_any_uri(adopt_https(uri, offline=offline, **of_the_network), **settings)


def _found(context: Context, *which: Any) -> Any:
    """As `from_context`, for a connection that nobody else has: it is closed if there is no such node."""
    try:
        return from_context(context, *which)
    except BaseException:
        context.close()
        raise


_OF_THE_NETWORK = ("timeout", "trust_env", "verify")
_OUTDATED = frozenset({"username", "auth_provider", "prompt_for_reauthentication"})


def _refuse_unknown(outdated: Mapping[str, Any]) -> None:
    for name in outdated:
        if name not in _OUTDATED:
            raise TypeError(f"from_uri() got an unexpected keyword argument {name!r}")
        warnings.warn(f"{name}= has no effect any more and is ignored", DeprecationWarning, stacklevel=3)
