"""A small kernel that serves slices of scientific data over HTTP; every capability is a plugin.

This module is what a plugin imports: the marker for its hooks and the records that they return.
"""

from __future__ import annotations

__version__ = "0.1.0"
__api__ = 1  # of the hooks and records; a plugin written for a newer one is refused

from tiledkernel.hookspecs import hookimpl
from tiledkernel.records import (
    Adopter,
    Authenticator,
    Command,
    Compressor,
    Conversion,
    Family,
    QueryType,
    Reader,
    Route,
    Router,
    Serializer,
    TreeKind,
)
from tiledkernel.specs import Spec

__all__ = [
    "Adopter",
    "Authenticator",
    "Command",
    "Compressor",
    "Conversion",
    "Family",
    "QueryType",
    "Reader",
    "Route",
    "Router",
    "Serializer",
    "Spec",
    "TreeKind",
    "__api__",
    "__version__",
    "hookimpl",
]
