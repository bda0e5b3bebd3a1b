"""Calls into an adapter: sync or async alike, and what it raises in the words of the server.

A KeyError becomes 404, a broken link 410, an index that does not fit 400, a service that is down 503. Anything else
is left to the server, which blames the adapter.
"""

from __future__ import annotations

import inspect
import logging
import re
from typing import Any

from tiled_bridge.event_loop import collect, shared_loop
from tiledkernel.errors import BadRequest, BrokenLink, KernelError, NotFound, NotReady, SliceOutOfRange

logger = logging.getLogger(__name__)

_DOWN = (ConnectionError, TimeoutError)
_PLACE = re.compile(r"(?:\w+:/)?(?:/[^\s/'\"]+){2,}/*")  # a path, or a URI
MAX_REASON = 300  # characters
_NOT_READY = frozenset({"DataNotReadyError"})


def name_of(adapter: Any) -> str:
    """What messages call an adapter."""
    return type(adapter).__name__


def settle(found: Any) -> Any:
    """What a method has returned, waited for if it is a promise."""
    if hasattr(found, "__dask_graph__"):  # such collections can be awaited, too, but mean something else by it
        return found
    if inspect.isawaitable(found):
        return shared_loop().wait_for(found)
    if inspect.isasyncgen(found):  # no other asynchronous iterable: an adapter may be one, and a child
        return shared_loop().wait_for(collect(found))
    return found


def ask(adapter: Any, method: str, *arguments: Any) -> Any:
    """What a method of an adapter gives; KernelError for what it is the caller's or a service's fault."""
    try:
        return settle(getattr(adapter, method)(*arguments))
    except Exception as error:
        understood = understand(error, adapter)
        if understood is error:
            raise
        raise understood from error


def value_of(adapter: Any, name: str, default: Any = None) -> Any:
    """What an adapter says of itself, be it an attribute or a method; `default` if it says nothing."""
    found = getattr(adapter, name, default)
    return ask(adapter, name) if callable(found) else found


def takes(method: Any, *arguments: Any) -> bool:
    """Whether a method can be called with these arguments."""
    try:
        inspect.signature(method).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature
        return True
    return True


def understand(error: Exception, adapter: Any) -> Exception:
    """An error of an adapter as one for the caller; the error itself if it is none of these."""
    if isinstance(error, KernelError):
        return error
    if is_named(error, "BrokenLink"):
        return BrokenLink("this link leads nowhere")
    if isinstance(error, KeyError) or is_named(error, "NoEntry"):
        logger.info("%s raised %s", name_of(adapter), type(error).__name__, exc_info=error)
        return NotFound(f"no such entry: {name_of(adapter)} has no {reason_of(error)}")
    if isinstance(error, _DOWN) or is_named(error, *_NOT_READY):
        logger.warning("%s could not answer", name_of(adapter), exc_info=error)
        return NotReady(f"{name_of(adapter)} cannot answer at present: {type(error).__name__}")
    return error


def understand_reading(error: Exception, adapter: Any, index: Any) -> Exception:
    """As `understand`, for a read of `index`; an index or a value that it refuses is the caller's mistake.

    A ValueError for the whole of the data (an empty index) is not about a slice.
    """
    if isinstance(error, IndexError):
        return SliceOutOfRange(f"{name_of(adapter)} has no element {index!r}: {reason_of(error)}")
    if type(error) is ValueError and index:
        return BadRequest(f"{name_of(adapter)} cannot be read at {index!r}: {reason_of(error)}")
    return understand(error, adapter)


def reason_of(error: Exception) -> str:
    """What an error says in its first line, but not where on the server anything lies."""
    text = str(error).strip().partition("\n")[0]
    return _PLACE.sub("...", text)[:MAX_REASON]


def is_named(error: Exception, *names: str) -> bool:
    """Whether an error's class, or one above it, goes by one of these names, wherever it comes from."""
    return any(kind.__name__ in names for kind in type(error).__mro__)
