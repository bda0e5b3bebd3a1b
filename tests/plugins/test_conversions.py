"""Plugins bring live objects in as nodes of known families, and data out in the formats of others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tiledkernel import Adopter, Conversion, Serializer, hookimpl
from tiledkernel.composition import Composition
from tiledkernel.errors import AmbiguousName
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.plugins import discover


class Signal:
    """A live object that no family knows."""

    def __init__(self, *values: float) -> None:
        self.values = values


class Pulse(Signal):
    """A special one."""


def adopt(live: Signal, metadata: Any, specs: Any, generation: Any) -> MemoryArray:
    return MemoryArray(live.values, metadata=metadata, specs=specs, generation=generation)


def as_array(payload: Any) -> Any:
    """A container as the array of its number of children."""
    from tiledkernel.families.array.payload import ArrayPayload
    from tiledkernel.slices import cut_shape

    return ArrayPayload(MemoryArray(len(payload.entry.node)), cut_shape((), ()))


def encode_own(payload: Any, encoding: Any) -> str:
    return f"own: {sorted(payload.entry.node)}"


@pytest.fixture(autouse=True)
def _importable(monkeypatch) -> None:
    module: Any = ModuleType("signals")
    for thing in (adopt, as_array, encode_own):
        setattr(module, thing.__name__, thing)
    monkeypatch.setitem(sys.modules, "signals", module)
    monkeypatch.setattr(Signal, "__module__", "signals")  # as if it had been imported from there


def plugin(**records: Any) -> object:
    def hook(name: str) -> Callable[[], Any]:
        answer = records[name]
        function = lambda: answer  # noqa: E731 - it gets its name below
        function.__name__ = name
        return hookimpl(function)

    class Plugin:
        pass

    for name in records:
        setattr(Plugin, name, staticmethod(hook(name)))
    return Plugin()


ADOPTER = Adopter(name="signals", adopts=("signals.Signal",), adopt="signals:adopt")
CONVERSION = Conversion(source="counted", target="array", convert="signals:as_array")


def compose(prefer: dict[str, str] | None = None, **plugins: object) -> Composition:
    return Composition(discover(third_party=False, extra=plugins), prefer)


def test_a_live_object_becomes_the_node_that_its_adopter_makes(connect):
    composition = compose(signals=plugin(register_adopters=[ADOPTER]))
    caller = connect({"s": Signal(1.0, 2.0), "p": Pulse(3.0)}, composition=composition)
    assert caller.json("array/full/s?format=json") == [1.0, 2.0]
    assert caller.json("array/full/p?format=json") == [3.0]


def test_two_plugins_that_adopt_one_class_are_told_apart_by_the_configuration():
    plugins = {name: plugin(register_adopters=[Adopter(name=name, adopts=ADOPTER.adopts, adopt="signals:adopt")])
               for name in ("one", "two")}  # fmt: skip
    with pytest.raises(AmbiguousName, match=r"'signals\.Signal' is registered by both 'one' and 'two'"):
        compose(**plugins)
    assert compose({"signals.Signal": "two"}, **plugins).adopt(Signal(1.0)).array.tolist() == [1.0]


def test_an_adopter_cannot_take_what_a_family_adopts():
    taking = Adopter(name="mine", adopts=("numpy.ndarray",), adopt="signals:adopt")
    with pytest.raises(AmbiguousName, match=r"'numpy\.ndarray' is registered by both 'kernel' and 'mine'"):
        compose(mine=plugin(register_adopters=[taking]))


def test_data_of_one_kind_leave_in_the_formats_of_another(connect):
    composition = compose(signals=plugin(register_conversions=[CONVERSION]))
    tree = {"c": MemoryContainer({"a": 1, "b": 2}, specs=["counted"]), "plain": {"a": 1}}
    caller = connect(tree, composition=composition)
    assert caller.get("container/full/c?format=text/csv").text == "2\n"
    assert caller.get("container/full/plain?format=text/csv").status_code == 406
    formats = caller.json("")["formats"]
    assert formats["counted"] == formats["array"]


def test_a_format_of_its_own_is_not_converted(connect):
    own = Serializer(target="counted", media_type="text/csv", encode="signals:encode_own", rank=90)
    composition = compose(signals=plugin(register_conversions=[CONVERSION], register_serializers=[own]))
    caller = connect({"c": MemoryContainer({"a": 1}, specs=["counted"])}, composition=composition)
    assert caller.get("container/full/c?format=csv").text == "own: ['a']"
    assert caller.get("container/full/c?format=json").text == "1"


def test_all_formats_stand_in_the_order_of_their_ranks():
    first = Serializer(target="counted", media_type="text/first", encode="signals:encode_own", rank=1)
    last = Serializer(target="counted", media_type="text/last", encode="signals:encode_own", rank=999)
    composition = compose(signals=plugin(register_conversions=[CONVERSION], register_serializers=[last, first]))
    listed = [serializer.media_type for serializer in composition.serializers_for("counted")]
    assert (listed[0], listed[-1]) == ("text/first", "text/last")
    assert set(listed[1:-1]) == {serializer.media_type for serializer in composition.serializers_for("array")}


def test_conversions_are_one_step():
    """A chain, or a circle, would call each with a payload that it does not know."""
    steps = [Conversion(source="a", target="b", convert="m:o"), Conversion(source="b", target="a", convert="m:o")]
    own = Serializer(target="a", media_type="text/a", encode="signals:encode_own")
    composition = compose(signals=plugin(register_conversions=steps, register_serializers=[own]))
    assert [serializer.media_type for serializer in composition.serializers_for("b")] == ["text/a"]
    assert [serializer.convert for serializer in composition.serializers_for("a")] == [None]
