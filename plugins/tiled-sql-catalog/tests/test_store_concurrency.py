"""Several processes and threads write to one catalog, and are killed while they do."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select
from tiled_sql_catalog import schema
from tiled_sql_catalog.database import Database
from tiled_sql_catalog.entries import entries_of
from tiled_sql_catalog.store import Store

from tiledkernel.errors import Conflict
from tiledkernel.nodes.patches import Patch
from tiledkernel.nodes.writing import Draft

RACE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from tiled_sql_catalog.database import Database
from tiledkernel.errors import Conflict
from tiled_sql_catalog.store import Store

store = Store(Database(sys.argv[1]))
root = store.root()
print("ready", flush=True)
sys.stdin.readline()

def attempt(number):
    won = 0
    for key in range(20):
        try:
            store.create(root, f"key{key}", metadata={"by": sys.argv[2], "n": number})
            won += 1
        except Conflict:
            pass
    return won

with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(attempt, range(4))), flush=True)
"""

WRITE = """
import sys
from tiled_sql_catalog.database import Database
from tiledkernel.nodes.writing import Draft
from tiled_sql_catalog.store import Store

store = Store(Database(sys.argv[1]))
root = store.root()
for number in range(10**9):
    store.create_many(root, [Draft(key=f"{number}-{half}", metadata={"n": number, "t": "some words"}) for half in "ab"])
    print(number, flush=True)
"""


def run(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_of_several_writers_of_one_key_one_wins_and_the_others_are_told(store):
    uri = store.database.url.render_as_string(hide_password=False)
    racers = [run(RACE, uri, str(number)) for number in range(2)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    wins = [int(racer.communicate("go\n")[0]) for racer in racers]
    assert sum(wins) == 20
    assert [racer.returncode for racer in racers] == [0, 0]
    assert store.root().children == store.count(store.search(store.root())) == 20


def whole(store):
    """Whether counts and index are those of the nodes that there are."""
    root = store.root()
    nodes = store.page(store.search(root), limit=10_000).nodes
    expected = {
        (root.id, place, value, node.id)
        for node in nodes
        for place, value in entries_of(node.metadata, node.family, node.specs, node.access_tags)
    }
    with store.database.reading() as connection:
        entries = {(*row[:2], bytes(row[2]), row[3]) for row in connection.execute(select(schema.entries))}
        count = connection.execute(select(func.count()).select_from(schema.nodes)).scalar_one() - 1
    return entries == expected and count == len(nodes) == root.children


def test_a_writer_that_is_killed_loses_nothing_that_was_acknowledged_and_leaves_nothing_torn(store):
    uri = store.database.url.render_as_string(hide_password=False)
    for seed in range(3):
        writer = run(WRITE, uri)
        for _ in range(5):
            writer.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        said = [line for line in writer.communicate()[0].split("\n") if line]
        acknowledged = 5 + len([line for line in said if line.isdecimal()])
        keys = {node.key for node in store.page(store.search(store.root()), limit=10_000).nodes}
        assert {f"{number}-{half}" for number in range(acknowledged - 1) for half in "ab"} <= keys
        assert {key.split("-")[0] + "-a" for key in keys} | {key.split("-")[0] + "-b" for key in keys} == keys
        assert whole(store)
        for node in store.page(store.search(store.root()), limit=10_000).nodes:
            store.delete(node)


def test_patches_of_many_threads_all_count(store):
    node = store.create(store.root(), "a", metadata={"log": []})

    def add(number):
        store.change(node, Patch(metadata=[{"op": "add", "path": "/log/-", "value": number}]).of)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(20)))
    assert sorted(store.fresh(node).metadata["log"]) == list(range(20))
    assert [each.number for each in store.revisions(node)[0]] == list(range(1, 21))
    assert whole(store)


def test_what_is_created_while_its_container_is_deleted_is_not_left_behind(store):
    for _ in range(5):
        top = store.create(store.root(), "top")
        begin = threading.Barrier(3)

        def fill(name, top=top, begin=begin):
            begin.wait()
            made = 0
            try:
                for number in range(20):
                    store.create(top, f"{name}{number}")
                    made += 1
            except Exception as error:  # noqa: BLE001 - looked at below
                return type(error).__name__
            return "all"

        with ThreadPoolExecutor(3) as pool:
            fillers = [pool.submit(fill, name) for name in "ab"]
            begin.wait()
            time.sleep(0.005)
            for _ in range(50):
                try:
                    store.delete(top, recursive=True)
                    break
                except Conflict:
                    continue
            outcomes = {filler.result() for filler in fillers}
        assert outcomes <= {"NotFound", "all"}
        assert store.root().children == 0
        assert whole(store)


def test_readers_go_on_while_others_write(store):
    root = store.root()
    store.create_many(root, [Draft(key=f"k{number}") for number in range(50)])
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            store.delete(store.create(root, f"w{number}"))
            number += 1
        return number

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        for _ in range(100):
            assert len([node for node in store.page(store.search(root)).nodes if node.key.startswith("k")]) == 50
        stop.set()
        assert writing.result() > 0


def test_two_databases_in_memory_have_nothing_in_common():
    from tiled_sql_catalog import revisions

    stores = []
    for _ in range(2):
        database = Database("sqlite://")
        revisions.init(database)
        stores.append(Store(database))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: stores[0].create(stores[0].root(), f"k{number}"), range(20)))
    assert [store.root().children for store in stores] == [20, 0]
    for store in stores:
        store.database.close()
