"""How many requests for data may be open at once: fewer after the server has asked for that, more while it copes.

The number is halved when the server is overwhelmed and grows by one for each round of answers, as TCP paces its
packets (additive increase, multiplicative decrease; D.-M. Chiu and R. Jain, 1989). No clock and no lock is involved.
"""

from __future__ import annotations

_OVERWHELMED = (429, 503)


class Pace:
    """Counts open requests; `allowed` moves between one and `ceiling`."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self.allowed = ceiling
        self.open = 0
        self._answered = 0
        self._round = 0

    @property
    def has_room(self) -> bool:
        """Whether another request may begin."""
        return self.open < self.allowed

    @property
    def room(self) -> int:
        """How many may begin."""
        return max(0, self.allowed - self.open)

    def begin(self) -> int:
        """A request begins; the number is to be given back with its end."""
        self.open += 1
        return self._round

    def end(self, begun: int, status: int | None) -> None:
        """A request has ended, with a status if it was answered."""
        self.open -= 1
        if status in _OVERWHELMED:
            if begun == self._round:  # those that were open at the same time tell the same news
                self.allowed = max(1, self.allowed // 2)
                self._round += 1
                self._answered = 0
        elif status is not None and self.allowed < self.ceiling:
            self._answered += 1
            if self._answered >= self.allowed:
                self.allowed += 1
                self._answered = 0
