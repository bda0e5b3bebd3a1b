"""What every reader must do, as a class of tests that a plugin's test class inherits.

A new release of the kernel may add checks here; a plugin gains them without a change of its own.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tiledkernel import wire
from tiledkernel.records import Reader
from tiledkernel.slices import cut_shape
from tiledkernel.testing.checks import (
    check_array_structure,
    check_blocks,
    check_container,
    check_description,
    check_slice,
    check_table,
    read_everything,
)
from tiledkernel.testing.comparisons import basic_indices
from tiledkernel.testing.damage import PATIENCE, damaged_copy, outcome
from tiledkernel.testing.samples import Sample, find_node, open_node, walk_nodes


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
            check_description(path, node, self.families)

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
                check_container(path, node)

    def test_arrays_are_described_as_they_are(self, root: Any, sample: Sample) -> None:
        """Shape and element type are those of the data, and the chunks add up to the shape."""
        for path, expected in sample.arrays.items():
            check_array_structure(path, find_node(root, path).structure, expected)

    def test_any_slice_of_an_array_equals_numpys(self, root: Any, sample: Sample) -> None:
        """Whole, empty, strided, backward and integer indices read what numpy's indexing gives."""
        for path, expected in sample.arrays.items():
            node = find_node(root, path)
            for index in basic_indices(expected.shape, 50):
                check_slice(path, node, index, expected)

    def test_blocks_make_up_the_array(self, root: Any, sample: Sample) -> None:
        """Reading every chunk gives the whole array, once; chunks sent as they rest decode to the same."""
        for path, expected in sample.arrays.items():
            check_blocks(path, find_node(root, path), expected)

    def test_tables_are_read_by_partition_and_column(self, root: Any, sample: Sample) -> None:
        """Partitions add up to the table; columns come in the order asked for; an unknown one is a KeyError."""
        for path, expected in sample.tables.items():
            check_table(path, find_node(root, path), expected)

    def test_nodes_can_be_read_from_any_thread(self, root: Any, sample: Sample) -> None:
        """Side by side if the reader declares 'threads', else one call at a time but from changing threads."""
        lock = threading.Lock() if self.reader.concurrency == "one" else None

        def read_all() -> None:
            if lock is None:
                read_everything(root, sample)
                return
            with lock:
                read_everything(root, sample)

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
            read_everything(root, sample)
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
        error = outcome(lambda: _touch_everything(open_node(self.reader, _replace_first(sample, gone))))
        assert isinstance(error, Exception), (
            f"opening {gone.name!r}, which does not exist, gave {error!r}: raise FileNotFoundError"
        )

    @pytest.mark.parametrize("damage", ["half of it", "its first 16 bytes", "random bytes", "nothing"])
    def test_a_damaged_file_is_an_ordinary_error(self, sample: Sample, tmp_path: Path, damage: str) -> None:
        """Files are cut short and overwritten in real life; that is an exception, never a hang or an exit."""
        path = damaged_copy(sample.paths[0], tmp_path / "damaged", damage)
        error = outcome(lambda: _touch_everything(open_node(self.reader, _replace_first(sample, path))))
        if error is None and not self.tells_damage:
            return
        assert isinstance(error, Exception), (
            f"a file reduced to {damage} gave {error!r} where an exception was expected: check what the library "
            "returns against the size that the file declares (or set tells_damage = False if the format cannot tell)"
        )


def _touch_everything(root: Any) -> None:
    """Read all there is, whatever it is."""
    for _, node in walk_nodes(root):
        wire.encode_json(wire.plain(node.metadata))
        if node.family == "array":
            node.read(cut_shape((), node.structure.shape))
        elif node.family == "table":
            for number in range(node.structure.npartitions):
                node.read_partition(number, None)


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
