"""A listing says of every node what the node's own description says, though it is written in another way."""

from __future__ import annotations

import itertools
import json
from urllib.parse import quote

import msgspec
import numpy as np
import pytest
from tiled_sql_catalog.tree import CatalogOptions, build_catalog

from tiledkernel.client import Context
from tiledkernel.composition import Composition
from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.writing import Draft
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app
from tiledkernel.specs import Spec

KEYS = ["plain", "bad key!", "é☃", "%2F", "%s %(key)s", "a?b#c", "{0}", 'quo"te', "back\\slash", "\u2028", "\x01"]
METADATA = {"n": 1.5, "text": 'a "quoted" %s {0} é', "list": [1, None, {"deep": True}], "large": 2**60}


@pytest.fixture(scope="module")
def composition():
    return Composition(discover())


@pytest.fixture(scope="module", params=itertools.product(["sqlite", "postgresql"], ["", "above/deeply %"]), ids=str)
def get(make_uri, tmp_path_factory, composition, request):
    """Asks a server whose catalog holds containers, arrays of two kinds and things that cannot be described."""
    kind, path = request.param
    options = CatalogOptions(
        uri=make_uri(kind), init_if_not_exists=True, writable_storage=[str(tmp_path_factory.mktemp("data"))],
    )  # fmt: skip
    tree = build_catalog(options, composition)
    top = tree
    for key in filter(None, path.split("/")):
        (top,) = top.create([Draft(key=key)])
    top.create([Draft(key=key, metadata=METADATA | {"key": key}) for key in KEYS])
    top.create([Draft(key="told", specs=[Spec("a", "1"), Spec('"%s"')], access_tags=["é", "b"])])
    top["told"].create([Draft(key="child")])
    for number in range(3):
        structure = describe_array((number % 2 + 1, 3), np.dtype("<i8"))
        source = DataSource(structure_family="array", structure=structure, management="writable")
        top.create([Draft(family="array", key=f"array {number}", metadata=METADATA, data_sources=[source])])
    elsewhere = DataSource(structure_family="table", structure={"odd": 1}, management="external", mimetype="x/y")
    top.create(
        [Draft(family="table", key="odd structure", data_sources=[elsewhere]), Draft(family="array", key="none")]
    )
    context = Context.from_app(build_app(tree, settings=Settings(), composition=composition))

    def get(route, keys="", accept="application/json", **query):
        headers = {"accept": accept, "accept-encoding": "identity"}
        url = f"{context.api_uri}{route}/{'/'.join(map(quoted, [*path.split('/'), keys]))}".rstrip("/")
        response = context.http_client.get(url, params=query, headers=headers)
        assert response.status_code == 200, response.text
        return json.loads(response.content) if accept.endswith("json") else msgspec.msgpack.decode(response.content)

    yield get
    context.close()
    tree.close()


def quoted(key):
    return quote(key, safe="")


@pytest.mark.parametrize("accept", ["application/json", "application/x-msgpack"])
@pytest.mark.parametrize(
    "view",
    [
        {},
        {"omit_links": "true"},
        {"fields": "metadata"},
        {"fields": ["structure", "count"]},
        {"fields": ["specs", "access_tags", "sorting"]},
        {"select_metadata": "n"},
        {"include_data_sources": "true"},
    ],
    ids=str,
)
def test_a_listing_agrees_with_the_description_of_each_node(get, view, accept):
    listed = get("search", accept=accept, **view)["data"]
    assert [item["id"] for item in listed][: len(KEYS)] == KEYS
    for item in listed:
        if item["id"] not in ("odd structure", "none"):  # which are described in listings only
            assert item == get("metadata", item["id"], accept=accept, **view)["data"]


def test_what_cannot_be_described_is_listed_with_the_reason(get):
    listed = {item["id"]: item for item in get("search")["data"]}
    for key in ("odd structure", "none"):
        assert "unavailable" in json.dumps(listed[key])


def test_keys_alone_are_listed(get):
    listed = get("search", fields="")["data"]
    assert [item["id"] for item in listed][: len(KEYS)] == KEYS
    for item in listed:
        assert item["links"]["self"].endswith(f"/{quoted(item['id'])}")
        assert item["attributes"]["metadata"] is None
