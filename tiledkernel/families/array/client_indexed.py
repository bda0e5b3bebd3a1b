"""What the clients of all kinds of arrays have in common: they are indexed, and what is indexed can be saved."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from tiledkernel.client.exporting import saving
from tiledkernel.client.node import Node


class IndexedClient(Node):
    """Data that are indexed as a numpy array is, of which only the selection travels."""

    @abstractmethod
    def __getitem__(self, index: Any) -> Any:
        """What an index selects."""

    @abstractmethod
    def _slice_text(self, index: Any) -> str:
        """What an index selects, as the server understands it; empty for everything."""

    def read(self, slice: Any = ...) -> Any:  # noqa: A002 - the name that users know
        """All data, or what a slice selects of them.

        Parameters
        ----------
        slice
            Integers, slices and '...', as numpy takes them: `numpy.s_[0, ::2]`.

        Examples
        --------
        >>> x.read()
        >>> x.read(numpy.s_[:10, -1])  # the same as x[:10, -1]
        """
        return self[... if slice is None else slice]

    def export(
        self,
        filepath: Any,
        *,
        format: str | None = None,  # noqa: A002 - the name that users know
        slice: Any = ...,  # noqa: A002 - as in read()
    ) -> None:
        """Save the data, or what a slice selects of them.

        Parameters
        ----------
        filepath
            A path, whose suffix names the format, or a writable binary buffer.
        format
            A suffix such as 'png' or a media type such as 'image/png'.
        slice
            As in `read`.

        Examples
        --------
        >>> x.export("image.png", slice=numpy.s_[:50, -50:])
        """
        text = self._slice_text(... if slice is None else slice)
        return self._run(saving(self._link("full"), filepath, format, parameters=[("slice", text)] if text else []))
