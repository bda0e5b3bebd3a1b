"""Composites: arrays and columns of tables side by side."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tiled_awkward
import tiled_sparse
import xarray as xr

from tiledkernel import references
from tiledkernel.client import Context, from_context, record_history
from tiledkernel.composition import Composition
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.client import Container
from tiledkernel.families.container.client_composite import CompositeClient
from tiledkernel.families.container.client_composite_dataset import _dense
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.plugins import discover
from tiledkernel.queries import Key
from tiledkernel.server import Settings, build_app

ARR = np.arange(15.0).reshape(5, 3)
FRAME = pd.DataFrame({"p": range(5), "q": list("abcde")})


def composite(parts: dict[str, Any], **options: Any) -> MemoryContainer:
    return MemoryContainer(parts, specs=["composite"], **options)


@pytest.fixture(scope="module")
def kernel() -> Composition:
    """With families that arrays are made of when a composite is read."""
    return Composition(discover(third_party=False, extra={"awkward": tiled_awkward, "sparse": tiled_sparse}))


@pytest.fixture
def tree() -> Any:
    parts = {"arr": MemoryArray(ARR, metadata={"attrs": {"units": "K"}}), "t": MemoryTable(FRAME, npartitions=2)}
    return {"co": composite(parts, metadata={"attrs": {"title": "mixed"}, "color": "red"})}


@pytest.fixture
def co(client_of: Any, tree: Any) -> Any:
    return client_of(tree)["co"]


# Keys


def test_arrays_and_columns_are_side_by_side(co: Any) -> None:
    assert list(co) == ["arr", "p", "q"]
    assert len(co) == 3
    assert repr(co) == "<CompositeClient {'arr', 'p', 'q'}>"
    assert "p" in co
    assert "t" not in co


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (lambda keys: keys.first(), "arr"),
        (lambda keys: keys.last(), "q"),
        (lambda keys: keys[-2], "p"),
        (lambda keys: keys[1], "p"),
        (lambda keys: keys[1:3], ["p", "q"]),
        (lambda keys: keys[-1:-3:-1], ["q", "p"]),
        (lambda keys: keys[::-1], ["q", "p", "arr"]),
        (lambda keys: keys.head(2), ["arr", "p"]),
        (lambda keys: keys.tail(2), ["p", "q"]),
        (lambda keys: keys.head(0), []),
        (lambda keys: keys.page_size(1)[1:], ["p", "q"]),
        (lambda keys: list(reversed(keys)), ["q", "p", "arr"]),
    ],
)
def test_views_know_both_directions(co: Any, select: Any, expected: Any) -> None:
    assert select(co.keys()) == expected


def test_a_position_outside_is_an_index_error(co: Any) -> None:
    with pytest.raises(IndexError):
        co.keys()[3]
    with pytest.raises(IndexError):
        co.values()[-4]


def test_all_keys_are_one_request(co: Any) -> None:
    with record_history() as history:
        assert list(co.keys()) == ["arr", "p", "q"]
        assert co.keys().last() == "q"
    assert len(history.requests) == 1


def test_values_are_arrays(co: Any) -> None:
    first, last = co.values().first(), co.values().last()
    assert np.array_equal(first.read(), ARR)
    assert last.read().tolist() == list("abcde")
    assert [(key, value.ndim) for key, value in co.items()] == [("arr", 2), ("p", 1), ("q", 1)]


def test_only_columns_that_are_wanted_are_asked_for(co: Any) -> None:
    _ = len(co)
    with record_history() as history:
        _ = co.values()[1]
    assert [request.url.path for request in history.requests] == ["/api/v1/metadata/co/t/p"]


def test_an_array_is_found_in_one_request_and_a_column_in_two(client_of: Any, tree: Any) -> None:
    for key, count in (("arr", 1), ("q", 2)):
        co = client_of(tree)["co"]
        with record_history() as history:
            assert isinstance(co[key], ArrayClient)
        assert len(history.requests) == count


def test_an_array_keeps_its_metadata(co: Any) -> None:
    assert dict(co["arr"].metadata) == {"attrs": {"units": "K"}}
    assert dict(co.metadata)["color"] == "red"


@pytest.mark.parametrize("key", ["t", "t/p", ("t", "p"), "arr/0"])
def test_what_holds_the_columns_is_found_in_the_base(co: Any, key: Any) -> None:
    with pytest.raises(KeyError, match=r"\.base\['(t|arr)'\]"):
        co[key]


def test_what_is_not_there_is_a_key_error(co: Any) -> None:
    with pytest.raises(KeyError, match="'nope'"):
        co["nope"]
    assert co.get("nope") is None
    assert "nope" not in co


def test_the_base_is_a_plain_container(co: Any) -> None:
    assert isinstance(co.base, Container)
    assert not isinstance(co.base, CompositeClient)
    assert repr(co.base) == "<Container {'arr', 't'}>"
    assert list(co.base) == ["arr", "t"]
    assert co.base["t"].read().equals(FRAME)


def test_the_contents_are_what_the_server_says_of_the_parts(co: Any) -> None:
    assert list(co.get_contents()) == ["arr", "t"]
    assert list(co.get_contents(maxlen=1)) == ["arr"]
    assert co.get_contents()["arr"]["attributes"]["metadata"] is None
    assert co.get_contents(include_metadata=True)["arr"]["attributes"]["metadata"] == {"attrs": {"units": "K"}}
    assert co.get_contents()["t"]["attributes"]["structure"]["columns"] == ["p", "q"]


def test_a_search_leaves_parts(client_of: Any) -> None:
    parts = {"a": MemoryArray(ARR, metadata={"n": 1}), "t": MemoryTable(FRAME, metadata={"n": 2})}
    co = client_of({"co": composite(parts)})["co"]
    assert list(co.search(Key("n") == 2)) == ["p", "q"]
    assert list(co.search(Key("n") == 2).base) == ["t"]


def test_it_holds_no_containers(co: Any) -> None:
    with pytest.raises(NotImplementedError, match="no containers"):
        co.create_container("inner")


def test_an_empty_composite_says_so(client_of: Any) -> None:
    co = client_of({"co": composite({})})["co"]
    assert repr(co) == "<CompositeClient {}>"
    assert list(co) == []
    assert dict(co.read().sizes) == {}


def test_a_notebook_shows_all_keys(waiting_client_of: Any, tree: Any) -> None:
    shown: list[str] = []
    printer = SimpleNamespace(text=shown.append)
    waiting_client_of(tree)["co"]._repr_pretty_(printer, False)  # noqa: FBT003 - as IPython calls it
    assert shown == ["<CompositeClient ['arr', 'p', 'q']>"]


# Reading


def test_it_is_read_as_one_dataset(co: Any) -> None:
    expected = xr.Dataset(
        {
            "arr": (("dim0", "arr_dim1"), ARR, {"units": "K"}),
            "p": ("dim0", np.arange(5)),
            "q": ("dim0", np.array(list("abcde"))),
        },
        attrs={"title": "mixed"},
    )
    found = co.read()
    xr.testing.assert_identical(found, expected)
    assert found["q"].dtype == co["q"].read().dtype == "<U1"


def test_columns_of_a_table_travel_together(co: Any) -> None:
    _ = len(co)
    with record_history() as history:
        co.read()
    paths = [request.url.path.removeprefix("/api/v1/") for request in history.requests]
    assert sorted(paths) == ["array/full/co/arr", "table/partition/co/t", "table/partition/co/t"]


def test_only_what_was_chosen_travels(co: Any) -> None:
    _ = len(co)
    with record_history() as history:
        assert list(co.read("p")) == ["p"]
        assert list(co.read(["q", "arr"])) == ["q", "arr"]
    columns = [request.url.params.get_list("column") for request in history.requests]
    assert sorted(columns) == [[], ["p"], ["p"], ["q"], ["q"]]


def test_a_variable_that_is_not_there_is_named(co: Any) -> None:
    with pytest.raises(KeyError, match=r"no array or column 'nope': this composite has arr, p, q"):
        co.read(["p", "nope"])


def test_the_shared_dimension_can_be_named(co: Any) -> None:
    assert dict(co.read(dim0="point").sizes) == {"point": 5, "arr_dim1": 3}


@pytest.fixture
def uneven(client_of: Any) -> Any:
    parts = {
        "a": MemoryArray(ARR),
        "b": MemoryArray(np.arange(4)),
        "named": MemoryArray(np.arange(6.0).reshape(2, 3), dims=("x", "y")),
        "number": MemoryArray(np.array(7.0)),
        "t": MemoryTable(FRAME),
    }
    return client_of({"co": composite(parts)})["co"]


def test_first_axes_of_different_lengths_are_dimensions_of_their_own(uneven: Any) -> None:
    found = uneven.read()
    assert {name: found[name].dims for name in found} == {
        "a": ("a_dim0", "a_dim1"),
        "b": ("b_dim0",),
        "named": ("x", "y"),
        "number": (),
        "p": ("p_dim0",),
        "q": ("q_dim0",),
    }


def test_first_axes_of_different_lengths_cannot_be_given_one_name(uneven: Any) -> None:
    with pytest.raises(ValueError, match=r"dim0='t' cannot be shared.*a: 5, b: 4"):
        uneven.read(dim0="t")


def test_axes_that_have_names_need_not_agree(uneven: Any) -> None:
    assert dict(uneven.read(["a", "named", "number", "p"], dim0="t").sizes) == {"t": 5, "a_dim1": 3, "x": 2, "y": 3}


def test_texts_that_are_missing_stay_missing(client_of: Any) -> None:
    co = client_of({"co": composite({"t": MemoryTable(pd.DataFrame({"q": ["a", None]}))})})["co"]
    assert pd.isna(co.read()["q"].to_numpy()[1])


def test_what_has_no_place_in_a_dataset_is_named(client_of: Any) -> None:
    co = client_of({"co": composite({"a": MemoryArray(ARR), "inner": MemoryContainer({})})})["co"]
    with pytest.raises(ValueError, match=r"'inner' has no place in a dataset.*'container'"):
        co.read()
    assert list(co.read(["a"])) == ["a"]


def test_lists_and_gaps_are_filled(client_of: Any) -> None:
    import awkward
    import sparse

    stored = sparse.COO.from_numpy(np.diag([1.0, 2.0]))
    parts = {"s": stored, "w": awkward.Array([[1, 2, 3], [4]]), "even": awkward.Array([[1, 2], [3, 4]])}
    co = client_of({"co": composite(parts)})["co"]
    with pytest.warns(UserWarning, match="'w' has lists of different lengths"):
        found = co.read()
    np.testing.assert_array_equal(found["s"], np.diag([1.0, 2.0]))
    np.testing.assert_array_equal(found["w"], [[1, 2, 3], [4, np.nan, np.nan]])
    assert found["even"].dtype == np.int64


def test_records_have_no_place_in_a_dataset(client_of: Any) -> None:
    import awkward

    co = client_of({"co": composite({"w": awkward.Array([{"x": 1}])})})["co"]
    with pytest.raises(ValueError, match="'w' is made of other things than numbers"):
        co.read()


@pytest.mark.parametrize(
    ("nested", "expected"),
    [
        ([[[1], []], [[2, 3]]], [[[1, np.nan], [np.nan, np.nan]], [[2, 3], [np.nan, np.nan]]]),
        ([1, None], [1, np.nan]),
        ([[], []], np.empty((2, 0))),
    ],
)
@pytest.mark.filterwarnings("ignore:'w' has lists")
def test_depths_of_all_kinds_are_filled(nested: Any, expected: Any) -> None:
    import awkward

    np.testing.assert_array_equal(_dense(awkward.Array(nested), "w"), expected)


# Making


@pytest.fixture
def parts(catalog: Any) -> Any:
    """A composite that can be written to."""
    made = catalog.create_container("co", specs=["composite"])
    made.write_table({"p": [1, 2], "q": [0.5, 1.5]}, key="t")
    made.write_array([5, 6], key="arr")
    return made


def test_what_was_made_is_there_at_once(parts: Any) -> None:
    assert list(parts) == ["p", "q", "arr"]
    parts.write_array([7, 8], key="late")
    assert list(parts) == ["p", "q", "arr", "late"]


@pytest.mark.parametrize(
    ("make", "name", "holder"),
    [
        (lambda co: co.write_array([1], key="p"), "p", "t"),
        (lambda co: co.write_array([1], key="arr"), "arr", "arr"),
        (lambda co: co.write_array([1], key="t"), "t", "t"),
        (lambda co: co.write_table({"x": [1], "arr": [2]}, key="other"), "arr", "arr"),
        (lambda co: co.create_appendable_table(pa.schema([("q", pa.int64())]), key="other"), "q", "t"),
    ],
)
def test_a_name_that_is_taken_is_refused_before_anything_is_made(parts: Any, make: Any, name: str, holder: str) -> None:
    with record_history() as history, pytest.raises(ValueError, match=f"{name!r} is taken, by {holder!r}"):
        make(parts)
    assert {request.method for request in history.requests} == {"GET"}


def test_a_table_may_be_called_as_a_column_is(parts: Any) -> None:
    parts.write_table({"y": [1, 2], "t": [3, 4]}, key="p")
    assert list(parts) == ["p", "q", "arr", "y", "t"]


def test_with_dask_it_is_read_later(kernel: Any, tree: Any) -> None:
    app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=kernel)
    with Context.from_app(app) as context:
        co = from_context(context, "dask")["co"]
        lazy = co.read()
        with record_history() as history:
            assert all(variable.chunks is not None for variable in lazy.variables.values())
            assert history.requests == []
            found = lazy.compute(scheduler="synchronous")
    np.testing.assert_array_equal(found["arr"], ARR)
    assert found["q"].to_numpy().tolist() == list("abcde")


def test_without_xarray_one_is_told_what_to_install(co: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "installed", lambda name: name != "xarray")
    with pytest.raises(ImportError, match="pip install xarray"):
        co.read()
    assert co["p"].read().tolist() == [0, 1, 2, 3, 4]


def test_xarray_loads_when_a_dataset_is_read() -> None:
    code = """
import sys
import tiledkernel.families.container.client_composite
assert not {"numpy", "xarray"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
