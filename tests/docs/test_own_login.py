"""The login of docs/own-login.md, as a plugin that is installed, on a server that is served."""

from __future__ import annotations

import hashlib
import importlib
import os
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from tiledkernel.client.context import Context, password_grant
from tiledkernel.client.errors import ClientError
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.server.from_config import build_app_from_config

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "tiled-user-office"
CONFIGURATION = """\
trees:
- {path: /, tree: directory, args: {path: .}}
authentication:
  providers:
  - {provider: users, authenticator: user-office, args: {database: people.db}}
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The plugin, with the metadata that an installer would write."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    info = tmp_path / "site" / "tiled_user_office-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(f"{name} = {module}\n" for name, module in project["entry-points"]["tiledkernel"].items())
    (info / "entry_points.txt").write_text(f"[tiledkernel]\n{entries}")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(info.parent))
    importlib.invalidate_caches()
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiled_user_office"]:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the database of the user office, in which alice's password is 'beam time'."""
    folder = tmp_path / "folder"
    folder.mkdir()
    digest = hashlib.scrypt(b"beam time", salt=b"salt", n=2**14, r=8, p=1)
    with closing(sqlite3.connect(folder / "people.db")) as database, database:
        database.execute("CREATE TABLE people (name TEXT PRIMARY KEY, salt BLOB, digest BLOB, proposal TEXT)")
        database.execute("INSERT INTO people VALUES ('alice', ?, ?, 'p-1234')", (b"salt", digest))
    (folder / "config.yml").write_text(CONFIGURATION)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("installed", "folder")
def test_whoever_the_plugin_knows_can_log_in(listen) -> None:
    app = build_app_from_config("config.yml")
    with Context(f"{listen(app)}/api/v1") as context:
        (provider,) = context.server_info.authentication.providers
        link = provider.links["auth_endpoint"]
        with pytest.raises(ClientError, match="401"):
            password_grant(context.http_client, link, "users", "alice", "wrong")
        context.configure_auth(password_grant(context.http_client, link, "users", "alice", "beam time"))
        known = context.whoami()
    assert [identity["id"] for identity in known["identities"]] == ["alice"]
    assert known["sessions"][0]["state"] == {"proposal": "p-1234"}
    app.state.service.close()


@pytest.mark.usefixtures("installed")
def test_a_misspelt_option_is_told_with_its_place(folder) -> None:
    (folder / "config.yml").write_text(CONFIGURATION.replace("database", "data_base"))
    with pytest.raises(InvalidConfiguration, match=r"config\.yml:5: .*did you mean 'database'\?"):
        build_app_from_config("config.yml")


def test_the_example_keeps_its_promises() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", EXAMPLE, EXAMPLE],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
