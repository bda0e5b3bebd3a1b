"""Writes whose answers are lost on the way: everything is done exactly once all the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import numpy as np
import pytest

from tiledkernel.client import ClientError
from tiledkernel.client.messages import About
from tiledkernel.client.sync import copy

METHODS = {"POST", "PUT", "PATCH", "DELETE"}


class Unreliable:
    """An application that carries out every write, and loses the answer each first time that it is sent.

    It may be of a kind that does not know tokens.
    """

    def __init__(self, app: Any, *, knows_tokens: bool) -> None:
        self._app = app
        self._knows_tokens = knows_tokens
        self._seen: set[tuple[str, str]] = set()
        self.state = app.state

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] != "http" or scope["method"] not in METHODS:
            await self._app(scope, receive, send)
            return
        if not self._knows_tokens:
            headers = [(name, value) for name, value in scope["headers"] if name != b"idempotency-key"]
            scope = {**scope, "headers": headers}
        what = scope["method"], scope["path"]
        if what in self._seen:
            await self._app(scope, receive, send)
            return
        self._seen.add(what)
        await self._app(scope, receive, _nowhere)
        raise httpx.ReadTimeout("the answer is lost")

    def forget(self) -> None:
        """Lose the answers again of what was sent before."""
        self._seen.clear()


async def _nowhere(message: Any) -> None:
    """Where lost answers go."""


@pytest.fixture(params=[True, False], ids=["knows tokens", "knows no tokens"])
def catalog(request: pytest.FixtureRequest, new_catalog: Any, impatient: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(About, "recognises_attempts", request.param)
    return new_catalog(partial(Unreliable, knows_tokens=request.param))


def test_a_container_is_made_once(catalog: Any) -> None:
    made = catalog.create_container("x", metadata={"color": "blue", "numbers": np.arange(2)}, specs=["a"])
    assert list(catalog) == ["x"]
    assert dict(made.metadata) == dict(catalog["x"].metadata) == {"color": "blue", "numbers": [0, 1]}


def test_a_container_without_a_key_is_made_once(catalog: Any) -> None:
    made = catalog.create_container()
    assert list(catalog) == made.path_parts


def test_an_update_is_made_once(catalog: Any) -> None:
    made = catalog.create_container("x", metadata={"steps": [1]})
    made.update_metadata({"steps": [1, 2]})
    assert dict(made.metadata) == dict(catalog["x"].metadata) == {"steps": [1, 2]}
    assert len(made.metadata_revisions) == 1


def test_a_node_is_deleted_once(catalog: Any) -> None:
    catalog.create_container("x").delete()
    catalog.create_container("y")
    catalog.delete_contents()
    assert list(catalog) == []


def test_a_replacement_is_made_once_and_its_revision_deleted_once(catalog: Any) -> None:
    made = catalog.create_container("x")
    made.replace_metadata({"step": 1})
    assert len(made.metadata_revisions) == 1
    made.metadata_revisions.delete_revision(1)
    assert len(made.metadata_revisions) == 0


def test_an_array_is_written_once(catalog: Any) -> None:
    made = catalog.write_array(np.arange(6).reshape(2, 3), key="x")
    assert list(catalog) == ["x"]
    assert made.read().tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_tree_is_copied_once(face: Any, catalog: Any, new_catalog: Any) -> None:
    source = new_catalog()
    source.create_container("inner").write_array(np.arange(3), key="x")
    copying = copy(source, catalog)
    if copying is not None:
        face.wait_for(copying)
    assert (list(catalog), list(catalog["inner"])) == (["inner"], ["x"])
    assert catalog["inner/x"].read().tolist() == [0, 1, 2]


def test_data_that_were_there_before_are_not_taken_for_ones_own(new_catalog: Any, impatient: None) -> None:
    unreliable: list[Unreliable] = []

    def around(app: Any) -> Unreliable:
        unreliable.append(Unreliable(app, knows_tokens=True))
        return unreliable[0]

    catalog = new_catalog(around)
    catalog.write_array([7, 8, 9], key="x")
    unreliable[0].forget()
    with pytest.raises(ClientError, match="409: the key 'x' is taken"):
        catalog.write_array([1, 2, 3], key="x")
    assert catalog["x"].read().tolist() == [7, 8, 9]
