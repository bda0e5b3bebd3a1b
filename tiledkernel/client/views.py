"""Keys, values and items of a container, which can be sliced; only the pages that are needed are fetched."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Generic, NoReturn, Protocol, Self, TypeVar, overload

from tiledkernel.client.plans import Plan
from tiledkernel.client.sorting import Direction

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Fetch(Protocol[T_co]):
    """Elements from the beginning (direction 1) or from the end (-1), after `start` of them; `count` or all."""

    def __call__(
        self, start: int, count: int | None, direction: Direction, page_size: int | None
    ) -> Iterator[Plan[Sequence[T_co]]]:
        """Plans that fetch one page each, to be carried out before the next one is taken."""


class Runner(Protocol):
    """Who carries plans out: a node."""

    def _run(self, plan: Plan[T]) -> T: ...

    def _run_now(self, plan: Plan[T], instead: str) -> T: ...


class View(Generic[T_co]):
    """A sequence that lives on the server.

    - `first()`, `last()`, `view[i]`, `view[-i]`: one element.
    - `head(n)`, `tail(n)`, `view[a:b]`: a list; `view[-a:-b:-1]` counts from the end, backwards.
    - `page_size(n)`: the same, with `n` elements in each request.
    """

    def __init__(
        self, runner: Runner, fetch: Fetch[T_co], counting: Callable[[], Plan[int]], page_size: int | None = None
    ) -> None:
        self._runner = runner
        self._fetch = fetch
        self._counting = counting
        self._page_size = page_size

    def page_size(self, size: int) -> Self:
        """The same elements, fetched `size` at a time."""
        if size < 1:
            raise ValueError(f"a page of {size} elements would never end: expected 1 or more")
        found = copy.copy(self)
        found._page_size = size  # noqa: SLF001 - of our own class
        return found

    def first(self) -> T_co:
        """The first element; IndexError if there is none."""
        return self._one(0, 1)

    def last(self) -> T_co:
        """The last element; IndexError if there is none."""
        return self._one(0, -1)

    def head(self, n: int = 5) -> list[T_co]:
        """The first `n` elements."""
        return self._several(0, _checked_count(n), 1)

    def tail(self, n: int = 5) -> list[T_co]:
        """The last `n` elements, in their natural order."""
        return self._runner._run(self._taking_tail(_checked_count(n)))  # noqa: SLF001 - what a runner is for

    def count(self) -> int:
        """How many there are: what len() says, and an asynchronous program cannot ask in that way."""
        return self._runner._run(self._counting())  # noqa: SLF001 - what a runner is for

    def __iter__(self) -> Iterator[T_co]:
        return self._iterate(1)

    def __reversed__(self) -> Iterator[T_co]:
        return self._iterate(-1)

    def _iterate(self, direction: Direction) -> Iterator[T_co]:
        """The elements; the first page is fetched at once.

        Python asks for the length of what it makes a list of, after it has asked for an iterator: then it is known.
        """
        run = partial(self._runner._run_now, instead="async for ... in")  # noqa: SLF001 - what a runner is for
        pages = map(run, self._fetch(0, None, direction, self._page_size))
        return chain(next(pages, ()), chain.from_iterable(pages))

    async def __aiter__(self) -> AsyncIterator[T_co]:
        for page in self._fetch(0, None, 1, self._page_size):
            elements: Any = self._runner._run(page)  # noqa: SLF001 - what a runner is for
            if not hasattr(elements, "__await__"):
                raise TypeError("this client does not wait asynchronously: use `for`, or tiledkernel.client.aio")
            for element in await elements:
                yield element

    def __len__(self) -> int:
        return self._runner._run_now(self._counting(), "await view.count()")  # noqa: SLF001 - what a runner is for

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        if isinstance(index, slice):
            return self._several(*_resolve_slice(index))
        if isinstance(index, bool) or not hasattr(index, "__index__"):
            raise TypeError(f"{index!r} is no index: expected an integer or a slice")
        index = index.__index__()
        return self._one(index, 1) if index >= 0 else self._one(-index - 1, -1)

    def _one(self, start: int, direction: Direction) -> T_co:
        return self._runner._run(self._taking_one(start, direction))  # noqa: SLF001 - what a runner is for

    def _several(self, start: int, count: int | None, direction: Direction) -> list[T_co]:
        return self._runner._run(self._taking(start, count, direction))  # noqa: SLF001 - what a runner is for

    def pages(self) -> Iterator[Plan[Sequence[T_co]]]:
        """All elements for another plan: plans that fetch a page each, to be carried out one after the other."""
        return self._fetch(0, None, 1, self._page_size)

    def taking(self) -> Plan[list[T_co]]:
        """All elements, for another plan."""
        return self._taking(0, None, 1)

    def _taking_one(self, start: int, direction: Direction) -> Plan[T_co]:
        for element in (yield from self._taking(start, 1, direction)):
            return element
        position = start if direction > 0 else -start - 1
        raise IndexError(f"index {position} is out of range")

    def _taking_tail(self, count: int) -> Plan[list[T_co]]:
        return (yield from self._taking(0, count, -1))[::-1]

    def _taking(self, start: int, count: int | None, direction: Direction) -> Plan[list[T_co]]:
        found: list[T_co] = []
        if count == 0:
            return found
        for page in self._fetch(start, count, direction, self._page_size):
            found += yield from page
            if count is not None and len(found) >= count:
                return found[:count]
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class KeysView(View[str]):
    """The keys of a container."""


class ValuesView(View[Any]):
    """The clients of a container's children."""


class ItemsView(View[tuple[str, Any]]):
    """The keys of a container, each with the client of the child."""


def _checked_count(n: int) -> int:
    if n < 0:
        raise ValueError(f"there are no {n} elements: expected 0 or more")
    return n


def _resolve_slice(index: slice) -> tuple[int, int | None, Direction]:
    """Where a slice starts, how many elements it has and in which direction; ValueError for others than two kinds."""
    step = 1 if index.step is None else index.step
    if step == 1:
        return _resolve_forward(index)
    if step == -1:
        return _resolve_backward(index)
    return _refuse(index, f"a step of {step!r} is not supported, only 1 and -1")


def _resolve_forward(index: slice) -> tuple[int, int | None, Direction]:
    start = 0 if index.start is None else index.start
    if start < 0 or (index.stop is not None and index.stop < 0):
        _refuse(index, "counting from the end needs a step of -1, such as [-1:-4:-1]; tail(n) gives the last n")
    if index.stop is None:
        return start, None, 1
    if index.stop < start:
        _refuse(index, "a slice must stop where it starts or later")
    return start, index.stop - start, 1


def _resolve_backward(index: slice) -> tuple[int, int | None, Direction]:
    start = -1 if index.start is None else index.start
    if start >= 0 or (index.stop is not None and index.stop >= 0):
        _refuse(index, "with a step of -1, start and stop count from the end, such as [-1:-4:-1]")
    if index.stop is None:
        return -start - 1, None, -1
    if index.stop > start:
        _refuse(index, "with a step of -1, a slice must stop where it starts or before")
    return -start - 1, start - index.stop, -1


def _refuse(index: slice, reason: str) -> NoReturn:
    shown = ":".join("" if part is None else str(part) for part in (index.start, index.stop))
    step = "" if index.step is None else f":{index.step}"
    raise ValueError(f"[{shown}{step}]: {reason}. Slices of a view are simpler than those of a list")
