"""Providers that run, and what logs in at them."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from .browser import Browser
from .described import CLIENT, NAME, SECRET, USERS, description
from .providers import KINDS, running_provider


@pytest.fixture(scope="session")
def port() -> int:
    """Where the server listens in these tests: providers must know it before they start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def redirect_uri(port: int) -> str:
    """Where the provider sends the browser back to."""
    return f"http://127.0.0.1:{port}/api/v1/auth/provider/{NAME}/code"


@pytest.fixture(scope="session", params=KINDS)
def issuer(request: pytest.FixtureRequest, port: int) -> Iterator[str]:
    """A provider, of each kind in turn."""
    with running_provider(request.param, description(port)) as issuer:
        yield issuer


@pytest.fixture
def args(issuer: str) -> dict[str, str]:
    """What a configuration says of the provider."""
    return {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "well_known_uri": f"{issuer}/.well-known/openid-configuration",
    }


@pytest.fixture
def browser_of() -> Iterator[Callable[[str], Browser]]:
    """`browser_of("alice")`: somebody at a browser, who knows name and password."""
    opened: list[Browser] = []

    def open_browser(name: str) -> Browser:
        opened.append(Browser(login=name, password=USERS[name]["password"]))
        return opened[-1]

    yield open_browser
    for browser in opened:
        browser.client.close()


@pytest.fixture(scope="session")
def serve_once(start_server: Callable[..., Any]) -> Callable[..., Any]:
    """`serve_once(folder, providers, port=...)`: a server, in a process of its own, with these ways to log in."""

    def serve(folder: Path, *providers: Mapping[str, Any], port: int = 0) -> Any:
        configuration = {
            "trees": [{"tree": "tiledkernel.examples.generated_minimal:tree", "path": "/"}],
            "authentication": {"providers": providers, "secret_keys": ["0123456789abcdef" * 4]},
            "database": {"uri": f"sqlite:///{folder}/accounts.db", "init_if_not_exists": True},
        }
        (folder / "config.yml").write_text(json.dumps(configuration))  # which is YAML, too
        return start_server("serve", "config", "config.yml", cwd=folder, port=port)

    return serve


@pytest.fixture
def serve(serve_once: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`serve(provider)`: such a server, for one test."""
    servers: list[Any] = []

    def serve(*providers: Mapping[str, Any]) -> Any:
        servers.append(serve_once(tmp_path, *providers))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()
