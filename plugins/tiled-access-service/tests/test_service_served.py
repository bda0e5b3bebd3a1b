"""A server whose nodes are shown, and hidden, as a service says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import ANONYMOUS
from tiledkernel.access.viewer import Viewer
from tiledkernel.client.context import Context
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.server.app import build_app

TREE = {
    "open": MemoryContainer({"x": np.ones(3)}, access_tags=["open"]),
    "physics": MemoryContainer({"x": np.ones(3)}, access_tags=["physics"]),
}


class Nobody:
    """Accounts of a server to which nobody logs in."""

    routes = ()

    def recognise(self, credentials: Credentials) -> Viewer:
        return Viewer(name="public", scopes=ANONYMOUS)

    identify = recognise

    def describe(self, base: str) -> dict[str, Any]:
        return {"required": False, "providers": [], "links": None}


@pytest.fixture
def get(policy) -> Callable[[str], Any]:
    """`get("/search/")`: what somebody is answered who has not logged in."""
    app = build_app(MemoryContainer(TREE), accounts=Nobody(), policy=policy)
    with Context.from_app(app, raise_server_exceptions=False) as context:
        yield lambda path: context.http_client.get(f"{context.api_uri}{path[1:]}")


def keys(answer: Any) -> list[str]:
    return [item["id"] for item in answer.json()["data"]]


def test_what_the_service_does_not_allow_is_not_there(get) -> None:
    assert keys(get("/search/")) == ["open"]
    assert get("/metadata/open/x").status_code == 200
    assert get("/metadata/physics").status_code == get("/metadata/physics/x").status_code == 404


def test_what_is_shown_follows_the_service(get, service) -> None:
    service.rules = service.rules.replace('{"alice": "writer", "bob"', '{"*": "reader", "bob"')
    assert keys(get("/search/")) == ["open", "physics"]


@pytest.mark.parametrize("path", ["/search/", "/metadata/open", "/array/full/open/x"])
def test_without_the_service_nothing_is_shown(get, service, path) -> None:
    service.stop()
    answer = get(path)
    service.start()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "does not answer" in answer.text


@pytest.mark.parametrize("path", ["/search/", "/metadata/open", "/array/full/open/x"])
def test_nonsense_of_the_service_shows_nothing(get, service, path) -> None:
    service.answer = 200, b'{"result": "everything"}', 0.0
    assert get(path).status_code == 503
