"""The client of a ragged array; awkward and ragged load when lists are read or written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from tiled_awkward.ragged.structure import RaggedStructure
from tiledkernel import references
from tiledkernel.client.calls import Call, Parameters, call_upload, without_query
from tiledkernel.client.conflicts import in_words_of_python
from tiledkernel.client.errors import ClientError
from tiledkernel.client.plans import Plan, ask_bytes, ask_upload
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

    # Writing

    def write(self, array: Any, persist: bool = True) -> None:  # noqa: FBT001, FBT002 - users know it as the second argument
        """Replace all rows; others who read see those from before, or all of the new ones.

        Parameters
        ----------
        array
            With as many axes, and elements of the same type; of the `ragged` or `awkward` library, or nested lists.
        persist
            Whether the server keeps the rows, or only tells those who listen.

        Examples
        --------
        >>> x.write([[1.0, 2.0], [3.0]])
        """
        return self._run(self.writing(array, persist=persist))

    def writing(self, array: Any, *, persist: bool = True) -> Plan[None]:
        """What `x.write(array)` does, for another plan."""
        rows = _encoder("rows_of")(array, self.structure())
        yield from self._sending("PUT", "full", rows, [], persist=persist)
        if persist:
            self._take_over(_encoder("replaced")(self.structure(), rows))

    def write_block(self, array: Any, block: int | Sequence[int], persist: bool = True) -> None:  # noqa: FBT001, FBT002 - users know it as the third argument
        """Replace the rows of one chunk, by its number along the first axis.

        >>> x.write_block([[1.0, 2.0], [3.0]], 0)
        """
        return self._run(self._replacing_block(array, block, persist=persist))

    def _replacing_block(self, array: Any, block: int | Sequence[int], *, persist: bool) -> Plan[None]:
        yield from self.writing_block(array, block, persist=persist)
        if persist:
            yield from self._refreshing()  # only the server knows how many elements there were before

    def writing_block(self, array: Any, block: int | Sequence[int], *, persist: bool = True) -> Plan[None]:
        """Replace the rows of one chunk, as a part of another plan, which is not interested in their number."""
        (number,) = (block,) if isinstance(block, int) else block
        chunks = self.chunks[0] or ()
        if not 0 <= number < len(chunks):
            raise IndexError(f"no block {number}: this array has {len(chunks)} along its first axis, numbered from 0")
        rows = _encoder("rows_of")(array, self.structure())
        yield from self._sending("PUT", "block", rows, [("block", str(number))], persist=persist)

    def patch(
        self,
        array: Any,
        offset: int | Sequence[int],
        extend: bool = False,  # noqa: FBT001, FBT002 - users know it as the third argument
        persist: bool = True,  # noqa: FBT001, FBT002 - and this as the fourth
    ) -> None:
        """Add rows at the end.

        Parameters
        ----------
        array
            With as many axes, and elements of the same type; of the `ragged` or `awkward` library, or nested lists.
        offset
            How many rows there are.
        extend, persist
            Both true: nothing else is possible.

        Raises
        ------
        tiledkernel.utils.Conflicts
            If there are more rows by now, or less.

        Examples
        --------
        >>> x.patch([[1.0, 2.0], [3.0]], offset=len(x), extend=True)
        """
        return self._run(self.patching(array, offset, extend=extend, persist=persist))

    def patching(
        self, array: Any, offset: int | Sequence[int], *, extend: bool = False, persist: bool = True
    ) -> Plan[None]:
        """What `x.patch(array, offset)` does, for another plan."""
        start, *others = (offset,) if isinstance(offset, int) else offset
        if not (extend and persist) or start != len(self) or any(others):
            raise NotImplementedError(
                f"rows can only be added at the end of a ragged array: pass offset={len(self)} and extend=True"
            )
        rows = _encoder("rows_of")(array, self.structure())
        named = [("shape", str(len(rows))), ("offset", str(start)), ("extend", "true")]
        with in_words_of_python():
            described = yield from self._sending("PATCH", "full", rows, named, persist=True)
        self._take_over(_encoder("grown")(self.structure(), rows, described))

    def _take_over(self, structure: RaggedStructure) -> None:
        """The structure that the array has by now."""
        self._structure = structure
        self._item = {**self._item, "attributes": {**self._attributes, "structure": msgspec.to_builtins(structure)}}

    def _sending(self, method: Any, link: str, rows: Any, named: Parameters, *, persist: bool) -> Plan[Any]:
        """Rows on their way; sending them again adds none twice, since the server looks at the offset."""
        parameters = [*named, *([] if persist else [("persist", "false")])]
        body = _encoder("encode")(rows)
        return (yield from ask_upload(call_upload(method, self._link(link), body, _ZIP, parameters)))

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


def _encoder(name: str) -> Callable[..., Any]:
    encode: Callable[..., Any] = references.load(f"tiled_awkward.ragged.client_writing:{name}")
    return encode
