"""Files of one shape as one array, each read when a cut touches it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tiledkernel.blocks import regular_chunks
from tiledkernel.errors import BadRequest, NotReady, Unavailable
from tiledkernel.families.array.describe import describe_array
from tiledkernel.families.array.structure import FAMILY
from tiledkernel.nodes.paths import reason_of
from tiledkernel.nodes.stamps import stamp_of
from tiledkernel.slices import Cut, NDSlice
from tiledkernel.specs import Spec


class Frame(Struct, frozen=True, eq=False):
    """What one file of a sequence holds: the file's name, shape and element type."""

    name: str
    shape: tuple[int, ...]
    dtype: Any  # a numpy.dtype

    def check_like(self, first: Frame) -> None:
        """Unavailable, with both files in the message, if this is not what the first file of the sequence holds."""
        if (self.shape, self.dtype) != (first.shape, first.dtype):
            raise Unavailable(
                f"{self.name!r} holds {self.dtype} of shape {self.shape}, but the sequence begins with "
                f"{first.dtype} of shape {first.shape} in {first.name!r}: all files of a sequence must be alike; "
                "give files of another kind another name"
            )


ReadFrame: TypeAlias = Callable[[Path, NDSlice, NDArray[Any]], None]


class FileSequence:
    """Files along a leading axis, one block each or several; nothing but the touched ones is opened by a read.

    - `first`: what the first file holds, as all others must.
    - `chunk`: the part of one file that is a block, an entry for each of its axes.
    - `read_frame`: function(path, index, out) that reads into `out` what `index` selects of one file, after it has made
      sure, with `Frame.check_like`, that this file is like the first.
    """

    family: ClassVar[str] = FAMILY
    specs: ClassVar[tuple[Spec, ...]] = ()

    def __init__(
        self,
        paths: Sequence[Path],
        first: Frame,
        chunk: tuple[int, ...],
        read_frame: ReadFrame,
        metadata: Mapping[str, Any],
    ) -> None:
        self._paths = tuple(paths)
        self._first = first
        self._read_frame = read_frame
        self.metadata = metadata
        chunks = ((1,) * len(self._paths), *regular_chunks(first.shape, chunk))
        self.structure = describe_array((len(self._paths), *first.shape), first.dtype, chunks)

    def read(self, cut: Cut) -> NDArray[Any]:
        """The selected elements, from the files that the first axis of the cut selects."""
        which, rest = cut.index[0], cut.index[1:]
        out = np.empty(cut.shape, self._first.dtype)
        if not isinstance(which, slice):
            self._read_file(which, rest, out)
        elif out.size:
            for place, number in enumerate(range(which.start, which.stop, which.step)):
                self._read_file(number, rest, out[place, ...])
        return out

    def stamp(self, cut: Cut | None) -> Hashable:
        """How the files that a cut touches look on disk."""
        which = slice(0, len(self._paths), 1) if cut is None else cut.index[0]
        if not isinstance(which, slice):
            return stamp_of(self._paths[which])
        return tuple(stamp_of(path) for path in self._paths[which])

    def _read_file(self, number: int, index: NDSlice, out: NDArray[Any]) -> None:
        path = self._paths[number]
        place = f"{path.name!r}, file {number} of the sequence,"
        try:
            self._read_frame(path, index, out)
        except NotReady:
            raise
        except FileNotFoundError:
            raise Unavailable(f"{place} is gone: it was deleted, or moved, after it was listed") from None
        except Exception as error:
            reason = reason_of(error) if isinstance(error, OSError) and error.errno else str(error)
            if path.name in reason:  # it says already which file it is about
                raise Unavailable(reason) from error
            raise Unavailable(f"{place} cannot be read: {reason or type(error).__name__}") from error

    def __repr__(self) -> str:
        return f"<FileSequence of {len(self._paths)} files like {self._first.name!r}>"


def first_of(paths: Sequence[Path]) -> Path:
    """The file that a sequence begins with; BadRequest if there is none."""
    if not paths:
        raise BadRequest("a sequence needs at least one file")
    return paths[0]
