"""The benchmark of catalogs measures real ones, and its tables say what was measured."""

from __future__ import annotations

import importlib
import sqlite3
from collections import Counter
from random import Random
from typing import Any

import pytest

from tiledkernel.nodes.protocols import DataSource

ENTRIES = ("nodes", "data_sources", "assets", "data_source_asset_association", "structures")


@pytest.fixture
def tree() -> Any:
    return importlib.import_module("catalog_tree")


@pytest.fixture
def cases() -> Any:
    return importlib.import_module("catalog_cases")


@pytest.fixture
def measuring() -> Any:
    return importlib.import_module("catalog_measure")


@pytest.fixture
def reporting() -> Any:
    return importlib.import_module("catalog_report")


def costs(measuring, cases, name="thing", *, better=0.0, **cpu):
    case = cases.Case(name, lambda *_: [], better)
    return measuring.Costs(case, {who: [measuring.Cost(2 * each, each) for each in of] for who, of in cpu.items()})


def test_each_proposal_has_one_node_in_a_hundred_and_each_depth_as_many_nodes(tree):
    found = Counter(tree.metadata_of(number)["proposal"] for number in range(5000))
    assert set(found.values()) == {50}
    assert len(found) == 100
    assert {len(shelf.keys) + 1: shelf.count for shelf in list(tree.shelves(6000))[:-1]} == dict.fromkeys(
        range(1, 7), 100
    )


def test_our_catalog_holds_the_tree(tree, tmp_path):
    from tiled_sql_catalog.database import Database
    from tiled_sql_catalog.store import Store

    from tiledkernel.queries import Eq

    importlib.import_module("catalog_filling").fill_ours(tmp_path / "catalog.db", 300)
    database = Database(str(tmp_path / "catalog.db"))
    store = Store(database)
    scans = store.look_up(store.root(), ["scans"])
    deep = store.look_up(store.root(), [*tree.LEVELS, tree.key_of(4)])
    assert store.count(store.search(scans)) == 300
    assert store.count(store.search(scans, [Eq("proposal", "P-007")])) == 3
    assert deep.metadata == tree.metadata_of(4)
    (source,) = store.data_sources(deep)[deep.id]
    assert isinstance(source, DataSource)
    assert source.assets[0].data_uri == tree.uri_of(tree.LEVELS, 4)
    database.close()


def test_a_catalog_of_the_reference_holds_the_same_tree(tree, tmp_path):
    """Its tables, as far as they are filled by us; that its server reads them is checked in each run with it."""
    path = tmp_path / "reference.db"
    with sqlite3.connect(path) as connection:
        for name, columns in {
            "nodes": "id, parent, key, structure_family, metadata, specs",
            "structures": "id, structure",
            "data_sources": "id, node_id, structure_id, mimetype, parameters, properties, management, structure_family",
            "assets": "id, data_uri, is_directory",
            "data_source_asset_association": "data_source_id, asset_id, parameter",
        }.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
        connection.execute("INSERT INTO nodes VALUES (0, NULL, '', 'container', '{}', '[]')")
    connection.close()
    importlib.import_module("catalog_filling").fill_reference(path, 120)
    with sqlite3.connect(path) as connection:
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ENTRIES}
        (uri,) = connection.execute(
            "SELECT data_uri FROM assets JOIN data_source_asset_association ON assets.id = asset_id JOIN data_sources "
            "ON data_sources.id = data_source_id JOIN nodes ON nodes.id = node_id WHERE key = ? AND parent = "
            "(SELECT id FROM nodes WHERE key = 'scans')", (tree.key_of(7),),
        ).fetchone()  # fmt: skip
    connection.close()
    arrays = 120 + 6 * 2
    containers = 1 + len(tree.LEVELS) + 1
    assert counts == {
        "nodes": arrays + containers, "data_sources": arrays, "assets": arrays,
        "data_source_asset_association": arrays, "structures": 1,
    }  # fmt: skip
    assert uri == tree.uri_of(("scans",), 7)


def test_a_round_picks_the_same_for_every_server_and_another_round_others(cases):
    case = cases.look_up(3)
    first, again, other = (case.paths(None, Random(seed), 60_000) for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) > 900
    assert first[0].startswith("/api/v1/metadata/facility/beamline/scan-")


def test_a_server_that_answers_something_else_is_not_measured(cases, measuring, monkeypatch):
    catalogs = {"ours": measuring.Catalog("ours", 10), "reference": measuring.Catalog("reference", 10)}
    pages = {"ours": ["a", "b"], "reference": ["b", "a"]}
    monkeypatch.setattr(
        measuring, "answer", lambda who, _: {"data": [{"id": key} for key in pages[who]], "meta": {"count": 2}}
    )
    monkeypatch.setattr(measuring, "cost", lambda *_: measuring.Cost(1.0, 1.0))
    (result,) = measuring.costs([cases.Case("page", lambda *_: ["/"])], catalogs, cases.QUICK)
    assert list(result.rounds) == ["ours"]
    assert '["b", "a"]' in result.failures["reference"]


@pytest.mark.parametrize(("reference", "said"), [([100, 200, 900], "reached"), ([99, 100, 100], "missed")])
def test_ratios_are_taken_round_by_round(cases, measuring, reporting, reference, said):
    result = costs(measuring, cases, better=100.0, ours=[1, 2, 3], reference=reference)
    row = reporting.requests_table([result]).splitlines()[-1]
    assert row.endswith(f"| 100 times: {said} |")
    assert row.startswith("| thing | 2 ms | 4 ms | ")


def test_look_ups_are_compared_across_sizes_and_depths(cases, measuring, reporting):
    results = [
        costs(measuring, cases, name, small=[small], large=[large])
        for name, small, large in (("all", 1.0, 1.2), ("depth 1", 1.0, 1.0), ("depth 2", 1.25, 1.4))
    ]
    lines = reporting.flatness_table(results, {"small": 10_000, "large": 1_000_000}).splitlines()
    assert lines[0] == "| | 10 000 nodes | 1 000 000 nodes | most / least | goal |"
    assert lines[2] == "| all | 1 ms | 1.2 ms | 1.20 | at most 1.3: reached |"
    assert lines[-1] == "| most / least of all depths | 1.25 | 1.40 | 1.40 | at most 1.3: missed |"


def test_files_in_a_second_are_those_beyond_the_start(reporting):
    registration = importlib.import_module("registration")
    spent, took = registration.Spent, registration.Registered
    found = {
        "ours": [
            took("npy", 2001, spent(1.4, 0.9, 0.5), spent(0.4, 0.4, 0.1)),
            took("tiff", 11, spent(0.4, 0.4, 0), spent(0.4, 0.4, 0)),
        ],
        "reference": [took("npy", 501, spent(3, 2, 2), spent(1, 1, 1))],
    }
    lines = reporting.registration_table(found).splitlines()[2:]
    assert lines[0].startswith("| npy, ours | 2001 | 1.40 s | 0.40 s | 2000 | 0.25 ms/file | 0.25 ms/file | 2000/s: ")
    assert lines[1] == "| tiff, ours | 11 | 0.40 s | 0.40 s | - | 0.00 ms/file | 0.00 ms/file | - |"
    assert lines[2] == "| npy, reference | 501 | 3.00 s | 1.00 s | 250 | 2.00 ms/file | 3.99 ms/file | - |"


def test_the_page_has_the_marks_of_the_catalog():
    catalog = importlib.import_module("catalog")
    page = catalog.PAGE.read_text()
    assert page.count(catalog.BEGIN) == page.count(catalog.END) == 1


def test_a_small_catalog_is_measured_without_the_reference(cases, tmp_path):
    catalog = importlib.import_module("catalog")
    failures: list[str] = []
    parts = catalog.measure(catalog.Plan((1000,), 1000, cases.QUICK), tmp_path, failures)
    requests, flatness, others, files = [rows_of(part) for part in parts if part.startswith("|")]
    assert not failures
    assert len(requests) == len(cases.LOOK_UPS) + len(cases.LISTINGS)
    assert len(flatness) == len(cases.LOOK_UPS) + 1
    assert [row[0] for row in others] == [
        "make a node with room for an array",
        "`repr(container)` of 1 000 children",
        "`container.keys().head()` of 1 000 children",
    ]
    assert [row[:2] for row in files] == [["npy, ours", "20"], ["tiff, ours", "20"]]
    assert all(row[1].endswith(" ms") for row in [*requests, *flatness[:-1], *others])


def rows_of(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
