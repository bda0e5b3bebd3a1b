"""Bars for people who wait, and for nobody else."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tiledkernel.client import progress
from tiledkernel.client.calls import Call
from tiledkernel.client.plans import ask_bytes, together
from tiledkernel.client.progress_bar import bar

CALL = Call(url="http://local-tiled-app/api/v1/metadata/a")


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """What is shown: for each bar [total, steps]."""
    shown: list[list[int]] = []

    @contextmanager
    def recorded(total: int) -> Iterator[Any]:
        shown.append([total, 0])

        def advance() -> None:
            shown[-1][1] += 1

        yield advance

    monkeypatch.setattr("tiledkernel.client.progress_bar.bar", recorded)
    return shown


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "is_interactive", lambda: True)


def several(count: int) -> Any:
    return together(ask_bytes(CALL) for _ in range(count))


def test_a_person_sees_how_far_several_requests_have_come(scripted: Any, person: None, bars: Any) -> None:
    context, _ = scripted((200, {}, b"x"))
    context.run(several(3))
    assert bars == [[3, 3]]


def test_one_request_has_no_bar(scripted: Any, person: None, bars: Any) -> None:
    context, _ = scripted((200, {}, b"x"))
    context.run(several(1))
    assert not bars


def test_bars_are_never_nested(scripted: Any, person: None, bars: Any) -> None:
    context, _ = scripted((200, {}, b"x"))
    context.run(together(several(2) for _ in range(3)))
    assert bars == [[3, 3]]


def test_a_program_without_a_person_has_no_bar(scripted: Any, bars: Any) -> None:
    context, _ = scripted((200, {}, b"x"))
    context.run(several(3))
    assert not bars


def test_bars_can_be_switched_off(scripted: Any, person: None, bars: Any) -> None:
    context, _ = scripted((200, {}, b"x"), show_progress=False)
    context.run(several(3))
    assert not bars


@pytest.mark.parametrize(("value", "wanted"), [("0", False), ("False", False), ("no", False), ("1", True), ("", True)])
def test_the_environment_can_switch_them_off(monkeypatch: pytest.MonkeyPatch, value: str, wanted: Any) -> None:
    monkeypatch.setenv("TILED_SHOW_PROGRESS", value)
    assert progress.Progress().show is wanted


def test_a_prompt_at_a_terminal_is_interactive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert progress.is_interactive()


def test_a_prompt_without_a_terminal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not progress.is_interactive()


def test_a_bar_counts_and_vanishes(capsys: pytest.CaptureFixture[str]) -> None:
    with bar(2) as advance:
        advance()
        advance()
    assert not capsys.readouterr().out
