"""Servers with an access policy, and callers with keys of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import httpx
import psycopg
import pytest
from tiled_sql_catalog.live import from_uri, in_memory

from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import ANONYMOUS, USER
from tiledkernel.access.viewer import Principal, Viewer
from tiledkernel.client import Context
from tiledkernel.composition import Composition
from tiledkernel.errors import Unauthorized
from tiledkernel.plugins import discover
from tiledkernel.server import build_app
from tiledkernel.testing.postgresql import running_postgresql


def viewer(name: str, **given: Any) -> Viewer:
    """A user of the provider 'toy'."""
    principal = Principal(uuid=f"uuid-of-{name}", identities=(("toy", name),), roles=frozenset({"user"}))
    return Viewer(name=name, **{"scopes": USER, "principal": principal} | given)


PUBLIC = Viewer(name="public", scopes=ANONYMOUS)


class Keys:
    """Accounts of which each has one key, which is its name."""

    routes = ()

    def __init__(self, viewers: Mapping[str, Viewer]) -> None:
        self.viewers = dict(viewers)

    def recognise(self, credentials: Credentials) -> Viewer:
        if credentials.api_key is None:
            return PUBLIC
        if credentials.api_key not in self.viewers:
            raise Unauthorized("this API key is not valid")
        return self.viewers[credentials.api_key]

    identify = recognise

    def describe(self, base: str) -> Mapping[str, Any]:
        del base
        return {"required": False, "providers": [], "links": None}


class Server:
    """An application, asked by whoever has a key."""

    def __init__(self, app: Any) -> None:
        self.context = Context.from_app(app, raise_server_exceptions=True)
        self.app = app

    def ask(self, who: str | None, method: str, path: str, **given: Any) -> httpx.Response:
        """The answer to somebody; the public for None."""
        headers = {} if who is None else {"authorization": f"Apikey {who}"}
        return self.context.http_client.request(
            method, f"{self.context.api_uri}{path}", headers=headers | given.pop("headers", {}), **given
        )

    def get(self, who: str | None, path: str, **given: Any) -> httpx.Response:
        return self.ask(who, "GET", path, **given)


@pytest.fixture(scope="session")
def installed() -> Composition:
    return Composition(discover())


@pytest.fixture
def serve(installed: Composition) -> Iterator[Callable[..., Server]]:
    """`serve(tree, policy, {"alice": viewer(...)})`."""
    with ExitStack() as stack:

        def make(tree: Any, policy: Any, viewers: Mapping[str, Viewer]) -> Server:
            server = Server(build_app(tree, composition=installed, accounts=Keys(viewers), policy=policy))
            stack.callback(server.context.close)
            return server

        yield make


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URI of a server."""
    with running_postgresql() as uri:
        yield uri


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, installed: Composition, tmp_path: Any) -> Iterator[Any]:
    """An empty catalog that takes data."""
    options = {"writable_storage": [tmp_path / "data"], "composition": installed}
    if request.param == "sqlite":
        tree = in_memory(**options)
    else:
        server = request.getfixturevalue("postgresql")
        name = f"test_{abs(hash(request.node.nodeid))}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        tree = from_uri(server.replace("/postgres?", f"/{name}?"), init_if_not_exists=True, **options)
    yield tree
    tree.close()
