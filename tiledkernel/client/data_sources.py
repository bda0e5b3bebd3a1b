"""What lies behind a node: files and tables, as the server tells of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from tiledkernel.client.json_values import as_json

logger = logging.getLogger("tiledkernel.client")

S = TypeVar("S", bound=Struct)


class Management(StrEnum):
    """Whose data are: registered only (external), or kept by the server, which may let them be changed."""

    external = "external"
    immutable = "immutable"
    locked = "locked"
    writable = "writable"


class Asset(Struct, frozen=True, kw_only=True):
    """A file or directory; `id` is what the server knows it by, `num` its place among several."""

    data_uri: str
    is_directory: bool
    parameter: str | None = None
    num: int | None = None
    id: int | None = None
    size: int | None = None


class DataSource(Struct, frozen=True, kw_only=True):
    """One stored thing that a node is made of; `management`, a `Management`, says whether the server may change it."""

    structure_family: str
    structure: Any = None
    id: int | None = None
    mimetype: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    assets: list[Asset] = field(default_factory=list)
    management: str = Management.writable


def parse_data_source(raw: Mapping[str, Any]) -> DataSource:
    """A data source; what a newer server says beyond what we know is left out."""
    known = _without_unknown(raw, DataSource)
    known["assets"] = [_without_unknown(asset, Asset) for asset in raw.get("assets") or []]
    for name in ("parameters", "properties"):
        known[name] = known.get(name) or {}
    return msgspec.convert(known, DataSource)


def describe_data_source(source: DataSource) -> dict[str, Any]:
    """A data source as it is sent to a server; `structure` may be that of its family, or be described already."""
    described: dict[str, Any] = as_json(source, "the parts of a data source")
    return described


def _without_unknown(raw: Mapping[str, Any], kind: type[S]) -> dict[str, Any]:
    unknown = raw.keys() - set(kind.__struct_fields__)
    if unknown:
        logger.debug("%s has parts that this version does not know: %s", kind.__name__, ", ".join(sorted(unknown)))
    return {name: value for name, value in raw.items() if name not in unknown}
