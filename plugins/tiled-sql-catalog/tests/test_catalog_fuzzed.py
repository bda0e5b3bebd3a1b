"""Descriptions of nodes with parts put wrong, at random: made whole or refused, and never a surprise to the server."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .api import GROWING, InProcess, array_node, elements, kept_data, named_data, rows, table_node
from .killed_writers import ExtendedRagged, ReplacedSparse

FORM = {"class": "NumpyArray", "primitive": "int64", "form_key": "node0"}
AWKWARD = {"structure_family": "awkward", "structure": {"length": 2, "form": FORM}}
FIELDS = [{"name": name, "dtype": {"endianness": "little", "kind": "i", "itemsize": 4}, "shape": None} for name in "ab"]
RECORDS = array_node("new", (3,))
RECORDS["data_sources"][0]["structure"]["data_type"] = {"itemsize": 8, "fields": FIELDS}
NODES = (
    {"structure_family": "container", "id": "new", "metadata": {"a": [1, {"b": None}]}, "specs": [{"name": "s"}]},
    array_node("new", (4, 6), [[2, 2], [3, 3]]),
    RECORDS,
    table_node("new", npartitions=2),
    table_node("new", GROWING),
    ReplacedSparse("new").node(),
    ExtendedRagged("new").node(),
    {"structure_family": "awkward", "id": "new", "data_sources": [AWKWARD]},
)
READS = {
    "array": ("array/full/{}", "array/full/{}?format=json", "array/block/{}?block=0,0"),
    "sparse": ("array/full/{}", "array/full/{}?format=json", "array/block/{}?block=0,0"),
    "table": ("table/full/{}", "table/full/{}?format=json", "table/partition/{}?partition=0"),
    "ragged": ("ragged/full/{}", "ragged/full/{}?format=json", "ragged/full/{}?slice=0"),
    "awkward": ("awkward/full/{}", "awkward/buffers/{}", "awkward/full/{}?format=json"),
    "container": ("search/{}", "container/full/{}?format=json"),
}
WRITES = {"array": ("array/full/{}", elements(1, 4, 6)), "table": ("table/full/{}", rows(1, 0, 4))}
WORDS = (
    "", ".", "a/b", "\0", "é", "x" * 300, "little", "big", "O", "V", "M", "U", "[ns]", "[0s]", "[", ",i4", "i32", "COO",
    "external", "locked", "text/csv", GROWING, "application/x-zarr", *(node["structure_family"] for node in NODES),
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 5, 8, -1, 2**31, 2**63, 2**64, 10**12, 10**30, 1.5, True)
wrong = st.recursive(
    st.none() | st.sampled_from(NUMBERS) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "name", "kind")), inner, max_size=2)
    ),
    max_leaves=5,
)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the parts of a JSON value are."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*above, key)
        yield from places(part, (*above, key))


@st.composite
def nodes(draw: st.DrawFn) -> Any:
    """The description of a node, of which some parts are missing, doubled, or something else."""
    node = copy.deepcopy(draw(st.sampled_from(NODES)))
    for _ in range(draw(st.integers(1, 3))):
        known = [*places(node)]
        within = [place for place in known if "structure" in place[:-1]] or known
        *above, last = draw(st.sampled_from(within) | st.sampled_from(known))
        parent = node
        for key in above:
            parent = parent[key]
        match draw(st.sampled_from(("set", "set", "set", "drop", "double"))):
            case "drop":
                del parent[last]
            case "double" if isinstance(parent, list):
                parent.insert(last, copy.deepcopy(parent[last]))
            case _:
                parent[last] = draw(wrong)
        if not [*places(node)]:
            break
    return node


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    catalog = InProcess(tmp_path_factory.mktemp("fuzzed"))
    yield catalog
    catalog.close()


@given(nodes())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_node_is_made_whole_or_not_at_all_whatever_is_said_of_it(catalog, node) -> None:
    made = catalog("POST", "metadata/", content=json.dumps(node), headers={"content-type": "application/json"})
    if made.status_code == 200:
        place, family = quote(made.json()["id"], safe=""), node["structure_family"]
        for read in READS[family]:
            assert catalog("GET", read.format(place)).status_code in (200, 400, 404, 406, 422), read
        if family in WRITES:
            write, body = WRITES[family]
            assert catalog("PUT", write.format(place), **body).status_code in (200, 405, 422)
            assert catalog("GET", READS[family][1].format(place)).status_code in (200, 400, 406)
        deleted = catalog("DELETE", f"metadata/{place}?recursive=true&external_only=false")
        assert deleted.status_code == 200, deleted.text
    else:
        assert made.status_code in (400, 403, 409, 415, 422), made.text
        assert made.json()["detail"]
    assert catalog.keys() == []
    assert kept_data(catalog.data) == set(named_data(catalog)) == set()
