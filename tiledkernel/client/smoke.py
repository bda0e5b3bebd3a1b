"""Whether everything that a server offers can be read."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import accumulate, product
from typing import Any, TypeAlias

from tiledkernel.client.context import Context
from tiledkernel.client.node import Node
from tiledkernel.client.uris import join_path
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.container.client import Container
from tiledkernel.families.container.client_composite import CompositeClient
from tiledkernel.families.table.client import DataFrameClient

LARGE = 256 << 20  # bytes: from here on an array is read chunk by chunk

# What to do next; who runs it sends in what came of that, or throws what went wrong.
Steps: TypeAlias = Generator[Callable[[], Any], Any, None]


def read(node: Node, verbose: bool = False, strict: bool = False) -> list[str]:  # noqa: FBT001, FBT002 - positional in published code
    """Read a node, or everything below a container; what is large, part by part.

    Parameters
    ----------
    node
        Where to begin. The files behind nodes of bytes are not downloaded.
    verbose
        Whether to print each URI, with what went wrong.
    strict
        Whether to raise the first error instead of going on.

    Returns
    -------
    list of str
        The URIs of the nodes that could not be read. With an asynchronous client, this is to be awaited.

    Examples
    --------
    >>> smoke.read(client)
    []
    """
    report = Report(verbose=verbose, strict=strict)
    steps = _reading(node, report)
    if isinstance(node.context, Context):
        _do(steps)
        return report.failed
    return _do_asynchronously(steps, report)  # type: ignore[return-value]  # it is to be awaited


class Report:
    """What could be read, and what not."""

    def __init__(self, *, verbose: bool, strict: bool) -> None:
        self.failed: list[str] = []
        self._verbose = verbose
        self._strict = strict

    def note(self, uri: str, error: Exception | None = None) -> None:
        """This node has been read, or not."""
        if self._verbose:
            outcome = "" if error is None else f": {type(error).__name__}: {error}"
            sys.stdout.write(f"{uri}{outcome}\n")
        if error is not None:
            self.failed.append(uri)
            if self._strict:
                raise error


def _reading(node: Node, report: Report) -> Steps:
    if isinstance(node, Container):
        yield from _reading_children(node.base if isinstance(node, CompositeClient) else node, report)
        return
    try:
        yield from _parts(node)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one node is to be told, after all others
        report.note(node.uri, error)
    else:
        report.note(node.uri)


def _reading_children(node: Container, report: Report) -> Steps:
    """Each is looked up by itself, so that one that is broken does not hide the others."""
    try:
        keys = yield lambda: node.keys()[:]
    except Exception as error:  # noqa: BLE001 - as above
        report.note(node.uri, error)
        return
    for key in keys:
        try:
            child = yield partial(node.__getitem__, key)
        except Exception as error:  # noqa: BLE001 - as above
            report.note(join_path(node.uri, (key,)), error)
        else:
            yield from _reading(child, report)


def _parts(node: Node) -> Iterator[Callable[[], Any]]:
    """What to call to have read everything."""
    if isinstance(node, ArrayClient) and node.nbytes > LARGE:
        for index in product(*map(_bounds, node.chunks)):
            yield partial(node.context.run, node.reading(index))
    elif isinstance(node, DataFrameClient):
        for partition in range(node.npartitions):
            yield partial(node.context.run, node.reading_partition(partition, None))
    else:
        read_all = getattr(node, "compute", None) or getattr(node, "read", None)  # what is read later is computed
        if read_all is not None:
            yield read_all


def _bounds(lengths: tuple[int, ...]) -> Iterator[slice]:
    return (slice(end - length, end) for end, length in zip(accumulate(lengths), lengths, strict=True))


def _do(steps: Steps) -> None:
    send: Callable[[], Callable[[], Any]] = partial(next, steps)
    while True:
        try:
            step = send()
        except StopIteration:
            return
        try:
            send = partial(steps.send, step())
        except Exception as error:  # noqa: BLE001 - it is for the steps to decide what it means
            send = partial(steps.throw, error)


async def _do_asynchronously(steps: Steps, report: Report) -> list[str]:
    send: Callable[[], Callable[[], Any]] = partial(next, steps)
    while True:
        try:
            step = send()
        except StopIteration:
            return report.failed
        try:
            found = step()
            send = partial(steps.send, await found if inspect.isawaitable(found) else found)
        except Exception as error:  # noqa: BLE001 - it is for the steps to decide what it means
            send = partial(steps.throw, error)
