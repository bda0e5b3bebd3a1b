"""Searches that a container runs itself, over HTTP."""

from __future__ import annotations

import pytest

from tiledkernel.queries import Eq, Key, KeyPresent, Regex


@pytest.fixture
def service(site):
    colors = {"one": "red", "two": "blue", "three": "red"}
    return site.Service({key: site.Image(metadata={"color": color}) for key, color in colors.items()})


def test_a_query_is_run_by_the_adapter_that_can(serve, service):
    client = serve({"runs": service})["runs"]
    service.asked.clear()
    assert list(client.search(Key("color") == "red")) == ["one", "three"]
    assert ("search", Eq("color", "red")) in service.asked
    assert not [asked for asked in service.asked if asked[0] == "lookup"]


def test_what_it_cannot_run_is_done_child_by_child_of_what_it_found(serve, service):
    client = serve({"runs": service})["runs"]
    found = client.search(Key("color") == "red").search(Regex("color", "e"))
    assert list(found) == ["one", "three"]
    assert len(found) == 2
    assert found["three"].metadata["color"] == "red"
    assert "two" not in found
    assert list(client.search(KeyPresent("color", exists=False))) == []


def test_an_order_is_made_by_the_adapter_that_can(serve, service):
    client = serve({"runs": service})["runs"]
    assert list(client.sort(("color", 1))) == ["two", "one", "three"]
    assert ("sort", [("color", 1)]) in service.asked


def test_distinct_values_are_told_by_the_adapter_that_can(serve, service):
    found = serve({"runs": service})["runs"].distinct("color")
    assert [item["value"] for item in found["metadata"]["color"]] == ["blue", "red"]
    assert ("distinct", ["color"]) in service.asked


def test_a_search_that_is_too_much_is_refused_with_a_sentence(serve, ask, service, monkeypatch):
    monkeypatch.setattr("tiled_bridge.searching.FEASIBLE", 2)
    client = serve({"runs": service})
    response = ask(client, "search/runs?filter[regex][condition][key]=color&filter[regex][condition][pattern]=r")
    assert response.status_code == 400
    assert "the query 'regex' is not supported on this node" in response.json()["detail"]
