from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

import tiledkernel.client

HEAVY = ("numpy", "pandas", "pyarrow", "litestar", "uvicorn", "h5py", "httpx", "stamina", "tiledkernel.server")


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `code`."""
    script = textwrap.dedent(code) + "\nimport sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(result.stdout.splitlines()[-1].split())


def test_importing_the_client_loads_nothing_heavy() -> None:
    assert not loaded_by("import tiledkernel.client") & set(HEAVY)


def test_connecting_loads_no_scientific_library_and_no_server() -> None:
    loaded = loaded_by("from tiledkernel.client import from_uri, Context, show_logs, record_history, ClientError")
    assert not loaded & {"numpy", "pandas", "pyarrow", "litestar", "uvicorn", "h5py", "tiledkernel.server"}


def test_connecting_does_not_load_the_command_line_of_httpx() -> None:
    assert not loaded_by("from tiledkernel.client import from_uri") & {"rich", "pygments"}


def test_connecting_does_not_load_what_logins_take() -> None:
    loaded = loaded_by("from tiledkernel.client import from_uri, from_profile, Context\nimport tiledkernel.client.aio")
    names = ("admin", "api_keys", "auth", "grants", "login", "prompts", "tokens")
    assert not loaded & {*(f"tiledkernel.client.{name}" for name in names), "getpass", "webbrowser"}


def test_drawing_trees_loads_no_scientific_library() -> None:
    assert not loaded_by("from tiledkernel.client import tree") & {"numpy", "pandas", "pyarrow"}


def test_queries_load_no_scientific_library() -> None:
    assert not loaded_by("import tiledkernel.queries") & {"numpy", "pandas", "pyarrow", "httpx", "litestar"}


def test_importing_the_client_takes_little_time() -> None:
    """150 ms of processor time on the machine of a scientist; measured against the bare interpreter."""
    code = "import time; begin = time.process_time(); import tiledkernel.client; print(time.process_time() - begin)"
    results = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True) for _ in "abc"]
    assert min(float(result.stdout) for result in results) < 0.150


@pytest.mark.parametrize("name", tiledkernel.client.__all__)
def test_every_public_name_can_be_loaded(name: str) -> None:
    assert getattr(tiledkernel.client, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="from_url"):
        _ = tiledkernel.client.from_url
