"""The HTTP side: from bytes in to bytes out."""

from tiledkernel.server.app import build_app
from tiledkernel.settings import Settings

__all__ = ["Settings", "build_app"]
