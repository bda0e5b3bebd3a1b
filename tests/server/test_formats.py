"""Which format leaves: what is asked for, what there is, and what specs add."""

from __future__ import annotations

import numpy as np
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.server.negotiation import Negotiator


@pytest.fixture(scope="module")
def caller(connect_once, composition):
    tree = {"a": np.arange(3), "s": MemoryArray(np.arange(3), specs=["other", "special"])}
    return connect_once(tree, composition=composition, file_extensions={"numbers": "text/csv"})


def test_a_suffix_a_media_type_and_a_header_are_three_ways_to_say_one_thing(caller) -> None:
    answers = [
        caller.get("array/full/a?format=csv"),
        caller.get("array/full/a?format=text/csv"),
        caller.get("array/full/a", headers={"accept": "text/csv"}),
    ]
    assert {(r.status_code, r.content, r.headers["content-type"]) for r in answers} == {
        (200, b"0\n1\n2\n", "text/csv; charset=utf-8")
    }


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/octet-stream"),
        ("*/*", "application/octet-stream"),
        ("application/json", "application/json"),
        ("text/csv, application/json", "text/csv; charset=utf-8"),
        ("text/csv;q=0.1, application/json;q=0.9", "application/json"),
        ("image/nope, application/json", "application/json"),
        ("text/*", "text/csv; charset=utf-8"),
        ("application/*", "application/octet-stream"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "application/octet-stream"),
        ("TEXT/CSV", "text/csv; charset=utf-8"),
        ("text/csv;q=0, */*", "application/octet-stream"),
        (",,", None),
        ("image/png", None),
        ("text/csv;q=0", None),
        ("nonsense", None),
        ("x" * 3000, None),
    ],
)
def test_the_header_is_understood(caller, accept, media_type) -> None:
    response = caller.get("array/full/a", headers={"accept": accept})
    if media_type is None:
        assert response.status_code == 406
    else:
        assert (response.status_code, response.headers["content-type"]) == (200, media_type)


def test_the_parameter_wins_over_the_header(caller) -> None:
    response = caller.get("array/full/a?format=json", headers={"accept": "text/csv"})
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("format_", ["zzz,json", "png,application/json", ".json", "JSON", "json;indent=2"])
def test_the_first_format_that_there_is_is_taken(caller, format_) -> None:
    response = caller.get("array/full/a", params={"format": format_})
    assert response.headers["content-type"].partition(";")[0] == "application/json"


def test_a_configured_suffix_names_a_format(caller) -> None:
    assert caller.get("array/full/a?format=numbers").headers["content-type"] == "text/csv; charset=utf-8"
    assert "numbers" in caller.json("")["aliases"]["array"]["text/csv"]


def test_a_spec_adds_its_formats_and_is_asked_first(caller) -> None:
    assert caller.get("array/full/s?format=application/x-special").content == b"quick"
    assert caller.get("array/full/s?format=csv").status_code == 200
    assert caller.get("array/full/a?format=application/x-special").status_code == 406
    assert caller.json("")["formats"]["special"] == ["application/x-special"]


@pytest.mark.parametrize(
    "query",
    ["format=zzz", "format=", "format=image/png", "format=text/csv;é=1", "format=" + "x" * 3000, "format=a/b,c/d"],
)
def test_a_miss_lists_what_there_is(caller, query) -> None:
    response = caller.get(f"array/full/a?{query}")
    assert response.status_code == 406
    detail = response.json()["detail"]
    assert len(detail) < 1500
    assert "application/octet-stream" in detail or "at most" in detail or "expected name=value" in detail


def test_a_plugin_that_is_set_aside_is_mentioned_where_it_is_missed(connect) -> None:
    from types import SimpleNamespace

    from tiledkernel import hookimpl
    from tiledkernel.composition import Composition
    from tiledkernel.plugins import discover

    @hookimpl
    def register_serializers():
        raise OSError("no licence")

    broken = SimpleNamespace(register_serializers=register_serializers)
    composition = Composition(discover(third_party=False, extra={"pictures": broken}))
    detail = connect({"a": np.arange(3)}, composition=composition).get("array/full/a?format=png").json()["detail"]
    assert "plugin 'pictures' is set aside: OSError: no licence" in detail


def test_encoders_may_answer_any_buffer_or_texts(caller) -> None:
    assert caller.get("array/full/a?format=answer_buffer").content == np.arange(6, dtype="i4").tobytes()
    assert caller.get("array/full/a?format=answer_texts").text == "aé"


def test_many_different_headers_do_not_fill_the_memory(kernel) -> None:
    negotiator = Negotiator(kernel, {})
    node = MemoryArray([1])
    for number in range(3000):
        negotiator.choose(node, "json", "x" * 60_000 + str(number))
        negotiator.choose(node, None, f"application/json;x={number}")
    assert len(negotiator._known) <= 1024
    assert max(len(key[3]) for key in negotiator._known) <= 2000
