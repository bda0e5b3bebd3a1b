"""A place for a store, and the files of it that are opened."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The library warns about element types that the specification of version 3 does not have yet."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="zarr")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification")
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.zarr"


@pytest.fixture
def opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files of the store were opened, in order."""
    seen: list[str] = []
    real = os.open

    def counting(name, *arguments, **options):
        if str(name).startswith(f"{path}/"):
            seen.append(str(name).removeprefix(f"{path}/"))
        return real(name, *arguments, **options)

    monkeypatch.setattr(os, "open", counting)
    return seen
