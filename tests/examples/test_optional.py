"""Entries of the example trees that plugins bring: there exactly if these are installed, and made when touched."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.examples import generated, generated_minimal, nested
from tiledkernel.examples.optional import optional
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

HEAVY = ("awkward", "numba", "pandas", "pyarrow", "ragged", "sparse", "xarray")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def composition() -> Composition:
    return Composition(discover())


@pytest.fixture(scope="module")
def served(composition: Composition) -> Iterator[dict[str, Any]]:
    """The clients of the example trees, served with all plugins."""
    trees = {"demo": generated.tree, "nested": nested.tree, "minimal": generated_minimal.tree}
    settings = Settings(allow_anonymous_access=True)
    contexts = {
        name: Context.from_app(build_app(tree, settings=settings, composition=composition))
        for name, tree in trees.items()
    }
    yield {name: from_context(context) for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.mark.parametrize(("tree", "path"), [("demo", "sparse_image"), ("nested", "nested/sparse_image")])
def test_a_tenth_of_the_sparse_image_is_stored(served, tree, path):
    client = served[tree][path]
    assert repr(client) == "<SparseClient shape=(100, 100) chunks=((100,), (100,))>"
    assert client.metadata == {}
    image = client.read()
    assert (image.dtype, image.fill_value) == (np.float64, 0)
    assert 800 < image.nnz < 1200
    assert image.data.min() >= 0.9
    assert image.data.max() < 1


@pytest.mark.parametrize(("tree", "path"), [("demo", "awkward_array"), ("nested", "nested/awkward_array")])
def test_the_awkward_array_has_lists_of_records(served, tree, path):
    client = served[tree][path]
    assert client.metadata == {}
    assert client.read().to_list() == [
        [{"x": 1.1, "y": [1]}, {"x": 2.2, "y": [1, 2]}],
        [],
        [{"x": 3.3, "y": [1, 2, 3]}],
    ]
    assert str(client.read().type) == "3 * var * {x: float64, y: var * int64}"


def test_the_ragged_array_has_lists_of_lists(served):
    client = served["nested"]["nested/ragged_array"]
    assert repr(client) == "<RaggedClient shape=(4, None, None) size=9 chunks=((4,), None, None) dtype=float64>"
    assert client.read().tolist() == [[[1.1, 2.2, 3.3], []], [[4.4]], [], [[5.5, 6.6, 7.7, 8.8], [9.9]]]


@pytest.mark.parametrize("tree", ["demo", "nested"])
def test_the_dataset_is_of_weather(served, tree):
    client = served[tree]["structured_data/xarray_dataset"]
    assert repr(served[tree]["structured_data"]) == "<Container {'pets', 'xarray_dataset'}>"
    assert list(client) == ["temperature", "precipitation", "lon", "lat", "time"]
    assert client.metadata == {"attrs": {}}
    dataset = client.read()
    assert {name: variable.dims for name, variable in dataset.data_vars.items()} == {
        "temperature": ("x", "y", "time"),
        "precipitation": ("x", "y", "time"),
    }
    assert dict(dataset.sizes) == {"x": 2, "y": 2, "time": 3}
    assert dataset.lon.to_numpy().tolist() == [[-99.83, -99.32], [-99.79, -99.23]]
    assert dataset.lat.to_numpy().tolist() == [[42.25, 42.21], [42.63, 42.59]]
    assert dataset.time.dtype == "datetime64[ns]"
    assert [str(day)[:10] for day in dataset.time.to_numpy()] == ["2014-09-06", "2014-09-07", "2014-09-08"]
    assert 0 <= dataset.precipitation.min() <= dataset.precipitation.max() < 10
    assert -25 < dataset.temperature.min() <= dataset.temperature.max() < 55


def test_the_minimal_dataset_cools_down(served):
    expected = xr.Dataset({"temperature": ("time", [100, 99, 98])}, coords={"time": [1, 2, 3]})
    xr.testing.assert_identical(served["minimal"]["D"].read(), expected)


def test_the_entries_of_the_nested_tree_come_in_their_order():
    assert list(nested.tree["nested"]) == [
        "images",
        "cubes",
        "complex",
        "sparse_image",
        "awkward_array",
        "ragged_array",
    ]


def test_serving_the_demo_loads_nothing_of_them():
    code = (
        "import sys; from tiledkernel.examples import generated, generated_minimal, nested;"
        "from tiledkernel.server import Settings, build_app;"
        "trees = {'/a': generated.tree, '/b': nested.tree, '/c': generated_minimal.tree};"
        "build_app(trees, settings=Settings(allow_anonymous_access=True));"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_looking_at_the_keys_loads_nothing_of_them():
    code = (
        "import sys; from tiledkernel.examples.generated import tree;"
        "from tiledkernel.server import Settings, build_app; from tiledkernel.client import Context, from_context;"
        "app = build_app(tree, settings=Settings(allow_anonymous_access=True));"
        "client = from_context(Context.from_app(app)); repr(client), list(client), len(client);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_an_entry_whose_plugin_is_missing_is_left_out_with_one_line_in_the_log(caplog):
    caplog.set_level(logging.INFO, "tiledkernel")
    assert optional("x", "m:o", "json", "no_such_module", "nor_this") == {}
    assert [record.getMessage() for record in caplog.records] == [
        "the example 'x' is left out, for lack of no_such_module and nor_this"
    ]


def test_without_plugins_the_demo_has_the_entries_of_the_kernel():
    code = (
        "from tiledkernel import references; installed = references.installed;"
        "references.installed = lambda name: not name.startswith('tiled_') and installed(name);"
        "from tiledkernel.examples import generated, generated_minimal, nested;"
        "print(len(generated.tree), *generated.tree['structured_data']);"
        "print(*generated_minimal.tree, *nested.tree['nested'])"
    )
    assert run(code).split() == ["14", "pets", "A", "B", "C", "images", "cubes", "complex"]


def test_entries_of_plugins_that_are_disabled_say_why_they_are_unavailable(kernel):
    app = build_app(generated.tree, settings=Settings(allow_anonymous_access=True), composition=kernel)
    with Context.from_app(app) as context:
        client = from_context(context)
        assert len(client) == len(list(client.items())) == 16
        reason = client.items()[3:4][0][1].metadata["unavailable"]["reason"]
        assert "no family adopts sparse" in reason
