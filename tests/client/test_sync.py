"""Copying trees between servers: everything arrives, nothing half, and what is there already stays."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tiledkernel.client import ClientError, sync
from tiledkernel.client.data_sources import Asset, DataSource
from tiledkernel.client.errors import UnknownStructureFamily
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.structure import ArrayStructure, DataType
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.queries import Key
from tiledkernel.specs import Spec

from .faces import WaitingFace
from .scripted import Scripted, message, resource

NUMBERS = np.arange(20).reshape(4, 5)
INTEGERS = ArrayStructure(
    data_type=DataType(endianness="little", kind="i", itemsize=8), shape=(4, 5), chunks=((4,), (5,))
)


@pytest.fixture
def copy(face: Any) -> Any:
    """What a program of either kind does."""

    def copying(*arguments: Any, **settings: Any) -> None:
        found = sync.copy(*arguments, **settings)
        return face.wait_for(found) if inspect.iscoroutine(found) else found

    return copying


def memory_tree() -> MemoryContainer:
    """Arrays of several chunks and of none, a table, and containers, one of which is empty."""
    return MemoryContainer(
        {
            "chunked": MemoryArray(NUMBERS, chunks=((3, 1), (2, 3)), dims=("x", "y"), metadata={"color": "red"}),
            "scalar": np.array(3.5),
            "empty": np.empty((0, 3)),
            "table": pd.DataFrame({"a": [1, 2, 3], "b": ["x", "yy", None]}),
            "inner": MemoryContainer(
                {"deep": MemoryContainer({}), "ones": np.ones(3)}, metadata={"color": "blue"}, specs=("s",)
            ),
        }
    )


@pytest.fixture
def registered(new_catalog: Any, tmp_path: Path) -> Any:
    """A catalog with a container, in which there is a registered file."""
    np.save(tmp_path / "x.npy", NUMBERS)
    asset = Asset(data_uri=f"file://localhost{tmp_path}/x.npy", is_directory=False, parameter="data_uri")
    source = DataSource(
        structure_family="array",
        structure=INTEGERS,
        mimetype="application/x-npy",
        management="external",
        assets=[asset],
    )
    catalog = new_catalog()
    inner = catalog.create_container("inner", metadata={"color": "red"}, specs=["a", Spec("b", "1")])
    inner.new("array", [source], key="file", metadata={"color": "blue"}, specs=["c"])
    catalog.create_container("other", metadata={"color": "blue"})
    return catalog


# What arrives


def test_data_arrive_part_by_part(copy: Any, client_of: Any, new_catalog: Any) -> None:
    source, dest = client_of(memory_tree()), new_catalog()
    copy(source, dest)
    assert list(dest) == list(source)
    found = dest["chunked"]
    assert (found.chunks, found.dims, dict(found.metadata)) == (((3, 1), (2, 3)), ("x", "y"), {"color": "red"})
    assert (found.read() == NUMBERS).all()
    assert dest["scalar"].read() == 3.5
    assert dest["empty"].read().shape == (0, 3)
    pd.testing.assert_frame_equal(dest["table"].read(), source["table"].read())
    assert (dict(dest["inner"].metadata), list(dest["inner"].specs)) == ({"color": "blue"}, [Spec("s")])
    assert (dest["inner/ones"].read() == 1).all()
    assert list(dest["inner/deep"]) == []


def test_of_registered_files_the_registration_arrives(copy: Any, registered: Any, new_catalog: Any) -> None:
    dest = new_catalog()
    copy(registered, dest)
    assert list(dest) == ["inner", "other"]
    assert (dict(dest["inner"].metadata), list(dest["inner"].specs)) == ({"color": "red"}, [Spec("a"), Spec("b", "1")])
    found = dest["inner/file"]
    assert (found.read() == NUMBERS).all()
    assert (dict(found.metadata), list(found.specs)) == ({"color": "blue"}, [Spec("c")])
    ((before,), (after,)) = registered["inner/file"].data_sources(), found.data_sources()
    assert after.management == "external"
    assert [asset.data_uri for asset in after.assets] == [asset.data_uri for asset in before.assets]


def test_what_a_search_found_arrives(copy: Any, registered: Any, new_catalog: Any) -> None:
    dest = new_catalog()
    copy(registered.search(Key("color") == "blue"), dest)
    assert list(dest) == ["other"]


def test_items_arrive_under_their_keys(copy: Any, registered: Any, new_catalog: Any) -> None:
    dest = new_catalog()
    copy(registered.items().head(1), dest)
    copy([("again", registered["inner"]), ("single", registered["inner/file"])], dest)
    copy({"mapped": registered["other"]}, dest)
    assert list(dest) == ["inner", "again", "single", "mapped"]
    assert (dest["single"].read() == dest["again/file"].read()).all()


def test_a_tree_can_be_copied_beside_itself(copy: Any, registered: Any) -> None:
    copy([("copy", registered["inner"])], registered)
    assert list(registered) == ["inner", "other", "copy"]
    assert (registered["copy/file"].read() == NUMBERS).all()


# What is there already


def test_a_key_that_is_taken_is_an_error(copy: Any, registered: Any, new_catalog: Any) -> None:
    dest = new_catalog()
    dest.create_container("inner")
    with pytest.raises(ClientError, match="409"):
        copy(registered, dest)


def test_a_key_that_is_taken_can_be_skipped_with_a_warning(copy: Any, registered: Any, new_catalog: Any) -> None:
    dest = new_catalog().create_container("here")
    dest.create_container("inner")
    with pytest.warns(UserWarning, match="^'here/inner' is there already"):
        copy(registered, dest, on_conflict="warn")
    assert (list(dest), list(dest["inner"])) == (["inner", "other"], [])


def test_a_key_that_is_taken_can_be_skipped_silently(copy: Any, registered: Any, new_catalog: Any) -> None:
    dest = new_catalog()
    dest.create_container("inner")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy(registered, dest, on_conflict="skip")
    assert (list(dest), list(dest["inner"])) == (["inner", "other"], [])


# What goes wrong


def test_what_has_not_arrived_whole_is_taken_away(copy: Any, face: Any, client_of: Any, impatient: None) -> None:
    root, made = resource(""), resource("chunked", "array")
    refused = message({"detail": "no room"}, 507)
    dest = face.connect(Scripted(message({"data": root}), message({"id": "chunked", "links": made["links"]}), refused))
    with pytest.raises(Exception, match="507"):
        copy(client_of(MemoryContainer({"chunked": NUMBERS})), dest)


def test_a_part_that_comes_too_short_is_not_passed_on(copy: Any, scripted_client: Any, new_catalog: Any) -> None:
    array = resource(
        "x",
        "array",
        structure={"data_type": {"endianness": "little", "kind": "i", "itemsize": 8}, "chunks": [[2]], "shape": [2]},
    )
    listing = message({"data": [array], "links": {"next": None}, "meta": {"count": 1}})
    source, _ = scripted_client(resource(""), message({"data": resource("")}), listing, (200, {}, b"short"))
    dest = new_catalog()
    with pytest.raises(UnexpectedAnswer, match="sent 5 bytes of a part that has 16"):
        copy(source, dest)
    assert list(dest) == []


def test_a_family_that_cannot_be_copied_is_told(copy: Any, scripted_client: Any, new_catalog: Any) -> None:
    listing = message({"data": [resource("x", "graph")], "links": {"next": None}, "meta": {"count": 1}})
    source, _ = scripted_client(resource(""), message({"data": resource("")}), listing)
    dest = new_catalog()
    with pytest.raises(UnknownStructureFamily, match=r"copies data of .* 'graph'"):
        copy(source, dest)
    assert list(dest) == []


def test_a_container_is_not_copied_into_itself(copy: Any, catalog: Any) -> None:
    inner = catalog.create_container("a").create_container("b")
    with pytest.raises(ValueError, match="into itself"):
        copy(catalog, inner)
    with pytest.raises(ValueError, match="into itself"):
        copy([("x", catalog["a"])], inner)


@pytest.mark.parametrize("on_conflict", ["ignore", None])
def test_another_word_for_conflicts_is_refused(copy: Any, catalog: Any, on_conflict: Any) -> None:
    with pytest.raises(ValueError, match="expected 'error', 'warn', 'skip'"):
        copy(catalog, catalog, on_conflict)


def test_what_is_neither_container_nor_items_is_refused(copy: Any, registered: Any) -> None:
    with pytest.raises(TypeError, match=r"pass \[\('its key', node\)\]"):
        copy(registered["inner/file"], registered)
    with pytest.raises(TypeError, match="takes no copies"):
        copy(registered, registered["inner/file"])
    with pytest.raises(TypeError, match="expected pairs of key and node"):
        copy(["inner"], registered)


def test_clients_of_both_kinds_do_not_mix(copy: Any, catalog: Any, face: Any) -> None:
    if isinstance(face, WaitingFace):
        return
    other = WaitingFace()
    waiting = other.connect(Scripted(message({"data": resource("")})))
    with pytest.raises(TypeError, match="one client waits and the other is asynchronous"):
        copy(catalog, waiting)
    other.close()
