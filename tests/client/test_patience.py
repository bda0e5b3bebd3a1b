"""What a person sees while something is tried again."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from tiledkernel.client.calls import Call
from tiledkernel.client.patience import WORD, Patience
from tiledkernel.client.plans import ask_bytes, together

from .scripted import message

CALL = Call(url="http://local-tiled-app/api/v1/metadata/a")
BUSY = message({}, 503)


@pytest.fixture(autouse=True)
def nobody_waits() -> None:
    """Until nothing that other tests began is still being tried again."""
    for _ in range(1000):
        if not Patience._waiting:
            return
        time.sleep(0.02)


@pytest.fixture
def spinners(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person at a terminal is shown."""
    shown: list[str] = []

    class Status:
        def start(self) -> None:
            shown.append("start")

        def stop(self) -> None:
            shown.append("stop")

    class Console:
        def __init__(self, *, stderr: bool) -> None:
            assert stderr

        def status(self, text: str) -> Status:
            assert text == WORD
            return Status()

    monkeypatch.setattr("rich.console.Console", Console)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    return shown


def test_a_spinner_turns_at_a_terminal_as_long_as_attempts_go_on(
    scripted: Any, impatient: None, spinners: list[str]
) -> None:
    context, _ = scripted(BUSY, BUSY, (200, {}, b"x"))
    context.data_bytes(CALL)
    assert spinners == ["start", "stop"]


def test_it_stops_when_the_attempts_are_given_up(scripted: Any, impatient: None, spinners: list[str]) -> None:
    context, _ = scripted(BUSY)
    with pytest.raises(Exception, match="503"):
        context.data_bytes(CALL)
    assert spinners == ["start", "stop"]


def test_several_requests_that_are_tried_again_say_so_once(
    scripted: Any, impatient: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with Patience() as other:
        other.note(2)
        context, _ = scripted(*[BUSY] * 2, (200, {}, b"x"))
        context.run(together(ask_bytes(CALL) for _ in range(5)))
    assert capsys.readouterr().err == f"{WORD}\n"


def test_a_refusal_shows_nothing(scripted: Any, spinners: list[str]) -> None:
    context, _ = scripted(message({}, 404))
    with pytest.raises(Exception, match="404"):
        context.data_bytes(CALL)
    assert not spinners
