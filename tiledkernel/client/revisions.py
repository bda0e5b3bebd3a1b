"""What a node said of itself before."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from tiledkernel.client.calls import PAGE_LIMIT, call_message
from tiledkernel.client.deleting import deleting_once
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.sorting import Direction
from tiledkernel.client.views import Runner, View

_LENGTH_LIVES = 1.0  # seconds

Revision: TypeAlias = Mapping[str, Any]


class MetadataRevisions(View[Revision]):
    """The earlier states of a node, oldest first: dictionaries with `revision_number` and `attributes`.

    `len(revisions)`, `revisions[0]`, `revisions[-1]` and `revisions[2:5]` ask for no more than they need.
    """

    def __init__(self, runner: Runner, url: str) -> None:
        super().__init__(runner, self._pages, self._counting_for_a_while)
        self._url = url
        self._length: tuple[float, int] | None = None

    def delete_revision(self, number: int) -> None:
        """Forget the revision of this number; the others keep theirs."""
        return self._runner._run(self._deleting(number))  # noqa: SLF001 - what a runner is for

    def _deleting(self, number: int) -> Plan[None]:
        yield from deleting_once(self._url, [("number", str(number))])
        self._length = None

    def _counting_for_a_while(self) -> Plan[int]:
        now = time.monotonic()
        if self._length is None or now - self._length[0] > _LENGTH_LIVES:
            page = yield from self._asking(0, 0)
            self._length = now, page["meta"]["count"]
        return self._length[1]

    def _pages(
        self, start: int, count: int | None, direction: Direction, page_size: int | None
    ) -> Iterator[Plan[Sequence[Revision]]]:
        limit = page_size or PAGE_LIMIT
        if direction < 0:  # the server counts from the beginning only
            yield self._reading_backwards(start, count, limit)
            return
        reading = _Reading(start, count)
        while not reading.done:
            yield self._reading_on(reading, limit)

    def _reading_on(self, reading: _Reading, limit: int) -> Plan[Sequence[Revision]]:
        page = yield from self._asking(reading.start, limit if reading.count is None else min(limit, reading.count))
        return reading.take(page["data"], is_last=page["links"]["next"] is None)

    def _reading_backwards(self, start: int, count: int | None, limit: int) -> Plan[Sequence[Revision]]:
        stop = max(0, (yield from self._counting_for_a_while()) - start)
        begin = 0 if count is None else max(0, stop - count)
        reading = _Reading(begin, stop - begin)
        found: list[Revision] = []
        while not reading.done:
            found += yield from self._reading_on(reading, limit)
        return found[::-1]

    def _asking(self, offset: int, limit: int) -> Plan[Any]:
        where = [("page[offset]", str(offset)), ("page[limit]", str(limit))]
        return ask_message(call_message(self._url, where))


class _Reading:
    """How far the reading of a part has come."""

    def __init__(self, start: int, count: int | None) -> None:
        self.start = start
        self.count = count
        self.done = count is not None and count <= 0

    def take(self, items: Sequence[Revision], *, is_last: bool) -> Sequence[Revision]:
        self.start += len(items)
        if self.count is not None:
            self.count -= len(items)
        self.done = is_last or not items or self.count == 0
        return items
