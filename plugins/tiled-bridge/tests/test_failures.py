"""What adapters raise, as callers see it: their own mistakes, a service that is down, or the adapter to blame."""

from __future__ import annotations

import pytest

from tiledkernel.client import Context
from tiledkernel.server import build_app


class NoEntry(Exception):
    """The name is what counts."""


class DataNotReadyError(Exception):
    """The name is what counts."""


def failing(site, error, method="read"):
    def fail(self, *arguments, **options):
        raise error

    return type("Detector", (site.Image,), {method: fail, "read_block": fail if method == "read" else None})()


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (KeyError("gone"), 404, "no such entry: Detector has no 'gone'"),
        (NoEntry("gone"), 404, "no such entry: Detector has no gone"),
        (IndexError("beyond the end"), 400, "Detector has no element (1,"),
        (ValueError("odd rows only"), 400, "odd rows only"),
        (ConnectionRefusedError("db:5432"), 503, "Detector cannot answer at present: ConnectionRefusedError"),
        (TimeoutError("too slow"), 503, "Detector cannot answer at present: TimeoutError"),
        (DataNotReadyError(), 503, "Detector cannot answer at present: DataNotReadyError"),
        (RuntimeError("secret /etc/passwd"), 500, "'a' could not be read: Detector raised RuntimeError"),
        (SystemExit(3), 500, "'a' could not be read: Detector raised SystemExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
@pytest.mark.parametrize("promising", [False, True], ids=["plain", "promising"])
def test_an_error_while_reading_is_told(serve, ask, site, error, status, sentence, promising):
    adapter = failing(site, error)
    client = serve({"a": site.promising(adapter) if promising else adapter})
    response = ask(client, "array/full/a?slice=1,2")
    assert response.status_code == status
    assert sentence in response.json()["detail"]
    assert "secret" not in response.text


def test_a_value_error_for_the_whole_array_is_the_adapters_own(serve, ask, site):
    response = ask(serve({"a": failing(site, ValueError("corrupt"))}), "array/full/a")
    assert response.status_code == 500
    assert response.json()["detail"] == "'a' could not be read: Detector raised ValueError"


def test_a_503_says_when_to_ask_again(serve, ask, site):
    response = ask(serve({"a": failing(site, ConnectionError())}), "array/full/a")
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize("place", ["/data/secret/x.h5", "file://localhost/data/secret/x.h5", "s3://bucket/secret/x"])
def test_no_sentence_says_where_anything_lies(serve, ask, site, place):
    response = ask(serve({"a": failing(site, IndexError(f"no frame in {place}, alas"))}), "array/full/a?slice=1")
    assert response.json()["detail"].endswith("no frame in ... alas")


def test_a_child_that_fails_hurts_only_itself(serve, ask, site):
    client = serve(site.Folder({"bad": failing(site, RuntimeError(), "structure"), "good": site.Image()}))
    bad, good = ask(client, "search/").json()["data"]
    assert "Detector raised RuntimeError" in bad["attributes"]["metadata"]["unavailable"]["reason"]
    assert good["attributes"]["structure"]["shape"] == [6, 10]


def test_the_error_of_a_container_names_it(serve, ask, site):
    class Broken(site.Folder):
        def keys(self):
            raise RuntimeError

    response = ask(serve({"f": Broken({})}), "search/f")
    assert (response.status_code, response.json()["detail"]) == (
        500,
        "'f' could not be read: Broken raised RuntimeError",
    )


@pytest.mark.parametrize(
    ("structure", "sentence"),
    [
        (None, "Detector.structure() gives NoneType, which is no structure"),
        ({"shape": [6, 10]}, "Detector.structure() does not fit ArrayStructure"),
        ({"shape": [6], "chunks": [[2, 2]]}, "chunks (2, 2) of axis 0 do not make up its length 6"),
        ({"shape": [6], "chunks": []}, "differ in the number of axes"),
        ({"shape": [6], "chunks": [[6]], "kind": "O"}, "is not an element type that can be read"),
    ],
)
def test_a_structure_that_cannot_be_meant_is_told(serve, ask, site, structure, sentence):
    class Detector(site.Image):
        def structure(self):
            if structure is None or "chunks" not in structure:
                return structure
            kind = {"endianness": "little", "kind": structure.get("kind", "i"), "itemsize": 8}
            return {"data_type": kind, **structure}

    response = ask(serve({"a": Detector()}), "array/full/a")
    assert response.status_code == 500
    assert sentence in response.json()["detail"]


def test_a_result_of_another_shape_is_told(serve, ask, site):
    class Short(site.Image):
        def read(self, index=()):
            return self.array[:5]

    response = ask(serve({"a": Short()}), "array/full/a")
    assert response.status_code == 500
    assert "returned an array of shape (5, 10) where (6, 10) was asked for" in response.json()["detail"]


def test_a_table_without_a_declared_column_is_told(serve, ask, site):
    class Odd(site.Table):
        def read_partition(self, partition, fields=None):
            return super().read_partition(partition, ["x"])

    response = ask(serve({"t": Odd()}), "table/full/t")
    assert "Odd has read no column 'label', which its structure declares" in response.json()["detail"]


def test_a_table_of_other_types_is_told(serve, ask, site):
    class Odd(site.Table):
        def read_partition(self, partition, fields=None):
            return super().read_partition(partition, fields).assign(x=["a", "b"])

    response = ask(serve({"t": Odd()}), "table/full/t")
    assert "Odd has read other types than its structure declares" in response.json()["detail"]


def test_an_unknown_column_is_the_callers_mistake(serve, ask, site):
    response = ask(serve({"t": site.Table()}), "table/full/t?column=z")
    assert response.status_code == 400


def test_a_client_in_this_process_gets_the_error_itself(composition, site):
    class Mine(Exception):
        pass

    app = build_app({"a": failing(site, Mine())}, composition=composition)
    with (
        Context.from_app(app, api_key=app.state.api_key) as context,
        pytest.raises(Mine),
    ):
        context.http_client.get(f"{context.api_uri}array/full/a")
