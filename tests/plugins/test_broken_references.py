"""A plugin whose records name what cannot be loaded is set aside when a server is composed."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from tiledkernel import Family, Router, hookimpl
from tiledkernel.composition import Composition
from tiledkernel.errors import PluginError
from tiledkernel.plugins import discover
from tiledkernel.server import build_app


def plugin_with(hook: str, record: object) -> ModuleType:
    module = ModuleType("odd")

    def answer() -> list[object]:
        return [record]

    answer.__name__ = hook
    setattr(module, hook, hookimpl(answer))
    return module


FAMILY = Family(name="odd", structure="odd:Structure", links="no_such_module:links")
ROUTER = Router(name="odd", prefix="/odd", routes="tiledkernel.specs:ROUTES")


@pytest.mark.parametrize(("hook", "record"), [("register_families", FAMILY), ("register_routers", ROUTER)])
def test_a_reference_that_leads_nowhere_hurts_only_its_plugin(hook, record):
    plugins = discover(third_party=False, extra={"odd": plugin_with(hook, record)})
    app = build_app({"a": np.ones(3)}, composition=Composition(plugins))
    assert "array" in app.state.service.composition.families
    assert "odd" not in app.state.service.composition.families
    assert plugins.by_name["odd"].state == "set aside"
    assert "no_such_module" in plugins.by_name["odd"].reason or "ROUTES" in plugins.by_name["odd"].reason


def test_a_required_plugin_stops_the_start():
    plugins = discover(third_party=False, extra={"odd": plugin_with("register_families", FAMILY)}, require=["odd"])
    with pytest.raises(PluginError, match=r"plugin 'odd' is required, but it failed: .*no_such_module"):
        build_app({"a": np.ones(3)}, composition=Composition(plugins))
