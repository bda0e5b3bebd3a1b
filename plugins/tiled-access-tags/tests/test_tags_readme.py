"""What the README shows works."""

from __future__ import annotations

import re
from pathlib import Path

from tiled_access_tags.definitions import read_definitions

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_code_runs() -> None:
    [code] = blocks("python")
    exec(compile(code, "README.md", "exec"), {})


def test_its_rules_have_no_mistakes(tmp_path) -> None:
    (tmp_path / "tags.yml").write_text(blocks("yaml")[0], encoding="utf-8")
    assert read_definitions(tmp_path / "tags.yml").groups == {"physics": ("alice", "bob")}
