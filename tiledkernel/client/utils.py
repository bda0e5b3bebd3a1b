"""Names that published tutorials import from here; each lives in the module of its subject."""

from __future__ import annotations

from tiledkernel.client.asset_paths import get_asset_filepaths
from tiledkernel.client.errors import ClientError, UnknownStructureFamily

__all__ = ["ClientError", "UnknownStructureFamily", "get_asset_filepaths"]
