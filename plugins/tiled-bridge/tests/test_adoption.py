"""Which objects are adapters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tiledkernel import references
from tiledkernel.errors import PluginError

HEAVY = ("pandas", "pyarrow", "awkward", "sparse", "tiled_bridge.adoption")


@pytest.mark.parametrize("name", ["Image", "Table", "Sparse", "Awkward", "Ragged", "Opaque"])
def test_an_adapter_becomes_a_node_of_its_family(composition, site, name):
    adapter = getattr(site, name)()
    node = composition.adopt(adapter)
    family = adapter.structure_family
    assert node.family == getattr(family, "value", family)
    assert node.adapter is adapter
    assert type(node).__name__ == name


def test_nothing_is_asked_of_an_adapter_that_is_adopted(composition, site):
    class Shy(site.Image):
        def structure(self):
            raise AssertionError

        metadata = structure

    assert composition.adopt(Shy()).family == "array"


@pytest.mark.parametrize("live", [object(), 3j, type("Mine", (), {"structure_family": "array"})])
def test_what_is_no_adapter_is_refused_with_what_would_be(composition, live):
    with pytest.raises(PluginError, match=r"no family adopts .* objects; expected .*'structure_family'"):
        composition.adopt(live)


def test_an_unknown_family_is_named(composition, site):
    class Melody(site.Base):
        structure_family = "melody"

    with pytest.raises(PluginError, match=r"Melody is of the family 'melody'; the adapters that are served are: "):
        composition.adopt(Melody())


def test_a_family_whose_plugin_is_missing_says_what_to_install(composition, site, monkeypatch):
    monkeypatch.setattr(references, "installed", lambda module: module != "tiled_sparse")
    with pytest.raises(PluginError, match=r"pip install 'tiled-bridge\[sparse\]'"):
        composition.adopt(site.Sparse())


def test_metadata_and_specs_can_be_added(composition, site):
    node = composition.adopt(site.Image(metadata={"a": 1}), {"b": 2}, ["raw"])
    assert node.metadata == {"a": 1, "b": 2}
    assert [spec.name for spec in node.specs] == ["raw", "image", "plain"]


def test_what_other_plugins_adopt_stays_theirs(composition):
    assert composition.adopt({"structure_family": 1}).family == "container"
    assert composition.adopt([1, 2]).family == "array"


def test_the_plugin_is_light_until_an_adapter_is_met():
    code = f"import tiled_bridge, sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
