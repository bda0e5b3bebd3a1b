"""The store of answers: what is found again, by whom, and what happens to the file."""

from __future__ import annotations

import gzip
import logging
import pickle
import random
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tiledkernel.client import cache_database
from tiledkernel.client.cache import FILE_NAME, Cache

URL = "http://localhost:8000/api/v1/metadata/a"
TAGGED = {"etag": '"abc"', "content-type": "application/json"}
NOON = 1795262400.0  # 12:00, 21 November 2026


def ask(url: str = URL, method: str = "GET", **headers: str) -> httpx.Request:
    return httpx.Request(method, url, headers={name.replace("_", "-"): value for name, value in headers.items()})


def answer(status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=TAGGED | {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Cache]]:
    made = []

    def make(name: str = "cache.db", **settings: Any) -> Cache:
        made.append(Cache(tmp_path / name, **settings))
        return made[-1]

    yield make
    for cache in made:
        cache.close()


@pytest.fixture
def cache(make: Callable[..., Cache]) -> Cache:
    return make()


def bodies_in(cache: Cache, count: int) -> list[int]:
    """Which of the numbered answers are stored, without using them."""
    connection = sqlite3.connect(cache.filepath)
    found = [address for (address,) in connection.execute("SELECT address FROM answers")]
    connection.close()
    return [number for number in range(count) if f"{URL}?n={number}" in found]


def store(cache: Cache, *numbers: int, size: int = 300) -> None:
    for number in numbers:
        assert cache.set(ask(f"{URL}?n={number}"), answer(), b"x" * size)


# What is found again


def test_an_answer_is_found_again(cache: Cache) -> None:
    assert cache.set(ask(), answer(), b"body", received=NOON)
    stored = cache.get(ask())
    assert stored is not None
    assert stored.body == b"body"
    assert stored.headers == httpx.Headers(TAGGED)
    assert stored.received == NOON


def test_nothing_is_found_of_what_was_never_stored(cache: Cache) -> None:
    assert cache.get(ask()) is None


def test_an_answer_outlives_the_process_that_stored_it(make: Callable[..., Cache]) -> None:
    make().set(ask(authorization="Apikey secret"), answer(), b"body")
    script = f"""
    import httpx, sys
    from tiledkernel.client.cache import Cache
    cache = Cache(sys.argv[1])
    print(cache.get(httpx.Request("GET", {URL!r}, headers={{"authorization": "Apikey secret"}})).body)
    """
    assert run(script, make().filepath) == "b'body'\n"


def test_a_new_answer_takes_the_place_of_the_old_one(cache: Cache) -> None:
    cache.set(ask(), answer(), b"old")
    cache.set(ask(), answer(etag='"new"'), b"newer")
    stored = cache.get(ask())
    assert stored is not None
    assert (stored.body, stored.headers["etag"]) == (b"newer", '"new"')
    assert (cache.count(), cache.size()) == (1, 5)


def test_a_stored_answer_makes_a_response_that_is_read_as_it_came(cache: Cache) -> None:
    packed = gzip.compress(b"body")
    request = ask(accept_encoding="gzip")
    cache.set(request, answer(content_encoding="gzip", content_length=str(len(packed))), packed)
    stored = cache.get(request)
    assert stored is not None
    response = stored.response(request)
    assert response.extensions["from_cache"]
    assert b"".join(response.iter_raw()) == packed
    assert stored.response(request).read() == b"body"


def test_an_answer_says_for_how_long_it_needs_no_asking(cache: Cache) -> None:
    cache.set(ask(), answer(cache_control="max-age=60"), b"body", received=NOON)
    stored = cache.get(ask())
    assert stored is not None
    assert stored.fresh(NOON + 59)
    assert not stored.fresh(NOON + 60)
    assert stored.age(NOON + 7) == 7


def test_a_request_that_insists_gets_an_answer_to_ask_about(cache: Cache) -> None:
    cache.set(ask(), answer(cache_control="max-age=60"), b"body", received=NOON)
    stored = cache.get(ask(cache_control="no-cache"))
    assert stored is not None
    assert not stored.fresh(NOON)
    assert stored.revalidation_headers() == {"if-none-match": '"abc"'}


@pytest.mark.parametrize("request_headers", [{"cache_control": "no-store"}, {"range": "bytes=0-1"}])
def test_a_request_that_wants_no_stored_answer_gets_none(cache: Cache, request_headers: dict[str, str]) -> None:
    cache.set(ask(), answer(), b"body")
    assert cache.get(ask(**request_headers)) is None


@pytest.mark.parametrize(
    ("request_", "response", "body"),
    [
        (ask(), answer(), b"x" * 101),
        (ask(), answer(content_length="101"), b"x" * 101),
        (ask(), answer(), b""),
        (ask(), answer(content_length="5"), b"cut"),
        (ask(), answer(content_length="3"), b"longer"),
        (ask(), answer(404), b"body"),
        (ask(), answer(206), b"body"),
        (ask(), answer(cache_control="no-store"), b"body"),
        (ask(), answer(vary="*"), b"body"),
        (ask(), httpx.Response(200), b"body"),
        (ask(method="POST"), answer(), b"body"),
        (ask(range="bytes=0-3"), answer(), b"body"),
        (ask(), httpx.Response(200, headers=TAGGED, history=[httpx.Response(302)]), b"body"),
    ],
)
def test_what_may_not_be_stored_is_not(
    make: Callable[..., Cache], request_: httpx.Request, response: httpx.Response, body: bytes
) -> None:
    cache = make(max_item_size=100)
    assert not cache.set(request_, response, body)
    assert cache.count() == 0


@pytest.mark.parametrize(("length", "wanted"), [("100", True), ("101", False), ("0", False)])
def test_a_body_is_wanted_if_its_head_says_that_it_fits(
    make: Callable[..., Cache], length: str, *, wanted: bool
) -> None:
    assert make(max_item_size=100).wants(ask(), answer(content_length=length)) is wanted


def test_a_body_of_unknown_length_is_wanted(cache: Cache) -> None:
    assert cache.wants(ask(), answer())


# Which request it answers


def test_each_representation_is_stored_for_itself(cache: Cache) -> None:
    cache.set(ask(accept="application/json"), answer(), b"{}")
    cache.set(ask(accept="application/x-msgpack"), answer(), b"\x80")
    found = [cache.get(ask(accept=accept)) for accept in ("application/json", "application/x-msgpack", "text/csv")]
    assert [stored and stored.body for stored in found] == [b"{}", b"\x80", None]


def test_an_answer_in_a_coding_that_is_not_offered_is_not_given(cache: Cache) -> None:
    offer = "gzip, deflate, zstd, blosc2"
    cache.set(ask(accept_encoding=offer), answer(content_encoding="blosc2", vary="Accept-Encoding"), b"packed")
    assert cache.get(ask(accept_encoding="gzip, deflate, zstd")) is None


def test_offering_another_coding_does_not_hide_an_answer(cache: Cache) -> None:
    cache.set(ask(accept_encoding="gzip, zstd"), answer(content_encoding="zstd", vary="Accept-Encoding"), b"packed")
    assert cache.get(ask(accept_encoding="gzip, zstd, blosc2")) is not None


def test_an_answer_that_varies_needs_an_equal_request(cache: Cache) -> None:
    cache.set(ask(accept_language="de"), answer(vary="Accept-Language"), b"ja")
    assert cache.get(ask(accept_language="en")) is None
    assert cache.get(ask(accept_language="de")) is not None


def test_the_fragment_of_a_url_does_not_matter(cache: Cache) -> None:
    cache.set(ask(f"{URL}#here"), answer(), b"body")
    assert cache.get(ask(f"{URL}#there")) is not None


# Who may see it

ADA = {"authorization": "Apikey secret-of-ada"}
PERSONS: dict[str, httpx.Request] = {
    "nobody": ask(),
    "key": ask(**ADA),
    "another key": ask(authorization="Apikey secret-of-ben"),
    "token": ask(authorization="Bearer secret-of-ada"),
    "key in the query": ask(f"{URL}?api_key=secret-of-ada"),
    "another in the query": ask(f"{URL}?api_key=secret-of-ben"),
    "cookie": ask(cookie="tiled_csrf=1; tiled_api_key=secret-of-ada"),
    "another cookie": ask(cookie="tiled_csrf=1; tiled_api_key=secret-of-ben"),
    "in the address": ask("http://ada:secret-of-ada@localhost:8000/api/v1/metadata/a"),
    "known to a proxy": ask(x_proxy_token="secret-of-ada"),
    "also known to a proxy": ask(x_proxy_token="secret-of-ben", **ADA),
}


@pytest.mark.parametrize("name", PERSONS)
def test_what_one_person_was_told_nobody_else_is_shown(cache: Cache, name: str) -> None:
    cache.set(PERSONS[name], answer(), b"for one only")
    assert [other for other, request in PERSONS.items() if cache.get(request) is not None] == [name]


def test_no_secret_is_written_to_the_disk(cache: Cache, tmp_path: Path) -> None:
    for request in PERSONS.values():
        cache.set(request, answer(set_cookie="tiled_api_key=secret-of-ada", vary="Authorization, Cookie"), b"body")
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"metadata/a" in written
    assert b"secret-of" not in written


def test_the_cookie_of_a_session_does_not_hide_what_an_earlier_one_stored(cache: Cache) -> None:
    cache.set(ask(**ADA), answer(vary="Accept"), b"body")
    assert cache.get(ask(cookie="tiled_csrf=5af2", **ADA)) is not None


def test_headers_that_change_with_each_request_do_not_hide_an_answer(cache: Cache) -> None:
    cache.set(ask(traceparent="00-1", user_agent="a", x_tiled_request_id="1"), answer(), b"body")
    assert cache.get(ask(traceparent="00-2", user_agent="b", x_tiled_request_id="2")) is not None


def test_a_person_may_be_named_whose_tokens_change(cache: Cache) -> None:
    cache.set(ask(authorization="Bearer 1"), answer(), b"body", who="ada")
    assert cache.get(ask(authorization="Bearer 2"), who="ada") is not None
    assert cache.get(ask(authorization="Bearer 1"), who="ben") is None
    assert cache.get(ask(authorization="Bearer 1")) is None


def test_two_files_know_a_person_by_different_names(make: Callable[..., Cache]) -> None:
    one, other = make("1.db"), make("2.db")
    assert one._key(ask(**ADA), None) != other._key(ask(**ADA), None)


# Revalidation


def test_a_304_brings_the_stored_answer_up_to_date(cache: Cache) -> None:
    cache.set(ask(), answer(cache_control="max-age=60"), b"body", received=NOON)
    stored = cache.get(ask())
    assert stored is not None
    assert not stored.fresh(NOON + 100)
    refreshed = cache.refresh(ask(), stored, httpx.Headers({"x-new": "1"}), received=NOON + 90)
    again = cache.get(ask())
    assert again is not None
    for current in (refreshed, again):
        assert current.fresh(NOON + 100)
        assert (current.body, current.headers["x-new"], current.headers["etag"]) == (b"body", "1", '"abc"')


def test_a_304_does_not_touch_an_answer_that_came_in_the_meantime(cache: Cache) -> None:
    cache.set(ask(), answer(), b"old")
    stored = cache.get(ask())
    assert stored is not None
    cache.set(ask(), answer(content_encoding="gzip"), gzip.compress(b"new"))
    assert cache.refresh(ask(), stored, httpx.Headers()).body == b"old"
    newest = cache.get(ask(accept_encoding="gzip"))
    assert newest is not None
    assert newest.response(ask()).read() == b"new"


def test_a_304_after_the_answer_was_evicted_still_gives_it(cache: Cache) -> None:
    cache.set(ask(), answer(), b"body")
    stored = cache.get(ask())
    assert stored is not None
    cache.clear()
    assert cache.refresh(ask(), stored, httpx.Headers()).body == b"body"
    assert cache.count() == 0


# Capacity


def test_the_least_recently_used_answers_make_room(make: Callable[..., Cache]) -> None:
    cache = make(capacity=1000, max_item_size=400)
    store(cache, 0, 1, 2)
    cache.get(ask(f"{URL}?n=0"))
    store(cache, 3)
    assert bodies_in(cache, 4) == [0, 2, 3]
    assert (cache.count(), cache.size()) == (3, 900)


def test_one_large_answer_may_take_the_place_of_many(make: Callable[..., Cache]) -> None:
    cache = make(capacity=1000, max_item_size=900)
    store(cache, *range(10), size=100)
    store(cache, 10, size=850)
    assert bodies_in(cache, 11) == [9, 10]


def test_the_capacity_is_never_exceeded_and_room_is_never_wasted(make: Callable[..., Cache]) -> None:
    cache = make(capacity=5000, max_item_size=2000)
    chance = random.Random(1)
    expected: dict[int, int] = {}  # the newest last
    for _ in range(300):
        number, size = chance.randrange(40), chance.randrange(1, 2000)
        if chance.random() < 0.5:
            store(cache, number, size=size)
            expected.pop(number, None)
            expected[number] = size
            while sum(expected.values()) > 5000:
                del expected[next(iter(expected))]
        elif cache.get(ask(f"{URL}?n={number}")) is not None:
            expected[number] = expected.pop(number)
        assert (cache.count(), cache.size()) == (len(expected), sum(expected.values()))
    assert bodies_in(cache, 40) == sorted(expected)


def test_storing_and_making_room_are_one_transaction(cache: Cache) -> None:
    """So that a process that is killed in between leaves neither half an answer nor too many."""
    done: list[str] = []
    assert cache._file._connection is not None
    cache._file._connection.set_trace_callback(done.append)
    store(cache, 1)
    words = [statement.split()[0] for statement in done]
    assert (words[0], words[-1]) == ("BEGIN", "COMMIT")
    assert words.count("COMMIT") == 1


def test_less_capacity_makes_room_at_once(make: Callable[..., Cache]) -> None:
    cache = make(capacity=1000, max_item_size=300)
    store(cache, 0, 1, 2)
    cache.capacity = 700
    assert bodies_in(cache, 3) == [1, 2]


def test_evicting_walks_the_index(cache: Cache) -> None:
    """Among many answers, the few that go are found without looking at the others."""
    connection = sqlite3.connect(cache.filepath)
    from tiledkernel.client.cache_file import _EVICT

    plan = " / ".join(row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + _EVICT, (1,)))
    connection.close()
    assert "SCAN answers" not in plan
    assert "answers_by_use" in plan


@pytest.mark.parametrize(("capacity", "item"), [(100, 100), (99, 100), (100, 0), (100, -1)])
def test_a_capacity_that_cannot_be_meant_is_refused(tmp_path: Path, capacity: int, item: int) -> None:
    with pytest.raises(ValueError, match=r"max_item_size"):
        Cache(tmp_path / "cache.db", capacity=capacity, max_item_size=item)
    assert not list(tmp_path.iterdir())


def test_the_limits_can_be_changed_within_reason(cache: Cache) -> None:
    cache.max_item_size = 20
    cache.capacity = 50
    with pytest.raises(ValueError, match="50"):
        cache.max_item_size = 50
    with pytest.raises(ValueError, match="20"):
        cache.capacity = 20
    assert (cache.capacity, cache.max_item_size) == (50, 20)


# Forgetting


def test_what_changed_is_forgotten_for_everybody_and_every_query(cache: Cache) -> None:
    for url in (URL, f"{URL}?n=1", f"{URL}?api_key=secret", f"{URL}/b", f"{URL}b", f"{URL}@"):
        cache.set(ask(url, **ADA), answer(), b"body")
    cache.delete(ask(f"{URL}?drop_revision=true", method="PUT", authorization="Apikey secret-of-ben"))
    left = [url for url in (URL, f"{URL}?n=1", f"{URL}/b", f"{URL}b", f"{URL}@") if cache.get(ask(url, **ADA))]
    assert left == [f"{URL}/b", f"{URL}b", f"{URL}@"]
    assert cache.count() == 3


def test_clearing_gives_the_room_back(cache: Cache, tmp_path: Path) -> None:
    store(cache, *range(20), size=100_000)
    cache.clear()
    assert (cache.count(), cache.size()) == (0, 0)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 200_000
    store(cache, 1)
    assert cache.count() == 1


# Threads and processes


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


WORK = """
import logging, os, random, sys, httpx
from tiledkernel.client.cache import Cache
logging.basicConfig(level="DEBUG", stream=sys.stdout)
logging.getLogger("httpx").setLevel("ERROR")
chance = random.Random(sys.argv[2])
cache = Cache(sys.argv[1], capacity=20_000, max_item_size=5_000)
for _ in range(150):
    request = httpx.Request("GET", f"http://localhost/{chance.randrange(50)}")
    stored = cache.get(request)
    if stored is None:
        body = str(request.url).encode() * chance.randrange(1, 100)
        assert cache.set(request, httpx.Response(200, headers={"etag": "a"}), body)
    else:
        assert stored.body.startswith(str(request.url).encode())
"""


def assert_whole(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    told = connection.execute("SELECT count, size FROM state").fetchall()
    counted = connection.execute("SELECT count(*), sum(length(body)) FROM answers").fetchall()
    connection.close()
    assert told == counted
    assert 0 < counted[0][1] <= 20_000


def test_several_processes_share_a_file_that_all_want_to_make(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    command = [sys.executable, "-c", WORK, str(path)]
    running = [subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in range(4)]
    ends = [(process.communicate()[0], process.returncode) for process in running]
    assert ends == [("", 0)] * 4
    assert_whole(path)


def test_several_threads_share_a_cache(make: Callable[..., Cache]) -> None:
    cache = make(capacity=20_000, max_item_size=5_000)
    wrong = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(100):
            request = ask(f"http://localhost/{chance.randrange(50)}")
            body = str(request.url).encode() * chance.randrange(1, 100)
            stored = cache.get(request)
            if not (cache.set(request, answer(), body) if stored is None else stored.body.startswith(body[:18])):
                wrong.append(request)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert_whole(cache.filepath)


def test_a_process_that_is_forked_off_goes_on_by_itself(tmp_path: Path) -> None:
    script = """
    import os, sys, httpx
    from tiledkernel.client.cache import Cache
    cache = Cache(sys.argv[1])
    def store(name):
        answer = httpx.Response(200, headers={"etag": "a"})
        assert cache.set(httpx.Request("GET", f"http://localhost/{name}"), answer, b"x")
    store("parent")
    cache._file._lock.acquire()  # as if another thread were just using it
    child = os.fork()
    if not child:
        store("child")
        sys.exit()
    cache._file._lock.release()
    assert os.waitpid(child, 0)[1] == 0
    store("again")
    print(cache.count())
    """
    assert run(script, tmp_path / "cache.db") == "3\n"


def test_while_another_process_writes_for_long_answers_are_still_found(
    make: Callable[..., Cache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_database, "_PATIENCE", 0.01)
    cache = make()
    store(cache, 1, 2)
    other = sqlite3.connect(cache.filepath, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert cache.get(ask(f"{URL}?n=1")) is not None
    assert not cache.set(ask(), answer(), b"body")
    other.execute("ROLLBACK")
    other.close()
    assert cache.set(ask(), answer(), b"body")


# The file


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    with Cache(tmp_path / "new" / "cache.db") as cache:
        store(cache, 1)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()}
    assert modes == {"cache.db": 0o600, "cache.db-wal": 0o600, "cache.db-shm": 0o600}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_the_place_by_default_is_in_the_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path / "tiled"))
    with Cache() as cache:
        assert cache.filepath == tmp_path / "tiled" / "http_response_cache.db"
        assert (cache.capacity, cache.max_item_size, cache.readonly) == (500_000_000, 500_000, False)


def test_the_file_of_another_client_in_the_cache_directory_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_CACHE_DIR", str(tmp_path))
    before = make_foreign(tmp_path / FILE_NAME)
    with Cache() as cache:
        store(cache, 1)
        assert cache.filepath == tmp_path / "http_response_cache_tiledkernel.db"
    assert (tmp_path / FILE_NAME).read_bytes() == before


def make_foreign(path: Path) -> bytes:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE responses (body BLOB)")
    connection.commit()
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize("readonly", [False, True])
def test_a_foreign_database_is_refused_and_stays_as_it_is(tmp_path: Path, *, readonly: bool) -> None:
    before = make_foreign(tmp_path / "mine.db")
    with pytest.raises(RuntimeError, match=r"mine\.db.*filepath="):
        Cache(tmp_path / "mine.db", readonly=readonly)
    assert (tmp_path / "mine.db").read_bytes() == before


@pytest.mark.parametrize("readonly", [False, True])
def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(tmp_path: Path, *, readonly: bool) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy\n" * 1000)
    with pytest.raises(RuntimeError, match=r"thesis\.txt"):
        Cache(tmp_path / "thesis.txt", readonly=readonly)
    assert (tmp_path / "thesis.txt").read_text() == "the only copy\n" * 1000


def set_version(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE answers RENAME COLUMN body TO content")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()


def test_an_old_version_is_replaced_silently(make: Callable[..., Cache], caplog: pytest.LogCaptureFixture) -> None:
    with make() as cache:
        store(cache, 1)
    set_version(cache.filepath, 0)
    again = make()
    assert again.count() == 0
    store(again, 1)
    assert again.count() == 1
    assert not caplog.records


def test_an_old_version_cannot_be_replaced_without_writing(make: Callable[..., Cache]) -> None:
    with make() as cache:
        store(cache, 1)
    set_version(cache.filepath, 0)
    with pytest.raises(RuntimeError, match="readonly=True"):
        make(readonly=True)


def test_a_version_of_the_future_is_refused(make: Callable[..., Cache]) -> None:
    make().close()
    set_version(make().filepath, 99)
    with pytest.raises(RuntimeError, match="newer version"):
        make()


def damage(path: Path, first_page: int) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * first_page)
        file.write(b"\xa5" * (path.stat().st_size - 4096 * first_page))


def test_a_file_that_is_damaged_on_opening_begins_anew(make: Callable[..., Cache]) -> None:
    with make() as cache:
        store(cache, *range(20), size=10_000)
    damage(cache.filepath, 1)
    again = make()
    assert again.count() == 0
    store(again, 1)
    assert again.count() == 1


def test_a_damaged_file_that_may_not_be_written_is_refused(make: Callable[..., Cache]) -> None:
    with make() as cache:
        store(cache, 1)
    damage(cache.filepath, 1)
    with pytest.raises(RuntimeError, match="damaged"):
        make(readonly=True)


def test_a_file_that_turns_out_to_be_damaged_begins_anew(
    make: Callable[..., Cache], caplog: pytest.LogCaptureFixture
) -> None:
    """Reading finds nothing, no error is raised, and storing works again."""
    with make() as cache:
        store(cache, *range(300), size=10_000)
    again = make()
    damage(again.filepath, 12)
    assert [again.get(ask(f"{URL}?n={number}")) for number in range(0, 300, 10)] == [None] * 30
    assert "begins anew" in caplog.text
    store(again, 1)
    assert again.get(ask(f"{URL}?n=1")) is not None
    assert again.count() == 1


def test_a_damaged_answer_is_forgotten_and_never_shown(cache: Cache, caplog: pytest.LogCaptureFixture) -> None:
    store(cache, 1)
    connection = sqlite3.connect(cache.filepath)
    connection.execute("UPDATE answers SET body = ?", (b"x" * 299 + b"y",))
    connection.commit()
    connection.close()
    assert cache.get(ask(f"{URL}?n=1")) is None
    assert cache.count() == 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_file_that_was_removed_in_the_meantime_costs_no_answer(cache: Cache) -> None:
    store(cache, 1)
    for path in cache.filepath.parent.iterdir():
        path.unlink()
    cache.get(ask(f"{URL}?n=1"))
    cache.set(ask(f"{URL}?n=2"), answer(), b"body")
    cache.clear()


# Read-only


def test_a_read_only_cache_changes_nothing(make: Callable[..., Cache]) -> None:
    with make() as cache:
        store(cache, 1, 2)
    before = cache.filepath.read_bytes()
    with make(readonly=True) as reader:
        stored = reader.get(ask(f"{URL}?n=1"))
        assert stored is not None
        assert reader.refresh(ask(f"{URL}?n=1"), stored, httpx.Headers({"x": "1"})).headers["x"] == "1"
        assert not reader.set(ask(), answer(), b"body")
        assert not reader.wants(ask(), answer())
        reader.delete(ask(f"{URL}?n=1"))
        reader.capacity = 500_001
        reader.clear()
        assert (reader.count(), reader.readonly, reader.write_safe()) == (2, True, False)
    assert cache.filepath.read_bytes() == before


def test_a_read_only_cache_sees_what_others_store(make: Callable[..., Cache]) -> None:
    cache = make()
    reader = make(readonly=True)
    store(cache, 1)
    assert reader.get(ask(f"{URL}?n=1")) is not None


def test_a_read_only_cache_needs_no_second_file(make: Callable[..., Cache], tmp_path: Path) -> None:
    """As on a medium that cannot be written: SQLite cannot make the files that it wants beside the database."""
    with make() as cache:
        store(cache, 1)
    (tmp_path / "cache.db-shm").mkdir()
    assert make(readonly=True).get(ask(f"{URL}?n=1")) is not None


def test_a_read_only_cache_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.db"):
        Cache(tmp_path / "nothing.db", readonly=True)
    assert not list(tmp_path.iterdir())


# The object


def test_it_shows_where_it_is(cache: Cache, tmp_path: Path) -> None:
    assert repr(cache) == f"<Cache '{tmp_path}/cache.db'>"
    assert cache.filepath == tmp_path / "cache.db"


def test_the_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with Cache("~/cache.db") as cache:
        assert cache.filepath == tmp_path / "cache.db"


@pytest.mark.parametrize("name", ["100% mine?.db", "a#b.db", "café.db"])
def test_a_path_may_have_any_characters(make: Callable[..., Cache], name: str) -> None:
    with make(name) as cache:
        store(cache, 1)
    assert make(name, readonly=True).count() == 1
    assert (cache.filepath.parent / name).exists()


def test_a_pickled_cache_opens_the_same_file_with_the_same_settings(make: Callable[..., Cache]) -> None:
    cache = make(capacity=1000, max_item_size=400)
    store(cache, 1)
    with pickle.loads(pickle.dumps(cache)) as copy:
        assert (copy.filepath, copy.capacity, copy.max_item_size, copy.readonly, copy.count()) == (
            cache.filepath,
            1000,
            400,
            False,
            1,
        )


def test_a_closed_cache_says_so(cache: Cache) -> None:
    cache.close()
    cache.close()
    assert not cache.write_safe()
    with pytest.raises(ValueError, match="is closed"):
        cache.get(ask())


def test_a_cache_that_can_be_written_says_so(cache: Cache) -> None:
    assert cache.write_safe()


def test_only_who_makes_a_cache_loads_the_database() -> None:
    loaded = set(run("import tiledkernel.client.cache, sys; print(*sys.modules)").split())
    assert not loaded & {"sqlite3", "numpy", "litestar", "tiledkernel.client.cache_file"}
