"""Our server and the reference's, side by side on free ports, with comparable content; and the reference itself.

The reference is `tiled` as it is published, in an environment of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile

HERE = Path(__file__).parent
PATIENCE = 120.0  # seconds until a process counts as hanging; the reference takes its time to start
KEY = "secret"
RUNNING = re.compile(r"running on \S*?(?P<url>http://127\.0\.0\.1:[1-9][0-9]*)")
OURS = """\
trees:
  - {path: /tree, tree: "kernel_tree:tree"}
  - {path: /minimal, tree: "tiledkernel.examples.generated_minimal:tree"}
  - {path: /files, tree: directory, args: {path: files}}
  - {path: /demo, tree: "tiledkernel.examples.generated:tree"}
  - {path: /nested, tree: "tiledkernel.examples.nested:tree"}
  - {path: /links, tree: directory, args: {path: links}}
  - {path: /damaged, tree: directory, args: {path: damaged}}
authentication: {allow_anonymous_access: true}
"""
THEIRS = f"""\
trees:
  - {{path: /tree, tree: "reference_tree:tree"}}
  - {{path: /minimal, tree: "tiled.examples.generated_minimal:tree"}}
  - path: /files
    tree: catalog
    args: {{uri: "sqlite:///./files.db", readable_storage: ["./files"], init_if_not_exists: true}}
authentication: {{allow_anonymous_access: true, single_user_api_key: {KEY}}}
"""


def environment(**more: str) -> dict[str, str]:
    """What a process here is to know: nothing of anyone's own settings, and the modules beside this one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TILED", "PYTHON", "VIRTUAL"))}
    return kept | {"PYTHONPATH": str(HERE), "PYTHONUNBUFFERED": "1", "TILED_RETRY_ATTEMPTS": "2"} | more


@dataclass
class Server:
    """A running server, and the folder in which it runs."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / "log.txt"

    def url(self) -> str:
        """Where it answers, as soon as it does."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := RUNNING.search(self.log.read_text(encoding="utf-8", errors="replace")):
                return found["url"]
            time.sleep(0.05)
        pytest.fail(f"the server does not run:\n{self.log.read_text(encoding='utf-8', errors='replace')}")

    def stop(self) -> None:
        """End this process, and no other."""
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., Server]]:
    """Serve what a configuration says, with the command of either package, on a free port of the loopback."""
    servers: list[Server] = []

    def run(command: Path, configuration: str, folder: Path) -> Server:
        (folder / "config.yml").write_text(configuration)
        with (folder / "log.txt").open("wb") as output:
            process = subprocess.Popen(
                [command, "serve", "config", "config.yml", "--host", "127.0.0.1", "--port", "0"],
                cwd=folder, env=environment(), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        servers.append(Server(process, folder))
        return servers[-1]

    yield run
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def servers(start: Callable[..., Server], reference_python: Path, tmp_path_factory: Any) -> dict[str, Server]:
    """The servers, by the package that they run; they may be starting yet."""
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    for folder in (ours, theirs):
        write_files(folder / "files")
    write_damaged(ours / "damaged")
    write_links(ours / "links")
    return {
        "tiled": start(reference_python.with_name("tiled"), THEIRS, theirs),
        "tiledkernel": start(Path(sys.executable).with_name("tiledkernel"), OURS, ours),
    }


def write_links(folder: Path) -> None:
    """An HDF5 file in which one name leads nowhere."""
    folder.mkdir()
    with h5py.File(folder / "scan.h5", "w") as file:
        file["time"] = np.linspace(0, 1, 5)
        file["dangling"] = h5py.ExternalLink("nowhere.h5", "/data")


def write_damaged(folder: Path) -> None:
    """Files that are not what their names say."""
    folder.mkdir()
    for name in ("a.h5", "b.tif", "c.parquet"):
        (folder / name).write_bytes(b"not what the name says")


def write_files(folder: Path) -> None:
    """One file of each kind, as the libraries write them."""
    (folder / "series").mkdir(parents=True)
    with h5py.File(folder / "scan.h5", "w") as file:
        file.attrs.update({"sample": "Si(111)", "temperature": 300.5, "cycle": [1, 2, 3]})
        detector = file.create_group("detector")
        counts = detector.create_dataset(
            "counts", data=np.arange(80, dtype=">i4").reshape(10, 8), chunks=(4, 8), compression="gzip"
        )
        counts.attrs["units"] = "photons"
        detector.create_dataset("names", data=["left", "right"], dtype=h5py.string_dtype())
        file["time"] = np.linspace(0, 1, 5)
    for number in range(5):
        tifffile.imwrite(folder / "series" / f"frame{number:03}.tif", np.full((4, 6), number, np.uint16))
    tifffile.imwrite(folder / "single.tif", np.arange(6, dtype=np.float32).reshape(2, 3))
    pd.DataFrame({"x": [1, 2, 3], "y": [0.5, 1.5, 2.5], "label": ["a", "b", "c"]}).to_csv(
        folder / "spectrum.csv", index=False
    )
    when = pd.date_range("2026-01-01", periods=3, freq="h")
    pd.DataFrame({"when": when, "height": [1.0, np.nan, 3.0]}).to_parquet(folder / "events.parquet")
