"""The prompts of the published tutorials, with what a user sees there, compared to the letter.

The transcripts say `http://localhost:8000` for the server and `/srv` for the folder in which everything happens.
"""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from tiledkernel.client import SERVERS

HERE = Path(__file__).parent
EXACTLY = 0  # no option of doctest that overlooks differences


def follow(transcript: str, url: str, folder: Path) -> None:
    """Type every line, in one session; what differs is said, with the line of the transcript."""
    text = (HERE / transcript).read_text(encoding="utf-8")
    text = text.replace("http://localhost:8000", url).replace("/srv", folder.as_posix())
    session = doctest.DocTestParser().get_doctest(text, {}, transcript, str(HERE / transcript), 0)
    assert len(session.examples) > 5
    differences: list[str] = []
    doctest.DocTestRunner(optionflags=EXACTLY, verbose=False).run(session, out=differences.append)
    assert not differences, "".join(differences)


def test_the_example_of_the_readme(demo_url: str, tmp_path: Path) -> None:
    follow("readme.pycon", demo_url, tmp_path)


def test_what_ten_minutes_reads(
    examples_url: str, examples_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(examples_folder)
    follow("ten_minutes.pycon", examples_url, examples_folder)
    assert (examples_folder / "downloads" / "edges.csv").read_bytes() == (
        examples_folder / "elements" / "C" / "edges.csv"
    ).read_bytes()
    assert size_of_png(examples_folder / "my_image.png") == (512, 512)
    assert size_of_png(examples_folder / "top_right_corner.png") == (50, 50)
    assert (examples_folder / "my_table.xlsx").read_bytes()[:2] == b"PK"


def test_what_ten_minutes_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = len(SERVERS)
    try:
        follow("ten_minutes_writing.pycon", "", tmp_path)
    finally:
        for server in SERVERS[before:]:
            server.close()
        del SERVERS[before:]


def size_of_png(path: Path) -> tuple[int, int]:
    """Width and height, as the file's header has them."""
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])
