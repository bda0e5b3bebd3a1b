"""Many writers at once, at two servers that share a database and a folder: each gets a true answer, nothing is lost."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from .api import GROWING, KEY, Api, array_node, elements, kept_data, named_data, rows, table_node, together

WRITERS = 8
_names = itertools.count()


class Shared(NamedTuple):
    """Servers in processes of their own, and the folder that their uploads and registered files are in."""

    servers: list[Any]
    apis: list[Api]
    folder: Path


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, start_server, make_uri, tmp_path_factory) -> Iterator[Shared]:
    """Two servers of one catalog."""
    folder, uri = tmp_path_factory.mktemp("shared"), make_uri(request.param)
    tables = f"sqlite:///{folder / 'tables.db'}" if request.param == "sqlite" else uri
    (folder / "files").mkdir()
    command = ("serve", "catalog", uri, "--init", "--api-key", KEY)
    places = ("--write", folder / "data", "--write", tables, "--read", folder / "files")
    servers = [start_server(*command, *places, cwd=folder) for _ in range(2)]
    apis = [Api(server.url) for server in servers]
    yield Shared(servers, apis, folder)
    for api in apis:
        api.close()
    for server in servers:
        server.stop()


@pytest.fixture
def apis(shared: Shared) -> list[Api]:
    """For each writer the server that it asks: half of them ask the one, half the other."""
    return shared.apis * (WRITERS // 2)


@pytest.fixture
def folder(shared: Shared) -> Path:
    return shared.folder


@pytest.fixture
def place(apis: list[Api]) -> str:
    """The key of a container that no other test has."""
    return str(apis[0].make(id=f"place{next(_names)}")["id"])


@pytest.fixture(autouse=True)
def all_is_well(shared: Shared) -> Iterator[None]:
    """After each test, the folder holds the data of the nodes that there are, and no server has met a surprise."""
    yield
    for server in shared.servers:
        said = "".join(server.said)
        assert "Traceback" not in said, said
    assert kept_data(shared.folder / "data") == set(named_data(shared.apis[0]))


def statuses(responses: list[Any]) -> Counter[int]:
    return Counter(response.status_code for response in responses)


def attempts(apis: list[Api], ask: Callable[[int, Api], Any]) -> list[Any]:
    """What the writers are told that ask at the same moment."""
    return together(*(lambda number=number, api=api: ask(number, api) for number, api in enumerate(apis)))


# Making


@pytest.mark.parametrize("family", ["container", "array", "table", "growing table"])
def test_of_several_makers_of_one_key_one_wins(apis, place, family) -> None:
    node = {
        "container": {"structure_family": "container", "id": "x"},
        "array": array_node("x", (2, 3)),
        "table": table_node("x"),
        "growing table": table_node("x", GROWING),
    }[family]
    told = attempts(apis, lambda number, api: api("POST", f"metadata/{place}", json=node | {"metadata": {"n": number}}))
    assert statuses(told) == {200: 1, 409: WRITERS - 1}
    assert all("'x' is taken" in response.text for response in told if response.status_code == 409)
    winner = [response.status_code for response in told].index(200)
    assert apis[0].get(f"metadata/{place}/x")["data"]["attributes"]["metadata"] == {"n": winner}
    assert apis[0].keys(place) == ["x"]


@pytest.mark.parametrize("key", ["x", None])
def test_a_request_that_is_sent_again_while_the_first_is_under_way_makes_one_node(apis, place, key) -> None:
    node = array_node(key, (2, 3))
    told = attempts(
        apis, lambda _, api: api("POST", f"metadata/{place}", json=node, headers={"idempotency-key": place})
    )
    assert statuses(told) == {200: WRITERS}, [response.text for response in told]
    assert len({response.json()["id"] for response in told}) == 1
    assert len({str(response.json()["data_sources"]) for response in told}) == 1
    assert apis[0].keys(place) == [told[0].json()["id"]]


def test_files_that_several_register_at_once_are_registered_all_or_none(apis, place, folder) -> None:
    path = folder / "files" / f"{place}.npy"
    np.save(path, np.arange(6).reshape(2, 3))
    asset = {"data_uri": f"file://localhost{path}", "is_directory": False, "parameter": "data_uri"}

    def batch(keys: range) -> list[dict[str, Any]]:
        nodes = [array_node(f"k{number}", (2, 3)) for number in keys]
        for node in nodes:
            node["data_sources"][0] |= {"management": "external", "mimetype": "application/x-npy", "assets": [asset]}
        return nodes

    parts = [range(number * 40, number * 40 + 50) for number in range(WRITERS)]  # neighbours have ten in common
    told = attempts(apis, lambda number, api: api("POST", f"register/{place}", json=batch(parts[number])))
    assert statuses(told).keys() <= {200, 409}
    won = [part for part, response in zip(parts, told, strict=True) if response.status_code == 200]
    assert len(won) >= WRITERS / 4
    assert sorted(apis[0].keys(place)) == sorted({f"k{number}" for part in won for number in part})
    assert apis[0].get(f"array/full/{place}/k{won[0][0]}?format=json") == [[0, 1, 2], [3, 4, 5]]


def test_what_is_made_in_a_container_that_is_deleted_goes_with_it_or_is_refused(apis, place) -> None:
    for round_ in range(3):
        apis[0].make(place, id="top")

        def ask(number: int, api: Api, key: str = f"x{round_}-") -> Any:
            if number:
                return api("POST", f"metadata/{place}/top", json=array_node(f"{key}{number}", (2,)))
            return api("DELETE", f"metadata/{place}/top?recursive=true&external_only=false")

        deleted, *made = attempts(apis, ask)
        assert deleted.status_code == 200, deleted.text
        assert statuses(made).keys() <= {200, 404}, [response.text for response in made]
        assert apis[0].keys(place) == []


# Changing


@pytest.mark.parametrize("change", ["replace", "patch", "delete", "data", "rows"])
def test_of_several_who_know_one_state_one_changes_it(apis, place, change) -> None:
    apis[0].make(place, **(table_node("x") if change == "rows" else array_node("x", (2, 3))))
    etag = {"if-match": apis[0]("GET", f"metadata/{place}/x").headers["etag"]}
    merging = {"content-type": "application/merge-patch+json"}

    def ask(number: int, api: Api) -> Any:
        if change == "data":
            body = elements(number, 2, 3)
            return api("PUT", f"array/full/{place}/x", content=body["content"], headers=body["headers"] | etag)
        if change == "rows":
            body = rows(number, 0, 3)
            return api("PUT", f"table/full/{place}/x", content=body["content"], headers=body["headers"] | etag)
        if change == "delete":
            return api("DELETE", f"metadata/{place}/x?external_only=false", headers=etag)
        content = {"metadata": {"n": number}} | (merging if change == "patch" else {})
        return api("PUT" if change == "replace" else "PATCH", f"metadata/{place}/x", json=content, headers=etag)

    told = attempts(apis, ask)
    gone = {404} if change == "delete" else set()
    assert statuses(told)[200] == 1, statuses(told)
    assert statuses(told).keys() <= {200, 412} | gone
    winner = [response.status_code for response in told].index(200)
    if change in ("replace", "patch"):
        assert apis[0].get(f"metadata/{place}/x")["data"]["attributes"]["metadata"] == {"n": winner}
    if change == "data":
        assert apis[1].get(f"array/full/{place}/x?format=json") == [[winner] * 3] * 2
    if change == "rows":
        assert apis[1].get(f"table/full/{place}/x?format=json")["writer"] == [winner] * 3


def test_patches_of_metadata_all_count(apis, place) -> None:
    apis[0].make(place, id="x", metadata={"log": []})

    def ask(number: int, api: Api) -> Any:
        patch = [{"op": "add", "path": "/log/-", "value": number}]
        body = {"content-type": "application/json-patch+json", "metadata": patch}
        return [api("PATCH", f"metadata/{place}/x", json=body) for _ in range(3)]

    told = attempts(apis, ask)
    assert statuses([*itertools.chain(*told)]) == {200: 3 * WRITERS}
    log = apis[0].get(f"metadata/{place}/x")["data"]["attributes"]["metadata"]["log"]
    assert Counter(log) == dict.fromkeys(range(WRITERS), 3)
    assert apis[0].get(f"revisions/{place}/x?page[limit]=0")["meta"]["count"] == 3 * WRITERS


# Data


def test_rows_that_many_append_are_all_there_once(apis, place) -> None:
    apis[0].make(place, **table_node("x", GROWING))

    def ask(number: int, api: Api) -> Any:
        return [
            api("PATCH", f"table/partition/{place}/x?partition=0", **rows(number, 10 * batch, 10)) for batch in range(4)
        ]

    told = attempts(apis, ask)
    assert statuses([*itertools.chain(*told)]) == {200: 4 * WRITERS}
    found = apis[1].get(f"table/full/{place}/x?format=json")
    assert sorted(zip(found["writer"], found["row"], strict=True)) == [
        (writer, row) for writer in range(WRITERS) for row in range(40)
    ]


def test_an_array_that_many_extend_has_what_each_wrote(apis, place) -> None:
    apis[0].make(place, **array_node("x", (1, 3)))

    def ask(number: int, api: Api) -> Any:
        begin = 1 + 5 * number
        return [
            api("PATCH", f"array/full/{place}/x?offset={begin + step}&shape=1,3&extend=true", **elements(begin, 1, 3))
            for step in range(5)
        ]

    told = attempts(apis, ask)
    assert statuses([*itertools.chain(*told)]) == {200: 5 * WRITERS}
    expected = [0, *(1 + 5 * number for number in range(WRITERS) for _ in range(5))]
    assert apis[1].get(f"array/full/{place}/x?format=json") == [[value] * 3 for value in expected]
    structure = apis[0].get(f"metadata/{place}/x")["data"]["attributes"]["structure"]
    assert (structure["shape"], sum(structure["chunks"][0])) == ([1 + 5 * WRITERS, 3], 1 + 5 * WRITERS)


@pytest.mark.parametrize("chunks", [[[4], [3]], [[2, 2], [1, 1, 1]]], ids=["one chunk", "many chunks"])
def test_readers_never_see_a_mixture_of_what_many_replace(apis, place, chunks) -> None:
    apis[0].make(place, **array_node("x", (4, 3), chunks))
    assert apis[0]("PUT", f"array/full/{place}/x", **elements(0, 4, 3)).status_code == 200

    def ask(number: int, api: Api) -> Any:
        if number % 4 == 0:
            return [api("GET", f"array/full/{place}/x?format=json") for _ in range(15)]
        return [api("PUT", f"array/full/{place}/x", **elements(number, 4, 3)) for _ in range(5)]

    told = attempts(apis, ask)
    assert statuses([*itertools.chain(*told)]).keys() == {200}, [r.text for r in itertools.chain(*told) if r.is_error]
    for response in itertools.chain(told[0], told[4]):
        assert len({value for row in response.json() for value in row}) == 1


def test_readers_see_whole_tables_while_many_replace_them(apis, place) -> None:
    apis[0].make(place, **table_node("x", npartitions=3))

    def ask(number: int, api: Api) -> Any:
        if number % 4 == 0:
            return [api("GET", f"table/full/{place}/x?format=json") for _ in range(10)]
        return [api("PUT", f"table/full/{place}/x", **rows(number, 0, 9)) for _ in range(3)]

    told = attempts(apis, ask)
    assert statuses(told[1] + told[2]).keys() == {200}
    for response in itertools.chain(told[0], told[4]):
        assert response.status_code == 200 or (response.status_code == 503 and "ask again" in response.text)
        if response.status_code == 200:
            found = response.json()
            assert len(set(found["writer"])) <= 1
            assert found["row"] in ([], [*range(9)])


WRITES = {
    "whole": ("array", "PUT", "array/full/{}", elements(1, 4, 3)),
    "block": ("array", "PUT", "array/block/{}?block=1,1", elements(1, 2, 1)),
    "patch": ("array", "PATCH", "array/full/{}?offset=1,0&shape=2,3", elements(1, 2, 3)),
    "extend": ("array", "PATCH", "array/full/{}?offset=4,0&shape=1,3&extend=true", elements(1, 1, 3)),
    "table": ("table", "PUT", "table/full/{}", rows(1, 0, 9)),
    "partition": ("table", "PUT", "table/partition/{}?partition=1", rows(1, 0, 3)),
    "append": ("growing table", "PATCH", "table/partition/{}?partition=0", rows(1, 0, 3)),
}


@pytest.mark.parametrize("how", WRITES)
def test_what_is_deleted_while_others_write_into_it_is_gone_and_they_are_told(apis, place, how) -> None:
    family, method, path, body = WRITES[how]
    expected = {200, 404} | ({410} if how == "append" else set())  # the rows may be gone an instant before the node
    for round_ in range(2):
        key = f"x{round_}"
        apis[0].make(
            place,
            **{
                "array": array_node(key, (4, 3), [[2, 2], [1, 1, 1]]),
                "table": table_node(key, npartitions=3),
                "growing table": table_node(key, GROWING),
            }[family],
        )

        def ask(number: int, api: Api, key: str = key) -> Any:
            if number == 0:
                api("GET", f"metadata/{place}/{key}")  # so that some have begun
                return [api("DELETE", f"metadata/{place}/{key}?external_only=false")]
            return [api(method, path.format(f"{place}/{key}"), **body) for _ in range(3)]

        deleted, *written = attempts(apis, ask)
        assert statuses(deleted) == {200: 1}, deleted[0].text
        told = [*itertools.chain(*written)]
        assert statuses(told).keys() <= expected, {r.text for r in told if r.status_code not in expected}
        assert apis[0]("GET", f"metadata/{place}/{key}").status_code == 404
        assert apis[0].keys(place) == []
