"""The HTTP side: from bytes in to bytes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tiledkernel import references
from tiledkernel.server.app import build_app
from tiledkernel.settings import Settings

if TYPE_CHECKING:
    from tiledkernel.server.from_config import build_app_from_config
    from tiledkernel.server.simple import SimpleTiledServer

__all__ = ["Settings", "SimpleTiledServer", "build_app", "build_app_from_config"]

# What stands above the server proper, since it reads configurations: loaded when it is first used.
_ABOVE = {
    "SimpleTiledServer": "tiledkernel.server.simple:SimpleTiledServer",
    "build_app_from_config": "tiledkernel.server.from_config:build_app_from_config",
}


def __getattr__(name: str) -> Any:
    if name not in _ABOVE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = references.load(_ABOVE[name])
    return value
