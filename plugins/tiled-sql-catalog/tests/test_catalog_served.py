"""`tiledkernel serve catalog` on both databases, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tiledkernel.client import ClientError, from_uri

KEY = "abc123"


@pytest.fixture
def serve(start_server, uri: str, tmp_path) -> Callable[[], Any]:
    """A server of one catalog, with one folder for uploads."""
    return lambda: start_server(
        "serve", "catalog", uri, "--init", "--write", tmp_path / "data", "--api-key", KEY, cwd=tmp_path
    )


@pytest.fixture
def connect() -> Iterator[Callable[[Any], Any]]:
    """Clients of servers, closed in the end."""
    clients = []

    def make(server: Any) -> Any:
        clients.append(from_uri(server.url, api_key=KEY, trust_env=False))
        return clients[-1]

    yield make
    for client in clients:
        client.context.close()


def test_what_was_written_is_there_after_a_restart(serve, connect):
    first = serve()
    connect(first).create_container("x").write_array([1, 2, 3], key="a", metadata={"color": "blue"})
    first.stop()
    found = connect(serve())["x/a"]
    assert (found.read().tolist(), found.metadata["color"]) == ([1, 2, 3], "blue")


def test_what_was_uploaded_can_be_served_to_be_read_only(serve, start_server, connect, uri, tmp_path):
    first = serve()
    connect(first).write_array([1, 2, 3], key="a")
    first.stop()
    again = start_server("serve", "catalog", uri, "--read", tmp_path / "data", "--api-key", KEY, cwd=tmp_path)
    array = connect(again)["a"]
    assert array.read().tolist() == [1, 2, 3]
    with pytest.raises(ClientError, match="405"):
        array.write([4, 5, 6])
    array.delete(external_only=False)
    assert list((tmp_path / "data").glob("*/*.zarr"))


def test_a_stopped_server_leaves_nothing_beside_its_database(start_server, connect, tmp_path):
    file = tmp_path / "lone.db"
    server = start_server("serve", "catalog", file, "--init", "--api-key", KEY, cwd=tmp_path)
    connect(server).create_container("x")
    server.stop()
    assert [path.name for path in tmp_path.glob("lone.db*")] == ["lone.db"]


def test_servers_share_a_catalog(serve, connect):
    one, two = connect(serve()), connect(serve())
    one.create_container("x")
    two["x"].write_array([1, 2, 3], key="a")
    assert one["x/a"].read().tolist() == [1, 2, 3]
    one["x/a"].delete(external_only=False)
    assert list(two["x"]) == []
