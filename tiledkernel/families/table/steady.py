"""Tables whose rows may be added while they are read."""

from __future__ import annotations

from abc import abstractmethod

from tiledkernel.ability import Ability
from tiledkernel.nodes.protocols import TableNode


class Steady(Ability):
    """A table that can be held as it is now, for a reader who takes several partitions."""

    @abstractmethod
    def steady(self) -> TableNode:
        """The table with the rows that it has now; NotReady when it is read after these have been replaced."""
