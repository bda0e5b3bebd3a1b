"""The names of table clients that published code and profiles import from here."""

from __future__ import annotations

from tiledkernel.families.table.client import DataFrameClient

__all__ = ["DataFrameClient"]
