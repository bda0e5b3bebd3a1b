"""The names of array clients that published code and profiles import from here."""

from __future__ import annotations

from tiledkernel.families.array.client import ArrayClient

__all__ = ["ArrayClient"]
