"""One has a turn at a time; who stops is replaced, and who is replaced finds out."""

from __future__ import annotations

import time

import pytest
from tiled_buckets import lease
from tiled_buckets.lease import taking_turns

from tiledkernel.errors import NotReady
from tiledkernel.testing.keeping import at_once


def test_one_at_a_time(bucket):
    inside, most = [], []

    def work() -> None:
        for _ in range(3):
            with taking_turns(bucket, "turn"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.01)
                inside.pop()

    at_once(work, work, work)
    assert max(most) == 1
    assert len(most) == 9


def test_a_turn_that_lasts_long_is_kept(bucket, monkeypatch):
    monkeypatch.setattr(lease, "WAIT", 2 * lease.LASTS)
    with taking_turns(bucket, "turn") as turn:
        with pytest.raises(NotReady, match="without end"), taking_turns(bucket, "turn"):
            pytest.fail("two have the turn")
        turn.check()


def test_the_turn_of_one_who_has_stopped_is_taken_over_and_that_is_told(bucket):
    bucket.put("turn", b"somebody who was killed")
    begun = time.monotonic()
    with taking_turns(bucket, "turn") as turn:
        assert turn.inherited
        assert time.monotonic() - begun >= lease.LASTS
    with taking_turns(bucket, "turn") as turn:
        assert not turn.inherited


def test_one_who_was_replaced_finds_out_and_does_not_disturb_the_other(bucket):
    with taking_turns(bucket, "turn") as turn:
        bucket.put("turn", b"another")
        with pytest.raises(NotReady, match="try again"):
            turn.check()
    assert bytes(bucket.get("turn").data) == b"another"


@pytest.mark.parametrize("begun", [True, False])
def test_one_who_fails_lets_the_next_know_at_once(bucket, begun):
    def fail() -> None:
        with taking_turns(bucket, "turn") as turn:
            turn.begun = begun
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        fail()
    start = time.monotonic()
    with taking_turns(bucket, "turn") as turn:
        assert turn.inherited is begun
    assert time.monotonic() - start < lease.LASTS
