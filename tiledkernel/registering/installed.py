"""What the plugins that are installed beside the client can read."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from tiledkernel.composition import Composition
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.plugins import discover


@functools.cache
def installed() -> Composition:
    """Everything that working plugins contribute; those that fail are set aside, with a warning."""
    return Composition(discover(strict=False))


def reader_table(adapters_by_mimetype: Mapping[str, Any] | None = None) -> ReaderTable:
    """The readers of the installed plugins, and those that the caller brings."""
    composition = installed()
    return ReaderTable(composition.readers, composition.prefer, adapters_by_mimetype)
