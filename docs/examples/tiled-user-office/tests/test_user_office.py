"""Users of the facility, and nobody else."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

import pytest
from tiled_user_office.login import Options, build


@pytest.fixture
def login(tmp_path):
    """The login, with one user in the database."""
    digest = hashlib.scrypt(b"beam time", salt=b"salt", n=2**14, r=8, p=1)
    with closing(sqlite3.connect(tmp_path / "people.db")) as database, database:
        database.execute("CREATE TABLE people (name TEXT PRIMARY KEY, salt BLOB, digest BLOB, proposal TEXT)")
        database.execute("INSERT INTO people VALUES ('alice', ?, ?, 'p-1234')", (b"salt", digest))
    return build(Options(database=str(tmp_path / "people.db")))


def test_the_password_of_a_user_tells_who_that_is(login):
    identity = login.authenticate("alice", "beam time")
    assert (identity.id, identity.state) == ("alice", {"proposal": "p-1234"})


@pytest.mark.parametrize(("username", "password"), [("alice", "wrong"), ("bob", "beam time"), ("", ""), ("alice", "")])
def test_anything_else_is_nobody(login, username, password):
    assert login.authenticate(username, password) is None
