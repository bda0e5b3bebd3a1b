"""Containers: mappings, and services that are asked asynchronously."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tiledkernel.queries import FullText, Key, KeyPresent


@pytest.fixture(params=["Folder", "Service"])
def tree(request, site):
    """Three images in a container of one of the two styles."""
    colors = {"one": "red", "two": "blue", "three": "red"}
    images = {key: site.Image(metadata={"color": color}) for key, color in colors.items()}
    return getattr(site, request.param)(images, {"facility": "ours"})


def test_a_container_is_listed_in_its_order(serve, tree):
    client = serve(tree)
    assert client.metadata == {"facility": "ours"}
    assert list(client) == ["one", "two", "three"]
    assert len(client) == 3
    assert [key for key, _ in client.items()[1:]] == ["two", "three"]
    assert client["two"].metadata["color"] == "blue"


def test_a_container_may_stand_anywhere_in_a_tree(serve, tree):
    client = serve({"numbers": [1, 2], "deep": {"mine": tree}})
    assert client["deep", "mine", "two"][0, 0] == 0
    assert client["numbers"][:].tolist() == [1, 2]


def test_two_apps_may_serve_one_tree(serve, tree):
    first, second = serve(tree), serve({"b": tree})
    assert list(first) == list(second["b"]) == ["one", "two", "three"]


def test_a_key_that_is_not_there_is_404(serve, ask, tree):
    client = serve(tree)
    response = ask(client, "metadata/four")
    assert response.status_code == 404
    assert response.json() == {"detail": "no such entry: ['four']"}
    with pytest.raises(KeyError):
        client["four"]


def test_searches_and_sorts_find_what_they_find_in_every_tree(serve, tree):
    client = serve(tree)
    assert list(client.search(Key("color") == "red")) == ["one", "three"]
    assert list(client.search(KeyPresent("color", exists=False))) == []
    assert list(client.search(FullText("RED"))) == ["one", "three"]
    assert list(client.search(Key("color") == "red").sort(("id", -1))) == ["three", "one"]
    assert list(client.sort(("color", 1))) == ["two", "one", "three"]
    assert list(client.sort(("nowhere", 1))) == ["one", "two", "three"]
    assert list(client.search(Key("color") == "red").values()[0].metadata) == ["color"]


def test_distinct_values_are_told(serve, tree):
    found = serve(tree).distinct("color", counts=False)["metadata"]["color"]
    assert sorted(item["value"] for item in found) == ["blue", "red"]


def test_what_an_adapter_says_is_asked_for_anew(serve, ask, site, monkeypatch):
    monkeypatch.setattr("tiled_bridge.node.FRESH", 0.0)
    tree = site.Folder({"a": site.Image()}, {"state": "old"})
    client = serve(tree)
    assert ask(client, "metadata/").json()["data"]["attributes"]["metadata"] == {"state": "old"}
    tree._metadata["state"] = "new"
    tree.children["b"] = site.Image()
    found = ask(client, "metadata/").json()["data"]["attributes"]
    assert (found["metadata"], found["structure"]["count"]) == ({"state": "new"}, 2)


def test_a_request_asks_for_a_structure_once(serve, ask, site):
    class Counted(site.Image):
        asked = 0

        def structure(self):
            self.asked += 1
            return super().structure()

    image = Counted()
    client = serve({"a": image})
    assert ask(client, "array/full/a").status_code == 200
    assert image.asked == 1


def test_a_broken_link_is_410_and_does_not_hurt_its_neighbours(serve, ask, site):
    client = serve(site.Folder({"good": site.Image(), "bad": site.BrokenLink}))
    response = ask(client, "metadata/bad")
    assert (response.status_code, response.json()["detail"]) == (410, "this link leads nowhere")
    assert ask(client, "search/?fields=").status_code == 200
    assert [key for key, _ in client.items()] == ["good", "bad"]


def test_children_are_described_with_a_container_that_wants_it(serve, ask, site):
    class Dataset(site.Folder):
        def inlined_contents_enabled(self, depth):
            return depth < 1

    client = serve({"d": Dataset({"a": site.Image()})})
    found = ask(client, "metadata/d").json()["data"]["attributes"]["structure"]
    assert list(found["contents"]) == ["a"]
    assert (
        ask(serve({"d": site.Folder({})}), "metadata/d").json()["data"]["attributes"]["structure"]["contents"] is None
    )


def test_the_moment_until_which_entries_are_fresh_is_told(serve, ask, site):
    class Slow(site.Folder):
        @property
        def entries_stale_at(self):
            return datetime.now().astimezone() + timedelta(hours=1)

        metadata_stale_at = None

    assert "expires" in ask(serve(Slow({})), "search/").headers
    assert "expires" not in ask(serve(site.Folder({})), "search/").headers


def test_keys_that_are_no_texts_are_told(serve, ask, site):
    response = ask(serve({"f": site.Folder({1: site.Image()})}), "search/f")
    assert response.status_code == 500
    assert "Folder has the key 1: the keys of a container are texts" in response.json()["detail"]


def test_an_adapter_may_be_only_subscriptable(serve, site):
    class Old(site.Base):
        structure_family = "container"

        def keys(self):
            return ["a"]

        def get(self, key):
            return {"a": site.Image()}.get(key)

    client = serve(Old())
    assert (list(client), len(client)) == (["a"], 1)
    assert client["a"].shape == (6, 10)
    assert "b" not in client


def test_access_tags_are_searched_for(serve, ask, site):
    tagged = site.Image()
    tagged.access_tags = {"beamline"}
    client = serve(site.Folder({"mine": tagged, "other": site.Image()}))
    found = ask(client, 'search/?filter[access_tags_filter][condition][tags]=["beamline"]').json()["data"]
    assert [item["id"] for item in found] == ["mine"]


def test_a_child_that_can_be_iterated_asynchronously_is_left_as_it_is(serve, site):
    class Stream(site.Image):
        async def __aiter__(self):
            raise AssertionError

    assert serve(site.Folder({"a": Stream()}))["a"].shape == (6, 10)
