"""Connect by the name of a profile."""

from __future__ import annotations

from typing import Any

from tiledkernel.client.classes import StructureClients
from tiledkernel.client.connect import connect, from_context, from_uri
from tiledkernel.client.context import Context
from tiledkernel.client.profiles.resolving import Resolved, resolve

_OF_THE_NETWORK = ("trust_env", "verify")  # an application in this process has none
_OF_THE_NODE = ("include_data_sources", "remember_me")


def context_from_profile(name: str, **settings: Any) -> Context:
    """The connection of a profile, without asking for anything but what the server is."""
    resolved = resolve(name, None, settings)
    if not isinstance(resolved.target, str):
        return Context.from_app(resolved.target, **_of_an_application(resolved))
    return connect(resolved.target, **resolved.settings)[0]


def from_profile(name: str, structure_clients: StructureClients | None = None, **settings: Any) -> Any:
    """Connect as the profile of this name says.

    Parameters
    ----------
    name
        Of a profile; `tiledkernel profile list` shows all.
    structure_clients
        Instead of what the profile says: "numpy", "dask", or a mapping of structure families and specs to classes.
    **settings
        What `from_uri` takes; each wins over what the profile says.

    Examples
    --------
    >>> client = from_profile("beamline")
    >>> client = from_profile("beamline", "dask", api_key="...")
    """
    resolved = resolve(name, structure_clients, settings)
    if isinstance(resolved.target, str):
        return from_uri(resolved.target, resolved.structure_clients, **resolved.settings)
    return _from_app(resolved)


def _from_app(resolved: Resolved) -> Any:
    settings = _of_an_application(resolved)
    of_the_node = {key: settings.pop(key) for key in _OF_THE_NODE if key in settings}
    context = Context.from_app(resolved.target, **settings)
    try:
        return from_context(context, resolved.structure_clients, **of_the_node)
    except BaseException:
        context.close()
        raise


def _of_an_application(resolved: Resolved) -> dict[str, Any]:
    return {key: value for key, value in resolved.settings.items() if key not in _OF_THE_NETWORK}
