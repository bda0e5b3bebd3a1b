"""Installed from wheels, a server can do what is installed: no more, no less, and without configuration."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import httpx
import numpy as np
import pytest
import tifffile

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HEAVY = ("pandas", "pyarrow", "tifffile", "PIL", "tiled_tiff", "tiled_csv", "tiled_parquet", "pytest")
COUNTS = np.arange(12.0).reshape(3, 4)
FRAME = np.arange(6, dtype=np.uint16).reshape(2, 3)
SPECTRUM = "<<PMCA SPECTRUM>>\nGAIN - 3\n<<DATA>>\n0\n12\n7\n<<END>>\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A file of each of three formats."""
    folder = tmp_path_factory.mktemp("files")
    with h5py.File(folder / "scan.h5", "w") as file:
        file.create_dataset("detector/counts", data=COUNTS, chunks=(1, 4), compression="gzip")
        file.attrs["sample"] = "Si(111)"
    tifffile.imwrite(folder / "frame.tif", FRAME)
    (folder / "spectrum.mca").write_text(SPECTRUM)
    return folder


@pytest.fixture(scope="module")
def environment(build, make_environment):
    """The kernel and HDF5, and nothing that these do not depend on."""
    environment = make_environment()
    environment.install(build("."), build("plugins/tiled-hdf5"))
    return environment


@pytest.fixture
def ask(environment, folder, start_server):
    """Start a server over the folder as things are now, and ask it for JSON."""
    server = start_server("serve", "directory", folder, "--public", bin_folder=environment.bin_folder)
    with httpx.Client(base_url=f"{server.url}/api/v1/", trust_env=False) as client:
        yield lambda path: client.get(path).raise_for_status().json()
    server.stop()


def keys(ask) -> list[str]:
    return [item["id"] for item in ask("search/?fields=")["data"]]


def test_the_kernel_and_hdf5_need_no_more(environment) -> None:
    code = f"import importlib.util as i; print([name for name in {HEAVY} if i.find_spec(name)])"
    assert environment.run("python", "-c", code) == "[]\n"


def test_hdf5_is_served(ask) -> None:
    assert keys(ask) == ["scan"]
    assert ask("metadata/scan")["data"]["attributes"]["metadata"] == {"sample": "Si(111)"}
    assert ask("array/full/scan/detector/counts?format=json&slice=1:,::2") == COUNTS[1:, ::2].tolist()


def test_the_client_reads_arrays_without_pandas(environment, folder, start_server) -> None:
    server = start_server("serve", "directory", folder, "--public", bin_folder=environment.bin_folder)
    read = f"from_uri({server.url!r})['scan', 'detector', 'counts'][1:, ::2].tolist()"
    printed = environment.run("python", "-c", f"from tiledkernel.client import from_uri; print({read})")
    assert printed == f"{COUNTS[1:, ::2].tolist()}\n"
    server.stop()


def test_each_format_joins_when_its_wheel_does(environment, build, folder, start_server) -> None:
    """TIFF, and the third-party plugin of docs/write-a-plugin.md: no configuration, only an installation."""
    environment.install(build("plugins/tiled-tiff"), build("docs/examples/tiled-mca"))
    server = start_server("serve", "directory", folder, "--public", bin_folder=environment.bin_folder)
    with httpx.Client(base_url=f"{server.url}/api/v1/", trust_env=False) as client:
        assert client.get("array/full/frame?format=json").json() == FRAME.tolist()
        assert client.get("array/full/spectrum?format=json").json() == [0, 12, 7]
        assert client.get("metadata/spectrum").json()["data"]["attributes"]["metadata"] == {"gain": "3"}
    server.stop()
    names = [line.split()[0] for line in environment.run("tiledkernel", "plugins").splitlines()]
    assert names[1:] == ["kernel", "hdf5", "mca", "tiff"]


@pytest.mark.parametrize(
    "source", [".", *sorted(f"plugins/{path.name}" for path in Path(__file__).parents[2].glob("plugins/tiled-*"))]
)
def test_a_wheel_holds_the_package_and_nothing_else(build, source: str) -> None:
    with zipfile.ZipFile(build(source)) as wheel:
        names = wheel.namelist()
    package = "tiledkernel" if source == "." else Path(source).name.replace("-", "_")
    assert f"{package}/py.typed" in names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {package}
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]
