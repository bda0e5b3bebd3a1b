"""Every route of a server with accounts, asked by every kind of caller: what each may do is what the routes declare."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from tiledkernel.access.scopes import ALL_SCOPES, ANONYMOUS, NO_SCOPES, READ_DATA, READ_METADATA, USER
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.records import Route
from tiledkernel.server.from_config import build_app_from_config

from .conftest import Server

PASSWORDS = {"alice": "wonderland", "root": "of all"}
PLACES = {
    "/array/full/{path}": "a", "/array/block/{path}": "a?block=0", "/table/full/{path}": "t",
    "/table/partition/{path}": "t?partition=0", "/container/full/{path}": "c?format=json", "/distinct/{path}": "c",
    "/search/{path}": "c", "/search-deep/{path}": "c", "/metadata/{path}": "a", "/asset/bytes/{path}": "a?id=1",
    "/asset/manifest/{path}": "a?id=1", "/asset/{path}": "a?id=1", "/register/{path}": "c",
}  # fmt: skip
OWN_ANSWERS = {"/auth/apikey"}  # GET is about the very key that is presented, and so is 401 without one


def tree() -> Any:
    """Something of each family that the kernel has."""
    return MemoryContainer({"a": np.arange(4.0), "t": pd.DataFrame({"A": [1]}), "c": {"x": np.arange(2)}})


def server_of(*, public: bool) -> Server:
    passwords = {"users_to_passwords": PASSWORDS}
    return Server(
        build_app_from_config(
            {
                "trees": [{"tree": f"{__name__}:tree", "path": "/"}],
                "authentication": {
                    "providers": [{"provider": "toy", "authenticator": "dictionary", "args": passwords}],
                    "tiled_admins": [{"provider": "toy", "id": "root"}],
                    "allow_anonymous_access": public,
                    "secret_keys": ["x" * 40],
                },
            }
        )
    )


@pytest.fixture(scope="module", params=[False, True], ids=["private", "public"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        import sys

        patch.setitem(sys.modules, __name__, sys.modules[__name__])
        made = server_of(public=request.param)
        yield made
        made.context.close()
        made.app.state.service.close()


def token(server: Server, who: str) -> str:
    answer = server.context.http_client.post(
        f"{server.context.api_uri}auth/provider/toy/token", data={"username": who, "password": PASSWORDS[who]}
    )
    assert answer.status_code == 200, answer.text
    return f"Bearer {answer.json()['access_token']}"


def minted(server: Server, who: str, **wanted: Any) -> dict[str, Any]:
    answer = server.ask(
        None, "POST", "auth/apikey", json={"expires_in": None} | wanted, headers={"authorization": token(server, who)}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def key(server: Server, who: str, **wanted: Any) -> str:
    return f"Apikey {minted(server, who, **wanted)['secret']}"


def revoked(server: Server) -> str:
    made = minted(server, "alice", scopes=["inherit"])
    answer = server.ask(
        None,
        "DELETE",
        f"auth/apikey?first_eight={made['first_eight']}",
        headers={"authorization": token(server, "alice")},
    )
    assert answer.status_code == 204
    return f"Apikey {made['secret']}"


def unsigned(server: Server) -> str:
    """A token that says of itself that nobody signed it, for an administrator."""
    body = token(server, "root").split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"Bearer {head}.{body}."


METADATA, DATA = frozenset({READ_METADATA}), frozenset({READ_DATA})
CALLERS: dict[str, tuple[Callable[[Server], str | None], frozenset[str] | None]] = {
    # what they present, and the scopes that they hold; None: they are refused whatever they ask for
    "nobody": (lambda server: None, NO_SCOPES),
    "a user": (lambda server: token(server, "alice"), USER),
    "an administrator": (lambda server: token(server, "root"), ALL_SCOPES),
    "a user's key": (lambda server: key(server, "alice", scopes=["inherit"]), USER),
    "an administrator's key": (lambda server: key(server, "root", scopes=["inherit"]), ALL_SCOPES),
    "a key that may read metadata": (lambda server: key(server, "root", scopes=["read:metadata"]), METADATA),
    "a key that may read data": (lambda server: key(server, "alice", scopes=["read:data"]), DATA),
    "a key that may do nothing": (lambda server: key(server, "alice", scopes=[]), NO_SCOPES),
    "a revoked key": (revoked, None),
    "a key that nobody made": (lambda server: f"Apikey {'0' * 72}", None),
    "a key that is none": (lambda server: "Apikey not-hex!", None),
    "a token that is none": (lambda server: "Bearer a.b.c", None),
    "an unsigned token": (unsigned, None),
    "a token with another signature": (lambda server: token(server, "root")[:-4] + "AAAA", None),
}  # fmt: skip


def routes(server: Server) -> Iterator[tuple[str, str, Route]]:
    """Every route of the server: method, a path that it answers, and what it declares."""
    for prefix, table in server.app.state.tables.items():
        for route in table.routes:
            for method in route.methods:
                path = route.path.replace("{path}", PLACES.get(route.path, "a"))
                for name in ("{uuid}", "{session_id}"):
                    path = path.replace(name, str(uuid4()))
                yield method, prefix + path, route


@pytest.mark.parametrize("who", CALLERS)
def test_every_route_lets_in_those_that_it_declares_and_nobody_else(server, who) -> None:
    present, held = CALLERS[who]
    header = present(server)
    if who == "nobody" and server.app.state.service.accounts.describe("")["required"] is False:
        held = ANONYMOUS
    wrong = []
    asked = 0
    for method, path, route in routes(server):
        answer = server.context.http_client.request(
            method, f"http://local-tiled-app{path}", headers={} if header is None else {"authorization": header}
        )
        asked += 1
        refused = answer.status_code == 401
        expected = not route.open and (held is None or not route.scopes <= held)
        if route.path in OWN_ANSWERS and method == "GET":
            expected = not (held is not None and str(header).startswith("Apikey"))
        elif route.open and refused:
            continue  # a login of its own, which has nothing to do with who asks
        if refused != expected or answer.status_code >= 500:
            wrong.append((method, path, answer.status_code, sorted(route.scopes)))
        if refused:
            told = answer.headers["www-authenticate"]
            assert told.startswith("Bearer")
            assert ("insufficient_scope" in told) == (held is not None and header is not None and bool(route.scopes))
            assert list(answer.json()) == ["detail"]
    assert wrong == []
    assert asked > 50


def test_every_scope_that_a_route_declares_is_known(server) -> None:
    for _, path, route in routes(server):
        assert route.scopes <= ALL_SCOPES, path


def test_no_answer_repeats_a_secret(server) -> None:
    secret = minted(server, "alice", scopes=["read:metadata"])["secret"]
    for method, path, _ in routes(server):
        answer = server.context.http_client.request(
            method, f"http://local-tiled-app{path}", headers={"authorization": f"Apikey {secret}"}
        )
        assert secret not in answer.text, path
        assert secret not in str(answer.headers), path
