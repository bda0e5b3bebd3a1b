"""Entries of the example trees that need more than the kernel: they are there if that is installed."""

from __future__ import annotations

import logging

from tiledkernel import references
from tiledkernel.nodes.deferred import Deferred
from tiledkernel.records import Ref

logger = logging.getLogger(__name__)


def optional(key: str, make: Ref, *modules: str) -> dict[str, Deferred]:
    """One entry, made when somebody touches it; none, with a line in the log, if one of the modules is missing."""
    missing = [module for module in modules if not references.installed(module)]
    if missing:
        logger.info("the example %r is left out, for lack of %s", key, " and ".join(missing))
        return {}
    return {key: Deferred(make)}


def sparse_image() -> dict[str, Deferred]:
    """A sparse array under the key 'sparse_image'."""
    return optional("sparse_image", "tiledkernel.examples.sparse_arrays:image", "sparse", "tiled_sparse")


def awkward_array() -> dict[str, Deferred]:
    """Lists of records under the key 'awkward_array'."""
    return optional("awkward_array", "tiledkernel.examples.awkward_arrays:records", "awkward", "tiled_awkward")


def ragged_array() -> dict[str, Deferred]:
    """Lists of lists of numbers under the key 'ragged_array'."""
    return optional("ragged_array", "tiledkernel.examples.awkward_arrays:lists", "ragged", "tiled_awkward")


def dataset(key: str, make: str) -> dict[str, Deferred]:
    """The dataset that a function of `tiledkernel.examples.datasets` makes."""
    return optional(key, f"tiledkernel.examples.datasets:{make}", "xarray", "tiled_xarray")
