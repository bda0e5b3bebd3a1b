"""The adapters of Tiled 0.2.20 are served as Tiled serves them: both clients find the same."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import uv

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("reference_script.py")
REFERENCE = "tiled[all]==0.2.20"
OURS = [ROOT, *(ROOT / "plugins" / name for name in ("tiled-bridge", "tiled-sparse", "tiled-awkward", "tiled-xarray"))]
READERS = {
    ".csv": ("text/csv", "tiled.adapters.csv:CSVAdapter"),
    ".h5": ("application/x-hdf5", "tiled.adapters.hdf5:HDF5Adapter"),
    ".npy": ("application/x-npy", "tiled.adapters.npy:NPYAdapter"),
    ".tif": ("image/tiff", "tiled.adapters.tiff:TiffAdapter"),
    ".xlsx": ("application/x-excel", "tiled.adapters.excel:ExcelAdapter"),
    ".zarr": ("application/x-zarr", "tiled.adapters.zarr:ZarrAdapter"),
}
READ_FOLDER = """
import json, sys, warnings
warnings.simplefilter("ignore")
from tiledkernel.client import Context, from_context
from tiledkernel.server.from_config import build_app_from_config
with Context.from_app(build_app_from_config(json.loads(sys.argv[1]))) as context:
    client = from_context(context)
    found = {key: client[key].read().tolist() for key in ("numbers", "image", "zarr_numbers")}
    found |= {key: client[key].read().to_dict("list") for key in ("table",)}
    found |= {"x": client["file", "group", "x"][:].tolist(), "sheet": client["book", "Sheet1"].read()["x"].tolist()}
print(json.dumps(found))
"""


def script() -> object:
    specification = importlib.util.spec_from_file_location("reference_script", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def shared_python(request) -> Path:
    """A Python that has Tiled and this project; made once, and kept in pytest's cache."""
    folder = Path(request.config.cache.mkdir("reference-adapters"))
    wanted = hashlib.sha256(b"".join((path / "pyproject.toml").read_bytes() for path in OURS)).hexdigest()
    python, complete = folder / "bin" / "python", folder / f"{wanted[:16]}.installed"
    if not complete.exists():
        editable = [part for path in OURS for part in ("-e", f"{path}[table]" if path == ROOT else path)]
        for command in (
            ["venv", "--clear", "--python", sys.executable, folder],
            ["pip", "install", "--no-sources", "--python", python, REFERENCE, *editable],
        ):
            done = subprocess.run([uv.find_uv_bin(), *command], cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        complete.touch()
    return python


@pytest.fixture(scope="module")
def answers(shared_python, tmp_path_factory) -> dict:
    """What either client finds, step by step."""
    folder = tmp_path_factory.mktemp("reference")
    command = [shared_python, "-W", "ignore", SCRIPT, folder, folder / "answers.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "answers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("step", script().STEPS)
def test_both_servers_give_the_same(step, answers):
    theirs, ours = answers[step]["tiled"], answers[step]["tiledkernel"]
    assert not (isinstance(theirs, dict) and "error" in theirs), theirs
    assert ours == theirs


def test_readers_of_the_reference_open_files_that_they_are_chosen_for(shared_python, tmp_path):
    make = (
        f"import importlib.util as i, sys; s = i.spec_from_file_location('script', {str(SCRIPT)!r});"
        "m = i.module_from_spec(s); s.loader.exec_module(m);"
        "from pathlib import Path; m.make_files(Path(sys.argv[1]))"
    )
    subprocess.run([shared_python, "-W", "ignore", "-c", make, tmp_path], check=True, timeout=300)
    (tmp_path / "numbers.zarr").rename(tmp_path / "zarr_numbers.zarr")
    args = {
        "path": str(tmp_path),
        "ext": {suffix: media_type for suffix, (media_type, _) in READERS.items()},
        "adapters_by_mimetype": dict(READERS.values()),
    }
    configuration = {
        "trees": [{"path": "/", "tree": "bridge", "args": args}],
        "authentication": {"allow_anonymous_access": True},
    }
    command = [shared_python, "-W", "ignore", "-c", READ_FOLDER, json.dumps(configuration)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "numbers": [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]],
        "image": [[0, 1, 2], [3, 4, 5]],
        "zarr_numbers": [0.0, 1.0, 2.0, 3.0, 4.0],
        "table": {"x": [1, 2, 3], "label": ["a", "b", "c"]},
        "x": [0, 1, 2, 3],
        "sheet": [1, 2, 3],
    }


def test_tiled_is_not_imported_though_it_is_there(shared_python):
    """What an adapter uses is found; a server whose adapters use nothing of Tiled has nothing to do with it."""
    code = f"""
import importlib, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
site = importlib.import_module("site_adapters")
from tiledkernel.client import Context, from_context
from tiledkernel.server import build_app
with Context.from_app(build_app(site.Service({{"a": site.Image()}}))) as context:
    print(from_context(context)["a"].read().shape, [name for name in sys.modules if name.split(".")[0] == "tiled"])
"""
    command = [shared_python, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "(6, 10) []"
