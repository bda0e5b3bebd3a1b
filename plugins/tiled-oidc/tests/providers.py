"""Providers in processes of their own: a certified one where it can be had, and one on Authlib everywhere."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGE, VERSION = "oidc-provider", "9.13.3"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiledkernel-tests"
PATIENCE = 120.0  # seconds

AUTHLIB = "authlib"
CERTIFIED = "certified"
KINDS = (AUTHLIB, CERTIFIED)


@contextmanager
def running_provider(kind: str, description: dict[str, Any]) -> Iterator[str]:
    """The issuer of a provider that runs meanwhile; where there is no certified one, that on Authlib stands in."""
    folder = _certified() if kind == CERTIFIED else None
    text = json.dumps(description)
    if folder is not None:
        command = ["node", str(HERE / "certified_provider.mjs"), str(folder), text]
    else:
        command = [sys.executable, str(HERE / "authlib_provider.py"), text]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        ready = next((line for line in process.stdout if line.startswith("READY ")), None)
        assert ready is not None, f"the provider does not start: {command[:2]}"
        yield ready.split()[1]
    finally:
        process.kill()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


def _certified() -> Path | None:
    """The folder into which the certified provider is installed; None without Node, npm, or the network for it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    folder = CACHE / f"{PACKAGE}-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # of several test processes one installs
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / "installed"
        if not done.exists():
            (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": {PACKAGE: VERSION}}))
            command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
            command += ["--fetch-retries=1", "--fetch-timeout=20000"]
            installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if installed.returncode:
                sys.stderr.write(f"the certified provider cannot be had, one on Authlib stands in:\n{installed.stderr}")
                return None
            done.touch()
    return folder
