"""A catalog as a tree: mounted by the configuration, browsed and searched over HTTP, its files read."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import tiled_npy
import tiled_sql_catalog
from tiled_sql_catalog import revisions
from tiled_sql_catalog.container import CatalogContainer
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.store import Store
from tiled_sql_catalog.tree import CatalogOptions, build_catalog

from tiledkernel.client.errors import ClientError
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.protocols import Asset, DataSource, Narrowing, Ordering, Summarising
from tiledkernel.nodes.sorting import SortKey
from tiledkernel.nodes.writing import Change
from tiledkernel.plugins import discover
from tiledkernel.queries import FullText, Key, Like, Regex
from tiledkernel.testing.serving import Serving

PLUGINS = {"npy": tiled_npy, "sql-catalog": tiled_sql_catalog}


@pytest.fixture
def composition():
    return Composition(discover(third_party=False, extra=PLUGINS))


@pytest.fixture
def serve():
    with Serving(**PLUGINS) as serve:
        yield serve


@pytest.fixture
def files(tmp_path):
    (tmp_path / "readable").mkdir()
    return tmp_path / "readable"


@pytest.fixture
def build(store, composition, files):
    """The tree of the catalog, as a configuration makes it."""
    built = []

    def make(**options):
        options.setdefault("readable_storage", [str(files)])
        uri = store.database.url.render_as_string(hide_password=False)
        tree = build_catalog(msgspec.convert({"uri": uri, **options}, CatalogOptions), composition)
        built.append(tree)
        return tree

    yield make
    for tree in built:
        tree.store.database.close()


@pytest.fixture
def register(store, files):
    """Store an array in a file, and the file in the catalog."""

    def make(key, array, folder=files, **content):
        path = folder / f"{key}.npy"
        np.save(path, array)
        structure = msgspec.to_builtins(tiled_npy_structure(path))
        asset = Asset(data_uri=f"file://localhost{path}", is_directory=False, parameter="data_uri")
        source = DataSource(
            structure_family="array", structure=structure, mimetype="application/x-npy", assets=(asset,)
        )
        return store.create(store.root(), key, family="array", data_sources=[source], **content)

    return make


def tiled_npy_structure(path):
    from tiledkernel.families.array.memory import MemoryArray

    return MemoryArray(np.load(path)).structure


def test_a_catalog_has_the_abilities_that_the_kernel_asks_for():
    for ability in (Narrowing, Ordering, Summarising):
        assert issubclass(CatalogContainer, ability)


def test_containers_are_browsed_and_searched_by_a_client(store, build, serve):
    box = store.create(store.root(), "box", metadata={"title": "a box"}, specs=["crate"])
    for number in range(250):
        store.create(box, f"n{number}", metadata={"n": number, "color": ["red", "blue"][number % 2]})
    client = serve(build())
    assert list(client) == ["box"]
    assert client["box"].metadata["title"] == "a box"
    assert [spec.name for spec in client["box"].specs] == ["crate"]
    assert len(client["box"]) == 250
    assert client["box", "n7"].metadata["n"] == 7
    found = client["box"].search(Key("n") >= 100).search(FullText("BLUE")).sort(("n", -1))
    assert found.keys().head(2) == ["n249", "n247"]
    assert len(found) == 75
    assert list(found.search(Regex("color", "^b"))) == list(found)
    assert list(found.search(Like("color", "r%"))) == []
    assert list(client["box"].sort(("n", -1))) == [f"n{number}" for number in reversed(range(250))]
    assert found.distinct("color", counts=True)["metadata"] == {"color": [{"value": "blue", "count": 75}]}
    with pytest.raises(KeyError):
        found["n100"]


def test_registered_files_are_read_and_described_by_the_catalog(register, build, serve):
    register("a", np.arange(12).reshape(3, 4), metadata={"color": "red"})
    client = serve(build())
    assert client["a"].metadata["color"] == "red"
    assert client["a"].shape == (3, 4)
    assert client["a"][1, 1:].tolist() == [5, 6, 7]
    assert list(client.search(Key("color") == "red")) == ["a"]


def test_files_outside_the_readable_storage_are_never_served(register, build, serve, tmp_path, files):
    register("outside", np.arange(3), folder=tmp_path)
    np.save(tmp_path / "target.npy", np.arange(3))
    register("linked", np.arange(3))
    (files / "linked.npy").unlink()
    (files / "linked.npy").symlink_to(tmp_path / "target.npy")
    client = serve(build())
    for key in ("outside", "linked"):
        with pytest.raises(ClientError, match="outside"):
            client[key].read()


def test_a_file_that_is_gone_is_reported_as_such(register, build, serve, files):
    register("a", np.arange(3))
    (files / "a.npy").unlink()
    with pytest.raises((ClientError, KeyError), match="gone"):
        serve(build())["a"].read()


def test_a_subtree_is_served_as_the_root(store, build, serve):
    inner = store.create(store.create(store.root(), "a"), "b", metadata={"n": 1})
    store.create(inner, "c")
    for place in ("/a/b", ["a", "b"]):
        assert list(serve(build(mount_node=place))) == ["c"]
    with pytest.raises(ConfigurationError, match="mount_node"):
        build(mount_node="/nobody")


def test_the_configuration_describes_the_root(store, build, serve):
    client = serve(build(metadata={"title": "ours"}, specs=["top"], top_level_access_tags=["public"]))
    assert client.metadata["title"] == "ours"
    assert store.root().access_tags == {"public"}
    assert build(metadata={"title": "ours"}).version_of() == store.root().version, "nothing to change"


def test_a_change_of_the_root_is_seen_by_a_server_that_runs(store, build, serve):
    tree = build()
    store.replace(store.root(), Change(metadata={"title": "new"}))
    store.create(store.root(), "a")
    client = serve(tree)
    assert client.metadata["title"] == "new"
    assert len(client) == 1


def test_an_empty_database_is_made_a_catalog_only_if_that_is_asked_for(composition, uri):
    with pytest.raises(ConfigurationError, match="catalog init"):
        build_catalog(CatalogOptions(uri=uri), composition)
    for _ in range(2):
        tree = build_catalog(CatalogOptions(uri=uri, init_if_not_exists=True), composition)
        assert list(tree) == []
        tree.store.database.close()


def test_a_folder_that_is_none_is_refused(build, tmp_path):
    (tmp_path / "file").write_text("")
    for text in (str(tmp_path / "file"), "https://example.org/data"):
        with pytest.raises(ConfigurationError, match="readable_storage"):
            build(readable_storage=[text])


def test_a_view_reaches_only_what_was_searched_for(store, build):
    for number in range(3):
        store.create(store.root(), f"k{number}", metadata={"n": number})
    tree = build()
    view, left = tree.narrow([Key("n") > 0])
    assert left == []
    assert (list(view), len(view), "k0" in view, "k1" in view) == (["k1", "k2"], 2, False, True)
    with pytest.raises(KeyError):
        view["k0"]
    store.create(store.root(), "k3", metadata={"n": -1})
    assert len(tree.ordered([SortKey("place", descending=True)])) == 4, "a view counts what is there by now"
    children, following = view.page(limit=1)
    assert [key for key, _ in children] == ["k1"]
    assert [key for key, _ in view.page(after=following)[0]] == ["k2"]


def test_the_catalog_is_there_after_a_restart(uri):
    for number in range(2):
        database = Database(uri)
        revisions.init(database, if_not_exists=True)
        store = Store(database)
        assert store.root().children == number
        store.create(store.root(), f"k{number}")
        database.close()
