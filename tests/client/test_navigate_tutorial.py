"""The published tutorial "Navigate with the Python Client", prompt by prompt, against the demo tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tiledkernel.client import Context, from_context, record_history
from tiledkernel.examples.generated import tree as demo
from tiledkernel.server import Settings, build_app
from tiledkernel.utils import tree

PUBLISHED = [
    "big_image",
    "small_image",
    "medium_image",
    "sparse_image",
    "awkward_array",
    "tiny_image",
    "tiny_cube",
    "tiny_hypercube",
    "short_table",
    "long_table",
    "wide_table",
    "structured_data",
    "flat_array",
    "low_entropy",
    "high_entropy",
    "dynamic",
]
SMALL = "<ArrayClient shape=(300, 300) chunks=((300,), (300,)) dtype=float64>"
MEDIUM = "<ArrayClient shape=(1000, 1000) chunks=((1000,), (1000,)) dtype=float64>"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    app = build_app(demo, settings=Settings(allow_anonymous_access=True))
    with Context.from_app(app) as context:
        yield from_context(context)


def test_tree(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree(client)
    lines = capsys.readouterr().out.splitlines()
    position = PUBLISHED.index("structured_data")
    assert lines[: position + 1] == [f"├── {key}" for key in PUBLISHED[: position + 1]]
    assert lines[position + 1 : position + 3] == ["│   ├── pets", "│   └── xarray_dataset"]


def test_container_shows_some_keys(client: Any) -> None:
    assert repr(client) == "<Container {'big_image', 'small_image', 'medium_image', ...} ~16 entries>"


def test_lookup(client: Any) -> None:
    assert repr(client["structured_data"]) == "<Container {'pets', 'xarray_dataset'}>"


def test_list_of_keys(client: Any) -> None:
    assert list(client) == PUBLISHED


def test_loops(client: Any) -> None:
    assert list(client) == list(client.keys()) == [key for key, _ in client.items()]
    assert [repr(value) for value in client.values()] == [repr(value) for _, value in client.items()]
    assert len(list(client.values())) == len(client) == len(PUBLISHED)


def test_first_key(client: Any) -> None:
    assert client.keys().first() == "big_image"


def test_head(client: Any) -> None:
    assert client.keys().head() == PUBLISHED[:5]
    assert client.keys().head(3) == ["big_image", "small_image", "medium_image"]


def test_slices(client: Any) -> None:
    assert client.keys()[1:3] == ["small_image", "medium_image"]
    assert repr(client.values()[1:3]) == f"[{SMALL}, {MEDIUM}]"
    assert repr(client.items()[1:3]) == f"[('small_image', {SMALL}), ('medium_image', {MEDIUM})]"


def test_metadata(client: Any) -> None:
    assert repr(client.metadata) == "DictView({})"
    assert repr(client["short_table"].metadata) == "DictView({'animal': 'dog', 'color': 'red'})"


def test_looking_around_reads_no_data(client: Any) -> None:
    with record_history() as history:
        tree(client)
        repr(client)
        list(client.items())
    assert {request.url.path.split("/")[3] for request in history.requests} == {"search"}


def test_one_slice_is_one_request_even_of_the_largest_array(client: Any) -> None:
    cube = client["tiny_hypercube"]
    with record_history() as history:
        corner = cube[0, 0, 0, :2, :2]
    assert corner.shape == (2, 2)
    assert len(history.requests) == 1


def test_a_table_of_the_demo_is_read_with_its_index(client: Any) -> None:
    assert repr(client["long_table"]) == "<DataFrameClient ['A', 'B', 'C']>"
    frame = client["long_table"].read(["A", "B"])
    assert (len(frame), frame.index.name, list(frame)) == (100_000, "index", ["A", "B"])
