"""Applications with the kernel and this plugin only, and clients of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tiled_sparse

from tiledkernel.testing import Serving, serving


@pytest.fixture
def serve() -> Iterator[Serving]:
    """The client of a tree that is served in this process: `serve(tree, **settings)`."""
    with Serving(sparse=tiled_sparse) as serve:
        yield serve


@pytest.fixture
def ask() -> Callable[..., Any]:
    """The response to a GET request below the API, as a program without this client sends it."""
    return serving.ask
