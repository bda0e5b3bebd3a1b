"""Every node of the demo in every format that it lists, opened with the library for that format."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser

import awkward
import h5py
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.ipc
import pyarrow.parquet
import pytest
import tifffile
import xarray
from PIL import Image

from tiledkernel.examples.generated import tree
from tiledkernel.slices import cut_shape, parse_slice

ARROW = "application/vnd.apache.arrow.file"
PARQUET = "application/x-parquet"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HDF5 = "application/x-hdf5"
CSV = ("text/csv", "text/x-comma-separated-values", "text/plain", "application/vnd.ms-excel")
LARGE = {"big_image": ":300,:300", "tiny_hypercube": "0,0", "medium_image": ":300"}  # parts that are quick to make
LIMIT = 100_000_000  # bytes: `big_image` and `tiny_hypercube` are larger
CHANGING = {"dynamic"}


class Cells(HTMLParser):
    """The rows of cells in the tables of a page."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(body.decode())

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in {"td", "th"}
        if self.inside:
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag):
        self.inside = False


# Arrays


def numbers(text: bytes, shape: tuple[int, ...]) -> np.ndarray:
    return np.array([float(cell) for row in csv.reader(io.StringIO(text.decode())) for cell in row]).reshape(shape)


def check_png(body: bytes, source: np.ndarray) -> None:
    image = Image.open(io.BytesIO(body))
    assert image.format == "PNG"
    assert image.size == source.shape[1::-1]
    assert "black is" in image.text["Description"]


def check_html(body: bytes, source: np.ndarray) -> None:
    rows = Cells(body).rows
    assert float(rows[1][1]) == source[(0,) * source.ndim]
    assert float(rows[-1][-1]) == source[(0,) * (source.ndim - 2) + (-1,) * min(source.ndim, 2)]


def same(found: np.ndarray, source: np.ndarray) -> None:
    assert found.shape == source.shape
    assert np.array_equal(found, source)


ARRAYS: dict[str, Callable[[bytes, np.ndarray], None]] = {
    "application/octet-stream": lambda body, source: same(
        np.frombuffer(body, source.dtype).reshape(source.shape), source
    ),
    "application/json": lambda body, source: same(np.array(json.loads(body)), source),
    **dict.fromkeys(CSV, lambda body, source: same(numbers(body, source.shape), source)),
    "image/png": check_png,
    "image/tiff": lambda body, source: same(tifffile.imread(io.BytesIO(body)), source),
    "text/html": check_html,
}


# Tables


def frame_equal(found: pd.DataFrame, source: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found[list(source.columns)].reset_index(drop=True), source, check_dtype=False, check_exact=False, rtol=1e-12
    )


def sheet(body: bytes) -> pd.DataFrame:
    book = openpyxl.load_workbook(io.BytesIO(body), read_only=True)
    head, *rows = book.worksheets[0].iter_rows(values_only=True)
    return pd.DataFrame(rows, columns=head)


def page(body: bytes) -> pd.DataFrame:
    head, *rows = Cells(body).rows
    return pd.DataFrame(rows, columns=head).astype(float)


def columns_of(file: h5py.File) -> pd.DataFrame:
    return pd.DataFrame({name: dataset[:] for name, dataset in file.items()})


TABLES: dict[str, Callable[[bytes], pd.DataFrame]] = {
    ARROW: lambda body: pyarrow.ipc.open_file(body).read_all().to_pandas(ignore_metadata=True),
    PARQUET: lambda body: pyarrow.parquet.read_table(io.BytesIO(body)).to_pandas(ignore_metadata=True),
    **dict.fromkeys(CSV, lambda body: pd.read_csv(io.BytesIO(body))),
    "text/html": page,
    XLSX: sheet,
    "application/json": lambda body: pd.DataFrame(json.loads(body)),
    "application/json-seq": lambda body: pd.DataFrame([json.loads(row) for row in body.split(b"\x1e")[1:]]),
    HDF5: lambda body: columns_of(h5py.File(io.BytesIO(body))),
}


# Everything else


def sparse_frame(node) -> pd.DataFrame:
    elements = node.elements
    return pd.DataFrame({"dim0": elements.coords[0], "dim1": elements.coords[1], "data": elements.data})


def check_sparse(media_type: str, body: bytes, node) -> None:
    if media_type == HDF5:
        file = h5py.File(io.BytesIO(body))
        assert np.array_equal(file["coords"], node.elements.coords)
        assert np.array_equal(file["data"], node.elements.data)
        assert tuple(file.attrs["shape"]) == node.structure.shape
    else:
        frame_equal(TABLES[media_type](body), sparse_frame(node))


def check_awkward(media_type: str, body: bytes, node) -> None:
    expected = awkward.from_buffers(
        awkward.forms.from_dict(node.structure.form), node.structure.length, dict(node.read_buffers(None))
    ).to_list()
    if media_type == "application/zip":
        archive = zipfile.ZipFile(io.BytesIO(body))
        buffers = {name: np.frombuffer(archive.read(name), np.uint8) for name in archive.namelist()}
        form = awkward.forms.from_dict(node.structure.form)
        found = awkward.from_buffers(form, node.structure.length, buffers).to_list()
    elif media_type == "application/json":
        found = json.loads(body)
    else:
        open_table = {ARROW: lambda data: pyarrow.ipc.open_file(data).read_all(), PARQUET: pyarrow.parquet.read_table}
        table = open_table[media_type](io.BytesIO(body))
        found = awkward.from_arrow(table).to_list()
    assert found == expected


def check_dataset(media_type: str, body: bytes, source: xarray.Dataset) -> None:
    if media_type in {HDF5, "application/netcdf", "application/x-netcdf"}:
        xarray.testing.assert_identical(xarray.load_dataset(io.BytesIO(body)), source)
        return
    expected = source.to_dataframe().reset_index()
    if media_type == "text/html":
        rows = Cells(body).rows
        found = pd.DataFrame(rows[1:], columns=rows[0])
    elif media_type == "text/comma-separated-values":
        found = TABLES["text/csv"](body)
    else:
        found = TABLES[media_type](body)
    found["time"] = pd.to_datetime(found["time"]).astype("M8[ns]")
    expected["time"] = expected["time"].astype("M8[ns]")
    texts = [name for name in found.columns if name != "time"]
    frame_equal(found.astype(dict.fromkeys(texts, float)), expected.astype(dict.fromkeys(texts, float)))


def check_pets(media_type: str, body: bytes, source: np.ndarray) -> None:
    if media_type == "application/octet-stream":
        assert body == source.tobytes()
    elif media_type == "text/html":
        assert Cells(body).rows[1:] == [["0", "Rex", "9", "81.0"], ["1", "Fido", "3", "27.0"]]
    elif media_type == "application/json":
        assert json.loads(body) == [["Rex", 9, 81.0], ["Fido", 3, 27.0]]
    else:
        assert body == b"Rex,9,81.0\nFido,3,27.0\n"


# All of the demo


@pytest.fixture(scope="module")
def demo(serve_once):
    """The demo, asked in this process."""
    return serve_once(tree, response_bytesize_limit=LIMIT)


@pytest.fixture(scope="module")
def formats(demo) -> dict[str, list[str]]:
    """What the root document lists."""
    return demo.get("").json()["formats"]


PATHS = [*tree, "structured_data/pets", "structured_data/xarray_dataset"]


def listed(demo, formats, path: str) -> list[str]:
    """The formats of a node, as clients put them together: those of its specs and those of its family."""
    described = demo.get(f"metadata/{path}").json()["data"]["attributes"]
    names = [spec["name"] for spec in described["specs"]]
    return sorted(
        {media_type for name in (*names, described["structure_family"]) for media_type in formats.get(name, [])}
    )


def node_at(installed, path: str):
    node = tree
    for key in path.split("/"):
        node = installed.adopt(node[key])
    return node


def array_at(installed, path: str) -> tuple[np.ndarray, str]:
    """The part of an array that is asked for, and the parameter that asks for it."""
    node = node_at(installed, path)
    text = LARGE.get(path, "")
    cut = cut_shape(parse_slice(text), node.structure.shape)
    return np.asarray(node.read(cut)), f"&slice={text}"


def is_refused(media_type: str, source: np.ndarray) -> bool:
    """Whether no file of this type can hold an array of this shape or element type."""
    if media_type in {"image/png", "image/tiff"} and source.dtype.fields:
        return True
    if media_type == "image/png":
        return source.ndim != 2
    return media_type in CSV and source.ndim > 2


ARRAY_PATHS = [path for path in PATHS if getattr(tree.get(path), "family", "") == "array"]


@pytest.mark.parametrize("path", [path for path in ARRAY_PATHS if path not in CHANGING])
def test_arrays_leave_in_every_listed_format(demo, formats, installed, path):
    source, part = array_at(installed, path)
    media_types = listed(demo, formats, path)
    assert set(media_types) == set(ARRAYS)
    for media_type in media_types:
        response = demo.get(f"array/full/{path}?format={media_type}{part}")
        if is_refused(media_type, source):
            assert response.status_code == 406, media_type
            assert str(source.shape) in response.json()["detail"]
            assert "slice" in response.json()["detail"] or source.ndim == 1
        else:
            assert response.status_code == 200, (media_type, response.text[:300])
            ARRAYS[media_type](response.content, source)


def test_an_array_that_changes_leaves_in_every_listed_format(demo, formats):
    for media_type in listed(demo, formats, "dynamic"):
        assert demo.get(f"array/full/dynamic?format={media_type}").status_code == 200


def test_records_leave_in_every_listed_format_but_images(demo, formats, installed):
    source = node_at(installed, "structured_data/pets").array
    for media_type in listed(demo, formats, "structured_data/pets"):
        response = demo.get(f"array/full/structured_data/pets?format={media_type}")
        if is_refused(media_type, source):
            assert response.status_code == 406
            assert "text/csv" in response.json()["detail"] or "text/csv" in response.text
        else:
            check_pets(media_type, response.content, source)


@pytest.mark.parametrize(
    ("path", "partition"), [("short_table", None), ("wide_table", None), ("long_table", 3)], ids=str
)
def test_tables_leave_in_every_listed_format(demo, formats, installed, path, partition):
    node = node_at(installed, path)
    source = node.read_partition(partition or 0, list(node.structure.columns)).to_pandas(ignore_metadata=True)
    media_types = listed(demo, formats, path)
    assert set(media_types) == set(TABLES)
    route = f"table/full/{path}?" if partition is None else f"table/partition/{path}?partition={partition}&"
    for media_type in media_types:
        frame_equal(TABLES[media_type](demo.body(f"{route}format={media_type}")), source[list(node.structure.columns)])


@pytest.mark.parametrize(
    ("path", "route", "check"),
    [("sparse_image", "array", check_sparse), ("awkward_array", "awkward", check_awkward)],
)
def test_sparse_and_awkward_arrays_leave_in_every_listed_format(demo, formats, installed, path, route, check):
    media_types = listed(demo, formats, path)
    assert len(media_types) > 3
    for media_type in media_types:
        check(media_type, demo.body(f"{route}/full/{path}?format={media_type}"), node_at(installed, path))


def test_a_dataset_leaves_in_every_listed_format(demo, formats):
    path = "structured_data/xarray_dataset"
    source = tree["structured_data"]["xarray_dataset"].get()
    media_types = listed(demo, formats, path)
    assert {HDF5, "application/netcdf", "application/x-netcdf", ARROW, XLSX} < set(media_types)
    for media_type in media_types:
        check_dataset(media_type, demo.body(f"container/full/{path}?format={media_type}"), source)


def test_containers_leave_in_every_listed_format(demo, formats):
    assert listed(demo, formats, "structured_data") == ["application/json", HDF5]
    described = json.loads(demo.body("container/full/structured_data?format=json"))
    assert list(described["contents"]) == ["pets", "xarray_dataset"]
    file = h5py.File(io.BytesIO(demo.body("container/full/structured_data")))
    assert file["pets"][0].tolist() == (b"Rex", 9, 81.0)
    assert file["xarray_dataset/temperature"].shape == (2, 2, 3)
    assert dict(file.attrs) == {"animal": "cat", "color": "green"}


def test_the_chosen_children_of_the_root_leave(demo):
    chosen = ["tiny_image", "short_table", "sparse_image", "awkward_array", "structured_data"]
    body = demo.body("container/full/?format=h5&" + "&".join(f"field={name}" for name in chosen))
    file = h5py.File(io.BytesIO(body))
    assert list(file) == chosen
    assert np.array_equal(file["tiny_image"], np.asarray(tree["tiny_image"].read(cut_shape((), (50, 50)))))


@pytest.mark.parametrize("name", ["png", "tiff", "csv"])
def test_a_shape_that_does_not_suit_is_told_before_a_size_that_is_too_large(demo, name):
    response = demo.get(f"array/full/tiny_hypercube?format={name}")
    assert response.status_code == 406
    assert "(50, 50, 50, 50, 50)" in response.json()["detail"]


TOO_LARGE = [*(f"array/full/big_image?format={media_type}" for media_type in ARRAYS), "container/full/?format=h5"]


@pytest.mark.parametrize("path", TOO_LARGE)
def test_what_is_larger_than_the_server_sends_is_refused_at_once(demo, path):
    response = demo.get(path)
    assert response.status_code == 400
    assert "100_000_000" in response.json()["detail"]
