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

Fetch: TypeAlias = Callable[[Collection[str]], Mapping[str, bytes]]


def select(form: Mapping[str, Any], length: int, index: Any, fetch: Fetch) -> Any:
    """`array[index]` of the array on the server, of which only the buffers are fetched that the selection touches."""
    _check_position(index, length)
    chosen = awkward.forms.from_dict(dict(form))
    source = _Source(chosen, fetch)
    source.load(touched_keys(chosen, index))
    array = awkward.from_buffers(chosen, length, source.container(), byteorder="<")
    return _real(array[index])


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

    def __init__(self, form: awkward.forms.Form, fetch: Fetch) -> None:
        self._types: Mapping[str, np.dtype[Any]] = form.expected_from_buffers()
        self._fetch = fetch
        self._fetched: dict[str, NDArray[Any]] = {}

    def load(self, form_keys: Collection[str]) -> None:
        """Fetch the buffers of these nodes of the form."""
        wanted = {name for name in self._types if name.rpartition("-")[0] in form_keys}
        if not wanted:
            return
        answer = self._fetch(form_keys)
        if missing := wanted - answer.keys():
            raise UnexpectedAnswer(f"the answer lacks the buffers {', '.join(sorted(missing))}")
        self._fetched |= {name: np.frombuffer(answer[name], self._types[name]) for name in wanted}

    def container(self) -> dict[str, Any]:
        """All buffers by name: those that are here, and functions that fetch the others should they be needed."""
        return {name: self._fetched.get(name, partial(self._late, name)) for name in self._types}

    def _late(self, name: str) -> NDArray[Any]:
        if name not in self._fetched:
            self.load({other.rpartition("-")[0] for other in self._types.keys() - self._fetched.keys()})
        return self._fetched[name]
