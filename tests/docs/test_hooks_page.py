"""docs/hooks.md says about every hook and every record what the code says, no more and no less."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import msgspec
import pytest

from tiledkernel import hookspecs
from tiledkernel.plugins import RECORDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
SOURCES = [ROOT / "tiledkernel" / "builtins.py", *ROOT.glob("plugins/*/tiled_*/__init__.py")]
HOOKS = {
    name: hook
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction)
    if hasattr(hook, f"{hookspecs.PROJECT}_spec")
}


def section(hook: str) -> str:
    return " ".join(SECTIONS[hook].split())


def fields_of(record: type[msgspec.Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(record)]


def test_every_hook_has_a_section_and_every_section_a_hook() -> None:
    assert list(SECTIONS) == list(RECORDS)
    assert HOOKS.keys() == SECTIONS.keys()


@pytest.mark.parametrize("hook", RECORDS)
def test_a_section_asks_what_the_hook_asks(hook: str) -> None:
    assert str(inspect.getdoc(HOOKS[hook])) in section(hook)


@pytest.mark.parametrize("hook", RECORDS)
def test_a_section_lists_the_fields_of_the_record(hook: str) -> None:
    """In the order of the record, each as the beginning of a line of its table."""
    listed = re.findall(r"^\| `(\w+)` \|", SECTIONS[hook], re.MULTILINE)
    assert listed == fields_of(RECORDS[hook])


@pytest.mark.parametrize("hook", RECORDS)
def test_a_section_says_which_fields_are_needed(hook: str) -> None:
    required = {field.name for field in msgspec.structs.fields(RECORDS[hook]) if field.required}
    assert set(re.findall(r"^\| `(\w+)` \| needed", SECTIONS[hook], re.MULTILINE)) == required


@pytest.mark.parametrize("hook", RECORDS)
def test_a_section_quotes_a_plugin_that_has_the_hook(hook: str) -> None:
    """The kernel's own or one of this repository; that it is quoted rightly is checked in test_pages.py."""
    plugins = {path for path in SOURCES if f"def {hook}(" in path.read_text(encoding="utf-8")}
    quoted = {ROOT / file for file in re.findall(r"<!-- file: (\S+) -->", SECTIONS[hook])}
    assert bool(quoted) == bool(plugins)
    assert quoted <= plugins
