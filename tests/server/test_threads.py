"""Calls in threads: handed over, answered, never lost."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tiledkernel.server.threads import Threads


class Panic(BaseException):
    """No `Exception`."""


def test_a_call_runs_in_another_thread_and_gives_its_result() -> None:
    async def main() -> str:
        return await Threads(1).run(lambda word: f"{word} {threading.current_thread().name}", "hello")

    assert asyncio.run(main()) == "hello tiledkernel-1"


@pytest.mark.parametrize(
    ("raised", "caught"), [(KeyError("k"), KeyError), (StopIteration(1), RuntimeError), (Panic(), Panic)]
)
def test_what_a_call_raises_arrives(raised, caught) -> None:
    def fail() -> None:
        raise raised

    async def main() -> None:
        threads = Threads(1)
        with pytest.raises(caught):
            await threads.run(fail)
        assert await threads.run(int) == 0

    asyncio.run(main())


def test_there_are_no_more_threads_than_allowed() -> None:
    names: set[str] = set()

    async def main() -> None:
        threads = Threads(3)
        work = [threads.run(lambda: (names.add(threading.current_thread().name), time.sleep(0.01))) for _ in range(30)]
        await asyncio.gather(*work)
        threads.close()

    asyncio.run(main())
    assert len(names) == 3


def test_calls_that_wait_are_answered_when_the_threads_are_let_go_and_later_ones_too() -> None:
    async def main() -> list[int]:
        threads = Threads(1)
        waiting = [threads.run(lambda n: (time.sleep(0.01), n)[1], n) for n in range(5)]
        threads.close()
        late = threads.run(lambda: 5)
        return [*await asyncio.gather(*waiting), await late]

    assert asyncio.run(main()) == [0, 1, 2, 3, 4, 5]


def test_no_call_is_lost_while_threads_come_and_go() -> None:
    threads = Threads(2)
    stop = threading.Event()

    def close_often() -> None:
        while not stop.is_set():
            threads.close()

    async def main() -> None:
        async with asyncio.timeout(20):
            for _ in range(300):
                await threads.run(int)

    closing = threading.Thread(target=close_often)
    closing.start()
    try:
        asyncio.run(main())
    finally:
        stop.set()
        closing.join()
        threads.close()


def test_threads_end_when_they_are_let_go() -> None:
    async def main() -> list[threading.Thread]:
        before = set(threading.enumerate())
        threads = Threads(2)
        await threads.run(int)
        mine = [thread for thread in threading.enumerate() if thread not in before]
        threads.close()
        assert len(mine) == 2
        return mine

    for thread in asyncio.run(main()):
        thread.join(5)
        assert not thread.is_alive()
