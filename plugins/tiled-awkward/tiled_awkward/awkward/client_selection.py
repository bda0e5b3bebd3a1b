"""What a selection needs of an awkward array, and the array made of that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeAlias

import awkward
import numpy as np
from awkward.errors import FieldNotFoundError
from numpy.typing import NDArray

from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Plan

Fetching: TypeAlias = Callable[[Collection[str]], Plan[Mapping[str, memoryview]]]


def selecting(form: Mapping[str, Any], length: int, index: Any, fetching: Fetching) -> Plan[Any]:
    """`array[index]` of the array on the server, of which only the buffers are fetched that the selection touches."""
    _check_position(index, length)
    chosen = awkward.forms.from_dict(dict(form))
    source = _Source(chosen, fetching)
    yield from source.loading(touched_keys(chosen, index))
    try:
        return _selected(chosen, length, index, source)
    except Exception:
        if not source.lacks_some:
            raise
    yield from source.loading_rest()
    return _selected(chosen, length, index, source)


def _selected(form: awkward.forms.Form, length: int, index: Any, source: _Source) -> Any:
    return _real(awkward.from_buffers(form, length, source.container(), byteorder="<")[index])


def _real(found: Any) -> Any:
    """A selection without references to buffers that were not fetched."""
    if isinstance(found, awkward.Array):
        return awkward.materialize(found)
    if isinstance(found, awkward.Record):
        layout = found.layout
        return awkward.materialize(awkward.Array(layout.array))[layout.at]
    return found


def _check_position(index: Any, length: int) -> None:
    """IndexError for a position outside the array, before anything travels."""
    first = index[0] if isinstance(index, tuple) and index else index
    if isinstance(first, int) and not isinstance(first, bool) and not -length <= first < length:
        raise IndexError(f"index {first} is out of bounds: the array has a length of {length}")


def touched_keys(form: awkward.forms.Form, index: Any) -> list[str]:
    """The keys of the nodes whose buffers `array[index]` needs, found by selecting from an array without data."""
    layout, report = awkward.typetracer.typetracer_with_report(form)
    traced = awkward.Array(layout)
    try:
        traced = traced[index]
    except FieldNotFoundError:
        raise  # which more data would not change
    except Exception:  # noqa: BLE001, S110 - what cannot be told without data, is told when all of it has come
        pass
    if isinstance(traced, (awkward.Array, awkward.Record)):
        awkward.typetracer.touch_data(traced)
    return [str(key) for key in report.data_touched]


class _Source:
    """Buffers that have been fetched, and the way to the others."""

    def __init__(self, form: awkward.forms.Form, fetching: Fetching) -> None:
        self._types: Mapping[str, np.dtype[Any]] = form.expected_from_buffers()
        self._fetching = fetching
        self._fetched: dict[str, NDArray[Any]] = {}
        self.lacks_some = False

    def loading(self, form_keys: Collection[str]) -> Plan[None]:
        """Fetch the buffers of these nodes of the form."""
        wanted = {name for name in self._types if name.rpartition("-")[0] in form_keys}
        if not wanted:
            return
        answer = yield from self._fetching(form_keys)
        if missing := wanted - answer.keys():
            raise UnexpectedAnswer(f"the answer lacks the buffers {', '.join(sorted(missing))}")
        self._fetched |= {name: np.frombuffer(answer[name], self._types[name]) for name in wanted}

    def loading_rest(self) -> Plan[None]:
        """Fetch all that has not been fetched."""
        yield from self.loading({name.rpartition("-")[0] for name in self._types.keys() - self._fetched.keys()})

    def container(self) -> dict[str, Any]:
        """All buffers by name: those that are here, and functions that tell that others turned out to be needed."""
        return {name: self._fetched.get(name, partial(self._tell_missing, name)) for name in self._types}

    def _tell_missing(self, name: str) -> NDArray[Any]:
        self.lacks_some = True
        raise KeyError(name)
