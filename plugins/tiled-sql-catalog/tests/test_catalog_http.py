"""A catalog over HTTP, as a program without a client asks it: making, changing, describing and deleting nodes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from tiled_sql_catalog.tree import CatalogOptions, build_catalog

from tiledkernel.client import Context
from tiledkernel.composition import Composition
from tiledkernel.nodes.validation import ValidationError, ValidatorFailed
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

STRUCTURE = {
    "data_type": {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None},
    "chunks": [[2], [3]],
    "shape": [2, 3],
    "dims": ["x", "y"],
}
ARRAY = {"structure_family": "array", "structure": STRUCTURE, "management": "writable"}
_numbers = itertools.count()


@pytest.fixture(scope="session")
def composition() -> Composition:
    return Composition(discover())


@pytest.fixture
def ask(composition: Composition, tmp_path: Path) -> Iterator[Callable[..., httpx.Response]]:
    """Requests to a writable catalog that may read the folder `files`; `settings` make another server of it."""
    (tmp_path / "files").mkdir()
    options = CatalogOptions(
        uri=str(tmp_path / "catalog.db"),
        init_if_not_exists=True,
        writable_storage=[str(tmp_path / "data")],
        readable_storage=[str(tmp_path / "files")],
    )
    tree = build_catalog(options, composition)
    contexts: list[Context] = []

    def context_for(settings: dict[str, Any]) -> Context:
        app = build_app(tree, settings=Settings(**settings), composition=composition)
        contexts.append(Context.from_app(app, raise_server_exceptions=True))
        return contexts[-1]

    usual = context_for({})

    def request(method: str, path: str, **given: Any) -> httpx.Response:
        context = context_for(given.pop("settings")) if "settings" in given else usual
        headers = {"accept-encoding": "identity", "accept": "application/json"} | given.pop("headers", {})
        return context.http_client.request(method, f"{context.api_uri}{path}", headers=headers, **given)

    yield request
    for context in contexts:
        context.close()
    tree.store.database.close()


def make(ask: Callable[..., httpx.Response], path: str = "", **node: Any) -> dict[str, Any]:
    response = ask("POST", f"metadata/{path}", json={"structure_family": "container", **node})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def file_source(path: Path, **changes: Any) -> dict[str, Any]:
    asset = {"data_uri": f"file://localhost{path}", "is_directory": False, "parameter": "data_uri"}
    return ARRAY | {"management": "external", "mimetype": "application/x-npy", "assets": [asset]} | changes


def detail(response: httpx.Response) -> str:
    """What the sentence of a refusal says."""
    found = response.json()["detail"]
    return found if isinstance(found, str) else found[0]["msg"]


# Making


def test_a_container_is_acknowledged_with_its_links(ask) -> None:
    made = make(ask, id="a", metadata={"n": 1}, specs=[{"name": "scan", "version": "2"}], ancestors=[""])
    assert set(made) == {"id", "links", "data_sources", "access_tags"}
    assert made["links"]["search"].endswith("/api/v1/search/a")
    attributes = ask("GET", "metadata/a").json()["data"]["attributes"]
    assert (attributes["metadata"], attributes["specs"]) == ({"n": 1}, [{"name": "scan", "version": "2"}])
    assert (attributes["access_tags"], attributes["sorting"]) == ([], [{"key": "", "direction": 1}])


def test_an_array_has_room_before_anything_is_uploaded(ask, tmp_path) -> None:
    made = make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    (source,) = made["data_sources"]
    assert (source["mimetype"], source["management"]) == ("application/x-zarr", "writable")
    assert source["assets"][0]["data_uri"].startswith(f"file://localhost{tmp_path}/data/")
    assert "x" not in Path(source["assets"][0]["data_uri"]).parent.name.split(".")
    assert ask("GET", "array/full/x?format=json").json() == [[0, 0, 0], [0, 0, 0]]


def test_what_was_uploaded_is_read(ask) -> None:
    make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    data = np.arange(6).reshape(2, 3)
    assert ask("PUT", "array/full/x", content=data.tobytes()).json() is None
    assert ask("GET", "array/full/x?format=json").json() == data.tolist()
    assert ask("GET", "array/full/x?slice=1,::2&format=json").json() == [3, 5]


def test_a_key_is_made_up_if_there_is_none(ask) -> None:
    keys = {make(ask)["id"] for _ in range(3)}
    assert len(keys) == 3
    assert all(len(key) == 36 for key in keys)


@pytest.mark.parametrize("key", ["a/b", "", ".", "..", "nul\0", "x" * 2000])
def test_a_key_that_is_none_is_refused(ask, key) -> None:
    response = ask("POST", "metadata/", json={"structure_family": "container", "id": key})
    assert response.status_code == 422
    assert "cannot be a key" in detail(response)


@pytest.mark.parametrize("key", ["bad key!", "é☃", "%2F", "a?b#c", "{0}", " ", "a\\b", "..."])
def test_any_other_key_leads_to_its_node(ask, key) -> None:
    made = make(ask, id=key)
    assert ask("GET", made["links"]["self"].partition("/api/v1/")[2]).json()["data"]["id"] == key


def test_a_taken_key_is_a_conflict_and_nothing_is_left_of_the_second(ask, tmp_path) -> None:
    make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    before = sorted((tmp_path / "data").rglob("*"))
    response = ask("POST", "metadata/", json={"structure_family": "array", "id": "x", "data_sources": [ARRAY]})
    assert (response.status_code, "'x' is taken" in detail(response)) == (409, True)
    make(ask, id="c")
    make(ask, "c", id="d")
    assert "'/c/d'" in detail(ask("POST", "metadata/c", json={"structure_family": "container", "id": "d"}))
    assert [path for path in sorted((tmp_path / "data").rglob("*")) if path.is_file()] == [
        path for path in before if path.is_file()
    ]


def test_a_request_that_is_sent_again_makes_one_node(ask, tmp_path) -> None:
    node = {"structure_family": "array", "data_sources": [ARRAY]}
    made = [ask("POST", "metadata/", json=node, headers={"idempotency-key": "7"}).json() for _ in range(3)]
    assert len({each["id"] for each in made}) == 1
    assert made[0]["data_sources"] == made[2]["data_sources"]
    assert len(list((tmp_path / "data").glob("*/*"))) == 1
    assert ask("GET", "search/?fields=count").json()["meta"]["count"] == 1


@pytest.mark.parametrize(
    ("node", "status", "sentence"),
    [
        ({"structure_family": "nonsense"}, 422, "structure family"),
        ({"structure_family": "array"}, 422, "exactly one data source"),
        ({"structure_family": "array", "data_sources": [ARRAY, ARRAY]}, 422, "found 2"),
        ({"structure_family": "container", "data_sources": [ARRAY]}, 422, "no data of its own"),
        ({"structure_family": "table", "data_sources": [ARRAY]}, 422, "its data of family 'array'"),
        ({"structure_family": "array", "data_sources": [ARRAY | {"structure": {"shape": [1]}}]}, 422, "no structure"),
        ({"structure_family": "array", "data_sources": [ARRAY | {"mimetype": "text/csv"}]}, 415, "nobody here writes"),
        ({"structure_family": "array", "data_sources": [ARRAY | {"nonsense": 1}]}, 422, "nonsense"),
        ({"structure_family": "container", "specs": ["plain"]}, 422, "specs"),
        ({"structure_family": "container", "specs": [{"name": "a"}] * 2}, 422, "twice"),
        ({"structure_family": "container", "specs": [{"name": f"s{n}"} for n in range(21)]}, 422, "too many"),
        ({"structure_family": "container", "specs": [{"name": "x" * 256}]}, 422, "255"),
        ({"structure_family": "container", "metadata": [1]}, 422, "object"),
        ({}, 422, "structure_family"),
        ([1], 422, "object"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_made(ask, tmp_path, node, status, sentence) -> None:
    response = ask("POST", "metadata/", json=node)
    assert (response.status_code, sentence in detail(response)) == (status, True), response.text
    assert ask("GET", "search/?fields=count").json()["meta"]["count"] == 0
    assert not list((tmp_path / "data").glob("*/*"))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"structure_family":"container","metadata":'])
def test_a_body_that_is_none_is_refused(ask, body) -> None:
    response = ask("POST", "metadata/", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422


def test_deep_metadata_are_refused(ask) -> None:
    text = b'{"structure_family":"container","metadata":' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}"
    response = ask("POST", "metadata/", content=text, headers={"content-type": "application/json"})
    assert response.status_code == 422


def test_nothing_is_made_below_what_is_no_container(ask, tmp_path) -> None:
    make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    refused = ask("POST", "metadata/x", json={"structure_family": "container"})
    assert (refused.status_code, "only containers have nodes in them" in detail(refused)) == (405, True)
    assert ask("POST", "metadata/nope", json={"structure_family": "container"}).status_code == 404


def test_metadata_hold_what_json_holds(ask) -> None:
    metadata = {"a": None, "b": [1, 2.5, "x", True], "c": {"d": {}}, "big": 2**60, "e": ""}
    make(ask, id="m", metadata=metadata)
    assert ask("GET", "metadata/m").json()["data"]["attributes"]["metadata"] == metadata


@pytest.mark.parametrize("path", ["metadata/m", "search/"])
def test_whole_numbers_of_any_size_are_read_in_either_encoding(ask, path) -> None:
    make(ask, id="m", metadata={"huge": 2**70})
    assert f'"huge":{2**70}'.encode() in ask("GET", path).content
    packed = ask("GET", path, headers={"accept": "application/x-msgpack"})
    data = msgspec.msgpack.decode(packed.content)["data"]
    assert (data if path == "metadata/m" else data[0])["attributes"]["metadata"] == {"huge": 2.0**70}


# Changing


def test_what_a_replacement_leaves_out_stays(ask) -> None:
    make(ask, id="a", metadata={"n": 1}, specs=[{"name": "s"}])
    assert ask("PUT", "metadata/a", json={"metadata": {"m": 2}}).json() == {"id": "a"}
    attributes = ask("GET", "metadata/a").json()["data"]["attributes"]
    assert (attributes["metadata"], [spec["name"] for spec in attributes["specs"]]) == ({"m": 2}, ["s"])


def test_both_kinds_of_patches_apply(ask) -> None:
    make(ask, id="a", metadata={"n": 1, "gone": 1})
    merge = {"content-type": "application/merge-patch+json", "metadata": {"gone": None, "m": {"k": 1}}}
    assert ask("PATCH", "metadata/a", json=merge).status_code == 200
    operations = [{"op": "replace", "path": "/n", "value": 5}, {"op": "add", "path": "/m/l", "value": [1]}]
    patch = {"content-type": "application/json-patch+json", "metadata": operations}
    assert ask("PATCH", "metadata/a", json=patch).status_code == 200
    metadata = ask("GET", "metadata/a").json()["data"]["attributes"]["metadata"]
    assert metadata == {"n": 5, "m": {"k": 1, "l": [1]}}


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ({"content-type": "text/plain", "metadata": {}}, 406),
        ({"content-type": "application/json-patch+json", "metadata": [{"op": "remove", "path": "/nope"}]}, 422),
        ({"content-type": "application/json-patch+json", "metadata": {"a": 1}}, 422),
        ({"content-type": "application/json-patch+json", "specs": [{"op": "add", "path": "/0", "value": 1}]}, 422),
        ({"metadata": {}}, 422),
    ],
)
def test_a_patch_that_does_not_apply_changes_nothing(ask, patch, status) -> None:
    make(ask, id="a", metadata={"n": 1})
    assert ask("PATCH", "metadata/a", json=patch).status_code == status
    assert ask("GET", "metadata/a").json()["data"]["attributes"]["metadata"] == {"n": 1}


def test_each_change_is_kept_as_a_revision_unless_told_to_drop_it(ask) -> None:
    make(ask, id="a", metadata={"n": 0})
    for number in range(1, 4):
        ask("PUT", f"metadata/a?drop_revision={str(number == 2).lower()}", json={"metadata": {"n": number}})
    found = ask("GET", "revisions/a").json()
    assert [(each["revision_number"], each["attributes"]["metadata"]["n"]) for each in found["data"]] == [
        (1, 0),
        (2, 2),
    ]
    assert ask("GET", "revisions/a?page[limit]=0").json()["meta"]["count"] == 2
    assert ask("DELETE", "revisions/a?number=1").json() is None
    assert ask("DELETE", "revisions/a?number=1").status_code == 404


def test_of_two_who_know_the_same_state_one_changes_it(ask) -> None:
    make(ask, id="a", metadata={"n": 0})
    known = ask("GET", "metadata/a").headers["etag"]
    statuses = [
        ask("PUT", "metadata/a", json={"metadata": {"n": number}}, headers={"if-match": known}).status_code
        for number in (1, 2)
    ]
    assert statuses == [200, 412]
    assert ask("GET", "metadata/a").json()["data"]["attributes"]["metadata"] == {"n": 1}
    for method in ("PATCH", "DELETE"):
        body = {"json": {"content-type": "application/merge-patch+json"}} if method == "PATCH" else {}
        assert ask(method, "metadata/a", headers={"if-match": known}, **body).status_code == 412
    assert ask("DELETE", "metadata/a", headers={"if-match": "*"}).status_code == 200


def test_of_two_who_know_the_same_state_one_writes_data(ask) -> None:
    make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    known = ask("GET", "metadata/x").headers["etag"]
    statuses = [
        ask("PUT", "array/full/x", content=np.full(6, n).tobytes(), headers={"if-match": known}).status_code
        for n in (1, 2)
    ]
    assert statuses == [200, 412]
    assert ask("GET", "array/full/x?format=json").json() == [[1, 1, 1], [1, 1, 1]]


def test_tags_cannot_be_changed_where_nothing_goes_by_them(ask) -> None:
    assert make(ask, id="a", access_tags=["mine"])["access_tags"] == []
    assert ask("PUT", "metadata/a", json={"access_tags": ["other"]}).json() == {"id": "a", "access_tags": []}


# Specs that promise something


def refuse_odd(spec: Any, metadata: Any, node: Any, family: str | None, structure: Any) -> dict[str, Any] | None:
    del spec, node, family, structure
    if metadata.get("n", 0) % 2:
        raise ValidationError("n must be even")
    return {**metadata, "checked": True}


def test_a_validator_corrects_metadata_before_they_are_stored(ask) -> None:
    settings = {"specs": {"even": refuse_odd}}
    node = {"structure_family": "container", "id": "a", "metadata": {"n": 2}, "specs": [{"name": "even"}]}
    made = ask("POST", "metadata/", json=node, settings=settings)
    assert made.json()["metadata"] == {"n": 2, "checked": True}
    assert ask("GET", "metadata/a").json()["data"]["attributes"]["metadata"] == {"n": 2, "checked": True}
    changed = ask("PUT", "metadata/a", json={"metadata": {"n": 4}}, settings=settings)
    assert changed.json()["metadata"] == {"n": 4, "checked": True}
    refused = ask("PUT", "metadata/a", json={"metadata": {"n": 3}}, settings=settings)
    assert (refused.status_code, detail(refused)) == (400, "failed validation for the even spec: n must be even")
    assert ask("GET", "metadata/a").json()["data"]["attributes"]["metadata"]["n"] == 4


async def look_up_elsewhere(spec: Any, metadata: Any, node: Any, family: str | None, structure: Any) -> dict[str, Any]:
    del spec, node, family, structure
    await asyncio.sleep(0)
    return {**metadata, "found": True}


def test_a_validator_may_wait_for_others(ask) -> None:
    node = {"structure_family": "container", "id": "a", "specs": [{"name": "known"}]}
    made = ask("POST", "metadata/", json=node, settings={"specs": {"known": look_up_elsewhere}})
    assert made.json()["metadata"] == {"found": True}
    assert ask("GET", "metadata/a").json()["data"]["attributes"]["metadata"] == {"found": True}


@pytest.mark.parametrize(
    ("validate", "reason"), [(lambda *_: 1 / 0, "raised ZeroDivisionError"), (lambda *_: ["a"], "returned list")]
)
def test_a_validator_that_fails_is_named_and_nothing_is_made(ask, validate, reason) -> None:
    node = {"structure_family": "container", "id": "a", "specs": [{"name": "odd"}]}
    with pytest.raises(ValidatorFailed, match=f"the validator of the spec 'odd' {reason}"):  # a 500 on a real socket
        ask("POST", "metadata/", json=node, settings={"specs": {"odd": validate}})
    assert ask("GET", "metadata/a").status_code == 404


def test_undeclared_specs_are_refused_where_that_is_wanted(ask) -> None:
    node = {"structure_family": "container", "specs": [{"name": "unheard"}]}
    response = ask("POST", "metadata/", json=node, settings={"reject_undeclared_specs": True})
    assert (response.status_code, "Unrecognized spec" in detail(response)) == (400, True)


def test_a_composite_holds_no_containers_and_no_name_twice(ask) -> None:
    make(ask, id="c", specs=[{"name": "composite"}])
    make(ask, "c", structure_family="array", id="x", data_sources=[ARRAY])
    refused = ask("POST", "metadata/c", json={"structure_family": "container", "id": "inner"})
    assert (refused.status_code, "holds none" in detail(refused)) == (400, True)
    make(ask, id="d")
    make(ask, "d", id="inner")
    assert ask("PUT", "metadata/d", json={"specs": [{"name": "composite"}]}).status_code == 400
    assert ask("PUT", "metadata/c/x", json={"specs": [{"name": "composite"}]}).status_code == 400


# Deleting


def test_what_is_not_empty_or_kept_here_is_deleted_only_if_both_are_said(ask, tmp_path) -> None:
    make(ask, id="a")
    make(ask, "a", structure_family="array", id="x", data_sources=[ARRAY])
    assert ask("DELETE", "metadata/a").status_code == 409
    assert ask("DELETE", "metadata/a?recursive=true").status_code == 409
    assert ask("DELETE", "metadata/a?external_only=false").status_code == 409
    assert list((tmp_path / "data").glob("*/*"))
    assert ask("DELETE", "metadata/a?recursive=true&external_only=false").json() is None
    assert not list((tmp_path / "data").glob("*/*"))
    assert ask("GET", "metadata/a").status_code == 404


def test_the_root_cannot_be_deleted(ask) -> None:
    assert ask("DELETE", "metadata/?recursive=true&external_only=false").status_code == 405


# Registering


def test_a_registered_file_is_read_where_it_is(ask, tmp_path) -> None:
    data = np.arange(6).reshape(2, 3)
    np.save(tmp_path / "files" / "f.npy", data)
    node = {"structure_family": "array", "id": "f", "data_sources": [file_source(tmp_path / "files" / "f.npy")]}
    made = ask("POST", "register/", json=node).json()
    (asset,) = made["data_sources"][0]["assets"]
    assert asset["size"] == (tmp_path / "files" / "f.npy").stat().st_size
    assert ask("GET", "array/full/f?format=json").json() == data.tolist()
    assert ask("GET", f"asset/bytes/f?id={asset['id']}").content == (tmp_path / "files" / "f.npy").read_bytes()
    assert ask("PUT", "array/full/f", content=data.tobytes()).status_code == 405
    assert ask("DELETE", "metadata/f").json() is None
    assert (tmp_path / "files" / "f.npy").exists()


def test_many_files_are_registered_at_once_or_none(ask, tmp_path) -> None:
    np.save(tmp_path / "files" / "f.npy", np.zeros((2, 3), int))
    source = file_source(tmp_path / "files" / "f.npy")
    nodes = [{"structure_family": "array", "id": f"f{n}", "data_sources": [source]} for n in range(5)]
    made = ask("POST", "register/", json=nodes).json()
    assert [each["id"] for each in made] == ["f0", "f1", "f2", "f3", "f4"]
    clash = [{**nodes[0], "id": "new"}, nodes[0]]
    assert ask("POST", "register/", json=clash).status_code == 409
    assert ask("GET", "metadata/new").status_code == 404


def test_files_that_nobody_reads_are_registered_as_opaque_ones_only(ask, tmp_path) -> None:
    (tmp_path / "files" / "f.odd").write_bytes(b"12345")
    source = file_source(tmp_path / "files" / "f.odd", mimetype="application/x-odd")
    refused = ask("POST", "register/", json={"structure_family": "array", "id": "f", "data_sources": [source]})
    assert (refused.status_code, "'application/x-odd'" in detail(refused)) == (415, True)
    folder = source | {"mimetype": "application/x-npy"}
    folder["assets"] = [source["assets"][0] | {"data_uri": f"file://localhost{tmp_path}/files", "is_directory": True}]
    refused = ask("POST", "register/", json={"structure_family": "array", "id": "f", "data_sources": [folder]})
    assert (refused.status_code, "directories" in detail(refused)) == (415, True)
    opaque = source | {"structure_family": "bytes", "structure": {}}
    made = ask("POST", "register/", json={"structure_family": "bytes", "id": "f", "data_sources": [opaque]}).json()
    assert made["data_sources"][0]["mimetype"] == "application/x-odd"
    assert ask("GET", f"asset/bytes/f?id={made['data_sources'][0]['assets'][0]['id']}").content == b"12345"


def outside(folder: Path) -> Iterator[str]:
    """URIs of a file beside the folder that may be read, by all ways that lead there."""
    (folder / "secret.npy").write_bytes(b"secret")
    (folder / "files" / "link.npy").symlink_to(folder / "secret.npy")
    (folder / "files" / "up").symlink_to(folder)
    yield f"file://localhost{folder}/secret.npy"
    yield f"file://localhost{folder}/files/../secret.npy"
    yield f"file://localhost{folder}/files/%2e%2e/secret.npy"
    yield f"file://localhost{folder}/files/link.npy"
    yield f"file://localhost{folder}/files/up/secret.npy"
    yield "file://localhost/etc/passwd"
    yield "file:///etc/passwd"
    yield "file://elsewhere/etc/passwd"
    yield "https://example.org/x.npy"
    yield "/etc/passwd"
    yield f"file://localhost{folder}/files/nope.npy"


def test_nothing_outside_the_readable_folders_is_ever_registered(ask, tmp_path) -> None:
    for uri in outside(tmp_path):
        source = file_source(Path("/"))
        source["assets"][0]["data_uri"] = uri
        response = ask("POST", "register/", json={"structure_family": "array", "id": "e", "data_sources": [source]})
        assert response.status_code in (403, 422), uri
        assert "secret" not in response.text.replace("secret.npy", "")
    assert ask("GET", "search/?fields=count").json()["meta"]["count"] == 0


def test_a_file_that_is_gone_is_named(ask, tmp_path) -> None:
    path = tmp_path / "files" / "f.npy"
    np.save(path, np.zeros((2, 3), int))
    ask("POST", "register/", json={"structure_family": "array", "id": "f", "data_sources": [file_source(path)]})
    path.unlink()
    response = ask("GET", "array/full/f")
    assert (response.status_code, "'f.npy', is gone" in detail(response)) == (410, True)
    assert str(tmp_path) not in response.text


def test_a_file_that_became_a_link_leads_nowhere(ask, tmp_path) -> None:
    path = tmp_path / "files" / "f.npy"
    np.save(path, np.zeros((2, 3), int))
    node = {"structure_family": "array", "id": "f", "data_sources": [file_source(path)]}
    asset = ask("POST", "register/", json=node).json()["data_sources"][0]["assets"][0]["id"]
    (tmp_path / "secret.npy").write_bytes(b"secret")
    path.unlink()
    path.symlink_to(tmp_path / "secret.npy")
    for route in ("array/full/f", f"asset/bytes/f?id={asset}"):
        response = ask("GET", route)
        assert response.status_code in (403, 410), route
        assert b"secret" not in response.content.replace(b"secret.npy", b"")


@pytest.mark.parametrize("relative", ["../secret.npy", "/etc/passwd", "%2e%2e/secret.npy", "a/../../secret.npy", ""])
def test_a_directory_hands_out_what_is_in_it(ask, tmp_path, relative) -> None:
    (tmp_path / "data" / "secret.npy").write_bytes(b"secret")
    made = make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    ask("PUT", "array/full/x", content=np.arange(6).tobytes())
    number = made["data_sources"][0]["assets"][0]["id"]
    manifest = ask("GET", f"asset/manifest/x?id={number}").json()["manifest"]
    assert "zarr.json" in manifest
    for name in manifest:
        assert ask("GET", f"asset/bytes/x?id={number}&relative_path={name}").status_code == 200
    refused = ask("GET", f"asset/bytes/x?id={number}", params={"id": number, "relative_path": relative})
    assert refused.status_code in (400, 404)


def test_raw_files_are_kept_back_where_that_is_wanted(ask, tmp_path) -> None:
    np.save(tmp_path / "files" / "f.npy", np.zeros((2, 3), int))
    node = {"structure_family": "array", "id": "f", "data_sources": [file_source(tmp_path / "files" / "f.npy")]}
    number = ask("POST", "register/", json=node).json()["data_sources"][0]["assets"][0]["id"]
    closed = {"expose_raw_assets": False}
    assert ask("GET", f"asset/bytes/f?id={number}", settings=closed).status_code == 403
    assert ask("DELETE", f"asset/f?id={number}", settings=closed).status_code == 403
    assert ask("GET", "metadata/f?include_data_sources=true", settings=closed).json()["data"]["attributes"][
        "data_sources"
    ]


def test_a_file_that_two_nodes_share_survives_one(ask, tmp_path) -> None:
    path = tmp_path / "files" / "f.npy"
    np.save(path, np.zeros((2, 3), int))
    made = [
        ask(
            "POST", "register/", json={"structure_family": "array", "id": key, "data_sources": [file_source(path)]}
        ).json()["data_sources"][0]
        for key in "ab"
    ]
    numbers = {source["assets"][0]["id"] for source in made}
    assert len(numbers) == 1
    (number,) = numbers
    assert ask("DELETE", f"asset/a?id={number}").json() == {"asset_deleted": False, "data_deleted": False}
    assert ask("DELETE", f"asset/b?id={number}").json() == {"asset_deleted": True, "data_deleted": False}
    assert path.exists()


def test_data_that_were_taken_from_a_node_are_said_to_be_gone(ask) -> None:
    made = make(ask, structure_family="array", id="x", data_sources=[ARRAY])
    number = made["data_sources"][0]["assets"][0]["id"]
    assert ask("DELETE", f"asset/x?id={number}&external_only=false").json()["data_deleted"]
    response = ask("GET", "array/full/x")
    assert (response.status_code, "there are no data any more" in detail(response)) == (410, True)


def test_a_data_source_is_described_anew(ask, tmp_path) -> None:
    for number in range(3):
        np.save(tmp_path / "files" / f"f{number}.npy", np.full(3, number))

    def described(count: int) -> dict[str, Any]:
        assets = [
            {
                "data_uri": f"file://localhost{tmp_path}/files/f{number}.npy", "is_directory": False,
                "parameter": "data_uris", "num": number,
            }
            for number in range(count)
        ]  # fmt: skip
        structure = STRUCTURE | {"shape": [count, 3], "chunks": [[1] * count, [3]]}
        return file_source(
            Path("/"), assets=assets, structure=structure, mimetype="multipart/related;type=application/x-npy"
        )

    node = {"structure_family": "array", "id": "f", "data_sources": [described(2)]}
    number = ask("POST", "register/", json=node).json()["data_sources"][0]["id"]
    update = {"data_source": described(3) | {"id": number}}
    assert ask("PUT", "data_source/f?patch_shape=1,3&patch_offset=2,0", json=update).json() is None
    assert ask("GET", "array/full/f?format=json").json() == [[0] * 3, [1] * 3, [2] * 3]
    assert ask("PUT", "data_source/f?patch_shape=1,3", json=update).status_code == 400
    assert ask("PUT", "data_source/f", json={"data_source": described(3) | {"id": 999}}).status_code == 404
    odd = {"data_source": described(3) | {"id": number, "mimetype": "application/x-odd"}}
    assert ask("PUT", "data_source/f", json=odd).status_code == 415
    taken = {"data_source": described(3) | {"id": number, "management": "writable"}}
    assert ask("PUT", "data_source/f", json=taken).status_code == 422


def test_registering_takes_a_right_of_its_own(ask, tmp_path) -> None:
    node = {"structure_family": "array", "data_sources": [file_source(tmp_path / "files" / "f.npy")]}
    public = {"allow_anonymous_access": True}
    for path in ("register/", "metadata/"):
        response = ask("POST", path, json=node, settings=public, headers={"authorization": "Apikey wrong"})
        assert response.status_code == 401


# Searching below


def test_a_deep_search_asks_the_index(ask) -> None:
    make(ask, id="a", metadata={"n": 1})
    make(ask, "a", id="b", metadata={"n": 2})
    make(ask, "a/b", id="c", metadata={"n": 1})
    make(ask, id="z", metadata={"n": 1})
    chosen = "filter[eq][condition][key]=n&filter[eq][condition][value]=1"
    first = ask("GET", f"search-deep/?{chosen}&page[limit]=2").json()
    assert [(each["attributes"]["ancestors"], each["id"]) for each in first["data"]] == [([], "a"), (["a", "b"], "c")]
    assert first["meta"]["count"] == 3
    following = first["links"]["next"].partition("/api/v1/")[2]
    assert [each["id"] for each in ask("GET", f"{following}&{chosen}").json()["data"]] == ["z"]
    assert ask("GET", f"search-deep/?{chosen}&max_depth=1&fields=count").json()["meta"]["count"] == 2
    assert ask("GET", f"search-deep/a?{chosen}&fields=count").json()["meta"]["count"] == 1
