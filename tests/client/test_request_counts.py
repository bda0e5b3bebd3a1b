"""What a client may cost a server: the number of requests of what people do most."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tiledkernel.client import record_history
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.container.paging import MAX_LIMIT
from tiledkernel.families.table.memory import MemoryTable

DEFAULT_PAGE = 100  # keys, of a request that does not say how many it wants
KEYS = [f"scan{number:05}" for number in range(10_000)]
STACK = np.arange(12 * 8 * 8, dtype="u1").reshape(12, 8, 8)  # a frame is 64 bytes


@pytest.fixture
def history() -> Iterator[Any]:
    with record_history() as recorded:
        yield recorded


def nested(path: str, leaf: Any) -> Any:
    """Containers one in the other, the leaf in the last."""
    for key in reversed(path.split("/")):
        leaf = MemoryContainer({key: leaf})
    return leaf


@pytest.mark.parametrize("path", ["a/b/c/d/e", ("a", "b", "c", "d", "e")], ids=str)
def test_a_node_five_levels_down_is_one_request(client_of: Any, history: Any, path: Any) -> None:
    client = client_of(nested("a/b/c/d/e", np.arange(3)))
    history.requests.clear()
    assert client[path].shape == (3,)
    assert [request.url.path for request in history.requests] == ["/api/v1/metadata/a/b/c/d/e"]


def test_whether_there_is_a_node_five_levels_down_is_one_request(client_of: Any, history: Any) -> None:
    client = client_of(nested("a/b/c/d/e", np.arange(3)))
    history.requests.clear()
    assert "a/b/c/d/nope" not in client
    assert len(history.requests) == 1


@pytest.fixture
def scans(client_of: Any) -> Any:
    leaf = MemoryArray(np.arange(3))
    return client_of({"scans": MemoryContainer(dict.fromkeys(KEYS, leaf))})["scans"]


def test_ten_thousand_keys_are_no_more_than_one_request_per_page(scans: Any, history: Any) -> None:
    assert [key for key in scans] == KEYS  # noqa: C416 - list() would ask for the length too
    assert len(history.requests) <= len(KEYS) / DEFAULT_PAGE


def test_ten_thousand_children_are_no_more_than_one_request_per_page(scans: Any, history: Any) -> None:
    assert [key for key, _ in scans.items()] == KEYS
    assert len(history.requests) <= len(KEYS) / DEFAULT_PAGE


def test_larger_pages_are_fewer_requests(scans: Any, history: Any) -> None:
    assert [key for key in scans.keys().page_size(MAX_LIMIT)] == KEYS  # noqa: C416 - as above
    assert len(history.requests) == math.ceil(len(KEYS) / MAX_LIMIT)


@pytest.mark.parametrize(("ask", "key"), [(lambda keys: keys.first(), KEYS[0]), (lambda keys: keys.last(), KEYS[-1])])
def test_one_key_of_many_is_one_request(scans: Any, history: Any, ask: Any, key: str) -> None:
    assert ask(scans.keys()) == key
    assert len(history.requests) == 1


def test_the_number_of_children_is_one_request(scans: Any, history: Any) -> None:
    assert len(scans) == len(KEYS)
    assert len(history.requests) == 1


FRAMES = (1, 8, 8)  # a chunk is a frame
TILES = (12, 2, 2)  # 4 x 4 chunks of 48 bytes


@pytest.mark.parametrize(
    ("chunks", "index", "budget", "fewest"),
    [
        (FRAMES, np.s_[:], 12 * 64, 1),
        (FRAMES, np.s_[:], 12 * 64 - 1, 2),
        (FRAMES, np.s_[:], 4 * 64, 3),
        (FRAMES, np.s_[:], 5 * 64, 3),  # 5 + 5 + 2, or rather 4 + 4 + 4
        (FRAMES, np.s_[:], 64, 12),
        (FRAMES, np.s_[:], 63, 12),  # a chunk is not divided
        (FRAMES, np.s_[3:8], 4 * 64, 2),
        (FRAMES, np.s_[::3], 4 * 64, 1),  # of 12 chunks 4 are wanted
        (FRAMES, np.s_[:, 0], 12 * 8, 1),  # 12 chunks are touched, and one line of each travels
        (FRAMES, np.s_[:, :4, :4], 6 * 16, 2),
        (FRAMES, np.s_[::-1], 4 * 64, 3),
        (TILES, np.s_[:], 16 * 48, 1),
        (TILES, np.s_[:], 8 * 48, 2),  # two rows of tiles each
        (TILES, np.s_[:], 4 * 48, 4),
        (TILES, np.s_[:], 48, 16),
        (TILES, np.s_[:, 1:7, 1:7], 12 * 36, 1),  # parts of 16 chunks
        (TILES, np.s_[0, 3:5], 4 * 4, 1),  # a line of each of 8
    ],
    ids=str,
)
def test_a_slice_is_as_few_requests_as_the_budget_allows(
    client_of: Any, history: Any, monkeypatch: pytest.MonkeyPatch, chunks: Any, index: Any, budget: int, fewest: int
) -> None:
    monkeypatch.setattr(ArrayClient, "largest_piece", budget)
    array = client_of({"stack": MemoryArray(STACK, chunks=chunks)})["stack"]
    history.requests.clear()
    assert (array[index] == STACK[index]).all()
    assert len(history.requests) == fewest == array.fetch_count(index)


def test_a_table_is_one_request_per_partition_whatever_is_wanted_of_it(client_of: Any, history: Any) -> None:
    columns = {f"c{number}": np.arange(12) for number in range(10)}
    table = client_of({"table": MemoryTable(columns, npartitions=3)})["table"]
    history.requests.clear()
    assert list(table.read(["c3", "c4"])["c4"]) == list(range(12))
    assert len(history.requests) == 3


def test_a_slice_of_an_array_known_by_its_path_is_two_requests(client_of: Any, history: Any) -> None:
    client = client_of(nested("a/b/c/d/e", MemoryArray(STACK, chunks=FRAMES)))
    history.requests.clear()
    assert (client["a/b/c/d/e"][2:5, 0] == STACK[2:5, 0]).all()
    assert len(history.requests) == 2
