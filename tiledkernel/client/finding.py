"""The way to the first node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tiledkernel import references
from tiledkernel.client.calls import call_node
from tiledkernel.client.classes import StructureClients, build_client
from tiledkernel.client.connection import Connection
from tiledkernel.client.errors import LoginError
from tiledkernel.client.messages import item_of
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.uris import join_path


def finding(
    context: Connection,
    structure_clients: StructureClients,
    path: Sequence[str],
    *,
    include_data_sources: bool,
    remember_me: bool = True,
) -> Plan[Any]:
    """The client of the node at a path, after a login if that is needed."""
    if not context.authenticated:
        yield from _entering(context, remember_me=remember_me)
    url = join_path(f"{context.api_uri}metadata/", tuple(path))
    item = item_of((yield from ask_message(call_node(url, include_data_sources=include_data_sources))))
    return build_client(context, item, structure_clients, include_data_sources=include_data_sources)


def _entering(context: Connection, *, remember_me: bool) -> Plan[None]:
    authentication = context.server_info.authentication
    if authentication.providers:
        yield from references.load("tiledkernel.client.login:entering")(context, remember_me=remember_me)
    elif authentication.required:
        example = f"from_uri({str(context.api_uri)!r}, api_key='...')"
        raise LoginError(f"this server wants an API key: pass one, {example}, or set TILED_API_KEY")
