"""Clients of real applications in this process, and of small ones that misbehave on purpose."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from tiled_sql_catalog.tree import CatalogOptions, build_catalog

from tiledkernel.client import Context
from tiledkernel.composition import Composition
from tiledkernel.plugins import Plugins, discover
from tiledkernel.server import Settings, build_app

from .faces import AsynchronousFace, WaitingFace
from .scripted import Scripted, message


@pytest.fixture
def scripted() -> Iterator[Callable[..., tuple[Context, Scripted]]]:
    """A connection to a `Scripted` application."""
    contexts = []

    def make(*answers: Any, **settings: Any) -> tuple[Context, Scripted]:
        app = Scripted(*answers)
        contexts.append(Context.from_app(app, **settings))
        return contexts[-1], app

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(params=[WaitingFace, AsynchronousFace], ids=["waiting", "asynchronous"])
def face(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Clients of both kinds, one after the other; what else a test asks for uses the same kind."""
    face = request.param()
    yield face
    face.close()


@pytest.fixture
def scripted_client(face: Any) -> Callable[..., tuple[Any, Scripted]]:
    """The client of the node that the first argument describes, and the `Scripted` application; of both kinds."""

    def make(item: Any, *answers: Any) -> tuple[Any, Scripted]:
        app = Scripted(message({"data": item}), *answers)
        client = face.connect(app)
        app.received.clear()
        return client, app

    return make


@pytest.fixture
def client_of(face: Any, kernel: Composition) -> Callable[..., Any]:
    """The client of a tree that our own server serves: `client_of(tree)`; of both kinds, one after the other."""
    return _clients(face, kernel)


@pytest.fixture
def waiting_client_of(kernel: Composition) -> Iterator[Callable[..., Any]]:
    """The same, only of the kind that waits."""
    face = WaitingFace()
    yield _clients(face, kernel)
    face.close()


def _clients(face: Any, kernel: Composition) -> Callable[..., Any]:
    def make(tree: Any, **settings: Any) -> Any:
        chosen = Settings(**{"allow_anonymous_access": True} | settings)
        return face.connect(build_app(tree, settings=chosen, composition=kernel))

    return make


@pytest.fixture(scope="session")
def installation() -> Plugins:
    """All plugins of the workspace."""
    return discover()


@pytest.fixture
def new_catalog(face: Any, installation: Plugins, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """The client of an empty catalog that takes data, perhaps with something around the application.

    `new_catalog()`, `new_catalog(Unreliable)`, `new_catalog(adapters_by_mimetype={...})`; of both kinds, one after
    the other.
    """
    folders, trees = itertools.count(), []

    def make(around: Callable[[Any], Any] = lambda app: app, **more: Any) -> Any:
        folder = tmp_path / f"catalog-{next(folders)}"
        options = CatalogOptions(
            uri=str(folder / "catalog.db"),
            writable_storage=[str(folder / "data")],
            readable_storage=[str(tmp_path)],
            init_if_not_exists=True,
            **more,
        )
        composition = Composition(installation)
        trees.append(build_catalog(options, composition))
        settings = Settings(single_user_api_key="secret")
        return face.connect(around(build_app(trees[-1], settings=settings, composition=composition)))

    yield make
    for tree in trees:
        tree.close()


@pytest.fixture
def catalog(new_catalog: Callable[[], Any]) -> Any:
    """The client of an empty catalog."""
    return new_catalog()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Three attempts, without waiting."""
    with stamina.set_testing(True, attempts=3):
        yield
