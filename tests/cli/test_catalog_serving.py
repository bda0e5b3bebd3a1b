"""`tiledkernel serve catalog`, in processes of its own and refused in this one."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import urllib.request
from pathlib import Path

import pytest

KEY = "abc123"
NODE = {"structure_family": "container", "metadata": {"color": "blue"}, "specs": [], "data_sources": []}


def served(server: object) -> None:
    """In the place of a server that would run as long as the tests."""
    raise AssertionError(f"{server!r} was about to run")


@pytest.fixture(autouse=True)
def _catalog_variables(monkeypatch, tmp_path):
    """No variable names a catalog, temporary folders can be counted, and nothing is served in this process."""
    monkeypatch.setattr("tiledkernel.cli.process._run", served)
    for name in ("TILED_CATALOG_URI", "TILED_CATALOG_WRITABLE_STORAGE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))


def refusal(run, *arguments: str) -> str:
    """The message of a command that refuses."""
    result = run("serve", "catalog", *arguments)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.endswith("\nAborted.\n")
    return result.stderr.removesuffix("\nAborted.\n")


def create(url: str, key: str) -> None:
    """Make a container, as the owner of the server may."""
    body = json.dumps({**NODE, "id": key}).encode()
    request = urllib.request.Request(
        f"{url}/api/v1/metadata/",
        body,
        {"authorization": f"Apikey {KEY}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200


def keys(url: str) -> list[str]:
    request = urllib.request.Request(f"{url}/api/v1/search/?fields=", headers={"authorization": f"Apikey {KEY}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return [item["id"] for item in json.load(response)["data"]]


def test_what_was_made_is_there_after_a_restart(run, serve):
    assert run("catalog", "init", "cat.db").exit_code == 0
    options = ("catalog", "cat.db", "-w", "data", "--api-key", KEY, "--port", "0")
    first = serve(*options)
    create(first.url(), "x")
    assert first.stop() == 0
    second = serve(*options)
    assert keys(second.url()) == ["x"]
    assert second.stop() == 0
    assert Path("data").is_dir()
    assert "read-only" not in first.text
    assert KEY not in first.text


def test_a_temporary_catalog_takes_entries_and_is_gone_after_the_end(serve, tmp_path):
    running = serve("catalog", "--temp", "--api-key", KEY, "--port", "0")
    url = running.url()
    (folder,) = (tmp_path / "tmp").iterdir()
    create(url, "x")
    assert keys(url) == ["x"]
    assert running.stop() == 0
    assert not folder.exists()
    shown = re.findall(r"^    (/\S+)$", running.text, re.MULTILINE)
    assert shown[:2] == [f"{folder}/catalog.db", f"{folder}/data"]


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_temporary_catalog_is_gone_although_the_server_is_told_to_end_early(serve, tmp_path, with_signal):
    running = serve("catalog", "--temp", "--port", "0")
    running.read_until("which is removed when the server stops")
    running.stop(with_signal)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_public_catalog_is_read_by_everyone_and_written_by_its_owner(serve, status):
    running = serve("catalog", "--temp", "--public", "--api-key", KEY, "--port", "0")
    url = running.url()
    create(url, "x")
    assert status(f"{url}/api/v1/metadata/x") == 200
    running.stop()
    assert "anyone who can connect to it may read everything" in running.text


def test_without_a_place_for_uploads_it_says_that_it_is_read_only(serve):
    running = serve("catalog", "cat.db", "--init", "--port", "0")
    running.read_until(r"served read-only: nothing can be uploaded.*--write FOLDER")
    running.url()
    assert running.stop() == 0


def test_the_second_name_of_the_command_does_the_same(run):
    assert run("catalog", "serve").output == run("serve", "catalog").output


def test_the_environment_may_say_what_to_serve(run, serve, monkeypatch):
    run("catalog", "init", "cat.db")
    monkeypatch.setenv("TILED_CATALOG_URI", "cat.db")
    monkeypatch.setenv("TILED_CATALOG_WRITABLE_STORAGE", '["data"]')
    running = serve("catalog", "--port", "0")
    running.url()
    running.stop()
    assert "read-only" not in running.text


def test_what_to_serve_must_be_said(run):
    message = refusal(run)
    examples = re.findall(r"^    (tiledkernel .+)$", message, re.MULTILINE)
    assert examples == [
        "tiledkernel serve catalog --temp",
        "tiledkernel catalog init catalog.db",
        "tiledkernel serve catalog catalog.db --write data",
        "tiledkernel serve catalog catalog.db",
    ]


def test_a_database_beside_a_temporary_one_is_refused(run):
    assert refusal(run, "--temp", "cat.db") == (
        "--temp makes a database of its own: leave out either --temp or 'cat.db'"
    )


def test_a_temporary_catalog_is_for_one_process(run):
    assert refusal(run, "--temp", "--scalable") == "--temp is for one process: it cannot be --scalable"


def test_several_processes_need_a_key_that_all_know(run):
    run("catalog", "init", "cat.db")
    assert "several processes need a fixed key" in refusal(run, "cat.db", "--scalable")


def test_a_database_that_is_not_there_names_the_command_and_is_not_made(run):
    assert refusal(run, "cat.db") == "cat.db: no such file; make a catalog: tiledkernel catalog init cat.db"
    assert not Path("cat.db").exists()


def test_an_empty_database_names_the_command(run):
    Path("cat.db").touch()
    assert "run `tiledkernel catalog init sqlite:///cat.db`" in refusal(run, "cat.db")


def test_an_older_layout_names_the_command(run):
    run("catalog", "init", "cat.db")
    run("catalog", "downgrade", "cat.db", "0001")
    assert "run `tiledkernel catalog upgrade sqlite:///cat.db`" in refusal(run, "cat.db")


def test_a_catalog_of_tiled_names_the_command(run):
    connection = sqlite3.connect("old.db")
    for table in ("alembic_version", "data_sources", "nodes"):
        connection.execute(f"CREATE TABLE {table} (x)")
    connection.close()
    assert "tiledkernel catalog adopt sqlite:///old.db NEW" in refusal(run, "old.db")


def test_a_file_that_is_no_database_is_refused(run):
    Path("notes.txt").write_text("nothing to see here" * 100)
    assert refusal(run, "notes.txt") == "sqlite:///notes.txt: file is not a database"


def test_a_password_is_not_shown(run):
    message = refusal(run, "postgresql://me:secret@127.0.0.1:1/name")
    assert "Connection refused" in message
    assert "secret" not in message


@pytest.mark.parametrize("option", [("--cache", "memory"), ("--cache-data-ttl", "5"), ("--cache-seq-ttl", "5")])
def test_live_updates_are_refused_with_the_reason(run, option, tmp_path):
    assert "live updates come with a plugin" in refusal(run, "--temp", *option)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_to_read_from_may_come_later(serve):
    running = serve("catalog", "cat.db", "--init", "-r", "nowhere", "--port", "0")
    running.read_until("readable_storage: there is no folder .*/nowhere yet")
    running.url()


def test_a_file_is_no_place_for_uploads(run):
    Path("file").touch()
    assert "writable_storage: 'file' cannot be a folder" in refusal(run, "cat.db", "--init", "-w", "file")


def test_a_place_that_nothing_keeps_data_in_is_refused_and_what_there_is_is_told(run):
    told = refusal(run, "cat.db", "--init", "-w", "ftp://me:secret@host/data")
    assert "no installed plugin keeps data in 'ftp://host/data': expected a place of the kind " in told
    assert "duckdb, file" in told


def test_a_key_with_other_characters_is_refused_before_a_folder_is_made(run, tmp_path):
    assert "--api-key: authentication.single_user_api_key" in refusal(run, "--temp", "--api-key", "a b")
    assert list((tmp_path / "tmp").iterdir()) == []
