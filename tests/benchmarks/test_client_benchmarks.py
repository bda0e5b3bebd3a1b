"""The client half of the benchmarks measures what it says, and its tables say what was measured."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

TASKS = '''
"""Tasks that a test knows everything about."""

import os
import time


class Tasks:
    def __init__(self, held=0):
        self.asked = 0

    def requests(self):
        return self.asked

    def rest(self, seconds):
        def work():
            self.asked += 2
            print("what a library prints is no answer")
            time.sleep(seconds)
            return b"four"
        return work, len

    def fail(self):
        raise ValueError("not today")

    def fall_over(self):
        os._exit(3)

    def array(self, path):
        def work():
            result = b"1" * (16 << 20)
            more = b"1" * (48 << 20)
            time.sleep(0.1)
            return result
        return work, len

    def close(self):
        pass
'''


@pytest.fixture
def worker(tmp_path, monkeypatch):
    import workers

    (tmp_path / "my_tasks.py").write_text(TASKS)
    monkeypatch.setattr(workers, "environment", lambda: {**os.environ, "PYTHONPATH": str(tmp_path)})
    with workers.working("my_tasks") as worker:
        yield worker


def test_a_task_is_repeated_until_the_count_is_reached(worker):
    answer = worker.do("rest", 0.01, count=3, seconds=10)
    assert len(answer.seconds) == 3
    assert all(0.01 <= seconds < 1 for seconds in answer.seconds)
    assert (answer.size, answer.requests) == (4, 2)


def test_a_task_is_repeated_until_its_time_is_over(worker):
    assert 1 < len(worker.do("rest", 0.01, count=10**6, seconds=0.1).seconds) <= 10


def test_a_task_is_done_once_even_if_there_is_no_time(worker):
    assert len(worker.do("rest", 0.01, count=100, seconds=0).seconds) == 1


def test_a_task_that_fails_says_why_and_others_go_on(worker):
    from workers import TaskFailed

    with pytest.raises(TaskFailed, match="ValueError: not today"):
        worker.do("fail")
    assert worker.do("rest", 0).size == 4


def test_a_client_that_falls_over_is_a_failure_of_its_tasks(worker):
    from workers import TaskFailed

    for task in ("fall_over", "rest"):
        with pytest.raises(TaskFailed, match="the process has ended"):
            worker.do(task)


def test_a_client_that_does_not_start_says_why():
    import workers

    with pytest.raises(RuntimeError, match=r"(?s)does not start.*No module named 'no_such_tasks'"):
        workers.working("no_such_tasks").__enter__()


def test_memory_that_is_held_above_the_result_is_seen(worker):
    from client_measure import extra_memory

    assert 45 << 20 < extra_memory(worker) < 60 << 20


COUNTING = """
import asyncio, sys, httpx
from counting import Counter

counter = Counter()
httpx.get(sys.argv[1])
with httpx.Client() as client:
    client.get(sys.argv[1])

async def main():
    async with httpx.AsyncClient() as client:
        await asyncio.gather(*(client.get(sys.argv[1]) for _ in range(3)))

asyncio.run(main())
print(counter.count)
"""


def test_requests_are_counted_where_they_leave_the_process():
    import servers

    with servers.running(servers.bare(), "/") as server:
        command = [sys.executable, "-c", COUNTING, server.uri]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=servers.environment())
    assert done.stdout == "5\n"


def test_a_plain_socket_fills_memory_that_is_there(monkeypatch):
    import plain_tasks
    import servers
    import source

    command = [sys.executable, "-c", "import source, sys; source.SIZE = 5000; source.serve(int(sys.argv[1]))", "{port}"]
    target = memoryview(bytearray(5000))
    with servers.running(command) as server:
        assert plain_tasks.receive(server.port, target) == 5000
    assert target == b"\1" * 5000
    assert source.SIZE == 256 << 20


def test_a_result_of_another_size_is_a_failure(worker):
    from cases import QUICK
    from client_cases import OURS, REFERENCE, ClientCase, Job
    from client_measure import Crowd, _times

    crowd = Crowd({OURS: worker, REFERENCE: worker}, 0)
    right, wrong = (
        _times(ClientCase("rest", Job(OURS, "rest", (0,)), Job(REFERENCE, "rest", (0,)), size, count=1), crowd, QUICK)
        for size in (4, 5)
    )
    assert not right.failures
    assert right.requests == {OURS: 2, REFERENCE: 2}
    assert set(wrong.failures) == {OURS, REFERENCE}
    assert "a size of 4 instead of 5" in wrong.failures[OURS]
    assert not wrong.rounds


def test_a_reference_that_has_used_its_time_takes_part_no_more(worker, monkeypatch):
    import client_cases
    from cases import Effort
    from client_cases import OURS, REFERENCE, ClientCase, Job
    from client_measure import Crowd, _times

    monkeypatch.setattr(client_cases, "PATIENCE_WITH_REFERENCE", 0.05)
    case = ClientCase("rest", Job(OURS, "rest", (0,)), Job(REFERENCE, "rest", (0.04,)), 4, count=1)
    result = _times(case, Crowd({OURS: worker, REFERENCE: worker}, 0), Effort(rounds=5, seconds=1, count=1))
    assert len(result.rounds[OURS]) == 5
    assert len(result.rounds[REFERENCE]) == 2


def times(case, **rounds):
    from client_measure import Times

    return Times(case, {name: seconds for name, seconds in rounds.items() if seconds})


def row_of(case, **rounds):
    import client_report

    return client_report.times_table([times(case, **rounds)]).splitlines()[-1]


def case_of(name, **goals):
    from client_cases import OURS, REFERENCE, ClientCase, Job, Yardstick

    return ClientCase(
        name, Job(OURS, "x"), Job(REFERENCE, "x"), 1, yardstick=Yardstick("a ruler", Job("plain", "x")), **goals
    )


def test_speed_is_compared_round_by_round():
    row = row_of(
        case_of("thing", of_yardstick=0.6), yardstick=[0.1, 0.2, 9], ours=[0.2, 0.25, 10], reference=[2.0, 2.0]
    )
    assert row == "| thing | 200 ms (a ruler) | 250 ms | 2000 ms | 80% | 9.0 | 60% of a ruler: reached |"


@pytest.mark.parametrize(
    ("goals", "ours", "said"),
    [
        ({"of_yardstick": 0.6}, 0.02, "60% of a ruler: missed"),
        ({"above_yardstick": 0.001}, 0.0109, "less than 1 ms above (0.90): reached"),
        ({"above_yardstick": 0.001}, 0.0111, "less than 1 ms above (1.10): missed"),
        ({"times_better": 5}, 0.02, "at least 5 times better: reached"),
        ({"times_better": 5}, 0.021, "at least 5 times better: missed"),
        ({}, 1, "-"),
    ],
)
def test_goals_are_judged(goals, ours, said):
    row = row_of(case_of("thing", **goals), yardstick=[0.01], ours=[ours], reference=[0.1])
    assert row.split(" | ")[-1] == f"{said} |"


def test_without_the_reference_nothing_is_said_about_it():
    row = row_of(case_of("thing", times_better=5), yardstick=[0.01], ours=[0.0123], reference=[])
    assert row == "| thing | 10 ms (a ruler) | 12.3 ms | - | 81% | - | at least 5 times better |"


def test_totals_say_how_many_requests_it_took():
    import client_report
    from client_cases import CONNECTING, LISTING, LOOKUP, OURS, REFERENCE
    from client_measure import Clients, Times

    results = [
        Times(CONNECTING, requests={OURS: 3, REFERENCE: 2}),
        Times(LOOKUP, requests={OURS: 1, REFERENCE: 5}),
        Times(LISTING, requests={OURS: 100.5}),
    ]
    lines = client_report.totals_table(results, Clients((65 << 20, None), (0.25, 1.5))).splitlines()
    assert lines[2:] == [
        "| requests: connecting: `from_uri(...)` | 3 | 2 | - |",
        '| requests: `client["a/b/c/d/e"]` | 1 | 5 | at most 1: reached |',
        "| requests: the keys of a container of 10 000 | 100.5 | - | at most 100: missed |",
        "| extra memory while reading 256 MiB | 65 MiB | - | under 64 MiB: missed |",
        "| a new interpreter until it is connected | 250 ms | 1500 ms | - |",
    ]


def test_both_servers_are_given_the_same_tables():
    from samples import COLUMNS, floats, mixed

    assert floats(50).equals(floats(50))
    assert mixed(50).equals(mixed(50))
    assert floats(50).shape == mixed(50).shape == (50, COLUMNS)
    kinds = [mixed(50).select_dtypes(kind).shape[1] for kind in ("int", "datetime", "bool", "float")]
    assert kinds == [3, 2, 1, 1]
