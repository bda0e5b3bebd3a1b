"""Servers inside this process: a catalog in a folder each."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow
import pytest

from tiledkernel.client import from_uri
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.errors import ConfigurationError
from tiledkernel.server import SimpleTiledServer
from tiledkernel.server.background import Background, stop_all

PATIENCE = 10.0  # seconds


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary directories lie where the test can see them."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))


@pytest.fixture
def start() -> Iterator[Callable[..., SimpleTiledServer]]:
    """Servers that are closed in the end."""
    with contextlib.ExitStack() as stack:

        def make(*arguments: object, **settings: object) -> SimpleTiledServer:
            server = SimpleTiledServer(*arguments, **settings)
            stack.callback(server.close)
            return server

        yield make


def status(server: SimpleTiledServer, key: str | None = None, path: str = "/api/v1/metadata/") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"authorization": f"Apikey {key}"} if key else {})
        return connection.getresponse().status


def listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        try:
            connection.connect()
        except ConnectionRefusedError:
            return False
        return True


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def put(server: SimpleTiledServer, key: str) -> None:
    store = server.catalog.store
    store.create(store.root(), key)


def test_it_answers_when_the_constructor_returns(start) -> None:
    server = start()
    assert status(server, path="/healthz") == 200
    assert status(server, server.api_key) == 200


def test_the_key_is_made_of_sixteen_hexadecimal_digits(start) -> None:
    assert re.fullmatch("[0-9a-f]{16}", start().api_key)


def test_a_given_key_is_used(start) -> None:
    assert start(api_key="secret").uri.endswith("?api_key=secret")


def test_servers_side_by_side_keep_their_keys_and_their_data(start) -> None:
    one, two = start(), start()
    put(one, "a")
    assert (status(one, one.api_key), status(two, two.api_key)) == (200, 200)
    assert (status(one, two.api_key), status(two, one.api_key)) == (401, 401)
    assert (list(one.catalog), list(two.catalog)) == (["a"], [])


def test_reading_needs_the_key(start) -> None:
    assert status(start()) == 401


def test_addresses_carry_port_and_key(start) -> None:
    server = start(api_key="secret")
    assert server.uri == f"http://127.0.0.1:{server.port}/api/v1?api_key=secret"
    assert server.web_ui_link == f"http://127.0.0.1:{server.port}?api_key=secret"
    assert repr(server) == f"<SimpleTiledServer {server.uri!r}>"


def test_a_notebook_shows_links(start) -> None:
    server = start()
    page = server._repr_html_()
    assert f'<a href="{server.web_ui_link}">' in page
    assert server.uri in page


def test_a_folder_holds_everything(start, tmp_path) -> None:
    server = start(tmp_path / "a" / "b")
    assert server.directory == tmp_path / "a" / "b"
    assert {"catalog.db", "data", "access.log", "error.log"} <= {path.name for path in server.directory.iterdir()}


def test_a_temporary_folder_is_gone_after_closing(start, tmp_path) -> None:
    server = start()
    assert server.directory.parent == tmp_path / "tmp"
    server.close()
    assert not server.directory.exists()
    assert not listens(server.port)


def test_a_given_folder_is_kept_and_found_again(start, tmp_path) -> None:
    first = start(tmp_path / "kept")
    put(first, "a")
    first.close()
    second = start(str(tmp_path / "kept"))
    assert list(second.catalog) == ["a"]
    assert status(second, second.api_key, "/api/v1/metadata/a") == 200


def test_after_closing_another_process_may_use_the_folder(tmp_path) -> None:
    """Tables that grow, too, whose database lets one process in at a time."""
    script = (
        "import sys, pyarrow, tiledkernel.client as c; from tiledkernel.server import SimpleTiledServer\n"
        "with SimpleTiledServer(sys.argv[1]) as server:\n"
        "    table = c.from_uri(server.uri)['t']; table.append_partition(0, pyarrow.table({'x': [3]}))\n"
        "    print(table.read()['x'].tolist())\n"
    )
    schema = pyarrow.schema([("x", "int64")])
    with SimpleTiledServer(tmp_path / "kept") as server:
        assert server.storage.uri.startswith("duckdb:")
        client = from_uri(server.uri, trust_env=False)
        client.create_appendable_table(schema, key="t").append_partition(0, pyarrow.table({"x": [1, 2]}))
        client.context.close()
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "kept"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[1, 2, 3]\n", done.stderr


def test_a_relative_folder_does_not_move_with_the_current_one(start, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    server = start("mine")
    monkeypatch.chdir("/")
    put(server, "a")
    assert status(server, server.api_key, "/api/v1/metadata/a") == 200
    assert (tmp_path / "mine" / "catalog.db").exists()


def test_a_folder_may_have_any_name(start, tmp_path) -> None:
    name = "50% of #1? ünï $HOME"
    with SimpleTiledServer(tmp_path / name) as server:
        put(server, "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "tmp"]
    assert list(start(tmp_path / name).catalog) == ["a"]


def test_it_ends_with_its_block() -> None:
    with SimpleTiledServer() as server:
        assert listens(server.port)
    assert not listens(server.port)
    assert not server.directory.exists()


def test_closing_twice_is_no_error(start) -> None:
    server = start()
    server.close()
    server.close()


def test_it_ends_when_nothing_refers_to_it_any_more(tmp_path) -> None:
    server = SimpleTiledServer()
    port = server.port
    del server
    gc.collect()
    assert soon(lambda: not listens(port))
    assert soon(lambda: not list((tmp_path / "tmp").iterdir()))


def test_a_port_that_is_taken_is_refused_and_leaves_nothing(start, tmp_path) -> None:
    port = start(tmp_path / "mine").port
    with pytest.raises(OSError, match=f"cannot listen on port {port}: .*port 0 takes one that is free"):
        SimpleTiledServer(port=port)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_key_with_other_characters_is_refused_and_leaves_nothing(tmp_path) -> None:
    with pytest.raises(InvalidConfiguration, match="letters and digits"):
        SimpleTiledServer(api_key="a b")
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("several", [False, True])
def test_readable_storage_is_one_folder_or_several(start, tmp_path, several) -> None:
    server = start(readable_storage=[tmp_path, str(tmp_path / "tmp")] if several else str(tmp_path))
    assert status(server, server.api_key) == 200


def test_webhooks_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="enable_webhooks: webhooks come with a plugin"):
        SimpleTiledServer(enable_webhooks=True)


def test_the_environment_of_other_servers_is_not_its_own(start, monkeypatch) -> None:
    monkeypatch.setenv("TILED_SINGLE_USER_API_KEY", "other")
    monkeypatch.setenv("TILED_ALLOW_ANONYMOUS_ACCESS", "1")
    monkeypatch.setenv("TILED_CATALOG_URI", "/nowhere/catalog.db")
    monkeypatch.setenv("TILED_UVICORN_ROOT_PATH", "/prefix")
    server = start()
    assert (status(server), status(server, "other"), status(server, server.api_key)) == (401, 401, 200)


def test_requests_are_logged_without_keys(start) -> None:
    one, two = start(), start()
    status(one, path=f"/api/v1/metadata/?api_key={one.api_key}")
    said = (one.directory / "access.log").read_text()
    assert "(singleuser)" in said
    assert '"GET /api/v1/metadata/?api_key=*** HTTP/1.1" 200' in said
    assert one.api_key not in said
    assert "api_key" not in (two.directory / "access.log").read_text()


def test_each_logs_its_own_failures(start, monkeypatch) -> None:
    one, two = start(), start()
    monkeypatch.setattr(type(one.catalog), "metadata_text", property(lambda self: 1 / 0))
    assert status(one, one.api_key) == 500
    assert "ZeroDivisionError" in (one.directory / "error.log").read_text()
    assert "unhandled error" not in (two.directory / "error.log").read_text()


def test_logging_of_the_process_is_as_it_was(start) -> None:
    names = ("", "tiledkernel", "uvicorn", "uvicorn.error")
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    start().close()
    after = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    assert after == before


def test_a_server_that_cannot_start_names_its_log(tmp_path, monkeypatch) -> None:
    @contextlib.asynccontextmanager
    async def failing(app: object):
        raise LookupError("no beam today")
        yield

    monkeypatch.setattr("tiledkernel.server.app._lifespan", failing)
    with pytest.raises(RuntimeError, match=f"ended before it answered; its log is in {tmp_path / 'mine'}"):
        SimpleTiledServer(tmp_path / "mine")
    assert "no beam today" in (tmp_path / "mine" / "error.log").read_text()


def test_a_server_that_does_not_answer_is_given_up(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("tiledkernel.server.simple.READY", 0.2)
    monkeypatch.setattr(Background, "answers", lambda self: False)
    with pytest.raises(TimeoutError, match="its log is in"):
        SimpleTiledServer()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_runs_in_the_end_is_ended(tmp_path) -> None:
    """As when the interpreter exits."""
    server = SimpleTiledServer()
    stop_all()
    assert not listens(server.port)
    assert not server.directory.exists()


def test_an_exit_waits_for_the_servers_but_not_for_long(tmp_path) -> None:
    script = (
        "import tempfile; tempfile.tempdir = {folder!r}\n"
        "from tiledkernel.server import SimpleTiledServer\n"
        "import json, urllib.request\n"
        "servers = [SimpleTiledServer(), SimpleTiledServer()]\n"
        "print(json.dumps([server.uri for server in servers]))\n"
    ).format(folder=str(tmp_path / "tmp"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)) == 2
    assert list((tmp_path / "tmp").iterdir()) == []
