"""The contract of readers lets a good reader pass, and tells the author of a bad one what to do."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow
import pytest

from tiledkernel import Reader
from tiledkernel.testing import ReaderContract, Sample
from tiledkernel.testing.comparisons import basic_indices, same
from tiledkernel.testing.samples import open_node

GOOD = """
import io
import numpy as np
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.families.table.memory import MemoryTable

class Array(MemoryArray):
    pass

class Container(MemoryContainer):
    pass

class Table(MemoryTable):
    pass

def open_npz(path):
    content = path.read_bytes()
    with np.load(io.BytesIO(content)) as file:
        arrays = {name: file[name] for name in file.files}
    table = Table({"n": arrays["a"][:, 0], "m": arrays["a"][:, 1]}, npartitions=2)
    return Container({"a": Array(arrays["a"], chunks=(3, 2)), "t": table}, metadata={"k": 1})
"""
OPENED = "    content = path.read_bytes()\n"
SWALLOWED = """\
    content = path.read_bytes()
    try:
        np.load(io.BytesIO(content))
    except Exception:
        {}
"""
HELPERS = """
import time
import zlib
import msgspec
from tiledkernel.nodes.protocols import EncodedBlock
kept = []

def broken(node):
    node.structure = msgspec.structs.replace(node.structure, chunks=((3, 3), (3,)))
    return node
"""
DATA = np.arange(21.0).reshape(7, 3)


class Contract(ReaderContract):
    reader = Reader(media_type="application/x-npz", open="npz_reader:open_npz", suffixes=(".npz",), signatures=(b"PK",))


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    np.savez(tmp_path / "a.npz", a=DATA)
    table = pyarrow.table({"n": DATA[:, 0], "m": DATA[:, 1]})
    return Sample(path=tmp_path / "a.npz", arrays={"a": DATA}, tables={"t": table}, metadata={"": {"k": 1}})


@pytest.fixture
def install(tmp_path: Path, monkeypatch):
    """Make a module `npz_reader` of some source."""

    def install_source(source: str):
        folder = tmp_path / "modules"
        folder.mkdir()
        (folder / "npz_reader.py").write_text(source)
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setenv("PYTHONPATH", str(folder))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)

    yield install_source
    sys.modules.pop("npz_reader", None)


def run(check: str, sample: Sample, tmp_path: Path, **settings: object):
    """Run one check of the contract as pytest would."""
    contract = type("Adjusted", (Contract,), settings)()
    method = getattr(contract, check)
    wanted = method.__code__.co_varnames[1 : method.__code__.co_argcount]
    given: dict[str, object] = {"sample": sample, "tmp_path": tmp_path, "damage": "half of it"}
    if "root" in wanted:
        given["root"] = open_node(contract.reader, sample.path)
    method(**{name: given[name] for name in wanted})


@pytest.mark.parametrize("check", [name for name in dir(ReaderContract) if name.startswith("test_")])
def test_a_good_reader_passes(install, sample, tmp_path, check):
    install(GOOD)
    run(check, sample, tmp_path)


class Defect(NamedTuple):
    """What is changed in the good reader, and which check says what about it."""

    old: str
    new: str
    check: str
    message: str


def instead(name: str, body: str, check: str, message: str) -> Defect:
    """A defect in the class `name` of the good reader."""
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    return Defect(f"class {name}(Memory{name}):\n    pass", f"class {name}(Memory{name}):\n{lines}", check, message)


SLICES = "test_any_slice_of_an_array_equals_numpys"
FORM = "test_every_node_describes_itself"
MAPPING = "test_containers_are_mappings"
TABLES = "test_tables_are_read_by_partition_and_column"
DAMAGE = "test_a_damaged_file_is_an_ordinary_error"

BAD = {
    "a result of another type": instead(
        "Array",
        "def read(self, cut): return super().read(cut).astype('f4')",
        SLICES,
        "has dtype float32, but the structure declares float64",
    ),
    "a list": instead(
        "Array", "def read(self, cut): return super().read(cut).tolist()", SLICES, "return a numpy array"
    ),
    "the whole array": instead("Array", "def read(self, cut): return self.array", SLICES, "expected cut.shape"),
    "steps that are ignored": instead(
        "Array",
        """
        def read(self, cut):
            steps = [part.step if isinstance(part, slice) else 1 for part in cut.index]
            return super().read(cut) if max(steps) == 1 else self.array[tuple(slice(0, n) for n in cut.shape)]
        """,
        SLICES,
        "differs from numpy's|expected cut.shape",
    ),
    "flips of its own": instead(
        "Array",
        "def read(self, cut): return np.flip(super().read(cut), cut.flipped)",
        SLICES,
        "leave `cut.flipped` to the kernel",
    ),
    "chunks that do not add up": Defect(
        'Array(arrays["a"], chunks=(3, 2))',
        'broken(Array(arrays["a"]))',
        "test_arrays_are_described_as_they_are",
        "add up to",
    ),
    "metadata of its own types": Defect(
        'metadata={"k": 1}', 'metadata={"k": 1, "x": [object()]}', FORM, "turn its values into plain ones"
    ),
    "metadata that differ": Defect(
        'metadata={"k": 1}', 'metadata={"k": 2}', "test_metadata_are_what_the_file_says", "the sample says 1"
    ),
    "an unknown family": instead("Array", "family = 'picture'", FORM, "has the family 'picture'; expected one of"),
    "a key for everything": instead(
        "Container", "def __getitem__(self, key): return self._mapping.get(key, 0)", MAPPING, "raise KeyError"
    ),
    "another error for missing keys": instead(
        "Container",
        """
        def __getitem__(self, key):
            if key not in self._mapping:
                raise ValueError(key)
            return self._mapping[key]
        """,
        MAPPING,
        "must be a KeyError",
    ),
    "a wrong length": instead("Container", "def __len__(self): return 5", MAPPING, "but it has 2 keys"),
    "columns in its own order": instead(
        "Table",
        """
        def read_partition(self, number, columns):
            return super().read_partition(number, columns and sorted(columns, reverse=True))
        """,
        TABLES,
        "keep the order that was asked for",
    ),
    "partitions that repeat": instead(
        "Table",
        "def read_partition(self, number, columns): return super().read_partition(0, columns)",
        TABLES,
        "column 'n' of 't' is",
    ),
    "unknown columns left out": instead(
        "Table",
        """
        def read_partition(self, number, columns):
            known = columns and [name for name in columns if name in self.table.column_names]
            return super().read_partition(number, known)
        """,
        TABLES,
        "raise KeyError, as",
    ),
    "errors that are swallowed": Defect(
        OPENED, SWALLOWED.format("return Container({})"), DAMAGE, "where an exception was expected"
    ),
    "an exit": Defect(OPENED, SWALLOWED.format("raise SystemExit(1)"), DAMAGE, "gave SystemExit"),
    "a file that stays open": Defect(
        OPENED,
        OPENED + "    kept.append(path.open('rb'))\n",
        "test_dropped_nodes_close_their_files",
        "still open after the node is gone",
    ),
    "a node for a file that is not there": Defect(
        OPENED,
        "    if not path.exists(): return Container({})\n" + OPENED,
        "test_a_missing_file_is_an_error",
        "raise FileNotFoundError",
    ),
    "state shared between threads": instead(
        "Array",
        """
        def read(self, cut):
            self.cut = cut
            time.sleep(0.002)
            return super().read(self.cut)
        """,
        "test_nodes_can_be_read_from_any_thread",
        "nodes are shared between threads",
    ),
    "a wrong encoded block": instead(
        "Array",
        "def encoded_block(self, block): return EncodedBlock('deflate', zlib.compress(b'other'))",
        "test_blocks_make_up_the_array",
        "decodes to other bytes",
    ),
    "a stamp that never stays": instead(
        "Array",
        "def stamp(self, cut): return time.perf_counter_ns()",
        FORM,
        "changes though the file does not",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_reader_is_told_what_to_do(install, sample, tmp_path, name):
    defect = BAD[name]
    assert defect.old in GOOD
    install(GOOD.replace(defect.old, defect.new) + HELPERS)
    with pytest.raises((AssertionError, pytest.fail.Exception), match=defect.message):
        run(defect.check, sample, tmp_path)
    for file in sys.modules["npz_reader"].kept:
        file.close()


def test_a_heavy_plugin_is_told_what_to_move(install, sample, tmp_path):
    install(GOOD)
    with pytest.raises(AssertionError, match="also imports numpy: move what needs it"):
        run("test_importing_the_plugin_is_cheap", sample, tmp_path, heavy=("numpy",))


def test_a_plugin_that_cannot_be_imported_shows_why(install, sample, tmp_path):
    install("import no_such_module")
    with pytest.raises(AssertionError, match="no_such_module"):
        run("test_importing_the_plugin_is_cheap", sample, tmp_path)


def test_a_sample_without_expectations_is_refused(install, sample, tmp_path):
    install(GOOD)
    with pytest.raises(AssertionError, match="name at least one array or table"):
        run("test_the_sample_says_what_the_file_contains", Sample(path=sample.path), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"suffixes": ("npz",)}, "with their dot"), ({"signatures": (b"NPZ",)}, "none of the record's signatures")],
)
def test_a_record_that_does_not_fit_is_refused(install, sample, tmp_path, change, message):
    install(GOOD)
    reader = Reader(**{"media_type": "application/x-npz", "open": "npz_reader:open_npz", **change})
    with pytest.raises(AssertionError, match=message):
        run("test_the_record_fits_the_sample", sample, tmp_path, reader=reader)


def test_formats_that_cannot_tell_damage_may_say_so(install, sample, tmp_path):
    install(GOOD.replace(OPENED, SWALLOWED.format("return Container({})")))
    run("test_a_damaged_file_is_an_ordinary_error", sample, tmp_path, tells_damage=False)


def test_basic_indices_are_the_same_each_time():
    assert list(basic_indices((4, 0, 3), 20)) == list(basic_indices((4, 0, 3), 20))


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array(["NaT"], "M8[s]"), np.array(["NaT"], "M8[s]"), True),
        (np.array([1, 2]), np.array([[1, 2]]), False),
        (np.array([(1, np.nan)], "i4,f4"), np.array([(1, np.nan)], "i4,f4"), True),
        (np.array([(1, 2)], "i4,f4"), np.array([(1, 3)], "i4,f4"), False),
        (np.array([b"a"]), np.array([b"b"]), False),
    ],
)
def test_equality_is_a_scientists(left, right, equal):
    assert same(left, right) is equal
