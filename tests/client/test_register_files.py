"""`container.register(...)`: exactly the given files become one node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import httpx
import msgspec
import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr

from tiledkernel.client import ClientError
from tiledkernel.specs import Spec


@pytest.fixture
def frames(tmp_path: Path) -> list[Path]:
    """Twelve frames, in files whose names are in no order."""
    paths = [tmp_path / f"frame {name}.tif" for name in "lkjihgfedcba"]
    for number, path in enumerate(paths):
        tifffile.imwrite(path, np.full((2, 3), number, "u2"))
    return paths


def source_of(node: Any) -> Any:
    (source,) = node.data_sources()
    return source


def test_several_files_are_stacked_in_the_order_given(catalog, frames) -> None:
    node = catalog.register(*frames, key="scan")
    assert (node.path_parts, node.shape) == (["scan"], (12, 2, 3))
    assert node[:, 0, 0].tolist() == list(range(12))
    source = source_of(node)
    assert source.mimetype == "multipart/related;type=image/tiff"
    assert [(asset.parameter, asset.num) for asset in source.assets] == [("data_uris", n) for n in range(12)]
    assert source.assets[1].data_uri.endswith("/frame%20k.tif")


@pytest.mark.parametrize("form", [str, Path, Path.as_uri, lambda path: path.as_uri().replace("///", "//localhost/")])
def test_a_file_is_named_by_its_path_or_uri(catalog, frames, form) -> None:
    assert catalog.register(form(frames[7])).read().tolist() == [[7] * 3] * 2


def test_a_relative_path_is_one_of_here(catalog, frames, monkeypatch) -> None:
    monkeypatch.chdir(frames[0].parent)
    assert catalog.register(frames[3].name).read()[0, 0] == 3


def test_the_key_is_random_unless_it_is_given(catalog, frames) -> None:
    keys = {catalog.register(frames[0]).path_parts[0] for _ in range(2)}
    assert len(keys) == 2
    catalog.register(frames[0], key="x")
    with pytest.raises(ClientError, match="409"):
        catalog.register(frames[1], key="x")


def test_a_directory_in_the_format_of_a_reader_is_one_node(catalog, tmp_path) -> None:
    zarr.save_array(str(tmp_path / "a.zarr"), np.arange(4))
    assert catalog.register(tmp_path / "a.zarr").read().tolist() == [0, 1, 2, 3]


def test_metadata_are_those_of_the_file_and_ones_own(catalog, frames) -> None:
    node = catalog.register(frames[0], metadata={"sample": "copper", "ImageWidth": "three"}, specs=["image"])
    assert (node.metadata["sample"], node.metadata["ImageWidth"]) == ("copper", "three")
    assert node.metadata["ImageLength"] == 2
    assert list(node.specs) == [Spec("image")]


def test_the_type_can_be_said(catalog, tmp_path) -> None:
    (tmp_path / "x.dat").write_text("a,b\n1,2\n")
    assert catalog.register(tmp_path / "x.dat", mimetype="text/csv").read()["b"].tolist() == [2]
    assert catalog.register(tmp_path / "x.dat", mimetype="application/octet-stream").structure_family == "bytes"


def test_one_file_can_be_a_stack_of_one(catalog, frames) -> None:
    assert catalog.register(frames[0], mimetype="multipart/related;type=image/tiff").shape == (1, 2, 3)


def test_parameters_reach_the_reader_now_and_at_every_later_read(catalog, tmp_path) -> None:
    (tmp_path / "x.csv").write_text("a:b\n1,5:2\n")
    catalog.register(tmp_path / "x.csv", key="x", parameters={"sep": ":"})
    assert catalog["x"].read().to_dict("list") == {"a": [1.5], "b": [2]}
    assert source_of(catalog["x"]).parameters == {"sep": ":"}


def test_one_file_can_be_registered_twice_with_other_parameters(catalog, tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/counts"] = np.arange(10).reshape(5, 1, 2)
        file["entry/time"] = np.arange(5.0)
    whole = catalog.register(tmp_path / "a.h5")
    part = catalog.register(tmp_path / "a.h5", parameters={"dataset": "entry/counts", "slice": "::2", "squeeze": True})
    time = catalog.register(tmp_path / "a.h5", parameters={"dataset": "entry/time"})
    assert sorted(whole["entry"]) == ["counts", "time"]
    assert part.read().tolist() == [[0, 1], [4, 5], [8, 9]]
    assert part[1, 0] == 4
    assert time.read().tolist() == [0, 1, 2, 3, 4]


def test_several_hdf5_files_are_one_array(catalog, tmp_path) -> None:
    for number in (0, 1):
        with h5py.File(tmp_path / f"{number}.h5", "w") as file:
            file["x"] = np.arange(3 * number, 3 * number + 3)
    node = catalog.register(tmp_path / "0.h5", tmp_path / "1.h5", parameters={"dataset": "x"})
    assert (node.read().tolist(), node.chunks) == ([0, 1, 2, 3, 4, 5], ((3, 3),))
    assert source_of(node).mimetype == "application/x-hdf5"


def test_several_tables_are_partitions_of_one(catalog, tmp_path) -> None:
    for number in (0, 1):
        pd.DataFrame({"a": [number, 10]}).to_csv(tmp_path / f"{number}.csv", index=False)
    node = catalog.register(tmp_path / "0.csv", tmp_path / "1.csv")
    assert node.read()["a"].tolist() == [0, 10, 1, 10]
    assert node.read_partition(1)["a"].tolist() == [1, 10]


# Another structure


def test_a_stack_can_be_shown_in_another_shape(catalog, frames) -> None:
    node = catalog.register(*frames, key="grid", structure={"shape": (3, 4, 2, 3)})
    expected = np.array([tifffile.imread(path) for path in frames]).reshape(3, 4, 2, 3)
    assert np.array_equal(node.read(), expected)
    assert np.array_equal(catalog["grid"][1, ::2, 0], expected[1, ::2, 0])
    assert source_of(node).properties == {"chunks": [[1] * 12, [2], [3]]}


def test_chunks_and_dimension_names_can_be_said(catalog, frames) -> None:
    structure = catalog.register(*frames).structure()
    chosen = msgspec.structs.replace(
        structure, shape=(4, 3, 2, 3), chunks=((2, 2), (3,), (2,), (3,)), dims=("row", "column", "y", "x")
    )
    node = catalog.register(*frames, structure=chosen)
    assert (node.chunks, node.dims) == (((2, 2), (3,), (2,), (3,)), ("row", "column", "y", "x"))
    assert node.read_block((1, 0, 0, 0))[0, 0, 0, 0] == 6


def test_the_structure_of_a_table_must_be_its_own(catalog, tmp_path) -> None:
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"b": [1]}).to_csv(tmp_path / "b.csv", index=False)
    structure = catalog.register(tmp_path / "a.csv").structure()
    assert catalog.register(tmp_path / "a.csv", structure=structure).read()["a"].tolist() == [1]
    with pytest.raises(ValueError, match=r"1 partitions of the columns {'b': 'int64'}, and the structure says 1 of"):
        catalog.register(tmp_path / "b.csv", structure=structure)


def test_data_that_are_not_there_yet_are_to_be_asked_for_again(catalog, tmp_path, impatient) -> None:
    np.save(tmp_path / "x.npy", np.zeros((12, 2)))
    node = catalog.register(tmp_path / "x.npy", structure={"shape": (3, 4, 2)})
    np.save(tmp_path / "x.npy", np.zeros((11, 2)))
    with pytest.raises(httpx.HTTPStatusError, match=r"503.*has 11 of the 12 rows") as caught:
        node.read()
    assert caught.value.response.headers["retry-after"] == "1"
    np.save(tmp_path / "x.npy", np.ones((13, 2)))
    assert node.read().sum() == 24


# What cannot be


@pytest.mark.parametrize(
    ("names", "settings", "match"),
    [
        ([], {}, "give at least one path or URI"),
        (["a.csv", "b.npy"], {}, r"a.csv, b.npy: of different types \(application/x-npy, text/csv\).*mimetype="),
        (["c.unknown"], {}, r"c.unknown: claimed by no reader.*mimetype="),
        (["folder"], {}, r"folder: claimed by no reader.*mimetype="),
        (["a.csv"], {"mimetype": "text/none"}, "no installed plugin reads 'text/none'; there are readers for: "),
        (["broken.npy"], {}, "npy could not open 'broken.npy': "),
        (["a.csv"], {"parameters": {"chunksize": 3}}, "takes other parameters: .*chunksize.*it knows: sep"),
        (["b.npy"], {"parameters": {"sep": ";"}}, "takes no parameters, but sep were given"),
        (["d.xlsx", "d.xlsx"], {}, "takes one file, not 2"),
        (["b.npy"], {"structure": {"shape": (5,)}}, r"hold 6 elements, of shape \(6,\).*shape \(5,\) has 5"),
        (["b.npy"], {"structure": {"data_type": {"kind": "f", "itemsize": 8}}}, "leave out 'data_type'"),
        (["b.npy"], {"structure": {"shape": (2, 3), "chunks": ((1,), (3,))}}, r"chunks \(1,\) of axis 0"),
        (["b.npy"], {"structure": {"shape": "x"}}, "is no structure of an array"),
        (["b.npy"], {"structure": 7}, "7 is no structure"),
        (["e.bin"], {"structure": {"size": 3}}, "cannot be changed"),
        (["b.npy"], {"metadata": 7}, "metadata are a mapping"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_made(catalog, tmp_path, names, settings, match) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    np.save(tmp_path / "b.npy", np.arange(6))
    (tmp_path / "c.unknown").write_text("words")
    (tmp_path / "broken.npy").write_bytes(b"no array")
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "d.xlsx")
    (tmp_path / "e.bin").write_bytes(b"abc")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=match):
        catalog.register(*(tmp_path / name for name in names), **settings)
    assert list(catalog) == []


@pytest.mark.parametrize("uri", ["https://example.org/x.npy", "s3://bucket/x.npy", "file://elsewhere/x.npy", 7])
def test_only_files_of_this_machine_can_be_opened(catalog, uri) -> None:
    with pytest.raises(ValueError, match=r"cannot be registered|is no file"):
        catalog.register(uri)


def test_a_file_must_be_there(catalog, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.npy"):
        catalog.register(tmp_path / "none.npy")


def test_the_server_says_no_to_files_outside_its_folders(catalog, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.npy"
    np.save(outside, [1])
    with pytest.raises(ClientError, match=r"403.*outside the folders"):
        catalog.register(outside)
    assert list(catalog) == []
