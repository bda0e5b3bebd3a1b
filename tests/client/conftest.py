"""Clients of real applications in this process, and of small ones that misbehave on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.server import Settings, build_app

from .scripted import Scripted


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


@pytest.fixture
def client_of(kernel: Composition) -> Iterator[Callable[..., Any]]:
    """The client of a tree that our own server serves: `client_of(tree)`."""
    contexts = []

    def make(tree: Any, **settings: Any) -> Any:
        chosen = Settings(**{"allow_anonymous_access": True} | settings)
        contexts.append(Context.from_app(build_app(tree, settings=chosen, composition=kernel)))
        return from_context(contexts[-1])

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Three attempts, without waiting."""
    with stamina.set_testing(True, attempts=3):
        yield
