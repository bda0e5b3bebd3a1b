"""Bodies that are made in a temporary file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tiledkernel.server.spooled import PIECE, spooled


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("size", [0, 1, PIECE, 2 * PIECE + 1])
def test_what_is_written_is_sent_in_pieces(size, folder) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    pieces = list(spooled(lambda path: path.write_bytes(data) and None))
    assert b"".join(pieces) == data
    assert all(len(piece) <= PIECE for piece in pieces)
    assert not list(folder.iterdir())


def test_nothing_is_made_before_somebody_asks(folder) -> None:
    spooled(lambda path: pytest.fail("it was made"))
    assert not list(folder.iterdir())


def test_the_file_has_no_name_any_more_while_it_is_sent(folder) -> None:
    pieces = spooled(lambda path: path.write_bytes(b"x" * 3 * PIECE) and None)
    next(pieces)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    pieces.close()
    assert not list(folder.iterdir())


def test_a_failure_leaves_nothing_behind(folder) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"x")
        raise ValueError("half of it")

    with pytest.raises(ValueError, match="half of it"):
        next(spooled(write))
    assert not list(folder.iterdir())
