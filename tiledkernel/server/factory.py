"""`tiledkernel.server.factory:app`, for ASGI servers that take an import string; TILED_CONFIG says what it serves."""

from __future__ import annotations

import functools
from typing import Any

from tiledkernel.config.files import configuration_path
from tiledkernel.server.app import Application
from tiledkernel.server.from_config import build_app_from_config


@functools.cache
def app_factory() -> Application:
    """The application of this process, built when it is first asked for."""
    return build_app_from_config(configuration_path())


def __getattr__(name: str) -> Any:
    """Importing the module costs nothing; asking it for `app` builds the application."""
    if name == "app":
        return app_factory()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
