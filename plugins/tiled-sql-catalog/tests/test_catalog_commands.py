"""`tiledkernel catalog`: what it does to databases of both kinds, and what it says."""

from __future__ import annotations

import contextlib
import re
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiled_sql_catalog import revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store

from tiledkernel.cli.main import cli
from tiledkernel.errors import ConfigurationError


@pytest.fixture
def run() -> Callable[..., Result]:
    """`run("init", uri)`: a command in this process."""
    return lambda *arguments: CliRunner().invoke(cli, ["catalog", *arguments])


@pytest.fixture
def database(uri: str):
    database = Database(uri)
    yield database
    database.close()


def done(result: Result) -> str:
    """What a command that did what it should says to people; to programs it says nothing."""
    assert (result.exit_code, result.stdout) == (0, ""), result.output
    return result.stderr


def refused(result: Result) -> str:
    """The sentence of a command that refuses."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    assert result.stderr.endswith("\nAborted.\n")
    return result.stderr.removesuffix("\nAborted.\n")


def test_init_makes_a_catalog_of_this_version(run, uri, database):
    assert done(run("init", uri)).endswith(" holds a new catalog.\n")
    assert revisions.current(database) == revisions.head()


def test_a_second_init_refuses(run, uri):
    run("init", uri)
    assert "holds a catalog already" in refused(run("init", uri))


def test_a_second_init_may_be_content(run, uri, database):
    run("init", uri)
    Store(database).create(Store(database).root(), "a")
    assert "nothing was changed" in done(run("init", uri, "--if-not-exists"))
    assert Store(database).root().children == 1


def test_without_a_name_the_catalog_lies_in_the_current_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert done(run("init")) == "sqlite:///catalog.db holds a new catalog.\n"
    assert (tmp_path / "catalog.db").exists()


def test_a_file_with_a_strange_name_is_shown_as_a_shell_takes_it(run, tmp_path):
    shown = done(run("init", str(tmp_path / "my catalog.db"))).removesuffix(" holds a new catalog.\n")
    assert shlex.split(shown) == [f"sqlite:///{tmp_path}/my catalog.db"]


def test_a_folder_that_is_not_there_is_named(run, tmp_path):
    assert f"there is no folder {tmp_path}/none: make it first" in refused(run("init", f"{tmp_path}/none/catalog.db"))


@pytest.mark.parametrize("name", ["upgrade", "upgrade-database"])
def test_upgrade_brings_an_older_layout_to_this_one(run, uri, database, name):
    revisions.init(database)
    revisions.downgrade(database, "0001")
    assert done(run(name, uri)).endswith(f" went from revision 0001 to {revisions.head()}.\n")
    revisions.check(database)


def test_the_command_that_a_refusal_names_can_be_run(run, uri, database):
    revisions.init(database)
    revisions.downgrade(database, "0001")
    with pytest.raises(ConfigurationError) as told:
        revisions.check(database)
    _, *command = shlex.split(str(told.value).rpartition("run ")[2].strip("`"))
    assert command[0] == "catalog"
    assert done(run(*command[1:])).endswith(f" went from revision 0001 to {revisions.head()}.\n")


def test_an_upgrade_may_stop_on_the_way(run, uri, database):
    revisions.init(database)
    revisions.downgrade(database, "0001")
    assert done(run("upgrade", uri, "0001")).endswith(" is at revision 0001 already; nothing was changed.\n")


@pytest.mark.parametrize("name", ["downgrade", "downgrade-database"])
def test_downgrade_keeps_what_the_older_layout_can_hold(run, uri, database, name):
    revisions.init(database)
    Store(database).create(Store(database).root(), "a", metadata={"color": "blue"})
    assert done(run(name, uri, "0001")).endswith(f" went from revision {revisions.head()} to 0001.\n")
    assert done(run("upgrade", uri))
    store = Store(database)
    assert store.look_up(store.root(), ["a"]).metadata == {"color": "blue"}


def test_an_empty_catalog_is_taken_away_without_more_words(run, uri, database):
    revisions.init(database)
    assert done(run("downgrade", uri, "base")).endswith(" holds no catalog any more.\n")
    assert revisions.current(database) is None


def test_entries_are_deleted_only_by_those_who_mean_it(run, uri, database):
    revisions.init(database)
    Store(database).create(Store(database).root(), "a")
    assert "--yes says that it is meant" in refused(run("downgrade", uri, "base"))
    assert Store(database).root().children == 1
    assert done(run("downgrade", uri, "base", "--yes")).endswith(" holds no catalog any more.\n")


@pytest.mark.parametrize("arguments", [("upgrade", "{uri}"), ("downgrade", "{uri}", "base")])
def test_a_database_without_a_catalog_points_at_init(run, uri, database, arguments):
    with database.reading():
        pass  # the file is there
    assert "run `tiledkernel catalog init " in refused(run(*(part.format(uri=uri) for part in arguments)))


@pytest.mark.parametrize("command", ["upgrade", "downgrade"])
def test_a_revision_that_nobody_knows_is_refused(run, uri, database, command):
    revisions.init(database)
    assert "Can't locate revision identified by 'nope'" in refused(run(command, uri, "nope"))
    revisions.check(database)


@pytest.mark.parametrize(
    "uri", ["postgresql://me:secret@127.0.0.1:1/name", "postgresql://127.0.0.1:1/name?password=secret"]
)
@pytest.mark.parametrize("command", [("init",), ("upgrade",), ("downgrade", "base")])
def test_a_password_is_not_shown(run, uri, command):
    name, *more = command
    message = refused(run(name, uri, *more))
    assert "Connection refused" in message
    assert "secret" not in message


@pytest.fixture
def old(tmp_path) -> str:
    """The file of a catalog of Tiled, as it was written down."""
    path = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "adoption" / "sqlite.sql").read_text(encoding="utf-8"))
    return str(path)


def test_a_catalog_of_tiled_is_taken_over(run, old, uri, database):
    result = run("adopt", old, uri)
    assert result.exit_code == 0, result.output
    assert re.match(r"taken over: \d+ nodes, ", result.stdout)
    assert "Serve it with --read" in result.stderr
    store = Store(database)
    assert store.look_up(store.root(), ["raw"]).metadata == {"color": "red", "number": 1}


def test_a_plan_prints_the_same_and_makes_nothing(run, old, tmp_path):
    planned = run("adopt", old, str(tmp_path / "new.db"), "--plan")
    assert planned.exit_code == 0, planned.output
    assert "Nothing was changed" in planned.stderr
    assert not (tmp_path / "new.db").exists()
    assert run("adopt", old, str(tmp_path / "new.db")).stdout == planned.stdout


def test_nothing_is_made_of_what_is_no_catalog_of_tiled(run, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see here" * 100)
    new = str(tmp_path / "new.db")
    assert "no such file; say where the catalog" in refused(run("adopt", str(tmp_path / "none.db"), new))
    assert "notes.txt cannot be read: file is not a database" in refused(run("adopt", str(tmp_path / "notes.txt"), new))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_wrong_with_the_new_database_is_not_blamed_on_the_old_one(run, old, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing to see here" * 100)
    said = refused(run("adopt", old, str(tmp_path / "notes.txt")))
    assert said == f"sqlite:///{tmp_path}/notes.txt: file is not a database"


def test_a_catalog_is_not_taken_over_into_itself(run, old):
    assert "into itself" in refused(run("adopt", old, old))


def test_a_catalog_with_entries_takes_over_no_other(run, old, uri, database):
    revisions.init(database)
    Store(database).create(Store(database).root(), "mine")
    assert "is not empty" in refused(run("adopt", old, uri))
    assert Store(database).root().children == 1


def test_a_catalog_of_tiled_is_recognised_by_the_other_commands(run, old):
    for command in (("init", old), ("upgrade", old), ("downgrade", old, "base")):
        assert f"tiledkernel catalog adopt sqlite:///{old} NEW" in refused(run(*command))


def test_other_databases_are_refused_by_name(run):
    assert "a catalog cannot be kept in 'mysql'" in refused(run("init", "mysql://host/name"))
