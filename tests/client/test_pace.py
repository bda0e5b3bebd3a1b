"""How many requests for data are open at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tiledkernel.client.calls import Call
from tiledkernel.client.pace import Pace
from tiledkernel.client.plans import ask_bytes, together

from .scripted import message

URL = "http://local-tiled-app/api/v1/metadata/a"


def test_it_begins_at_the_ceiling() -> None:
    pace = Pace(4)
    for _ in range(4):
        assert pace.has_room
        pace.begin()
    assert not pace.has_room


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_overwhelmed_gets_half(status: int) -> None:
    pace = Pace(8)
    pace.end(pace.begin(), status)
    assert pace.allowed == 4


def test_requests_that_were_open_together_count_once() -> None:
    pace = Pace(8)
    begun = [pace.begin() for _ in range(8)]
    for each in begun:
        pace.end(each, 503)
    assert pace.allowed == 4
    pace.end(pace.begin(), 503)
    assert pace.allowed == 2


def test_one_is_always_allowed() -> None:
    pace = Pace(2)
    for _ in range(5):
        pace.end(pace.begin(), 429)
    assert pace.allowed == 1
    assert pace.has_room


def test_it_grows_again_by_one_a_round_up_to_the_ceiling() -> None:
    pace = Pace(4)
    pace.end(pace.begin(), 503)
    allowed = []
    for _ in range(7):
        pace.end(pace.begin(), 200)
        allowed.append(pace.allowed)
    assert allowed == [2, 3, 3, 3, 4, 4, 4]


def test_a_connection_that_broke_says_nothing_of_the_server() -> None:
    pace = Pace(4)
    pace.end(pace.begin(), 503)
    for _ in range(9):
        pace.end(pace.begin(), None)
    assert (pace.allowed, pace.open) == (2, 0)


def test_all_data_come_from_a_server_that_is_overwhelmed_at_first(scripted: Any, impatient: None) -> None:
    """And after its first refusals no more requests are open than it copes with."""
    context, app = scripted(*[message({}, 503)] * 2, (200, {}, b"x"), max_connections=8)
    found = context.run(together(ask_bytes(Call(url=URL)) for _ in range(16)))
    assert found == [b"x"] * 16
    assert context._pace.allowed < 8
    assert len(app.requests) == 18


def test_no_more_are_open_than_the_server_copes_with(scripted: Any, impatient: None) -> None:
    context, _ = scripted((200, {}, b"x"), max_connections=8)
    context._pace.allowed = 2
    most = 0

    def watch(stop: threading.Event) -> None:
        nonlocal most
        while not stop.is_set():
            most = max(most, context._pace.open)
            time.sleep(0)

    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(stop,))
    watcher.start()
    context.run(together(ask_bytes(Call(url=URL)) for _ in range(8)))
    stop.set()
    watcher.join()
    assert 1 <= most <= context._pace.allowed
