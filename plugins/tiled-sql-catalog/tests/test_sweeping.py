"""What is swept from a folder of data, and what is never touched."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest
from tiled_sql_catalog import from_uri, revisions
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.sweeping import ASIDE, KEPT, OWNERS, SAFE_AGE, enlist, identity, sweep

from tiledkernel.nodes.protocols import Asset, DataSource
from tiledkernel.nodes.storing import asset_uri, parse_location

ORPHAN, CHILD = "ab" * 16, "cd" * 16


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return parse_location(str(tmp_path / "data"))


@pytest.fixture
def catalog(tmp_path):
    """Makes or opens catalogs in files; each with the name by which folders know it."""
    made = []

    def make(name="cat.db"):
        database = Database(f"sqlite:///{tmp_path / name}")
        revisions.init(database, if_not_exists=True)
        made.append(database)
        return database, identity(database, Store(database).root())

    yield make
    for database in made:
        database.close()


def keep(folder, name, age=2 * SAFE_AGE):
    """Data in a folder, as a storage keeps them."""
    path = folder.path_of(name)
    path.mkdir(parents=True)
    (path / "c").write_bytes(b"data")
    then = time.time() - age
    for each in (path / "c", path):
        os.utime(each, (then, then))
    return path


def has(database, folder, name):
    """Make a node that has the data."""
    asset = Asset(data_uri=asset_uri(folder.path_of(name).as_uri()), is_directory=True, parameter="data_uri")
    source = DataSource(structure_family="array", assets=[asset], structure={}, mimetype="application/x-zarr")
    store = Store(database)
    store.create(store.root(), name, family="array", data_sources=[source])


def test_old_data_that_no_node_has_are_put_aside(folder, catalog):
    database, owner = catalog()
    enlist(folder, owner)
    orphan, child = keep(folder, ORPHAN), keep(folder, CHILD)
    has(database, folder, CHILD)
    assert sweep(database, folder, owner) == [orphan]
    assert not orphan.exists()
    assert (folder.folder / ASIDE / ORPHAN / "c").read_bytes() == b"data", "a week's grace"
    assert (child / "c").read_bytes() == b"data"


def test_what_was_put_aside_is_deleted_a_week_later(folder, catalog):
    database, owner = catalog()
    enlist(folder, owner)
    keep(folder, ORPHAN)
    sweep(database, folder, owner)
    aside = folder.folder / ASIDE / ORPHAN
    sweep(database, folder, owner)
    assert aside.exists()
    os.utime(aside, (time.time() - KEPT - 1,) * 2)
    sweep(database, folder, owner)
    assert not aside.exists()


def test_young_data_may_belong_to_a_node_that_is_being_made(folder, catalog):
    database, owner = catalog()
    enlist(folder, owner)
    young = keep(folder, ORPHAN, age=SAFE_AGE / 2)
    assert sweep(database, folder, owner) == []
    assert young.exists()


def test_a_file_within_makes_data_young(folder, catalog):
    database, owner = catalog()
    enlist(folder, owner)
    data = keep(folder, ORPHAN)
    (data / "d").write_bytes(b"new")
    assert sweep(database, folder, owner) == []


def test_a_folder_of_several_catalogs_is_not_swept(folder, catalog):
    (one, first), (other, second) = catalog("one.db"), catalog("other.db")
    enlist(folder, first)
    enlist(folder, second)
    path = keep(folder, ORPHAN)
    has(other, folder, ORPHAN)
    assert sweep(one, folder, first) == []
    assert sweep(other, folder, second) == []
    assert path.exists()


def test_data_from_before_the_first_catalog_belong_to_somebody(folder, catalog):
    path = keep(folder, ORPHAN)
    database, owner = catalog()
    enlist(folder, owner)
    assert sweep(database, folder, owner) == []
    assert path.exists()


def test_a_copy_of_a_database_is_another_catalog(folder, catalog, tmp_path):
    database, owner = catalog()
    enlist(folder, owner)
    database.close()
    shutil.copy(tmp_path / "cat.db", tmp_path / "copy.db")
    copy, other = catalog("copy.db")
    assert other != owner
    keep(folder, ORPHAN)
    enlist(folder, other)
    assert sweep(copy, folder, other) == []
    assert sweep(database, folder, owner) == []


def test_a_catalog_is_known_again(folder, catalog):
    for _ in range(2):
        enlist(folder, catalog()[1])
    assert (folder.folder / OWNERS).read_text().split() == [catalog()[1]]


def test_a_served_catalog_sweeps_its_folder(tmp_path, folder):
    uri = f"sqlite:///{tmp_path / 'cat.db'}"
    from_uri(uri, writable_storage=[folder.folder], init_if_not_exists=True).close()
    swept()
    path = keep(folder, ORPHAN)
    from_uri(uri, writable_storage=[folder.folder]).close()
    swept()
    assert not path.exists()


def swept():
    for thread in threading.enumerate():
        if thread.name == "tiled-sweep":
            thread.join()
