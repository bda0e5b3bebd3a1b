"""ETags: what has not changed is not sent again, what has changed is never stale."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable

PATHS = [
    "array/full/a",
    "array/full/a?slice=1:",
    "array/full/a?format=json",
    "array/block/a?block=0",
    "array/full/raw",
    "array/full/list",
    "metadata/a",
    "search/",
    "search/?fields=",
    "distinct/?specs=true",
    "table/full/t",
    "table/full/frame",
    "table/full/frame?format=csv",
    "table/partition/t?partition=0",
    "array/full/t/A",
    "array/full/frame/A",
    "container/full/?format=json",
    "",
    "/docs",
    "/openapi.json",
    "/",
]


@pytest.fixture(scope="module")
def caller(connect_once):
    frame = pd.DataFrame({"A": [1, 2]})
    return connect_once(
        {"a": MemoryArray(np.arange(5)), "raw": np.arange(5), "list": [1, 2], "t": MemoryTable(frame), "frame": frame}
    )


@pytest.mark.parametrize("path", PATHS)
def test_an_etag_is_quoted_and_saves_the_body(caller, path) -> None:
    first = caller.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    again = caller.get(path, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ("{quoted}", 304),
        ("{bare}", 304),
        ("W/{quoted}", 304),
        ("*", 304),
        (" {quoted} ", 304),
        ('"other", {quoted}', 304),
        ('"other",W/{quoted},"more"', 304),
        ('"other"', 200),
        ("", 200),
        ("{bare}x", 200),
        ('W/"other", "more"', 200),
        ("**", 200),
    ],
)
@pytest.mark.parametrize("path", ["array/full/a", "array/full/raw", "metadata/a", "/docs"])
def test_conditions_are_understood_in_every_spelling(caller, path, template, status) -> None:
    quoted = caller.get(path).headers["etag"]
    given = template.format(quoted=quoted, bare=quoted.strip('"'))
    assert caller.get(path, headers={"if-none-match": given}).status_code == status


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("path", ["array/full/a", "metadata/a"])
def test_other_bytes_have_another_etag_and_either_is_current(connect, path, coding) -> None:
    caller = connect({"a": MemoryArray(np.zeros(5000), metadata={"x": "y" * 5000})})
    plain = caller.get(path).headers["etag"]
    coded = caller.get(path, headers={"accept-encoding": coding}).headers["etag"]
    assert coded != plain
    for etag in (plain, coded):
        for accepted in (coding, "identity"):
            assert caller.get(path, headers={"if-none-match": etag, "accept-encoding": accepted}).status_code == 304


def test_nothing_is_read_for_what_the_client_has(connect) -> None:
    class Counted(MemoryArray):
        reads = 0

        def read(self, cut):
            type(self).reads += 1
            return super().read(cut)

    caller = connect({"a": Counted(np.arange(5))})
    etag = caller.get("array/full/a").headers["etag"]
    assert caller.get("array/full/a", headers={"if-none-match": etag}).status_code == 304
    assert Counted.reads == 1


def test_touching_an_array_makes_new_etags(connect) -> None:
    node = MemoryArray(np.arange(5))
    caller = connect({"a": node})
    before = caller.get("array/full/a").headers["etag"]
    node.array[0] = 9
    node.touch()
    after = caller.get("array/full/a", headers={"if-none-match": before})
    assert after.status_code == 200
    assert np.frombuffer(after.content, "i8")[0] == 9


def change_array(live):
    live["a"][0] = 9


def change_frame(live):
    live["f"].loc[0, "A"] = 9


def change_list(live):
    live["l"][0] = 9


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("array/full/a", change_array),
        ("array/full/a?format=json", change_array),
        ("table/full/f", change_frame),
        ("table/full/f?format=csv", change_frame),
        ("array/full/f/A", change_frame),
        ("array/full/l", change_list),
    ],
)
def test_live_objects_that_change_in_place_are_never_stale(connect, path, change) -> None:
    live = {"a": np.arange(5), "f": pd.DataFrame({"A": [1, 2]}), "l": [1, 2]}
    caller = connect(live)
    before = caller.get(path)
    change(live)
    after = caller.get(path, headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.content != before.content


def test_large_live_arrays_that_nobody_can_tell_apart_are_not_to_be_stored(connect) -> None:
    large = np.zeros(1 << 20)
    caller = connect({"a": large, "f": np.asfortranarray(np.zeros((1 << 10, 1 << 10))), "known": MemoryArray(large)})
    for path in ("array/full/a", "array/full/f", "array/full/f?format=json"):
        headers = caller.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "etag" not in headers
    assert "etag" in caller.get("array/full/known").headers


def test_what_replaces_an_object_has_its_own_etag(connect) -> None:
    fixed = [np.arange(5), np.arange(5) + 1]
    for array in fixed:
        array.flags.writeable = False
    live = {"a": fixed[0], "t": pa.table({"A": [1]})}
    caller = connect(live)
    before = [caller.get(path).headers["etag"] for path in ("array/full/a", "table/full/t")]
    live["a"], live["t"] = fixed[1], pa.table({"A": [2]})
    for path, etag in zip(("array/full/a", "table/full/t"), before, strict=True):
        assert caller.get(path, headers={"if-none-match": etag}).status_code == 200


def test_a_table_of_which_nobody_can_tell_whether_it_changed_is_looked_at(connect) -> None:
    class Unstamped:
        family, metadata, specs = "table", {}, ()

        def __init__(self) -> None:
            self.table = MemoryTable(pd.DataFrame({"A": [1]}))
            self.structure = self.table.structure

        def read_partition(self, partition, columns):
            return self.table.read_partition(partition, columns)

    node = Unstamped()
    caller = connect({"t": node})
    before = caller.get("table/full/t")
    node.table = MemoryTable(pd.DataFrame({"A": [2]}))
    after = caller.get("table/full/t", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.content != before.content


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("array/full/a", "array/full/b"),
        ("array/full/a", "array/full/a?slice=1:"),
        ("array/full/a", "array/full/a?format=json"),
        ("array/block/m?block=0", "array/block/m?block=1"),
        ("table/full/t?column=A", "table/full/t?column=B"),
        ("metadata/a", "metadata/b"),
        ("search/", "search/?page[limit]=1"),
    ],
)
def test_different_things_have_different_etags(connect, one, other) -> None:
    zeros = np.zeros(4)
    tree = {
        "a": MemoryArray(zeros),
        "b": MemoryArray(zeros),
        "m": MemoryArray(zeros, chunks=(2,)),
        "t": MemoryTable(pd.DataFrame({"A": [0], "B": [0]})),
    }
    caller = connect(tree)
    assert caller.get(one).headers["etag"] != caller.get(other).headers["etag"]


def test_different_columns_in_a_body_have_different_etags(connect) -> None:
    caller = connect({"t": MemoryTable(pd.DataFrame({"A": [0], "B": [0]}))})
    assert (
        caller.post("table/full/t", json=["A"]).headers["etag"]
        != caller.post("table/full/t", json=["B"]).headers["etag"]
    )


def test_new_metadata_have_a_new_etag(connect) -> None:
    node = MemoryArray([1], metadata={"n": 1})
    caller = connect({"a": node})
    before = {path: caller.get(path).headers["etag"] for path in ("metadata/a", "search/")}
    node.metadata["n"] = 2
    for path, etag in before.items():
        assert caller.get(path, headers={"if-none-match": etag}).status_code == 200


def test_a_listing_that_gains_a_child_has_a_new_etag(connect) -> None:
    live = {"a": 1}
    caller = connect(MemoryContainer(live))
    etag = caller.get("search/?fields=").headers["etag"]
    live["b"] = 2
    assert caller.get("search/?fields=", headers={"if-none-match": etag}).status_code == 200


def test_a_file_that_changes_is_never_stale(files, folder) -> None:
    caller = files()
    before = caller.get("array/full/a")
    assert caller.get("array/full/a", headers={"if-none-match": before.headers["etag"]}).status_code == 304
    np.save(folder / "a.npy", np.arange(1000) + 1)
    after = caller.get("array/full/a", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    np.testing.assert_array_equal(np.frombuffer(after.content, "i8"), np.arange(1000) + 1)


def test_an_answer_varies_with_what_is_accepted(caller) -> None:
    for path in ("array/full/a", "metadata/a", "/docs"):
        assert caller.get(path).headers["vary"] == "Accept, Accept-Encoding"


def test_errors_have_no_etag(caller) -> None:
    for path in ("metadata/nope", "array/full/a?slice=99"):
        assert "etag" not in caller.get(path).headers


def test_a_condition_does_not_hide_a_mistake(caller) -> None:
    assert caller.get("metadata/nope", headers={"if-none-match": "*"}).status_code == 404
    assert caller.get("array/full/a?slice=99", headers={"if-none-match": "*"}).status_code == 400


def test_the_body_of_a_coded_answer_is_the_body(connect) -> None:
    caller = connect({"a": MemoryArray(np.zeros(5000))})
    raw = caller.raw("/api/v1/array/full/a", accept_encoding="gzip")
    assert gzip.decompress(b"".join(message.get("body", b"") for message in raw)) == bytes(40_000)
