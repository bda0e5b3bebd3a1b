"""Applications with some plugins and no others, and clients of them."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Self

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app


class Serving:
    """Serves trees in this process, with the kernel and these plugins only: `serve(tree)` is the client of one.

    Examples
    --------
    >>> @pytest.fixture
    ... def serve():
    ...     with Serving(example=tiled_example) as serve:
    ...         yield serve
    >>> def test_a_note_is_read(serve):
    ...     assert serve({"x": Note()})["x"].read() == [60]
    """

    def __init__(self, **plugins: ModuleType) -> None:
        self._plugins = plugins
        self._contexts: list[Context] = []

    def __call__(self, tree: Any, **settings: Any) -> Any:
        """The client of a tree, which anybody may read; `settings` are those of the server."""
        composition = Composition(discover(third_party=False, extra=self._plugins))
        chosen = Settings(**{"allow_anonymous_access": True} | settings)
        app = build_app(tree, settings=chosen, composition=composition)
        self._contexts.append(Context.from_app(app, raise_server_exceptions=False))
        return from_context(self._contexts[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        for context in self._contexts:
            context.close()


def ask(client: Any, path: str, **options: Any) -> Any:
    """The response to a GET request below the API, as a program without this client sends it (httpx)."""
    headers = {"accept-encoding": "identity"} | options.pop("headers", {})
    return client.context.http_client.get(f"{client.context.api_uri}{path}", headers=headers, **options)
