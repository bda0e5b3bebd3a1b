"""A catalog that Tiled 0.2.20 wrote is taken over whole, from either database into either database."""

from __future__ import annotations

import datetime
import sqlite3
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select
from tiled_sql_catalog import revisions, schema, tiled_tables
from tiled_sql_catalog.adopt import adopt
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store

from tiledkernel import queries as q
from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.storing import path_of_uri
from tiledkernel.nodes.writing import Change
from tiledkernel.specs import Spec

TEXTS = Path(__file__).parent / "adoption"
DATA, FILES = "file://localhost/srv/old/data/raw/inner", "file://localhost/srv/old/files"
TABLES = "duckdb://localhost//srv/old/t.duckdb"
#: Key, family, management, media type, names of the parameters, and the files of each data source.
SOURCES = [
    ("changed", "array", "writable", "application/x-zarr", [], [f"{DATA}/changed"]),
    ("twin of a shape", "array", "writable", "application/x-zarr", [], [f"{DATA}/twin%2Bof%2Ba%2Bshape"]),
    ("ü % é", "array", "writable", "application/x-zarr", [], [f"{DATA}/%25C3%25BC%2B%2525%2B%25C3%25A9"]),
    ("table", "table", "writable", "application/x-parquet", [], [f"{DATA}/table/partition-0.parquet"]),
    ("sparse", "sparse", "writable", "application/x-parquet;structure=sparse", [],
     [f"{DATA}/sparse/block-0.0.parquet"]),
    ("awkward", "awkward", "writable", "application/x-awkward-buffers", [], [f"{DATA}/awkward"]),
    ("appendable", "table", "writable", "application/x-tiled-sql-table", ["dataset_id", "table_name"], [TABLES]),
    ("ragged", "ragged", "writable", "application/x-ragged+sql", ["dataset_id", "table_name"], [TABLES]),
    ("img", "array", "external", "multipart/related;type=image/tiff", [], [f"{FILES}/img00{n}.tif" for n in range(3)]),
    ("scan", "container", "external", "application/x-hdf5", [], [f"{FILES}/scan.h5"]),
    ("t", "table", "external", "text/csv", [], [f"{FILES}/t.csv"]),
    ("z", "container", "external", "application/x-zarr", [], [f"{FILES}/z.zarr"]),
]  # fmt: skip


@pytest.fixture
def run(make_uri):
    """Run SQL in the old database, whichever it is."""

    def run(uri, script):
        if uri.startswith("sqlite"):
            with sqlite3.connect(uri.removeprefix("sqlite:///")) as connection:
                connection.executescript(script)
            connection.close()
        else:
            with psycopg.connect(uri) as connection:
                connection.execute(script)

    return run


@pytest.fixture(params=["sqlite", "postgresql"])
def old_kind(request):
    return request.param


@pytest.fixture
def kind(old_kind):
    """Of the new database: the other kind, so that both are read and both are written."""
    return {"sqlite": "postgresql", "postgresql": "sqlite"}[old_kind]


@pytest.fixture
def old(old_kind, make_uri, run):
    """The URI of a catalog of Tiled, as it was written down."""
    uri = make_uri(old_kind)
    run(uri, (TEXTS / f"{old_kind}.sql").read_text(encoding="utf-8"))
    return uri


@pytest.fixture
def database(uri):
    database = Database(uri)
    yield database
    database.close()


@pytest.fixture
def store(database):
    """A store on the new database, in which nothing is yet."""
    return Store(database)


def everything(store):
    """All nodes below the root, by their keys."""
    found = store.page(store.search(store.root(), depth=5)).nodes
    return {node.key: node for node in found}


def left(report):
    return {each.what: (each.count, each.reason) for each in report.left}


def test_the_tree_is_what_it_was(old, store):
    report = adopt(old, store)
    assert report.taken == {"nodes": 16, "revisions": 2, "data sources": 12, "assets": 13}
    root = store.root()
    listed = [node.key for node in store.page(store.search(root)).nodes]
    assert listed == ["raw", "registered"]
    inner = store.look_up(root, ["raw", "inner"])
    assert [node.key for node in store.page(store.search(inner)).nodes] == [key for key, *_ in SOURCES[:8]]
    registered = store.look_up(root, ["registered"])
    assert [node.key for node in store.page(store.search(registered)).nodes] == [key for key, *_ in SOURCES[8:]]
    assert (root.children, inner.children, registered.children) == (2, 8, 4)


def test_what_is_said_about_nodes_is_what_it_was(old, store):
    adopt(old, store)
    nodes = everything(store)
    assert nodes["raw"].metadata == {"color": "red", "number": 1}
    assert nodes["raw"].specs == (Spec("crate", "2"), Spec("plain"))
    assert nodes["changed"].metadata == {"v": 4, "f": 0.1, "t": True}
    assert nodes["twin of a shape"].metadata == {"large": 10**15, "nested": {"a.b": {}}}
    assert nodes["inner"].access_tags == {"staff", "public"}
    assert nodes["raw"].access_tags is None
    assert store.root().access_tags == {"public"}


def test_revisions_keep_their_numbers_and_the_next_one_follows(old, store):
    adopt(old, store)
    changed = everything(store)["changed"]
    kept, count = store.revisions(changed)
    assert count == 2
    assert [(each.number, each.metadata) for each in kept] == [
        (1, {"v": [1, None, {"q": "é"}], "f": 0.1, "t": True}),
        (3, {"v": 3, "f": 0.1, "t": True}),
    ]
    assert [each.specs for each in kept] == [(), (Spec("new"),)]
    store.replace(changed, Change(metadata={}))
    assert store.revisions(changed)[0][-1].number == 4


def test_times_are_those_of_the_old_catalog(old, old_kind, store):
    adopt(old, store)
    changed = everything(store)["changed"]
    began = datetime.datetime(2026, 11, 21, 12, 15, 20, tzinfo=datetime.UTC).timestamp() * 1e6
    assert began < changed.created <= changed.updated < began + 180e6
    assert (changed.created % 10**6 == 0) == (old_kind == "sqlite"), "it counts whole seconds"
    assert began < store.root().created < changed.created
    assert changed.created <= store.revisions(changed)[0][0].updated <= changed.updated


def test_data_rest_where_they_were_and_are_read_as_they_were(old, store):
    adopt(old, store)
    nodes = everything(store)
    for key, family, management, media_type, parameters, uris in SOURCES:
        (source,) = store.data_sources(nodes[key])[nodes[key].id]
        assert (nodes[key].family, source.structure_family) == (family, family)
        assert (source.management, source.mimetype) == (management, media_type), key
        assert sorted(source.parameters) == parameters
        assert [asset.data_uri for asset in source.assets] == uris
        assert nodes[key].sources == 1
    (images,) = store.data_sources(nodes["img"])[nodes["img"].id]
    assert [(asset.parameter, asset.num, asset.size) for asset in images.assets] == [
        ("data_uris", number, 296) for number in range(3)
    ]
    assert images.structure["shape"] == [3, 4, 5]
    (zarr,) = store.data_sources(nodes["z"])[nodes["z"].id]
    assert [(asset.parameter, asset.num, asset.is_directory) for asset in zarr.assets] == [("data_uri", None, True)]


def test_a_path_with_signs_of_percent_in_it_is_still_the_same_path(make_uri, run, store):
    uri = make_uri("sqlite")
    run(uri, (TEXTS / "sqlite.sql").read_text(encoding="utf-8"))
    run(uri, "UPDATE assets SET data_uri = 'file:///a b%20c#d?e' WHERE id = 1")
    adopt(uri, store)
    changed = everything(store)["changed"]
    (source,) = store.data_sources(changed)[changed.id]
    assert path_of_uri(source.assets[0].data_uri) == Path("/a b%20c#d?e")


def test_files_keep_their_numbers_by_which_they_are_downloaded(old, store):
    adopt(old, store)
    nodes = everything(store)
    found = store.data_sources(nodes["appendable"], nodes["ragged"], nodes["scan"])
    ids = {key: (found[nodes[key].id][0].id, found[nodes[key].id][0].assets[0].id) for key in ("appendable", "ragged")}
    assert ids["appendable"][1] == ids["ragged"][1], "one database of tables is one asset"
    assert ids == {"appendable": (7, 7), "ragged": (8, 7)}


def test_equal_structures_are_stored_once(old, store):
    adopt(old, store)
    with store.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(schema.structures)).scalar_one() == 11


def test_the_new_catalog_is_searched_and_goes_on(old, store):
    adopt(old, store)
    root = store.root()
    inner = store.look_up(root, ["raw", "inner"])

    def found(parent, *queries):
        return [node.key for node in store.page(store.search(parent, queries)).nodes]

    assert found(root, q.Eq("color", "red"), q.SpecsQuery(["crate"])) == ["raw"]
    assert found(inner, q.FullText("MATTER")) == ["table"]
    assert found(inner, q.Eq("large", 10**15)) == ["twin of a shape"]
    assert found(store.look_up(root, ["raw"]), q.AccessTagsFilter(["staff"])) == ["inner"]
    made = store.create(root, "later", family="array", data_sources=list(_sources_of(store, inner, "table")))
    assert found(root) == ["raw", "registered", "later"]
    assert store.fresh(made) == made
    store.delete(store.look_up(root, ["registered"]), recursive=True)
    gone = store.delete(store.look_up(root, ["raw"]), recursive=True, external_only=False)
    assert {asset.data_uri for source in gone for asset in source.assets} >= {
        f"{DATA}/changed",
        f"{DATA}/awkward",
        TABLES,
    }
    assert found(root) == ["later"]


def _sources_of(store, inner, key):
    node = store.child(inner, key)
    return store.data_sources(node)[node.id]


def test_the_old_catalog_is_only_read(make_uri, run, store):
    uri = make_uri("sqlite")
    run(uri, (TEXTS / "sqlite.sql").read_text(encoding="utf-8"))
    path = Path(uri.removeprefix("sqlite:///"))
    path.chmod(0o444)
    before = path.read_bytes()
    adopt(str(path), store)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_uri_may_name_the_driver_that_tiled_uses(old, old_kind, store):
    driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}[old_kind]
    assert adopt(old.replace(old_kind, driver, 1), store).taken["nodes"] == 16


def test_what_has_no_place_is_reported(old, run, store):
    run(
        old,
        """
        INSERT INTO access_tags (id, name, is_public) VALUES (9, 'open', true);
        INSERT INTO access_tags_principals (id, name) VALUES (1, 'alice');
        INSERT INTO access_grants (tag_id, principal_id, scope) VALUES (2, 1, 'read:data');
        INSERT INTO webhooks (id, node_id, url, active) VALUES (1, 0, 'https://example.org', true);
        INSERT INTO entities (id, entity_type, name, properties, created_at)
            VALUES ('e', 'sample', 'quartz', '{}', '2026-11-21 12:00:00');
        UPDATE assets SET hash_type = 'sha256', hash_content = 'ff' WHERE id = 1;
        INSERT INTO assets (id, data_uri, is_directory) VALUES (99, 'file:///nobody', false);
        CREATE TABLE "mine; --" (x INTEGER);
        INSERT INTO "mine; --" VALUES (1), (2);
        """,
    )
    report = adopt(old, store)
    counts = {what: count for what, (count, _) in left(report).items()}
    assert counts == {
        "grants of access tags": 1, "principals of access tags": 1, "access tags that are public": 1, "access tags": 2,
        "webhooks": 1, "entities": 1, "checksums of assets": 1, "assets": 1, "rows of mine; --": 2,
        "tables that grow and ragged arrays": 2,
    }  # fmt: skip
    assert "2 rows of mine; --: this table is not part of a catalog of Tiled 0.2.20" in str(report)
    assert str(report).startswith("taken over: 16 nodes, 2 revisions, 12 data sources, 13 assets\nnot as it was: ")


def test_what_is_not_what_it_should_be_is_taken_as_far_as_possible_and_reported(make_uri, run, store):
    """SQLite lets through what PostgreSQL would refuse."""
    uri = make_uri("sqlite")
    run(uri, (TEXTS / "sqlite.sql").read_text(encoding="utf-8"))
    run(
        uri,
        """
        UPDATE nodes SET metadata = '{"n": NaN, "m": 1}' WHERE key = 'raw';
        UPDATE nodes SET metadata = '[1]' WHERE key = 'inner';
        UPDATE nodes SET metadata = '{"n":', specs = 'x' WHERE key = 'table';
        UPDATE nodes SET key = 'a/b' WHERE key = 'sparse';
        UPDATE data_sources SET management = 'whatever', parameters = NULL WHERE id = 1;
        UPDATE assets SET data_uri = NULL WHERE id = 2;
        """,
    )
    report = adopt(uri, store)
    nodes = everything(store)
    assert nodes["raw"].metadata == {"n": None, "m": 1}
    assert (nodes["inner"].metadata, nodes["table"].metadata, nodes["table"].specs) == ({}, {}, ())
    (source,) = store.data_sources(nodes["changed"])[nodes["changed"].id]
    assert (source.management, source.parameters) == ("external", {}), "what is external is never deleted"
    assert [(each.what, each.examples) for each in report.left] == [
        ("metadata", ("'1: raw'",)),
        ("metadata", ("'2: inner'",)),
        ("metadata", ("'6: table'",)),
        ("lists of specs", ("'6: table'",)),
        ("keys", ("'a/b'",)),
        ("data sources", ("'1'",)),
        ("assets", ()),
        ("tables that grow and ragged arrays", ()),
        ("access tags", ()),
    ]


def test_children_that_are_older_than_their_parents_are_taken_over(old, old_kind, run, store):
    run(
        old,
        """
        INSERT INTO nodes (id, parent, key, structure_family, metadata, specs)
            VALUES (50, 0, 'newer', 'container', '{}', '[]'), (49, 50, 'older', 'container', '{}', '[]'),
                   (48, 49, 'oldest', 'container', '{"n": 1}', '[]');
        """,
    )
    assert adopt(old, store).taken["nodes"] == 19
    oldest = store.look_up(store.root(), ["newer", "older", "oldest"])
    assert oldest.metadata == {"n": 1}
    assert store.look_up(store.root(), ["newer"]).children == 1


def test_nodes_that_nothing_leads_to_are_reported_with_what_belongs_to_them(make_uri, run, store):
    uri = make_uri("sqlite")
    run(uri, (TEXTS / "sqlite.sql").read_text(encoding="utf-8"))
    run(uri, "UPDATE nodes SET parent = 1000 WHERE key = 'changed'; UPDATE nodes SET parent = NULL WHERE key = 'z'")
    report = adopt(uri, store)
    assert report.taken == {"nodes": 14, "revisions": 0, "data sources": 10, "assets": 13}
    assert left(report)["nodes with all that belongs to them"] == (2, "their parents are missing")


def test_large_metadata_that_we_would_not_accept_are_kept_and_can_go(make_uri, run, store):
    uri = make_uri("sqlite")
    run(uri, (TEXTS / "sqlite.sql").read_text(encoding="utf-8"))
    deep = '{"a":' * 150 + "1" + "}" * 150
    run(
        uri,
        f"""
        UPDATE nodes SET metadata = '{{"v": [{", ".join(map(str, range(100_010)))}]}}' WHERE key = 'ragged';
        UPDATE nodes SET metadata = '{deep}' WHERE key = 'awkward';
        """,
    )
    assert left(adopt(uri, store)).keys() == {"access tags", "tables that grow and ragged arrays"}
    inner = store.look_up(store.root(), ["raw", "inner"])
    (found,) = store.page(store.search(inner, [q.Contains("v", 100_009)])).nodes
    assert len(found.metadata["v"]) == 100_010
    changed = store.replace(found, Change(specs=["still large"]))
    store.replace(changed, Change(metadata={}))
    store.delete(store.child(inner, "awkward"), external_only=False)


def test_a_rehearsal_reports_and_keeps_nothing(old, store):
    said = []
    report = adopt(old, store, rehearse=True, on_progress=lambda done, total: said.append((done, total)))
    assert report.taken["nodes"] == 16
    assert said[-1] == (16, 16)
    assert everything(store) == {}
    assert adopt(old, store) == report


def test_a_catalog_that_is_not_empty_takes_nothing_over(old, store):
    revisions.init(store.database)
    store.create(store.root(), "mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        adopt(old, store)
    assert list(everything(store)) == ["mine"]


@pytest.mark.parametrize("found", ["0123456789ab", "0002"])
def test_another_layout_is_refused_with_what_to_do(old, run, store, found):
    run(old, f"UPDATE alembic_version SET version_num = '{found}'")
    with pytest.raises(ConfigurationError, match=rf"{found}.*0\.2\.20.*upgrade-database"):
        adopt(old, store)
    assert revisions.current(store.database) is None, "nothing was made"


def test_what_is_no_catalog_of_tiled_is_refused(make_uri, old_kind, store, tmp_path):
    for uri in (make_uri(old_kind), str(tmp_path / "nobody.db")):
        if old_kind == "sqlite" and uri.startswith("sqlite"):
            Path(uri.removeprefix("sqlite:///")).touch()
        with pytest.raises(ConfigurationError, match=r"no catalog of Tiled|no file"):
            adopt(uri, store)
    (tmp_path / "text.db").write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        adopt(str(tmp_path / "text.db"), store)


def test_a_catalog_larger_than_a_piece_is_taken_over_whole(make_uri, run, store, monkeypatch):
    monkeypatch.setattr(tiled_tables, "PIECE", 3)
    uri = make_uri("sqlite")
    run(uri, (TEXTS / "sqlite.sql").read_text(encoding="utf-8"))
    assert adopt(uri, store).taken == {"nodes": 16, "revisions": 2, "data sources": 12, "assets": 13}
    (images,) = store.data_sources(everything(store)["img"])[everything(store)["img"].id]
    assert len(images.assets) == 3


def test_times_of_a_database_that_is_elsewhere_are_moments(make_uri, run, store):
    uri = make_uri("postgresql")
    run(uri, (TEXTS / "postgresql.sql").read_text(encoding="utf-8"))
    run(uri, f"ALTER DATABASE {uri.partition('?')[0].rpartition('/')[2]} SET timezone TO 'Asia/Tokyo'")
    adopt(uri, store)
    written = datetime.datetime(2026, 11, 21, 12, 16, 35, 236784, tzinfo=datetime.timezone(datetime.timedelta(hours=9)))
    assert store.root().created == round(written.timestamp() * 1e6)
