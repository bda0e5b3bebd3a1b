"""The client of an awkward array: of its buffers, only those travel that a selection touches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tiled_awkward.archives import read_archive
from tiled_awkward.awkward.structure import AwkwardStructure
from tiledkernel import references
from tiledkernel.client.calls import Call, call_upload, without_query
from tiledkernel.client.exporting import saving
from tiledkernel.client.node import Node
from tiledkernel.client.plans import Plan, ask_bytes, ask_upload

if TYPE_CHECKING:
    import awkward

_ZIP = "application/zip"
_SHOWN_FIELDS = 10
_SHOWN_WIDTH = 60


class AwkwardClient(Node):
    """Nested lists and records on the server: index it as an array of the awkward library.

    >>> x["energy"]
    >>> x[0]
    """

    structure_type: ClassVar = AwkwardStructure

    def structure(self) -> AwkwardStructure:
        """Length and form."""
        structure: AwkwardStructure = super().structure()
        return structure

    @property
    def fields(self) -> list[str]:
        """The names of the fields, if it is a list of records."""
        return _fields_of(self.structure().form)

    def __len__(self) -> int:
        return self.structure().length

    def read(self, slice: Any = ...) -> awkward.Array:  # noqa: A002 - the name that users know
        """The array, or what a slice selects of it.

        Parameters
        ----------
        slice
            Whatever awkward arrays are indexed with: names of fields, integers, slices, arrays, or a tuple of such.

        Examples
        --------
        >>> x.read()
        >>> x.read("energy")  # the same as x["energy"]; the other fields do not travel
        """
        return self[... if slice is None else slice]

    def __getitem__(self, index: Any) -> Any:
        selecting: Callable[..., Plan[Any]] = references.load("tiled_awkward.awkward.client_selection:selecting")
        structure = self.structure()
        return self._run(selecting(structure.form, structure.length, index, self._fetching))

    def _fetching(self, form_keys: Collection[str]) -> Plan[Mapping[str, memoryview]]:
        """The buffers of these nodes of the form."""
        call = Call(
            url=without_query(self._item["links"]["buffers"]),
            method="POST",
            headers={"accept": _ZIP},
            json=sorted(form_keys),
        )
        return read_archive((yield from ask_bytes(call)))

    def write(self, array: awkward.Array | Mapping[str, Any]) -> None:
        """Replace all data; others who read see those from before, or all of the new ones.

        Parameters
        ----------
        array
            Of the same type and length. Buffers by their names will do, as `awkward.to_buffers` gives them.

        Examples
        --------
        >>> x.write(awkward.Array([[1, 2], [3]]))
        """
        return self._run(self.writing(array))

    def writing(self, array: awkward.Array | Mapping[str, Any]) -> Plan[None]:
        """What `x.write(array)` does, for another plan."""
        encode: Callable[..., Any] = references.load("tiled_awkward.awkward.client_writing:encode")
        yield from ask_upload(call_upload("PUT", self._link("full"), encode(array, self.structure()), _ZIP))

    def export(self, filepath: Any, *, format: str | None = None) -> None:  # noqa: A002 - the name that users know
        """Save the array.

        Parameters
        ----------
        filepath
            A path, whose suffix names the format, or a writable binary buffer.
        format
            A suffix such as 'json' or a media type such as 'application/json'.

        Examples
        --------
        >>> x.export("events.parquet")
        """
        return self._run(saving(self._link("full"), filepath, format))

    def _ipython_key_completions_(self) -> list[str]:
        return self.fields

    def __repr__(self) -> str:
        begin = f"<{type(self).__name__}"
        names = self.fields
        if not names:
            return f"{begin}>"
        count = f"{len(self)} item{'' if len(self) == 1 else 's'}"
        shown = _that_fit(f"{begin} {{", names[:_SHOWN_FIELDS])
        if len(shown) == len(names):
            return f"{begin} {{{', '.join(names)}}} {count}>"
        return f"{begin} {{{', '.join(shown)}, ...}} ~{len(names)} fields, {count}>"


def _fields_of(form: Mapping[str, Any]) -> list[str]:
    if form.get("class") != "RecordArray":
        return []
    names = form.get("fields")
    return [str(position) for position in range(len(form.get("contents", ())))] if names is None else list(names)


def _that_fit(text: str, names: Sequence[str]) -> list[str]:
    """As many names as fit on a line that begins with `text`, but at least one."""
    width = len(text)
    for position, name in enumerate(names):
        if position and width + len(name) > _SHOWN_WIDTH:
            return list(names[:position])
        width += len(name) + (2 if position else 0)
    return list(names)
