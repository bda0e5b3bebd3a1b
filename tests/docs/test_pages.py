"""Every page is true: its code runs, its quotations stand where it says, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRITTEN = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "plugins/*/README.md", "changes/*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors that headings get."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = [found["title"].replace("`", "") for found in HEADING.finditer(text)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> list[str]:
    broken = []
    for found in LINK.finditer(CODE.sub("", page.read_text(encoding="utf-8"))):
        target, _, anchor = found["target"].partition("#")
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        goal = (page.parent / target).resolve() if target else page
        if not goal.exists() or (anchor and anchor not in anchors(goal)):
            broken.append(found["target"])
    return broken


def test_everything_that_a_page_shows_works(reader) -> None:
    reader.follow()


def test_what_a_page_quotes_stands_in_the_file(quotations) -> None:
    for block in quotations:
        written = (ROOT / block.file).read_text(encoding="utf-8")
        assert block.text.strip() in written, f"line {block.line}: this is not what {block.file} says"


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_the_readme_is_short() -> None:
    """What it is, how to begin and where to read on fit on a page or two."""
    assert 200 <= len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 500


def test_the_readme_leads_to_every_page() -> None:
    """Someone who reads on finds all there is, directly or through `docs/`."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = [found["target"].partition("#")[0] for found in LINK.finditer(page.read_text(encoding="utf-8"))]
        pages = {(page.parent / link).resolve() for link in links if link.endswith(".md") and "://" not in link}
        waiting.extend(pages - reached)
    assert set((ROOT / "docs").glob("*.md")) <= reached
