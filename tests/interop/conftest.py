"""A server over demo data and real files, and the unmodified `tiled` client in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile
import uv

REFERENCE = "tiled[all]==0.2.20"
CONFIGURATION = """\
trees:
  - {path: /demo, tree: "tiledkernel.examples.generated:tree"}
  - {path: /nested, tree: "tiledkernel.examples.nested:tree"}
  - {path: /minimal, tree: "tiledkernel.examples.generated_minimal:tree"}
  - {path: /files, tree: directory, args: {path: files}}
  - {path: /links, tree: directory, args: {path: links}}
authentication: {allow_anonymous_access: true}
"""


@pytest.fixture(scope="session")
def reference_python(request: pytest.FixtureRequest) -> Path:
    """A Python that has the reference client; made once, and kept in pytest's cache."""
    folder = Path(request.config.cache.mkdir("reference-client"))
    python, complete = folder / "bin" / "python", folder / f"{REFERENCE}.installed"
    if not complete.exists():
        for command in (
            ["venv", "--clear", "--python", sys.executable, folder],
            ["pip", "install", "--python", python, REFERENCE],
        ):
            done = subprocess.run([uv.find_uv_bin(), *command], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        complete.touch()
    return python


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory, start_server) -> str:
    """A server with the example trees at /demo, /nested and /minimal, and folders of files at /files and /links."""
    folder = tmp_path_factory.mktemp("served")
    write_files(folder / "files")
    write_links(folder / "links")
    (folder / "config.yml").write_text(CONFIGURATION)
    return start_server("serve", "config", "config.yml", cwd=folder).url


def write_links(folder: Path) -> None:
    """An HDF5 file in which one name leads nowhere."""
    folder.mkdir()
    with h5py.File(folder / "scan.h5", "w") as file:
        file["time"] = np.linspace(0, 1, 5)
        file["dangling"] = h5py.ExternalLink("nowhere.h5", "/data")


def write_files(folder: Path) -> None:
    """One file of each kind, as the libraries write them, and a corrupt one of each."""
    (folder / "series").mkdir(parents=True)
    (folder / "broken").mkdir()
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
    for name in ("a.h5", "b.tif", "c.parquet"):
        (folder / "broken" / name).write_bytes(b"not what the name says")
