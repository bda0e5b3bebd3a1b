"""From a URI to the client of the node that it names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from tiledkernel.client.calls import call_node
from tiledkernel.client.classes import StructureClients, build_client
from tiledkernel.client.context import Context
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.probe import adopt_https
from tiledkernel.client.uris import join_path


def from_uri(  # noqa: PLR0913 - one function with all settings of a connection
    uri: str,
    structure_clients: StructureClients = "numpy",
    *,
    api_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: httpx.Timeout | None = None,
    verify: bool = True,
    auth: httpx.Auth | None = None,
    include_data_sources: bool = False,
    remember_me: bool = True,
    max_connections: int = 16,
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
        "numpy", or a mapping of structure families and specs to classes.
    api_key
        The key to use; else that of the URI; else the environment variable TILED_API_KEY.
    headers, timeout, verify, auth, max_connections, trust_env
        See `Context`.
    include_data_sources
        Whether each node comes with the description of the files behind it.
    remember_me
        Whether a login is kept on disk.

    Examples
    --------
    >>> client = from_uri("http://localhost:8000")
    >>> client["small_image"][:2, :3]
    """
    _refuse_unknown(outdated)
    context, path = Context.from_any_uri(
        adopt_https(uri, verify=verify, trust_env=trust_env),
        api_key=api_key,
        headers=headers,
        timeout=timeout,
        verify=verify,
        auth=auth,
        max_connections=max_connections,
        trust_env=trust_env,
    )
    return from_context(context, structure_clients, path, include_data_sources, remember_me)


def from_context(
    context: Context,
    structure_clients: StructureClients = "numpy",
    node_path_parts: Sequence[str] | None = None,
    include_data_sources: bool = False,  # noqa: FBT001, FBT002 - positional in published code
    remember_me: bool = True,  # noqa: FBT001, FBT002 - positional in published code
) -> Any:
    """The client of the node at a path, through an existing connection."""
    del remember_me  # there is no login to remember yet
    _require_credentials(context)
    url = join_path(f"{context.api_uri}metadata/", tuple(node_path_parts or ()))
    item = context.message(call_node(url, include_data_sources=include_data_sources))["data"]
    return build_client(context, item, structure_clients, include_data_sources=include_data_sources)


def _require_credentials(context: Context) -> None:
    authentication = context.server_info.authentication
    if not authentication.required or context.authenticated:
        return
    example = f"from_uri({str(context.api_uri)!r}, api_key='...')"
    if not authentication.providers:
        raise RuntimeError(f"this server wants an API key: pass one, {example}, or set TILED_API_KEY")
    names = ", ".join(provider.provider for provider in authentication.providers)
    raise RuntimeError(
        f"this server wants a login ({names}), which this version of the client cannot do: make an API key with "
        f"another client and pass it, {example}, or set TILED_API_KEY"
    )


_OUTDATED = frozenset({"username", "auth_provider", "prompt_for_reauthentication"})


def _refuse_unknown(outdated: Mapping[str, Any]) -> None:
    for name in outdated:
        if name not in _OUTDATED:
            raise TypeError(f"from_uri() got an unexpected keyword argument {name!r}")
        warnings.warn(f"{name}= has no effect any more and is ignored", DeprecationWarning, stacklevel=3)
