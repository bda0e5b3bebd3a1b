"""Awkward arrays in files: what is written is read, whole or not at all, and what cannot be is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import msgspec
import numpy as np
import pytest
import tiled_awkward
from tiled_awkward.awkward.structure import AwkwardStructure
from tiled_awkward.awkward.writing import WritableAwkward
from tiled_awkward.buffers import Buffers, put_together, take_apart

from tiledkernel.errors import Unavailable, Unprocessable
from tiledkernel.nodes.storing import Location, path_of_uri
from tiledkernel.testing.keeping import Kept, at_once

STORAGE = next(storage for storage in tiled_awkward.register_storages() if storage.family == "awkward")
NESTED = ak.Array([[{"x": 1.1, "y": [1]}, {"x": 2.2, "y": [1, 2]}], [], [{"x": 3.3, "y": [1, 2, 3]}]])
KINDS = {
    "nested": NESTED,
    "tuples": ak.Array([(1, 2.0), (3, 4.0)]),
    "optional": ak.Array([{"x": 1}, None]),
    "texts": ak.Array(["a", "b\u00e4", ""]),
    "mixed": ak.Array([1, "a", [2.5]]),
    "regular": ak.Array(np.arange(12, dtype="i2").reshape(3, 4)),
    "regular of lists": ak.to_regular(ak.Array([[[1], [2, 3]], [[4], []]]), axis=1),
    "dates": ak.Array(np.array(["2020-01-01", "2021-01-01"], "M8[s]")),
    "categories": ak.str.to_categorical(ak.Array(["a", "b", "a"])),
    "masked": ak.mask(ak.Array([1, 2, 3]), [True, False, True]),
    "bits": ak.Array(ak.Array([1, 2, None]).layout.to_BitMaskedArray(valid_when=True, lsb_order=True)),
    "complex": ak.Array([[1j]]),
    "no rows": ak.Array([{"x": 1}])[:0],
    "nothing": ak.Array([]),
}


@pytest.fixture
def create(tmp_path: Path, location: Location) -> Callable[..., Kept]:
    """Make an array like one in memory, without its buffers."""

    def make(array: ak.Array, **changes: Any) -> Kept:
        buffers = take_apart(array)
        structure = AwkwardStructure(length=buffers.length, form=buffers.form)
        return Kept.create(tmp_path, STORAGE, location, msgspec.structs.replace(structure, **changes))

    return make


def write(kept: Kept, array: ak.Array) -> None:
    kept.open().write({name: memoryview(buffer) for name, buffer in take_apart(array).content.items()})


def content(kept: Kept) -> ak.Array:
    node = kept.open()
    return put_together(Buffers(node.structure.form, node.structure.length, node.read_buffers(None)))


def files(location: Location) -> list[Path]:
    return [path for path in location.folder.rglob("*") if path.is_file()]


def test_an_array_is_a_folder_of_buffers(create, location) -> None:
    kept = create(NESTED)
    write(kept, NESTED)
    source = kept.keeper.current()
    (asset,) = source.assets
    assert (source.mimetype, asset.is_directory, asset.parameter) == ("application/x-awkward-buffers", True, "data_uri")
    folder = path_of_uri(asset.data_uri)
    assert sorted(path.name for path in folder.iterdir()) == [
        "node0-offsets",
        "node2-data",
        "node3-offsets",
        "node4-data",
    ]
    assert np.fromfile(folder / "node2-data").tolist() == [1.1, 2.2, 3.3]
    assert location.holds(asset.data_uri)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_nesting_comes_back_as_it_was(create, kind) -> None:
    kept = create(KINDS[kind])
    assert isinstance(kept.open(), WritableAwkward)
    write(kept, KINDS[kind])
    assert content(kept).to_list() == KINDS[kind].to_list()
    assert content(kept).type == ak.to_packed(KINDS[kind]).type


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_that_nobody_has_written_is_blank(create, kind) -> None:
    found = content(create(KINDS[kind]))
    assert len(found) == len(KINDS[kind])
    assert ak.validity_error(found) == ""
    assert found.type == ak.to_packed(KINDS[kind]).type
    assert not any(map(any_number, ak.to_list(ak.flatten(found, axis=None)))) or kind == "dates"


def any_number(value: Any) -> bool:
    return bool(value)


def test_buffers_that_are_not_needed_are_not_opened(create, monkeypatch) -> None:
    kept = create(NESTED)
    opened = []
    monkeypatch.setattr("tiled_awkward.awkward.storage._mapped", lambda path: opened.append(path.name) or b"")
    kept.open().read_buffers({"node3-offsets"})
    assert opened == ["node3-offsets"]


@pytest.mark.parametrize("key", ["../../escaped{}", "/tmp/escaped{}", "nul\0{}", "a" * 300 + "{}"])
def test_keys_of_a_form_never_become_names_of_files(tmp_path, location, key) -> None:
    form, length, buffers = ak.to_buffers(NESTED, form_key=key.format("{id}"))
    structure = AwkwardStructure(length=length, form=form.to_dict())
    kept = Kept.create(tmp_path, STORAGE, location, structure)
    kept.open().write({name: memoryview(buffer).cast("B") for name, buffer in buffers.items()})
    assert content(kept).to_list() == NESTED.to_list()
    assert sorted(path.name for path in files(location)) == [
        "node0-offsets",
        "node2-data",
        "node3-offsets",
        "node4-data",
    ]


def deep(levels: int) -> dict[str, Any]:
    form: dict[str, Any] = {"class": "NumpyArray", "primitive": "int64", "form_key": "n"}
    for level in range(levels):
        form = {"class": "ListOffsetArray", "offsets": "i64", "content": form, "form_key": f"n{level}"}
    return form


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"form": {}}, "no form of an awkward array"),
        ({"form": {"class": "FancyArray", "form_key": "a"}}, "no form of an awkward array"),
        ({"form": {"class": "NumpyArray", "primitive": "int64"}}, "form_key"),
        ({"form": deep(2) | {"form_key": "n"}}, "'form_key' of its own"),
        ({"form": deep(70)}, "nested too deeply"),
        ({"form": deep(300)}, "nested too deeply"),
        ({"length": -1}, "cannot be negative"),
        ({"length": 10**12}, "at most 1_073_741_824 can be uploaded"),
        ({"form": {"class": "RegularArray", "size": 10**15, "content": deep(0), "form_key": "r"}}, "can be uploaded"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_are_refused_before_anything_is_made(create, location, changes, reason) -> None:
    with pytest.raises(Unprocessable, match=reason):
        create(NESTED, **changes)
    assert not files(location)


def test_nothing_is_left_of_what_was_replaced_or_deleted(create, location) -> None:
    kept = create(NESTED)
    for _ in range(3):
        write(kept, NESTED)
    assert len(files(location)) == 4
    kept.delete()
    assert not files(location)


def test_who_has_opened_the_array_sees_what_replaced_it(create) -> None:
    kept = create(NESTED)
    opened = kept.open()
    write(kept, NESTED)
    assert opened.stamp(None) != kept.open().stamp(None)
    assert bytes(opened.read_buffers({"node2-data"})["node2-data"]) == np.array([1.1, 2.2, 3.3]).tobytes()


def test_what_was_read_before_it_was_replaced_is_there_as_long_as_somebody_looks_at_it(create) -> None:
    kept = create(NESTED)
    write(kept, NESTED)
    found = content(kept)
    write(kept, NESTED)
    assert found.to_list() == NESTED.to_list()


def test_readers_never_see_a_mixture(create) -> None:
    numbers = ak.Array([[1.0] * 1000, [1.0] * 1000])
    kept = create(numbers)
    write(kept, numbers)
    done = threading.Event()
    seen: set[tuple[float, ...]] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(tuple(np.unique(ak.to_numpy(ak.flatten(content(kept))))))

    def replace() -> None:
        try:
            for factor in range(2, 6):
                write(kept, numbers * factor)
        finally:
            done.set()

    at_once(read, replace)
    assert all(len(values) == 1 for values in seen)


def test_of_two_who_write_at_once_one_wins(create, location) -> None:
    kept = create(NESTED)
    other = NESTED[["x", "y"]]
    other["x"] = other["x"] * 2
    at_once(lambda: write(kept, NESTED), lambda: write(kept, other))
    assert content(kept)["x"].to_list() in (NESTED["x"].to_list(), other["x"].to_list())
    assert len(files(location)) == 4


def test_a_file_that_is_missing_is_an_error_that_names_it(create, location) -> None:
    kept = create(NESTED)
    write(kept, NESTED)
    next(path for path in files(location) if path.name == "node3-offsets").unlink()
    with pytest.raises(Unavailable, match="'node3-offsets' of this array, which was written, is missing"):
        content(kept)


_KILLED = """
import sys
from pathlib import Path
import awkward, tiled_awkward
from tiled_awkward.buffers import take_apart
from tiledkernel.nodes.storing import parse_location
from tiledkernel.testing.keeping import Kept

kept = Kept(Path(sys.argv[1]), tiled_awkward.register_storages()[0], parse_location(sys.argv[2]))
kept.keeper.dies = sys.argv[3]
new = take_apart(awkward.Array([[9.0], [8.0, 7.0]]))
kept.open().write({name: memoryview(buffer) for name, buffer in new.content.items()})
"""


@pytest.mark.parametrize(("moment", "expected"), [("before", [[1.0, 2.0], [3.0]]), ("after", [[9.0], [8.0, 7.0]])])
def test_a_process_that_is_killed_leaves_the_old_array_or_the_new_one(create, location, moment, expected) -> None:
    old = ak.Array([[1.0, 2.0], [3.0]])
    kept = create(old)
    write(kept, old)
    command = [sys.executable, "-c", _KILLED, str(kept.keeper.path), str(location.folder), moment]
    assert subprocess.run(command, check=False, timeout=60).returncode == -9
    assert content(kept).to_list() == expected
    write(kept, old)
    assert content(kept).to_list() == old.to_list()
