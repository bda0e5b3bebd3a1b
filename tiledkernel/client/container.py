"""Names that published code imports from here: the container, and the classes to start a mapping of one's own from.

>>> classes = dict(DEFAULT_STRUCTURE_CLIENT_DISPATCH["numpy"], table=MyTableClient)
>>> from_uri("http://localhost:8000", classes)
"""

from __future__ import annotations

from typing import Any

from tiledkernel.client.classes import installed_classes
from tiledkernel.families.container.client import Container

DEFAULT_STRUCTURE_CLIENT_DISPATCH: dict[str, dict[str, Any]] = {
    "numpy": dict(installed_classes("numpy")),
    "dask": dict(installed_classes("dask")),
}

__all__ = ["DEFAULT_STRUCTURE_CLIENT_DISPATCH", "Container"]
