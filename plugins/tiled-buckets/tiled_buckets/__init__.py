"""Object storage: what storages of other plugins keep in buckets, through `obstore`."""

from __future__ import annotations

SCHEMES = ("s3", "gs", "az")
