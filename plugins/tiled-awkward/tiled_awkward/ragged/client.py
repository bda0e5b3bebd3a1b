"""The client of a ragged array; awkward and ragged load when lists are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from tiled_awkward.ragged.structure import RaggedStructure
from tiledkernel import references
from tiledkernel.client.calls import Call, without_query
from tiledkernel.client.errors import ClientError
from tiledkernel.client.plans import Plan, ask_bytes
from tiledkernel.families.array.client_indexed import IndexedClient
from tiledkernel.families.array.client_selection import checked_index
from tiledkernel.media_types import JSON
from tiledkernel.slices import NDSlice, format_slice

if TYPE_CHECKING:
    import numpy as np
    import ragged

_WHOLE = slice(None)
_ZIP = "application/zip"


class RaggedClient(IndexedClient):
    """A ragged array on the server: index it as a numpy array; what fits all of its lists is selected there.

    >>> x[0]
    >>> x[:10, :2]
    """

    structure_type: ClassVar = RaggedStructure

    def structure(self) -> RaggedStructure:
        """Shape, size, chunks, dimension names and element type."""
        structure: RaggedStructure = super().structure()
        return structure

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The length of each axis; None where lengths vary."""
        return self.structure().shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.structure().size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        found: np.dtype[Any] = references.load("tiledkernel.families.array.dtypes:to_numpy")(self.structure().data_type)
        return found

    @property
    def chunks(self) -> tuple[tuple[int, ...] | None, ...]:
        """The lengths of the chunks along each axis; None where lengths vary."""
        return self.structure().chunks

    @property
    def chunked(self) -> bool:
        """Whether there are several chunks."""
        return any(lengths is not None and len(lengths) > 1 for lengths in self.chunks)

    @property
    def dims(self) -> tuple[str, ...] | None:
        """The names of the axes, if they have names."""
        return self.structure().dims

    def __len__(self) -> int:
        return self.shape[0] or 0

    # Reading

    def __getitem__(self, index: Any) -> ragged.array:
        parts = checked_index(index, self.ndim)
        self._check_position(parts)
        return self._run(self._reading(parts))

    def _reading(self, parts: NDSlice) -> Plan[ragged.array]:
        scalar = len(parts) == self.ndim and all(isinstance(part, int) for part in parts)
        if scalar and self.dtype.kind == "c":  # for which JSON has no place
            return (yield from self._reading(parts[:-1]))[parts[-1]]
        decode = _decoder("decode_number" if scalar else "decode_lists")
        try:
            body = yield from ask_bytes(self._call(parts, JSON if scalar else _ZIP))
        except ClientError as error:
            if error.response.status_code != 422:
                raise
        else:
            return decode(body, self.dtype)
        # a server may not know how to select that, or not in one step
        return _decoder("decode_lists")((yield from ask_bytes(self._call((), _ZIP))), self.dtype, parts)

    def _check_position(self, parts: NDSlice) -> None:
        """IndexError for a row outside the array, before anything travels."""
        rows = len(self)
        if parts and isinstance(parts[0], int) and not -rows <= parts[0] < rows:
            raise IndexError(f"index {parts[0]} is out of bounds for axis 0 with size {rows}")

    def _call(self, parts: NDSlice, media_type: str) -> Call:
        parameters = [("slice", text)] if (text := _text_of(parts)) else []
        return Call(url=without_query(self._link("full")), parameters=parameters, headers={"accept": media_type})

    # Export and display

    def _slice_text(self, index: Any) -> str:
        return _text_of(checked_index(index, self.ndim))

    def __repr__(self) -> str:
        chunks = ", ".join(map(repr, self.chunks)) + ("," if self.ndim == 1 else "")
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<{type(self).__name__} shape={self.shape} size={self.size} chunks=({chunks}) dtype={self.dtype}{dims}>"


def _text_of(parts: NDSlice) -> str:
    return "" if all(part == _WHOLE for part in parts) else format_slice(parts)


def _decoder(name: str) -> Callable[..., ragged.array]:
    decode: Callable[..., ragged.array] = references.load(f"tiled_awkward.ragged.client_arrays:{name}")
    return decode
