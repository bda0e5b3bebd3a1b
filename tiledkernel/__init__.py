"""A small kernel that serves slices of scientific data over HTTP; every capability is a plugin.

This module is what a plugin imports: the marker for its hooks and the records that they return.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__api__ = 1  # of the hooks and records; a plugin written for a newer one is refused

if TYPE_CHECKING:
    from tiledkernel.hookspecs import hookimpl
    from tiledkernel.records import (
        AccountKeeper,
        Adopter,
        Authenticator,
        Command,
        Compressor,
        Conversion,
        Family,
        PolicyKind,
        QueryType,
        Reader,
        Route,
        Router,
        Serializer,
        Storage,
        TreeKind,
        Validator,
    )
    from tiledkernel.specs import Spec

__all__ = [
    "AccountKeeper",
    "Adopter",
    "Authenticator",
    "Command",
    "Compressor",
    "Conversion",
    "Family",
    "PolicyKind",
    "QueryType",
    "Reader",
    "Route",
    "Router",
    "Serializer",
    "Spec",
    "Storage",
    "TreeKind",
    "Validator",
    "__api__",
    "__version__",
    "hookimpl",
]

_MODULES = {"hookimpl": "tiledkernel.hookspecs", "Spec": "tiledkernel.specs"}  # the others are records


def __getattr__(name: str) -> Any:
    """Loaded when first used: a client needs neither hooks nor records."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES.get(name, "tiledkernel.records")), name)
    globals()[name] = value
    return value
