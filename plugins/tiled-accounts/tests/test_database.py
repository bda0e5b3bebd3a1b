"""The database of accounts: made, upgraded and downgraded by commands, and refused if it is not what it should be."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, inspect, text
from tiled_accounts import revisions, schema
from tiled_accounts.database import Database
from tiled_accounts.keeper import build_accounts

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.settings import AccountSettings, DatabaseSettings
from tiledkernel.cli.main import cli
from tiledkernel.errors import ConfigurationError, NotReady

from .site import Site


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["admin", *arguments])


def opened(uri: str) -> Any:
    return build_accounts(AccountSettings(database=DatabaseSettings(uri=uri)))


def statement(uri: str, words: str) -> None:
    engine = create_engine(Database(DatabaseSettings(uri=uri)).url)
    with engine.begin() as connection:
        connection.execute(text(words))
    engine.dispose()


def test_a_database_is_made_by_a_command(uri: str) -> None:
    made = run("initialize-database", uri)
    assert (made.exit_code, made.output.strip().endswith("is ready for accounts.")) == (0, True)
    opened(uri).close()


def test_making_it_again_is_refused_unless_one_is_content_with_that(uri: str) -> None:
    run("initialize-database", uri)
    again = run("initialize-database", uri)
    assert (again.exit_code, "holds accounts already" in again.output) == (1, True)
    assert again.output.strip().endswith("Aborted.")
    assert run("initialize-database", uri, "--if-not-exists").exit_code == 0


def test_a_database_that_is_not_there_stops_the_start_with_the_command_to_run(uri: str) -> None:
    with pytest.raises(ConfigurationError, match=r"tiledkernel admin initialize-database .*accounts"):
        opened(uri)


def test_looking_for_a_file_does_not_make_it(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    with pytest.raises(ConfigurationError, match="initialize-database"):
        opened(f"sqlite:///{path}")
    assert run("upgrade-database", str(path)).exit_code == 1
    assert not path.exists()


def test_a_database_of_another_layout_stops_the_start_with_the_command_to_run(uri: str) -> None:
    run("initialize-database", uri)
    statement(uri, "UPDATE tiled_accounts_revision SET version_num = 'later'")
    with pytest.raises(ConfigurationError, match="made by a later version"):
        opened(uri)


def test_an_old_layout_is_upgraded_by_a_command(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("initialize-database", uri)
    with monkeypatch.context() as patch:
        patch.setattr(revisions, "head", lambda: "0002")
        with pytest.raises(ConfigurationError, match=r"make a copy, then run `tiledkernel admin upgrade-database"):
            opened(uri)
    assert "at revision 0001 already" in run("upgrade-database", uri).output


def test_a_downgrade_to_nothing_deletes_accounts_only_if_that_is_meant(
    uri: str, open_site: Callable[..., Site]
) -> None:
    open_site(uri).log_in()
    refused = run("downgrade-database", uri, "base")
    assert (refused.exit_code, "--yes" in refused.output) == (1, True)
    assert run("downgrade-database", uri, "base", "--yes").exit_code == 0
    assert "holds no accounts" in run("upgrade-database", uri).output
    assert run("initialize-database", uri).exit_code == 0
    opened(uri).close()


@pytest.mark.parametrize("command", ["upgrade-database", "downgrade-database"])
def test_an_unknown_revision_is_refused(uri: str, command: str) -> None:
    run("initialize-database", uri)
    refused = run(command, uri, "nonsense")
    assert (refused.exit_code, "Traceback" in refused.output) == (1, False)


def test_tables_of_something_else_are_left_alone(uri: str) -> None:
    statement(uri, "CREATE TABLE accounts_keys (mine TEXT)")
    refused = run("initialize-database", uri)
    assert (refused.exit_code, "tables of something else (accounts_keys)" in refused.output) == (1, True)


def test_the_migrations_make_the_tables_that_the_code_expects(uri: str) -> None:
    database = Database(DatabaseSettings(uri=uri))
    revisions.init(database)
    found = inspect(database.engine)
    for table in schema.metadata.tables.values():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}, table.name
        indexes = {tuple(index["column_names"]) for index in found.get_indexes(table.name)}
        assert {tuple(column.name for column in index.columns) for index in table.indexes} <= indexes, table.name
    database.close()


def test_processes_that_start_together_make_it_once(uri: str) -> None:
    def start(_: int) -> None:
        settings = DatabaseSettings(uri=uri, init_if_not_exists=True)
        build_accounts(AccountSettings(database=settings, admins=(("toy", "root"),))).close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(start, range(6)))
    database = Database(DatabaseSettings(uri=uri))
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM accounts_principals")).scalar() == 1
    database.close()


@pytest.mark.parametrize(
    "uri",
    ["mysql://u:hunter2@h/d", "postgresql://u:hunter2@[h/d", "://hunter2", "postgresql://u:hunter2@127.0.0.1:1/d"],
)
def test_a_database_that_cannot_be_used_is_refused_without_its_password(uri: str) -> None:
    refused = run("initialize-database", uri)
    assert refused.exit_code == 1
    assert "hunter2" not in refused.output
    with pytest.raises((ConfigurationError, NotReady)) as error:
        opened(uri)
    assert "hunter2" not in str(error.value)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    refused = run("initialize-database", str(tmp_path / "nowhere" / "accounts.db"))
    assert (refused.exit_code, "make it first" in refused.output) == (1, True)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    path.write_text("hello" * 1000)
    refused = run("initialize-database", str(path))
    assert (refused.exit_code, "Traceback" in refused.output) == (1, False)


def test_memory_is_nothing_to_make_a_database_in() -> None:
    assert run("initialize-database", "sqlite://").exit_code == 1


@pytest.mark.parametrize("uri", ["sqlite+aiosqlite:///{path}", "sqlite:///{path}", "{path}"])
def test_uris_of_other_drivers_mean_the_same(tmp_path: Path, uri: str) -> None:
    uri = uri.format(path=tmp_path / "accounts.db")
    assert run("initialize-database", uri).exit_code == 0
    opened(uri).close()
    assert (tmp_path / "accounts.db").is_file()


def test_nobody_else_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.db"
    run("initialize-database", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_database_that_is_busy_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiled_accounts.database.BUSY_SECONDS", 0.01)
    site = Site(f"sqlite:///{tmp_path}/accounts.db")
    other = sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    response = site.try_to_log_in("alice", "x")
    other.execute("ROLLBACK")
    other.close()
    assert (response.status_code, "retry-after" in response.headers) == (503, True)
    site.log_in()
    site.close()


def test_a_database_that_is_gone_is_told_so(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE DATABASE vanishing")
    site = Site(postgresql.replace("/postgres?", "/vanishing?"))
    token = site.log_in()["access_token"]
    deadline = time.monotonic() + 10
    while site.keeper.recognise(Credentials(bearer=token)) is None or not site.keeper._watch.fresh():
        assert time.monotonic() < deadline
        assert site.status(token=token) == 200
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP DATABASE vanishing WITH (FORCE)")
    response = site.try_to_log_in("alice", "x")
    assert response.status_code == 503
    assert site.status(token=token) == 200  # a token that was verified needs no database
    assert site.status(key="0" * 72) == 503
    site.close()
