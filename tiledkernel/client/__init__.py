"""The Python client: navigate, search, slice and export what a server offers.

Importing this module loads nothing else: each name is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiledkernel.client.connect import from_context, from_uri
    from tiledkernel.client.context import Context
    from tiledkernel.client.embedded import SERVERS, simple
    from tiledkernel.client.errors import ClientError
    from tiledkernel.client.logs import hide_logs, record_history, show_logs
    from tiledkernel.client.metadata_update import DELETE_KEY
    from tiledkernel.client.outline import tree
    from tiledkernel.client.profiles.connect import from_profile
    from tiledkernel.client.sorting import ASCENDING, DESCENDING

__all__ = [
    "ASCENDING",
    "DELETE_KEY",
    "DESCENDING",
    "SERVERS",
    "ClientError",
    "Context",
    "from_context",
    "from_profile",
    "from_uri",
    "hide_logs",
    "record_history",
    "show_logs",
    "simple",
    "tree",
]

_MODULES = {
    "ASCENDING": "sorting",
    "DELETE_KEY": "metadata_update",
    "DESCENDING": "sorting",
    "SERVERS": "embedded",
    "ClientError": "errors",
    "Context": "context",
    "from_context": "connect",
    "from_profile": "profiles.connect",
    "from_uri": "connect",
    "hide_logs": "logs",
    "record_history": "logs",
    "show_logs": "logs",
    "simple": "embedded",
    "tree": "outline",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
