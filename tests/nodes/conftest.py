"""Trees of real files with readers of a toy format."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiledkernel.nodes.directory import DirectoryNode, DirectoryOptions, directory_tree
from tiledkernel.nodes.open_files import OpenFiles
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.records import Reader

NPY = Reader(
    media_type="application/x-npy",
    suffixes=(".npy",),
    signatures=(b"\x93NUMPY",),
    open="toy_readers:open_npy",
    open_many="toy_readers:open_npys",
    numbered=True,
)
GROUP = Reader(media_type="application/x-group", suffixes=(".group",), open="toy_readers:open_group", directory=True)
BAD = Reader(media_type="application/x-bad", suffixes=(".bad",), open="toy_readers:complain")
CURT = Reader(media_type="application/x-curt", suffixes=(".curt",), open="toy_readers:complain_curtly")
LATE = Reader(media_type="application/x-late", suffixes=(".late",), open="toy_readers:open_text")
LONE = Reader(
    media_type="application/x-lone", suffixes=(".lone", ".tar.lone"), open="toy_readers:open_npy", concurrency="one"
)
LOST = Reader(media_type="application/x-lost", suffixes=(".lost",), open="a_module_that_is_not_there:open")
READERS = [(reader, "toy") for reader in (NPY, GROUP, BAD, CURT, LATE, LONE)] + [(LOST, "lost")]


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the toy readers, importable and with its counters at zero."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    module = importlib.import_module("toy_readers")
    module.reset()
    yield module
    sys.modules.pop("toy_readers", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "served"
    path.mkdir()
    return path


@pytest.fixture
def put(folder: Path) -> Callable[..., Path]:
    """Write an array, or bytes, to a file below the folder."""

    def write(name: str, content: Any = 0) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            with path.open("wb") as file:
                np.save(file, np.asarray(content))
        return path

    return write


@pytest.fixture
def serve(folder: Path, toys: Any) -> Callable[..., DirectoryNode]:
    """The tree of the folder, with the toy readers."""

    def tree(*, cache: int = 100, **options: Any) -> Any:
        chosen = DirectoryOptions(path=str(folder), **options)
        return directory_tree(chosen, ReaderTable(READERS), toys.adopt, OpenFiles(cache))

    return tree


@pytest.fixture
def age(folder: Path) -> Callable[[], None]:
    """Make all folders look as if they had not changed for an hour."""

    def make_old() -> None:
        past = time.time() - 3600
        for parent, _, _ in os.walk(folder):
            os.utime(parent, (past, past))

    return make_old
