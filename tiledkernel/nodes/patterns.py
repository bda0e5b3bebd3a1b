"""Regular expressions from outside, with a bound on what they may cost.

A backtracking matcher can be made to run for ages by a short pattern, and refusing suspicious patterns lets some
through while it blocks harmless ones. So every match has a deadline, which the `regex` package can keep (and which
`re` cannot). Patterns are in the dialect of `re`: `tiledkernel.queries.Regex` checks that.
"""

from __future__ import annotations

import time
from functools import lru_cache

import regex

from tiledkernel.errors import BadRequest, Unprocessable
from tiledkernel.nodes import values
from tiledkernel.nodes.protocols import Node
from tiledkernel.queries import Regex

MAX_PATTERN = 1000  # characters
MAX_SECONDS = 0.1  # for one value
BUDGET = 5.0  # seconds that one pattern may cost ...
WINDOW = 60.0  # ... within so many seconds


class BoundedPattern:
    """A regular expression that raises BadRequest rather than cost more than its share."""

    def __init__(self, pattern: str, *, case_sensitive: bool) -> None:
        if len(pattern) > MAX_PATTERN:
            raise Unprocessable(
                f"a pattern of {len(pattern)} characters is too long: at most {MAX_PATTERN} are taken",
                "query", "filter[regex][condition][pattern]", value=pattern[:80],
            )  # fmt: skip
        try:
            self._compiled = regex.compile(pattern, 0 if case_sensitive else regex.IGNORECASE)
        except (regex.error, OverflowError, RecursionError) as error:
            raise Unprocessable(
                f"{pattern[:80]!r} is no regular expression: {error}",
                "query", "filter[regex][condition][pattern]", value=pattern[:80],
            ) from None  # fmt: skip
        self._pattern = pattern
        self._spent = 0.0
        self._since = time.monotonic()

    def found_in(self, text: str) -> bool:
        """Whether some part of `text` matches."""
        start = time.monotonic()
        if start - self._since > WINDOW:
            self._spent, self._since = 0.0, start
        if self._spent > BUDGET:
            raise self._too_slow()
        try:
            return self._compiled.search(text, timeout=MAX_SECONDS) is not None
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._spent += time.monotonic() - start

    def _too_slow(self) -> BadRequest:
        return BadRequest(
            f"the regular expression {self._pattern[:80]!r} takes too long: avoid repeating what already repeats, "
            "as in '(a+)+', and name more literal text"
        )


_compile = lru_cache(maxsize=256)(BoundedPattern)


def matches_regex(query: Regex, key: str, node: Node) -> bool:
    """Whether the string at `query.key` contains a match; other types never do."""
    del key
    value = values.look_up(node.metadata, query.key)
    return isinstance(value, str) and _compile(query.pattern, case_sensitive=query.case_sensitive).found_in(value)
