"""What lies behind a node: files and tables, as the server tells of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

logger = logging.getLogger("tiledkernel.client")

S = TypeVar("S", bound=Struct)


class Asset(Struct, frozen=True, kw_only=True):
    """A file or directory; `id` is what the server knows it by, `num` its place among several."""

    data_uri: str
    is_directory: bool
    parameter: str | None = None
    num: int | None = None
    id: int | None = None
    size: int | None = None


class DataSource(Struct, frozen=True, kw_only=True):
    """One stored thing that a node is made of; `management` says whether the server may change it."""

    structure_family: str
    structure: Any = None
    id: int | None = None
    mimetype: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    assets: list[Asset] = field(default_factory=list)
    management: str = "writable"


def parse_data_source(raw: Mapping[str, Any]) -> DataSource:
    """A data source; what a newer server says beyond what we know is left out."""
    known = _without_unknown(raw, DataSource)
    known["assets"] = [_without_unknown(asset, Asset) for asset in raw.get("assets") or []]
    for name in ("parameters", "properties"):
        known[name] = known.get(name) or {}
    return msgspec.convert(known, DataSource)


def _without_unknown(raw: Mapping[str, Any], kind: type[S]) -> dict[str, Any]:
    unknown = raw.keys() - set(kind.__struct_fields__)
    if unknown:
        logger.debug("%s has parts that this version does not know: %s", kind.__name__, ", ".join(sorted(unknown)))
    return {name: value for name, value in raw.items() if name not in unknown}
