"""The way to the first node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tiledkernel.client.calls import call_node
from tiledkernel.client.classes import StructureClients, build_client
from tiledkernel.client.connection import Connection
from tiledkernel.client.messages import item_of
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.uris import join_path


def finding(
    context: Connection, structure_clients: StructureClients, path: Sequence[str], *, include_data_sources: bool
) -> Plan[Any]:
    """The client of the node at a path."""
    _require_credentials(context)
    url = join_path(f"{context.api_uri}metadata/", tuple(path))
    item = item_of((yield from ask_message(call_node(url, include_data_sources=include_data_sources))))
    return build_client(context, item, structure_clients, include_data_sources=include_data_sources)


def _require_credentials(context: Connection) -> None:
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
