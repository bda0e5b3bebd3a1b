"""The ability of an awkward array to be written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from tiled_awkward.awkward.structure import AwkwardStructure
from tiledkernel.ability import Ability


class WritableAwkward(Ability):
    """An awkward array whose buffers can be written; its form and its length stay as they are."""

    structure: AwkwardStructure

    @abstractmethod
    def write(self, content: Mapping[str, memoryview]) -> None:
        """Replace all buffers, by their names; they fit form and length."""
