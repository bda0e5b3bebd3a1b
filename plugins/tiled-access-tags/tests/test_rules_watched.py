"""Rules in a file are taken up while the server runs, all or nothing."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from tiled_access_tags.options import TagOptions
from tiled_access_tags.policy import TagPolicy, build_policy
from tiled_access_tags.watching import PERIOD, Watched

from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.config.document import InvalidConfiguration

from .conftest import node, user

PATIENCE = 20 * PERIOD


def rules(*users: str) -> str:
    granted = ", ".join(f"{{name: {name}, scopes: ['read:metadata']}}" for name in users)
    return f"tags: {{a: {{users: [{granted}]}}}}\n"


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "tags.yml"
    file.write_text(rules("alice"), encoding="utf-8")
    return file


@pytest.fixture
def policy(file: Path) -> TagPolicy:
    return build_policy(TagOptions(file=str(file)))


def may(policy: TagPolicy, name: str) -> bool:
    return policy.allowed_scopes(node("a"), user(name)) != NO_SCOPES


def test_new_rules_are_taken_up(policy, file) -> None:
    before = policy.revision()
    file.write_text(rules("bob"), encoding="utf-8")
    assert eventually(lambda: policy.revision() != before)
    assert (may(policy, "alice"), may(policy, "bob")) == (False, True)


def test_a_file_that_is_replaced_is_taken_up_even_if_it_looks_the_same(policy, file) -> None:
    status = file.stat()
    other = file.with_name("new.yml")
    other.write_text(rules("carol"), encoding="utf-8")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert other.stat().st_size == status.st_size
    other.replace(file)
    assert eventually(lambda: may(policy, "carol"))


def test_a_change_while_the_server_starts_is_taken_up(file) -> None:
    """Even if the file's clock is so coarse that its stamp stays the same."""
    stamp = file.stat()

    def read(path: Path) -> str:
        text = path.read_text(encoding="utf-8")
        path.write_text(rules("carol"), encoding="utf-8")
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        return text

    watched = Watched(file, read, "the rules")
    assert eventually(lambda: watched.value == rules("carol"))


def test_a_broken_file_leaves_the_former_rules_in_force(policy, file, caplog) -> None:
    before = policy.revision()
    with caplog.at_level(logging.ERROR):
        file.write_text("tags:\n  a: {user: []}\n", encoding="utf-8")
        assert eventually(lambda: bool(caplog.records))
    assert (may(policy, "alice"), policy.revision()) == (True, before)
    [record] = caplog.records
    assert "the access rules cannot be taken over, so the former stay in force" in record.message
    assert f"{file}:2: tags.a.user: unknown key; did you mean 'users'?" in record.message


def test_a_file_that_is_mended_is_taken_up(policy, file, caplog) -> None:
    file.write_text("tags: [", encoding="utf-8")
    assert eventually(lambda: bool(caplog.records))
    file.write_text(rules("bob"), encoding="utf-8")
    assert eventually(lambda: may(policy, "bob"))


def test_a_file_that_is_gone_or_empty_leaves_the_former_rules_in_force(policy, file, caplog) -> None:
    file.write_text("", encoding="utf-8")
    assert eventually(lambda: "no rules in it" in caplog.text)
    file.unlink()
    assert eventually(lambda: "cannot be read" in caplog.text)
    assert may(policy, "alice")


def test_a_file_that_is_being_written_is_not_taken_up_before_it_rests(policy, file) -> None:
    for length in range(int(4 * PERIOD / 0.05)):
        file.write_text(f"{rules('bob')}# {'x' * length}\n", encoding="utf-8")
        assert may(policy, "alice")
        time.sleep(0.05)
    assert eventually(lambda: may(policy, "bob"))


def test_the_same_rules_in_other_words_are_no_change(policy, file) -> None:
    file.write_text(f"# a comment\n{rules('alice')}", encoding="utf-8")
    time.sleep(4 * PERIOD)
    assert policy.revision() == 0


def test_a_policy_that_nobody_uses_is_not_watched(file) -> None:
    policy = build_policy(TagOptions(file=str(file)))
    names = {thread.name for thread in threading.enumerate()}
    assert f"watch {file}" in names
    del policy
    gc.collect()
    assert eventually(lambda: f"watch {file}" not in {thread.name for thread in threading.enumerate()})


def test_a_forked_process_goes_on_watching(policy, file) -> None:
    """A server that loads its application before it forks."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():  # that a process with threads forks, which is what is tested here
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reading)
        policy.revision()
        os.write(writing, b"r")
        os.write(writing, b"y" if eventually(lambda: policy.revision() > 0 and may(policy, "bob")) else b"n")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        assert said.read(1) == b"r"
        file.write_text(rules("bob"), encoding="utf-8")
        assert said.read() == b"y"
    os.waitpid(child, 0)


def test_a_broken_file_stops_the_start(file) -> None:
    file.write_text("tags: {a: {auto_tags: [b]}}\n", encoding="utf-8")
    with pytest.raises(InvalidConfiguration, match=r"tags\.yml:1: tags\.a\.auto_tags\[0\]: no tag named 'b'"):
        build_policy(TagOptions(file=str(file)))


def test_a_revision_is_told_at_once(policy) -> None:
    policy.revision()
    start = time.perf_counter()
    for _ in range(1000):
        policy.revision()
    assert time.perf_counter() - start < 0.1  # on the event loop, for every request
