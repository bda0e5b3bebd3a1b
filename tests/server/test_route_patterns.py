"""Routes with places for any one segment, without credentials, and with a query of any names."""

from __future__ import annotations

import types
from typing import Any

import pytest

from tiledkernel import Route, Router, hookimpl
from tiledkernel.access.scopes import NO_SCOPES, READ_DATA
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server.answers import Message
from tiledkernel.server.request import Request


def told(request: Request) -> Message:
    """What the request has."""
    return Message({"segments": request.segments, "values": request.values, "viewer": request.viewer.name})


def literal(request: Request) -> Message:
    """The literal path."""
    del request
    return Message("literal")


ROUTES = (
    Route(path="/people", handler=literal, scopes=NO_SCOPES),
    Route(path="/people/{uuid}", handler=told, scopes=NO_SCOPES, blocks=True),
    Route(path="/people/{uuid}/keys/{key}", methods=("POST",), handler=told, scopes=frozenset({READ_DATA})),
    Route(path="/people/me", handler=literal, scopes=NO_SCOPES),
    Route(path="/open", handler=told, scopes=NO_SCOPES, open=True, free_query=True),
)


@pytest.fixture
def caller(connect: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = types.ModuleType("pattern_routes")
    module.ROUTES = ROUTES
    module.register_routers = hookimpl(
        lambda: [Router(name="patterns", prefix="/patterns", routes="pattern_routes:ROUTES")],
        specname="register_routers",
    )
    monkeypatch.setitem(__import__("sys").modules, "pattern_routes", module)
    composition = Composition(discover(third_party=False, extra={"patterns": module}))
    return connect({}, composition=composition)


def test_a_place_stands_for_one_segment(caller: Any) -> None:
    assert caller.json("/patterns/people/a%20b")["segments"] == ["a b"]
    assert caller.get("/patterns/people").json() == "literal"
    assert caller.get("/patterns/people/a/b").status_code == 404


def test_several_places_come_in_their_order(caller: Any) -> None:
    assert caller.post("/patterns/people/a/keys/b").json()["segments"] == ["a", "b"]


def test_a_literal_path_comes_before_a_place(caller: Any) -> None:
    assert caller.json("/patterns/people/me") == "literal"


def test_methods_of_a_pattern_are_told(caller: Any) -> None:
    response = caller.get("/patterns/people/a/keys/b")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_no_segment_holds_a_nul_byte(caller: Any) -> None:
    assert caller.get("/patterns/people/%00").status_code == 422


def test_an_open_route_minds_no_credentials(caller: Any) -> None:
    wrong = {"authorization": "Apikey wrong"}
    assert caller.get("/patterns/people/a", headers=wrong).status_code == 401
    answer = caller.get("/patterns/open?api_key=wrong", headers=wrong)
    assert (answer.status_code, answer.json()["viewer"]) == (200, "public")
    assert "tiled_api_key" not in answer.headers.get("set-cookie", "")


def test_a_free_query_has_any_names(caller: Any) -> None:
    assert caller.get("/patterns/people/a?anything=1").status_code == 422
    assert caller.json("/patterns/open?anything=1&anything=2")["values"] == {"anything": ["1", "2"]}
