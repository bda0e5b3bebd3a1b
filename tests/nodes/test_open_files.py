"""Opened files are kept within bounds."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.open_files import OpenFiles, configured_idle, configured_size


class Opened:
    """Stands for an open file."""


def test_a_file_is_opened_once_until_its_stamp_changes() -> None:
    files = OpenFiles(10)
    first = files.get("a", 1, Opened)
    assert files.get("a", 1, Opened) is first
    assert files.peek("a", 1) is first
    assert files.peek("a", 2) is None
    assert files.get("a", 2, Opened) is not first


def test_the_files_used_longest_ago_are_dropped() -> None:
    files = OpenFiles(2)
    first = files.get("a", 1, Opened)
    files.get("b", 1, Opened)
    files.peek("a", 1)
    files.get("c", 1, Opened)
    assert files.peek("a", 1) is first
    assert files.peek("b", 1) is None
    assert len(files) == 2


def test_a_dropped_file_lives_as_long_as_somebody_reads_it() -> None:
    files = OpenFiles(1)
    reading = files.get("a", 1, Opened)
    gone = weakref.ref(reading)
    files.get("b", 1, Opened)
    gc.collect()
    assert gone() is reading
    del reading
    gc.collect()
    assert gone() is None


def test_idle_files_are_dropped() -> None:
    files = OpenFiles(10, max_idle=0)
    files.get("a", 1, Opened)
    files.get("b", 1, Opened)
    assert files.peek("a", 1) is None


def test_a_size_of_zero_keeps_nothing() -> None:
    files = OpenFiles(0)
    assert files.get("a", 1, Opened) is not files.get("a", 1, Opened)
    assert len(files) == 0


def test_of_many_threads_that_ask_at_once_one_opens() -> None:
    files = OpenFiles(10)
    count = 8
    barrier = threading.Barrier(count)
    opened = []
    hold = threading.Event()

    def open_slowly() -> Opened:
        opened.append(1)
        hold.wait(0.05)
        return Opened()

    def ask() -> object:
        barrier.wait()
        return files.get("a", 1, open_slowly)

    with ThreadPoolExecutor(count) as pool:
        results = [future.result() for future in [pool.submit(ask) for _ in range(count)]]
    assert len(opened) == 1
    assert len(set(map(id, results))) == 1


def test_a_file_that_fails_to_open_is_tried_again() -> None:
    files = OpenFiles(10)
    with pytest.raises(ZeroDivisionError):
        files.get("a", 1, lambda: 1 // 0)
    assert isinstance(files.get("a", 1, Opened), Opened)


def test_a_failure_is_news_once_per_stamp() -> None:
    files = OpenFiles(10)
    assert files.first_failure("a", 1)
    assert not files.first_failure("a", 1)
    assert files.first_failure("a", 2)
    assert files.first_failure("b", 2)


def test_the_environment_says_how_many_files_stay_open_and_how_long(monkeypatch) -> None:
    monkeypatch.setenv("TILED_RESOURCE_CACHE_MAX_SIZE", "7")
    monkeypatch.setenv("TILED_RESOURCE_CACHE_TTU", "2.5")
    assert (configured_size(), configured_idle()) == (7, 2.5)


def test_by_default_the_files_leave_descriptors_to_the_rest_of_the_server(monkeypatch) -> None:
    monkeypatch.delenv("TILED_RESOURCE_CACHE_MAX_SIZE", raising=False)
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 4096))
    assert configured_size() == 128
    monkeypatch.setattr("resource.getrlimit", lambda _: (1 << 20, 1 << 20))
    assert configured_size() == 1024


@pytest.mark.parametrize("text", ["many", "-1", "inf"])
def test_a_size_that_is_no_number_is_a_configuration_error(monkeypatch, text) -> None:
    monkeypatch.setenv("TILED_RESOURCE_CACHE_MAX_SIZE", text)
    with pytest.raises(ConfigurationError, match="TILED_RESOURCE_CACHE_MAX_SIZE"):
        OpenFiles()
