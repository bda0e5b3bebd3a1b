"""A listing, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tiledkernel.client.calls import Call, Listing
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.sorting import Direction


class Pages:
    """Where one is in a listing; `call` asks for the next page, and is None after the last one."""

    def __init__(self, listing: Listing, direction: Direction, start: int, limit: int | None) -> None:
        self._listing = listing
        self._direction = direction
        self.start = start
        self.is_first = True
        self.call: Call | None = listing.page(direction, offset=start, limit=limit)

    def next_page(self) -> Plan[Sequence[Mapping[str, Any]]]:
        """The descriptions on the next page."""
        assert self.call is not None
        page = yield from ask_message(self.call)
        link = page["links"]["next"]
        following = None if link is None else self._listing.next_page(link, self._direction)
        if following is not None and following == self.call:
            raise UnexpectedAnswer("the server names the same page as the next one: the listing would never end")
        self.call = following
        self.is_first = False
        found: Sequence[Mapping[str, Any]] = page["data"]
        return found
