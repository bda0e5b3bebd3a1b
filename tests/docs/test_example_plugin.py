"""The plugin of docs/write-a-plugin.md works, and its mistakes are explained as that page says."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tiledkernel.client import Context, from_context
from tiledkernel.composition import Composition
from tiledkernel.errors import PluginError
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app
from tiledkernel.trees import build_directory

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "tiled-mca"
SPECTRUM = "<<PMCA SPECTRUM>>\nGAIN - 3\n<<DATA>>\n0\n12\n7\n<<END>>\n"

MISTAKES = {
    "a check is missing": (
        "tiled_mca/reader.py",
        "if not data or not end:",
        "if not data:",
        (
            "a file reduced to half of it gave None where an exception was expected: check what the library returns "
            "against the size that the file declares (or set tells_damage = False if the format cannot tell)"
        ),
    ),
    "a suffix in capitals": (
        "tiled_mca/__init__.py",
        '".mca"',
        '".MCA"',
        "suffix '.MCA' can never match: write suffixes with their dot and in lower case",
    ),
    "no metadata": (
        "tiled_mca/reader.py",
        ", metadata=metadata)",
        ")",
        "metadata of '' have 'gain': None, but the sample says '3'",
    ),
}


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch):
    """The plugin's module, as if it were installed."""
    monkeypatch.syspath_prepend(EXAMPLE)
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiled_mca"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("tiled_mca")


def contract(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the plugin's own tests, as its author does."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_example_keeps_the_contract() -> None:
    done = contract(EXAMPLE)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_contract_explains_a_mistake_as_the_page_says(mistake: str, tmp_path: Path) -> None:
    file, right, wrong, message = MISTAKES[mistake]
    copy = Path(shutil.copytree(EXAMPLE, tmp_path / "tiled-mca"))
    source = (copy / file).read_text()
    assert source.count(right) == 1
    (copy / file).write_text(source.replace(right, wrong))
    done = contract(copy, "-k", "damaged or fits or metadata")
    assert done.returncode == 1
    assert message in done.stdout
    assert message in " ".join((ROOT / "docs" / "write-a-plugin.md").read_text().split())


def test_a_misspelt_hook_is_explained_as_the_page_says(plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "register_reader", plugin.register_readers, raising=False)
    with pytest.raises(PluginError, match="is required") as caught:
        discover(third_party=False, extra={"mca": plugin}, require=["mca"])
    said = str(caught.value).partition("set aside: ")[2]
    assert said in (ROOT / "docs" / "write-a-plugin.md").read_text()


def test_a_folder_of_spectra_is_served(plugin, tmp_path: Path) -> None:
    """Through the whole server, with this plugin and the kernel's own."""
    (tmp_path / "a.mca").write_text(SPECTRUM)
    composition = Composition(discover(third_party=False, extra={"mca": plugin}))
    tree = build_directory(DirectoryOptions(path=str(tmp_path)), composition)
    app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=composition)
    with Context.from_app(app) as context:
        spectrum = from_context(context)["a"]
        assert spectrum[1:].tolist() == [12, 7]
        assert dict(spectrum.metadata) == {"gain": "3"}
