"""Reading later, perhaps in another process: what tasks of dask and variables of xarray hold instead of a client."""

from __future__ import annotations

import atexit
import os
import pickle
import threading
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from tiledkernel import references
from tiledkernel.client.connection import CannotWait
from tiledkernel.client.context import Context
from tiledkernel.client.node import Node
from tiledkernel.client.plans import Plan

T = TypeVar("T")
N = TypeVar("N", bound=Node)

_shared: dict[tuple[bytes, int], Context] = {}  # by what was sent, and the process that has opened it
_opening = threading.Lock()


class Remote(Generic[N]):
    """A node that is read later, by any thread.

    Sent to another process, it is read there through a connection that all tasks of that process share.
    """

    def __init__(self, node: N) -> None:
        if not isinstance(node.context, Context):
            raise CannotWait(
                "what is read later is read by threads, which cannot use an asynchronous connection: connect with "
                "tiledkernel.client.from_uri, and await asyncio.to_thread(x.compute); or await x.compute() of the "
                "client itself"
            )
        self._context = node.context
        self.node = node

    def run(self, plan: Plan[T]) -> T:
        """What a plan of this node comes to."""
        return self._context.run(plan)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in ("node", "_context")}
        return {
            **state,
            "connection": pickle.dumps(self._context),
            "node": (type(self.node), _without_words(self.node)),
        }

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        kind, item = self.__dict__.pop("node")
        self._context = _shared_connection(self.__dict__.pop("connection"))
        self.node = kind(context=self._context, item=item)

    def __dask_tokenize__(self) -> tuple[str, ...]:
        structure = self.node.item["attributes"]["structure"]
        return type(self).__qualname__, *self.node.__dask_tokenize__(), repr(structure)


def _shared_connection(pickled: bytes) -> Context:
    """The connection that came with a node; a process that was forked has its own."""
    key = pickled, os.getpid()
    with _opening:
        if key not in _shared:
            _shared[key] = pickle.loads(pickled)  # noqa: S301 - whoever unpickles a node has trusted it already
        return _shared[key]


@atexit.register
def close_shared_connections() -> None:
    """Close what nodes that were sent to this process have opened here; those that are still used fail."""
    with _opening:
        for (_, process), connection in _shared.items():
            if process == os.getpid():
                connection.close()
        _shared.clear()


def _without_words(node: Node) -> dict[str, Any]:
    """A description without what the owner says about the data, which may be long, and reading does not take."""
    attributes = {**node.item["attributes"], "metadata": None, "data_sources": None}
    return {**node.item, "attributes": attributes}


def load_with_dask(reference: str) -> Any:
    """The object that `"module:object"` names, which needs dask; ImportError says what to install."""
    if not references.installed("dask"):
        raise ImportError(
            "reading later needs dask, which is not installed: `pip install 'tiledkernel[dask]'`; or connect without "
            "structure_clients='dask'"
        )
    return references.load(reference)
