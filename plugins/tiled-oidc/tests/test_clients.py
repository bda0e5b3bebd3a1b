"""Our client and that of the reference, at a terminal, with somebody at a browser beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .browser import Browser
from .described import CLIENT, NAME, SECRET, description
from .providers import AUTHLIB, CERTIFIED, running_provider
from .test_served import proxied

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # clients poll every five seconds
PROGRAM = """
from {package}.client import from_uri
client = from_uri({url!r})
print("is", client.context.whoami()["identities"][0]["id"], "and sees", *sorted(client))
"""
PAGE = re.compile(r"^http://\S+$", re.MULTILINE)
USER_CODE = re.compile(r"^[0-9A-Z]{4}-[0-9A-Z]{4}$", re.MULTILINE)


@pytest.fixture(params=["tiledkernel", "tiled"])
def terminal(request: pytest.FixtureRequest, reference_python: Path, tmp_path: Path) -> Callable[[str], Any]:
    """`terminal(url)`: a program with one of the clients, started where a person could answer."""
    python = sys.executable if request.param == "tiledkernel" else reference_python
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TILED_FORCE_PROMPT": "1",
        "TILED_CACHE_DIR": str(tmp_path / "cache"),
        "BROWSER": "true",  # a browser that does nothing
        "PYTHONUNBUFFERED": "1",
    }

    def run(url: str) -> subprocess.Popen[str]:
        program = PROGRAM.format(package=request.param, url=f"{url}/api/v1")
        return subprocess.Popen(
            [python, "-c", program], env=environment, cwd=tmp_path, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    return run


def log_in(process: subprocess.Popen[str], browser: Browser) -> str:
    """What the program prints, while somebody does what it says."""
    assert process.stdout is not None
    said, done = "", False
    with process, process.stdout:
        for line in process.stdout:
            said += line
            page, code = PAGE.search(said), USER_CODE.search(said)
            if page and code and not done:
                browser.answers["user_code"] = code[0]
                browser.visit(page[0])
                done = True
    assert process.returncode == 0, said
    return said


@pytest.mark.parametrize("kind", [AUTHLIB, CERTIFIED])
def test_a_login_is_completed_and_remembered(kind, port, serve_once, tmp_path, terminal, browser_of) -> None:
    with running_provider(kind, description(port)) as issuer:
        args = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "well_known_uri": f"{issuer}/.well-known/openid-configuration",
            "confirmation_message": "Good morning, {id}.",
        }
        server = serve_once(tmp_path, {"provider": NAME, "authenticator": "oidc", "args": args}, port=port)
        said = log_in(terminal(server.url), browser_of("alice"))
        assert "Good morning, alice." in said
        assert "is alice and sees A B C" in said
        again = log_in(terminal(server.url), browser_of("alice"))
        server.stop()
    assert "is alice and sees A B C" in again
    assert "code" not in again


def test_tokens_of_the_provider_are_got_and_used(port, serve, terminal, browser_of) -> None:
    """The provider says how often to ask for them."""
    with running_provider(AUTHLIB, description(port)) as issuer:
        said = log_in(terminal(serve(proxied(issuer)).url), browser_of("alice"))
    assert "is alice and sees A B C" in said
