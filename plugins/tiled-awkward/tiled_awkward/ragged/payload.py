"""The part of a ragged array that a request asks for."""

from __future__ import annotations

from typing import Any

import awkward

from tiled_awkward.ragged.memory import RaggedNode
from tiledkernel.errors import KernelError, ReadFailed, TooLarge, Unprocessable
from tiledkernel.slices import NDSlice, format_slice


class RaggedPayload:
    """A slice of a ragged node, of at most `limit` bytes."""

    __slots__ = ("limit", "node", "parts")

    def __init__(self, node: RaggedNode, parts: NDSlice, limit: int | None = None) -> None:
        self.node = node
        self.parts = parts
        self.limit = limit

    def array(self) -> Any:
        """The selected lists as an awkward array, or a single number; Unprocessable for a slice that does not fit."""
        found = self._read()
        if not isinstance(found, awkward.Array):
            return found
        packed = awkward.to_packed(found)
        if self.limit is not None and packed.nbytes > self.limit:
            raise TooLarge(
                f"this selection is {packed.nbytes:_} bytes, more than the {self.limit:_} that this server sends at "
                "once: use 'slice' to read it in parts"
            )
        return packed

    def _read(self) -> Any:
        try:
            return self.node.read(self.parts)
        except KernelError:
            raise
        except IndexError as error:
            text = format_slice(self.parts)
            raise Unprocessable(
                f"slice {text!r} does not fit all lists of this ragged array of shape {self.node.structure.shape}: "
                "read the whole array, or whole rows, and slice these",
                "query", "slice", value=text,
            ) from error  # fmt: skip
        except Exception as error:
            raise ReadFailed("the reader failed") from error
