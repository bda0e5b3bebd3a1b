"""`tiledkernel register`: in this process, against servers in threads and in processes of their own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stamina

from tiledkernel.client import from_uri
from tiledkernel.server.simple import SimpleTiledServer

from .conftest import COMMAND

KEY = "secret"
COLLISION = (
    "dup.csv and dup.npy want the same key 'dup', so none of them is listed: rename them, or keep their suffixes"
)
PATIENCE = 20.0  # seconds


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory with a sequence, a table, a folder, a file that nobody reads and two that collide."""
    path = tmp_path / "data"
    (path / "sub").mkdir(parents=True)
    for number in range(3):
        np.save(path / f"s{number}.npy", [number])
    (path / "table.csv").write_text("a,b\n1,2\n")
    (path / "notes").write_text("words")
    (path / "dup.csv").write_text("a,b\n1,2\n")
    np.save(path / "dup.npy", [1])
    np.save(path / "sub" / "x.npy", [1])
    return path


@pytest.fixture
def server(data: Path) -> Iterator[str]:
    """The address of an empty catalog that may read the directory."""
    with SimpleTiledServer(api_key=KEY, readable_storage=[data]) as running:
        yield running.uri.partition("?")[0]


@pytest.fixture
def client(server: str) -> Iterator[Any]:
    found = from_uri(server, api_key=KEY)
    yield found
    found.context.close()


def test_files_are_registered_once(run, server, client, data) -> None:
    arguments = ("register", server, str(data), "--api-key", KEY)
    first = run(*arguments)
    assert (first.exit_code, first.stdout) == (
        0,
        "3 added, 0 updated, 0 unchanged, 0 removed, 2 skipped, 0 failed\n",
    )
    assert first.stderr == f"WARNING: {COLLISION}\n"
    assert run(*arguments).stdout == "0 added, 0 updated, 3 unchanged, 0 removed, 2 skipped, 0 failed\n"
    assert (list(client), list(client["sub"])) == (["s", "sub", "table"], ["x"])


def test_the_address_may_name_a_node_and_the_key_come_from_the_environment(
    run, server, client, data, monkeypatch
) -> None:
    client.create_container("run 1")
    monkeypatch.setenv("TILED_API_KEY", KEY)
    result = run("register", client["run 1"].uri, str(data / "sub"), "--prefix", "/a/b")
    assert result.exit_code == 0, result.output
    assert list(client["run 1/a/b"]) == ["x"]


def test_a_bad_file_is_reported_and_the_status_says_so(run, server, client, data) -> None:
    (data / "bad.npy").write_bytes(b"no array")
    result = run("register", server, str(data), "--api-key", KEY)
    assert result.exit_code == 1
    assert result.stdout.endswith("1 failed\n")
    assert f"failed: {data}/bad.npy: npy: " in result.stderr
    assert result.stderr.splitlines()[-1].startswith("failed: ")
    assert "Traceback" not in result.stderr
    assert "table" in client


def test_what_becomes_of_each_file_can_be_told(run, server, data) -> None:
    (data / "bad.npy").write_bytes(b"no array")
    result = run("register", server, str(data), "--api-key", KEY, "--verbose")
    assert f"added 's': {data}/s0.npy and 2 more\n" in result.stderr
    assert "skipped notes: no reader claims it\n" in result.stderr
    assert "Traceback" in result.stderr
    again = run("register", server, str(data), "--api-key", KEY, "--verbose")
    assert f"\nunchanged 's': {data}/s0.npy and 2 more\n" in again.stderr


def test_options_say_how_files_are_read(run, serve, data, tmp_path) -> None:
    (tmp_path / "our_readers.py").write_text(
        "import numpy\n"
        "def read_count(path): return numpy.array([int(path.read_text())])\n"
        "def by_name(path, so_far): return 'text/csv' if path.name == 'notes' else so_far\n"
        "async def none_of_sub(node, path, files, directories, settings): return files, []\n"
    )
    (tmp_path / "config.yml").write_text(
        f"catalog: {{uri: {tmp_path}/c.db, init_if_not_exists: true, readable_storage: [{data}],\n"
        "  adapters_by_mimetype: {application/x-count: 'our_readers:read_count'}}\n"
        f"authentication: {{single_user_api_key: {KEY}}}\n"
    )
    (data / "a.count").write_text("7")
    (data / "notes").write_text("a,b\n5,6\n")
    url = serve("config", str(tmp_path / "config.yml"), "--port", "0").url()
    result = run(
        "register", url, str(data), "--api-key", KEY, "--keep-ext", "--ext", ".count=application/x-count",
        "--adapter", "application/x-count=our_readers:read_count", "--mimetype-hook", "our_readers:by_name",
        "--walker", "our_readers:none_of_sub",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    client = from_uri(url, api_key=KEY)
    assert list(client) == ["a.count", "dup.csv", "dup.npy", "notes", "s", "table.csv"]
    assert client["notes"].read()["b"].tolist() == [6]
    assert client["a.count"].read().tolist() == [7]
    client.context.close()


def test_only_some_files(run, server, client, data) -> None:
    run("register", server, str(data), "--api-key", KEY, "--include-ext", ".npy")
    assert (list(client), list(client["sub"])) == (["dup", "s", "sub"], ["x"])


def test_a_second_directory_can_be_added(run, server, client, data) -> None:
    run("register", server, str(data / "sub"), "--api-key", KEY)
    result = run("register", server, str(data), "--api-key", KEY, "--no-overwrite")
    assert result.exit_code == 0, result.output
    assert sorted(client) == ["s", "sub", "table", "x"]


def test_a_plan_tells_who_reads_what_and_why_and_asks_no_server(run, data) -> None:
    result = run("register", "http://127.0.0.1:9", str(data), "--plan", "--prefix", "a")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "/a/s <- s0.npy (3 files): npy, multipart/related;type=application/x-npy (suffix .npy)",
        "/a/table <- table.csv: csv, text/csv (suffix .csv)",
        "skipped notes: no reader claims it",
        f"WARNING: {COLLISION}",
        "/a/sub/x <- sub/x.npy: npy, application/x-npy (suffix .npy)",
    ]
    assert result.stderr == "3 nodes, 2 skipped; nothing was changed\n"


def test_a_plan_tells_what_else_told_the_reader(run, data, tmp_path) -> None:
    (tmp_path / "hooks.py").write_text("def hook(path, so_far): return 'text/csv' if path.name == 'notes' else so_far")
    (data / "table.csv").rename(data / "table.stuff")
    (data / "s0.npy").rename(data / "nameless")
    (data / ".hidden.npy").write_bytes(b"")
    result = run(
        "register", "http://127.0.0.1:9", str(data), "--plan", "--ext", ".stuff=text/csv", "--mimetype-hook",
        "hooks:hook",
    )  # fmt: skip
    for line in (
        "/nameless <- nameless: npy, application/x-npy (how it begins)",
        "/notes <- notes: csv, text/csv (hook)",
        "/table <- table.stuff: csv, text/csv (option .stuff=text/csv)",
        "skipped .hidden.npy: its name is hidden",
    ):
        assert line in result.stdout.splitlines()


def test_a_plan_of_one_file(run, data) -> None:
    result = run("register", "http://127.0.0.1:9", str(data / "table.csv"), "--plan")
    assert result.stdout == "/table <- table.csv: csv, text/csv (suffix .csv)\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("data",), "this server wants an API key"),
        (("data", "--api-key", "wrong"), "401"),
        (("nothing-there", "--api-key", KEY), "no file or directory 'nothing-there'"),
        (("data/notes", "--api-key", KEY), "no reader claims 'notes'"),
        (("data", "--api-key", KEY, "--ext", "stuff"), "--ext 'stuff': expected '.x=media/type'"),
        (("data", "--api-key", KEY, "--adapter", "text/x"), "--adapter 'text/x': expected 'media/type=module:object'"),
        (("data", "--api-key", KEY, "--walker", "no_such_module:walk"), "no module named 'no_such_module'"),
        (("data", "--api-key", KEY, "--ext", ".x=text/none"), "no reader for 'text/none' is installed"),
        ((".", "--api-key", KEY), "outside the folders that this catalog may read"),
    ],
)
def test_what_cannot_be_done_is_refused(run, server, data, tmp_path, arguments, message) -> None:
    np.save(tmp_path / "outside.npy", [1])
    result = run("register", server, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert result.stderr.endswith("Aborted.\n")


def test_a_server_that_is_not_there_is_named(run, data) -> None:
    with stamina.set_testing(True, attempts=1):
        result = run("register", "http://127.0.0.1:9", str(data))
    assert result.exit_code == 1
    assert "http://127.0.0.1:9" in result.stderr


def test_arguments_that_are_missing_are_a_mistake_of_usage(run) -> None:
    assert run("register", "http://127.0.0.1:9").exit_code == 2


def test_changes_are_followed_until_a_signal_comes(server, client, data) -> None:
    process = subprocess.Popen(
        [*COMMAND, "register", server, str(data), "--api-key", KEY, "--watch"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if "Watching for changes" in line:
                break
        np.save(data / "late.npy", [7])
        deadline = time.monotonic() + PATIENCE
        while "late" not in client and time.monotonic() < deadline:
            time.sleep(0.05)
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    first, *others = output.splitlines()
    assert first == "3 added, 0 updated, 0 unchanged, 0 removed, 2 skipped, 0 failed"
    assert sum(int(line.split()[0]) for line in others) == 1
    assert client["late"].read().tolist() == [7]


def test_a_live_mirror_takes_readers_and_walkers(serve, data, tmp_path) -> None:
    (tmp_path / "our_readers.py").write_text(
        "import numpy\n"
        "def read_count(path): return numpy.array([int(path.read_text())])\n"
        "async def pairs(node, path, files, directories, settings):\n"
        "    settings.propose('pair', [file for file in files if file.suffix == '.count'][:1])\n"
        "    return [], directories\n"
    )
    (data / "a.count").write_text("7")
    url = serve(
        "directory", str(data), "--public", "--port", "0", "--ext", ".count=application/x-count",
        "--adapter", "application/x-count=our_readers:read_count", "--walker", "our_readers:pairs",
    ).url()  # fmt: skip
    client = from_uri(url)
    try:
        assert client["pair"].read().tolist() == [7]
        assert list(client) == ["pair", "sub"]
    finally:
        client.context.close()
