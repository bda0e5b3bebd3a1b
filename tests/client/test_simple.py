"""A server and its client in one call."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tiledkernel.client import SERVERS, embedded, simple


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    """What a test starts ends with it."""
    before = list(SERVERS)
    clients = []
    original = embedded.from_uri

    def noting(*arguments: Any, **settings: Any) -> Any:
        clients.append(original(*arguments, **settings))
        return clients[-1]

    embedded.from_uri = noting  # type: ignore[assignment]
    yield
    embedded.from_uri = original
    for client in clients:
        client.context.close()
    for server in SERVERS[len(before) :]:
        server.close()
    SERVERS[:] = before


def test_the_first_thing_seen_is_an_empty_container() -> None:
    assert repr(simple(quiet=True)) == "<Container {}>"


def test_the_address_is_printed_on_one_line(capsys) -> None:
    simple()
    assert capsys.readouterr().out == f"{SERVERS[-1].uri}\n"


def test_it_can_be_quiet(capsys) -> None:
    simple(quiet=True)
    assert capsys.readouterr().out == ""


def test_earlier_clients_keep_working(tmp_path) -> None:
    clients = [
        simple(quiet=True),
        simple(tmp_path / "data", quiet=True),
        simple(readable_storage=[tmp_path], quiet=True),
    ]
    assert [list(client) for client in clients] == [[], [], []]
    assert len({client.context.api_key for client in clients}) == 3


def test_key_and_port_can_be_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = simple(None, "abc123", port, quiet=True)
    assert (client.context.api_key, client.context.api_uri.port) == ("abc123", port)


def test_what_was_written_is_found_again(tmp_path) -> None:
    client = simple(tmp_path / "data", quiet=True)
    client.create_container("x").write_array([1, 2, 3], key="a", metadata={"color": "blue"})
    SERVERS.pop().close()
    found = simple(tmp_path / "data", quiet=True)["x/a"]
    assert found.metadata["color"] == "blue"
    assert found.read().tolist() == [1, 2, 3]


def test_the_key_of_the_environment_is_for_other_servers(monkeypatch) -> None:
    monkeypatch.setenv("TILED_API_KEY", "other")
    assert simple(quiet=True).context.api_key == SERVERS[-1].api_key


def test_a_proxy_is_not_asked(monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert list(simple(quiet=True)) == []


def test_a_server_that_nobody_can_talk_to_is_closed(monkeypatch) -> None:
    seen = []

    def failing(uri: str, **settings: Any) -> Any:
        seen.append(uri)
        raise ConnectionError("no way")

    monkeypatch.setattr(embedded, "from_uri", failing)
    before = list(SERVERS)
    with pytest.raises(ConnectionError, match="no way"):
        simple(quiet=True)
    assert before == SERVERS
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(seen[0]).port or 0))


def test_the_names_are_found_in_any_order() -> None:
    """A module does not stand in the way of the function."""
    for names in ("simple, SERVERS", "SERVERS, simple"):
        script = f"from tiledkernel.client import {names}; import tiledkernel.client as c; print(c.simple.__name__)"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "simple\n"


def test_asking_for_the_list_of_servers_loads_no_server() -> None:
    script = "from tiledkernel.client import SERVERS, simple; import sys; print('litestar' in sys.modules, SERVERS)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False []\n"


def test_a_program_that_leaves_its_servers_running_ends(tmp_path) -> None:
    """With open connections; the last lines of the program are those that it printed."""
    script = (
        f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}\n"
        "from tiledkernel.client import simple\n"
        "one, two = simple(quiet=True), simple(quiet=True)\n"
        "print(one, two)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "<Container {}> <Container {}>\n", "")
    assert list(tmp_path.iterdir()) == []
