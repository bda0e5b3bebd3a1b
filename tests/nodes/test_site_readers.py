"""A site's own functions and classes read files beside the installed readers, or in their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.directory import DirectoryOptions, directory_tree
from tiledkernel.nodes.paths import file_uri
from tiledkernel.nodes.readers import Claim, ReaderTable
from tiledkernel.nodes.site_readers import SITE

from .conftest import READERS

COUNT = "application/x-count"


def read_count(path: Path) -> Any:
    return np.array([int(path.read_text())])


def read_uri(data_uri: str, factor: int = 1) -> Any:
    return np.array([len(data_uri) * factor])


class FromUris:
    @classmethod
    def from_uris(cls, *uris: str, **parameters: Any) -> Any:
        return np.array([*map(len, uris), *parameters.values()])


def stack(paths: tuple[Path, ...]) -> Any:
    return np.array([int(path.read_text()) for path in paths])


def claim(target: Any, media_type: str = COUNT, *, directory: bool = False) -> Claim:
    found = ReaderTable(READERS, None, {media_type: target}).by_media_type(COUNT, directory=directory)
    assert found is not None
    return found


@pytest.fixture
def count(tmp_path: Path) -> Path:
    path = tmp_path / "a.count"
    path.write_text("7")
    return path


def test_a_function_gets_a_path(count) -> None:
    assert claim(read_count).open([count], {}, many=False).tolist() == [7]


def test_a_function_of_a_uri_gets_a_uri_and_its_parameters(count) -> None:
    assert claim(read_uri).open([count], {"factor": 2}, many=False).tolist() == [2 * len(file_uri(count))]


def test_a_class_gets_the_uris_of_all_files_and_its_parameters(count) -> None:
    length = len(file_uri(count))
    opened = claim(FromUris)
    assert opened.takes_many
    assert opened.open([count], {}, many=False).tolist() == [length]
    assert opened.open([count, count], {"x": 3}, many=True).tolist() == [length, length, 3]


def test_several_files_have_a_key_of_their_own(count) -> None:
    opened = claim(stack, f"multipart/related; type={COUNT}")
    assert opened.open([count, count], {}, many=True).tolist() == [7, 7]


def test_directories_can_be_of_a_new_type_too(tmp_path) -> None:
    assert claim(lambda path: np.array([path.is_dir()]), directory=True).open([tmp_path], {}, many=False).tolist() == [
        True
    ]


def test_a_reader_takes_the_place_of_an_installed_one(put, folder, toys) -> None:
    put("a.npy", [1, 2])
    put("s1.npy", [1])
    table = ReaderTable(READERS, None, {"application/x-npy": lambda path: np.array([len(path.name)])})
    tree = directory_tree(DirectoryOptions(path=str(folder)), table, toys.adopt)
    assert {key: (tree[key].open().array.tolist(), tree[key].plugin) for key in tree} == {
        "a": ([5], SITE),
        "s1": ([6], SITE),
    }
    assert toys.opened == []


def test_what_reads_several_files_leaves_single_ones_to_the_installed_reader(put, folder, toys) -> None:
    put("a.npy", [1, 2])
    put("s1.npy", [1])
    own = {"multipart/related;type=application/x-npy": lambda paths: np.array([len(paths)])}
    tree = directory_tree(DirectoryOptions(path=str(folder)), ReaderTable(READERS, None, own), toys.adopt)
    assert [tree[key].open().array.tolist() for key in ("a", "s")] == [[1, 2], [1]]


def test_a_reader_can_be_named(put, folder, toys) -> None:
    put("a.count", b"7")
    own = {COUNT: f"{__name__}:read_count"}
    options = DirectoryOptions(path=str(folder), ext={".count": COUNT})
    assert directory_tree(options, ReaderTable(READERS, None, own), toys.adopt)["a"].open().array.tolist() == [7]


@pytest.mark.parametrize("target", [7, "json:nothing", "no_such_module:x"])
def test_what_is_no_reader_is_a_configuration_error(target) -> None:
    with pytest.raises(ConfigurationError):
        ReaderTable(READERS, None, {COUNT: target})
