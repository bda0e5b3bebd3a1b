"""What every reader must do, as a class of tests that a plugin's test class inherits.

A new release of the kernel may add checks here; a plugin gains them without a change of its own.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import zstandard
from numpy.typing import NDArray

from tiledkernel import wire
from tiledkernel.blocks import block_bounds
from tiledkernel.families.array.dtypes import from_numpy, to_numpy
from tiledkernel.families.array.structure import ArrayStructure
from tiledkernel.nodes.protocols import Inlined, RestsEncoded, Stamped
from tiledkernel.records import Reader
from tiledkernel.slices import NDSlice, cut_shape, format_slice
from tiledkernel.specs import Spec
from tiledkernel.testing.comparisons import basic_indices, same
from tiledkernel.testing.samples import Sample, find_node, open_node, walk_nodes

PATIENCE = 30.0  # seconds until a reader counts as hanging
_DECODE: dict[str, Callable[[bytes], bytes]] = {
    "deflate": zlib.decompress,
    "gzip": lambda data: zlib.decompress(data, wbits=31),
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


class ReaderContract:
    """Inherit, set `reader`, and write a fixture `sample`; see `tiledkernel.testing`.

    - `reader`: the record that the plugin registers.
    - `heavy`: modules that importing the plugin must not import, such as ("h5py",).
    - `plugin`: the module that the entry point names; by default the package that `reader.open` is in.
    - `families`: the families that the reader's nodes may have.
    - `tells_damage`: False for formats, such as text, in which half a file is a smaller file.
    """

    reader: ClassVar[Reader]
    heavy: ClassVar[tuple[str, ...]] = ()
    plugin: ClassVar[str] = ""
    families: ClassVar[frozenset[str]] = frozenset({"array", "bytes", "container", "table"})
    tells_damage: ClassVar[bool] = True

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        """A file written below `tmp_path`, and what is in it."""
        raise NotImplementedError(
            f"{type(self).__name__} needs a fixture `sample(self, tmp_path)` that writes a small file "
            "and returns a tiledkernel.testing.Sample saying what must be read from it"
        )

    @pytest.fixture
    def root(self, sample: Sample) -> Any:
        """The node opened from the sample."""
        return open_node(self.reader, sample.path)

    def test_the_sample_says_what_the_file_contains(self, sample: Sample) -> None:
        """A contract without expectations would pass for a reader that reads nothing."""
        assert sample.arrays or sample.tables, "name at least one array or table of the file in the Sample"

    def test_the_record_fits_the_sample(self, sample: Sample) -> None:
        """The suffixes and signatures of the record recognise the format's files."""
        for suffix in self.reader.suffixes:
            assert re.fullmatch(r"\.[^A-Z]+", suffix), (
                f"suffix {suffix!r} can never match: write suffixes with their dot and in lower case"
            )
        signatures = () if self.reader.directory else self.reader.signatures
        for path in sample.paths if signatures else ():
            with path.open("rb") as file:
                start = file.read(max(map(len, signatures)))
            assert start.startswith(signatures), (
                f"{path.name} begins with {start!r}, which none of the record's signatures {signatures!r} matches: "
                "correct them, or leave them out if files of this format do not begin alike"
            )

    def test_importing_the_plugin_is_cheap(self) -> None:
        """The kernel imports every installed plugin at start-up; what is heavy waits for the first file."""
        module = self.plugin or self.reader.open.partition(":")[0].partition(".")[0]
        code = f"import sys, {module}; print(*[name for name in {self.heavy!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own interpreter
        assert done.returncode == 0, f"`import {module}` fails in a fresh interpreter:\n{done.stderr}"
        assert not done.stdout.split(), (
            f"`import {module}` also imports {done.stdout.strip()}: move what needs it to the module that the "
            f"record names as open={self.reader.open!r}, which is imported when the first file is opened"
        )

    def test_every_node_describes_itself(self, root: Any) -> None:
        """Family, metadata, specs and structure of all nodes can be sent."""
        for path, node in walk_nodes(root):
            _check_description(path, node, self.families)

    def test_metadata_are_what_the_file_says(self, root: Any, sample: Sample) -> None:
        """The metadata that the sample promises are there."""
        for path, expected in sample.metadata.items():
            found = wire.decode_json(wire.encode_json(wire.plain(find_node(root, path).metadata)))
            for key, value in wire.decode_json(wire.encode_json(wire.plain(expected))).items():
                assert found.get(key) == value, (
                    f"metadata of {path!r} have {key!r}: {found.get(key)!r}, but the sample says {value!r}"
                )

    def test_containers_are_mappings(self, root: Any) -> None:
        """Keys are distinct texts that lead to children; a missing one is a KeyError."""
        for path, node in walk_nodes(root):
            if node.family == "container":
                _check_container(path, node)

    def test_arrays_are_described_as_they_are(self, root: Any, sample: Sample) -> None:
        """Shape and element type are those of the data, and the chunks add up to the shape."""
        for path, expected in sample.arrays.items():
            _check_array_structure(path, find_node(root, path).structure, expected)

    def test_any_slice_of_an_array_equals_numpys(self, root: Any, sample: Sample) -> None:
        """Whole, empty, strided, backward and integer indices read what numpy's indexing gives."""
        for path, expected in sample.arrays.items():
            node = find_node(root, path)
            for index in basic_indices(expected.shape, 50):
                _check_slice(path, node, index, expected)

    def test_blocks_make_up_the_array(self, root: Any, sample: Sample) -> None:
        """Reading every chunk gives the whole array, once; chunks sent as they rest decode to the same."""
        for path, expected in sample.arrays.items():
            _check_blocks(path, find_node(root, path), expected)

    def test_tables_are_read_by_partition_and_column(self, root: Any, sample: Sample) -> None:
        """Partitions add up to the table; columns come in the order asked for; an unknown one is a KeyError."""
        for path, expected in sample.tables.items():
            _check_table(path, find_node(root, path), expected)

    def test_nodes_can_be_read_from_any_thread(self, root: Any, sample: Sample) -> None:
        """Side by side if the reader declares 'threads', else one call at a time but from changing threads."""
        lock = threading.Lock() if self.reader.concurrency == "one" else None

        def read_all() -> None:
            if lock is None:
                _read_everything(root, sample)
                return
            with lock:
                _read_everything(root, sample)

        with ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(read_all) for _ in range(24)]:
                error = future.exception(PATIENCE)
                assert error is None, (
                    f"reading from several threads failed with {error!r}: nodes are shared between threads; keep no "
                    "file position or other state in them, or declare concurrency='one' if the library needs that"
                )

    def test_dropped_nodes_close_their_files(self, sample: Sample) -> None:
        """A node owns its files: when it goes, they are closed."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            root = open_node(self.reader, sample.path)
            _read_everything(root, sample)
            del root
            gc.collect()
        leaks = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
        assert not leaks, f"files were left for Python to close ({leaks}): close them, or open them in a `with` block"
        still_open = _open_files() & {str(path.resolve()) for path in sample.paths}
        assert not still_open, (
            f"{sorted(still_open)} are still open after the node is gone: hold a file only in the node, without "
            "module-level caches and without reference cycles through C objects"
        )

    def test_a_missing_file_is_an_error(self, sample: Sample, tmp_path: Path) -> None:
        """Opening a path where nothing is raises, rather than making an empty node."""
        gone = tmp_path / "nothing here" / sample.paths[0].name
        error = _outcome(lambda: _touch_everything(open_node(self.reader, _replace_first(sample, gone))))
        assert isinstance(error, Exception), (
            f"opening {gone.name!r}, which does not exist, gave {error!r}: raise FileNotFoundError"
        )

    @pytest.mark.parametrize("damage", ["half of it", "its first 16 bytes", "random bytes", "nothing"])
    def test_a_damaged_file_is_an_ordinary_error(self, sample: Sample, tmp_path: Path, damage: str) -> None:
        """Files are cut short and overwritten in real life; that is an exception, never a hang or an exit."""
        path = _damaged_copy(sample.paths[0], tmp_path / "damaged", damage)
        error = _outcome(lambda: _touch_everything(open_node(self.reader, _replace_first(sample, path))))
        if error is None and not self.tells_damage:
            return
        assert isinstance(error, Exception), (
            f"a file reduced to {damage} gave {error!r} where an exception was expected: check what the library "
            "returns against the size that the file declares (or set tells_damage = False if the format cannot tell)"
        )


def _check_description(path: str, node: Any, families: frozenset[str]) -> None:
    assert node.family in families, (
        f"node {path!r} has the family {node.family!r}; expected one of {sorted(families)} "
        "(a plugin with a family of its own adds it to `families` of this test class)"
    )
    for spec in node.specs:
        assert isinstance(spec, Spec), f"node {path!r} has the spec {spec!r}: make it a tiledkernel.Spec"
    metadata = wire.plain(node.metadata)
    for name, encode in (("JSON", wire.encode_json), ("msgpack", wire.encode_msgpack)):
        try:
            encode(metadata)
        except Exception as error:  # noqa: BLE001 - whatever it is, the author learns which node
            pytest.fail(f"metadata of {path!r} cannot be sent as {name} ({error!r}): turn its values into plain ones")
    if node.family != "container":
        assert wire.decode_json(wire.encode_json(node.structure)) is not None, f"structure of {path!r} encodes to null"
    if isinstance(node, Inlined):
        assert node.inlined(0) in (True, False), f"`inlined` of {path!r} must answer True or False"
    if isinstance(node, Stamped):
        assert hash(node.stamp(None)) == hash(node.stamp(None)), (
            f"`stamp` of {path!r} changes though the file does not: make it of what changes with the data only"
        )


def _check_container(path: str, node: Any) -> None:
    keys = list(node.keys())
    assert all(type(key) is str for key in keys), f"keys of {path!r} must be plain str, not {keys!r}"
    assert len(set(keys)) == len(keys), f"keys of {path!r} repeat: {keys!r}"
    assert len(node) == len(keys), f"len() of {path!r} is {len(node)}, but it has {len(keys)} keys"
    for absent in ("no such key", "", ".", "..", "a\0b"):
        if absent in keys:
            continue
        try:
            found = node[absent]
        except KeyError:
            continue
        except Exception as error:  # noqa: BLE001 - the point is which one
            pytest.fail(f"{path!r}[{absent!r}] raises {error!r}: a key that is absent must be a KeyError")
        pytest.fail(f"{path!r}[{absent!r}] gives {found!r}, but keys() does not list it: raise KeyError")


def _check_array_structure(path: str, structure: ArrayStructure, expected: NDArray[Any]) -> None:
    assert isinstance(structure, ArrayStructure), (
        f"structure of {path!r} is {structure!r}: make it with tiledkernel.families.array.describe.describe_array"
    )
    assert structure.shape == expected.shape, (
        f"{path!r} declares shape {structure.shape}, the data have {expected.shape}"
    )
    declared = to_numpy(structure.data_type)
    assert structure.data_type == from_numpy(expected.dtype), (
        f"{path!r} declares the element type {declared}, the data have {expected.dtype}"
    )
    sums = tuple(map(sum, structure.chunks))
    assert sums == structure.shape, f"chunks of {path!r} add up to {sums}, not to its shape {structure.shape}"
    if structure.dims is not None:
        assert len(structure.dims) == len(structure.shape), (
            f"{path!r} needs one name in `dims` per axis of {structure.shape}"
        )


def _check_slice(path: str, node: Any, index: NDSlice, expected: NDArray[Any]) -> None:
    cut = cut_shape(index, expected.shape)
    found = node.read(cut)
    what = f"{path!r} read at [{format_slice(index)}] (cut.index {cut.index})"
    assert isinstance(found, np.ndarray | np.generic), f"{what} gives {type(found).__name__}: return a numpy array"
    assert found.shape == cut.shape, (
        f"{what} has shape {found.shape}, expected cut.shape {cut.shape}: integers drop their axis"
    )
    declared = to_numpy(node.structure.data_type)
    assert found.dtype == declared, (
        f"{what} has dtype {found.dtype}, but the structure declares {declared}: convert it in `read`"
    )
    assert same(np.flip(found, cut.flipped), np.asarray(expected[index])), (
        f"{what} differs from numpy's: follow `cut.index` as it is and leave `cut.flipped` to the kernel"
    )


def _check_blocks(path: str, node: Any, expected: NDArray[Any]) -> None:
    chunks = node.structure.chunks
    whole = np.empty(node.structure.shape, to_numpy(node.structure.data_type))
    for block in itertools.product(*(range(len(lengths)) for lengths in chunks)):
        bounds = block_bounds(block, chunks)
        whole[bounds] = part = node.read(cut_shape(bounds, node.structure.shape))
        encoded = node.encoded_block(block) if isinstance(node, RestsEncoded) else None
        if encoded is not None:
            decoded = _DECODE[encoded.coding](encoded.data)
            assert decoded == np.ascontiguousarray(part).tobytes(), (
                f"block {block} of {path!r} as it rests ({encoded.coding}) decodes to other bytes than `read` gives: "
                "return None from `encoded_block` for edge chunks, other filters and missing chunks"
            )
    assert same(whole, expected), f"the blocks of {path!r} put together differ from the array: check `structure.chunks`"


def _check_table(path: str, node: Any, expected: Any) -> None:
    columns = tuple(node.structure.columns)
    assert columns == tuple(expected.column_names), (
        f"table {path!r} declares the columns {columns}, the sample has {tuple(expected.column_names)}"
    )
    backwards = list(reversed(columns))
    for asked in (None, backwards, backwards[:1]):
        names = list(columns if asked is None else asked)
        parts = [node.read_partition(number, asked) for number in range(node.structure.npartitions)]
        for part in parts:
            assert part.column_names[: len(names)] == names, (
                f"table {path!r} asked for columns {asked} gives {part.column_names}: keep the order that was asked for"
            )
        for name in names:
            found = [value for part in parts for value in part.column(name).to_pylist()]
            wanted = expected.column(name).to_pylist()
            assert repr(found) == repr(wanted), (
                f"column {name!r} of {path!r} is {found[:5]}..., expected {wanted[:5]}..."
            )
            types = {part.schema.field(name).type for part in parts}
            assert types == {expected.schema.field(name).type}, (
                f"column {name!r} of {path!r} comes as {types}, expected {expected.schema.field(name).type}"
            )
    with pytest.raises(KeyError):  # an unknown column: see tiledkernel.families.table.memory.select_columns
        node.read_partition(0, ["no such column"])


def _read_everything(root: Any, sample: Sample) -> None:
    for path, array in sample.arrays.items():
        node = find_node(root, path)
        for index in basic_indices(array.shape, 3):
            _check_slice(path, node, index, array)
    for path, table in sample.tables.items():
        _check_table(path, find_node(root, path), table)


def _touch_everything(root: Any) -> None:
    """Read all there is, whatever it is."""
    for _, node in walk_nodes(root):
        wire.encode_json(wire.plain(node.metadata))
        if node.family == "array":
            node.read(cut_shape((), node.structure.shape))
        elif node.family == "table":
            for number in range(node.structure.npartitions):
                node.read_partition(number, None)


def _outcome(action: Callable[[], None]) -> BaseException | None:
    """What `action` raises, or None; TimeoutError (which is no answer either) if it hangs."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - SystemExit is what we look for
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        pytest.fail(
            f"the reader has not come back after {PATIENCE:.0f} s: check sizes and offsets before following them"
        )
    return raised[0] if raised else None


def _damaged_copy(path: Path, folder: Path, damage: str) -> Path:
    """A copy of a file, or of each file of a directory, of which only `damage` is left."""
    folder.mkdir()
    if path.is_dir():
        copy = Path(shutil.copytree(path, folder / path.name))
        for file in filter(Path.is_file, copy.rglob("*")):
            file.write_bytes(_damaged(file.read_bytes(), damage))
        return copy
    (folder / path.name).write_bytes(_damaged(path.read_bytes(), damage))
    return folder / path.name


def _damaged(content: bytes, damage: str) -> bytes:
    left = {"half of it": content[: len(content) // 2], "its first 16 bytes": content[:16], "nothing": b""}
    return left.get(damage, np.random.default_rng(0).bytes(max(64, len(content))))


def _replace_first(sample: Sample, path: Path) -> Path | tuple[Path, ...]:
    return (path, *sample.path[1:]) if isinstance(sample.path, tuple) else path


def _open_files() -> set[str]:
    """The files that this process has open, where the system can tell (Linux)."""
    folder = Path("/proc/self/fd")
    opened = set()
    for link in folder.iterdir() if folder.is_dir() else ():
        try:
            opened.add(os.readlink(link))  # noqa: PTH115 - the link's text, not a resolved path
        except FileNotFoundError:  # the descriptor that lists the folder
            continue
    return opened
