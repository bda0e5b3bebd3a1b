"""Servers in processes of their own, as people start them."""

from __future__ import annotations

import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

KEY = "abc123"
BYTES = "application/octet-stream"
IDENTITY = "0d0b5bb8-3a0e-4d4c-9a53-5f6f2e1a7c11"
TREE = "import numpy\n\ntree = {'a': numpy.arange(3)}\n\ndef make():\n    return tree\n"


@pytest.fixture(autouse=True)
def _tree() -> None:
    Path("beside_tree.py").write_text(TREE)


def test_the_demo_is_public_and_prints_where_and_with_which_key(serve, status):
    running = serve("demo", "--port", "0", "--no-plugins")
    url = running.url()
    key = running.read_until(r"^\s+(http://\S+)\?api_key=([0-9a-f]{64})$")
    assert key[1] == url
    assert status(f"{url}/api/v1/metadata/") == 200
    assert status(f"{url}/api/v1/metadata/", authorization=f"Apikey {key[2]}") == 200
    assert status(f"{url}/api/v1/metadata/", authorization="Apikey wrong") == 401
    assert running.stop() == 0
    assert "anyone who can connect to it may read everything" in running.text
    assert running.output == ""


def test_an_object_is_served_to_those_who_have_the_key(serve, status):
    running = serve("pyobject", "beside_tree:tree", "--port", "0", "--no-plugins", "--api-key", KEY)
    url = running.url()
    assert status(f"{url}/api/v1/metadata/a") == 401
    assert status(f"{url}/api/v1/metadata/a?api_key={KEY}") == 200
    assert running.stop() == 0
    assert KEY not in running.text
    assert "anyone who can connect" not in running.text


def test_an_interrupt_ends_it_well(serve):
    running = serve("pyobject", "beside_tree:make", "--port", "0", "--no-plugins")
    running.url()
    running.read_until("api_key=")
    assert running.stop(signal.SIGINT) == 0
    assert "Traceback" not in running.text


def test_the_environment_gives_key_and_origins(serve, status, monkeypatch):
    monkeypatch.setenv("TILED_SINGLE_USER_API_KEY", KEY)
    monkeypatch.setenv("TILED_ALLOW_ORIGINS", '["https://a.example"]')
    running = serve("pyobject", "beside_tree:make", "--port", "0", "--no-plugins", "--public")
    url = running.url()
    assert status(f"{url}/api/v1/metadata/a") == 200
    assert status(f"{url}/api/v1/metadata/a?api_key={KEY}") == 200
    running.stop()
    assert KEY not in running.text


def test_requests_are_logged_when_asked_for_with_time_and_id_but_without_keys(serve, status):
    running = serve(
        "pyobject", "beside_tree:tree", "--port", "0", "--no-plugins", "--access-log", "--log-timestamps", "--public"
    )
    url = running.url()
    status(f"{url}/api/v1/metadata/a?api_key=hush", **{"x-tiled-request-id": IDENTITY})
    running.stop()
    stamp = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]"
    line = rf'^{stamp} .* {IDENTITY} - "GET /api/v1/metadata/a\?api_key=\*\*\* HTTP/1.1" 401'
    assert re.search(line, running.output, re.MULTILINE), running.output
    assert running.output.count("\n") == 1
    assert re.search(rf"^{stamp} .*Uvicorn running on", running.text, re.MULTILINE)


def test_a_directory_is_served_as_it_is_at_any_moment(serve, status):
    Path("data/below").mkdir(parents=True)
    Path("data/below/a.stuff").write_text("a")
    options = ["--public", "--watch", "--keep-ext", "--include-ext", ".stuff", "--ext", f".stuff={BYTES}"]
    running = serve("directory", "data", "--port", "0", "--no-plugins", *options)
    url = running.url()
    assert status(f"{url}/api/v1/metadata/below/a.stuff") == 200
    assert status(f"{url}/api/v1/metadata/below/b.stuff") == 404
    Path("data/below/b.stuff").write_text("b")
    assert status(f"{url}/api/v1/metadata/below/b.stuff") == 200
    assert running.stop() == 0
    assert "--watch is not needed: changes in the directory always show at once." in running.text


def test_a_hook_beside_the_data_tells_what_files_are(serve, status):
    Path("data").mkdir()
    Path("data/a").write_text("a")
    Path("beside_hook.py").write_text(f"def tell(path, known):\n    return {BYTES!r}\n")
    running = serve(
        "directory", "data", "--port", "0", "--no-plugins", "--public", "--mimetype-hook", "beside_hook:tell"
    )
    assert status(f"{running.url()}/api/v1/metadata/a") == 200


def wait_for(url: str) -> None:
    """Return when somebody listens; the test's time limit ends it otherwise."""
    address = urlsplit(url)
    with socket.socket() as probe:
        while probe.connect_ex((address.hostname, address.port)):
            time.sleep(0.05)


CONFIGURATION = f"""
trees:
  - {{tree: 'beside_tree:tree', path: /one}}
  - {{tree: directory, path: /two/deep, args: {{path: data}}}}
authentication: {{single_user_api_key: {KEY}}}
uvicorn: {{port: 0, root_path: x/}}
"""


def test_a_configuration_is_served(serve, status):
    Path("data").mkdir()
    Path("config.yml").write_text(CONFIGURATION)
    running = serve("config", "--no-plugins")
    url = running.url()
    assert status(f"{url}/api/v1/metadata/one/a?api_key={KEY}") == 200
    assert status(f"{url}/api/v1/metadata/two/deep?api_key={KEY}") == 200
    assert status(f"{url}/api/v1/metadata/one/a") == 401
    assert running.stop() == 0
    assert KEY not in running.text


def test_flags_override_a_configuration(serve, status):
    Path("data").mkdir()
    Path("config.yml").write_text(CONFIGURATION)
    running = serve("config", "--no-plugins", "--public", "--api-key", "other1")
    url = running.url()
    assert status(f"{url}/api/v1/metadata/one/a") == 200
    assert status(f"{url}/api/v1/metadata/one/a?api_key=other1") == 200
    assert status(f"{url}/api/v1/metadata/one/a?api_key={KEY}") == 401
    running.stop()
    assert "anyone who can connect to it may read everything" in running.text


def test_several_workers_share_one_port(serve, status):
    Path("data").mkdir()
    Path("config.yml").write_text(CONFIGURATION.replace("port: 0", "port: 0, workers: 2"))
    running = serve("config", "--public")
    url = running.url()
    running.read_until("Application startup complete")
    wait_for(url)  # workers begin to listen a moment after they say so
    assert status(f"{url}/api/v1/metadata/one/a") == 200
    assert running.stop() == 0
