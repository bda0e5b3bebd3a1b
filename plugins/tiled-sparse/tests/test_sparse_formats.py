"""Sparse arrays in every format of the workspace: those of tables through the conversion, and their own HDF5."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import h5py
import httpx
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.ipc
import pyarrow.parquet
import pytest
import sparse

from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

MATRIX = sparse.COO([[0, 1, 3], [2, 0, 4]], [1.5, -2.5, 3.5], shape=(4, 5))
TREE = {
    "matrix": MATRIX,
    "empty": sparse.COO(np.zeros((2, 0), int), np.zeros(0), shape=(3, 3)),
    "line": sparse.COO([[1, 3]], np.array([True, True]), shape=(5,)),
    "cube": sparse.COO([[0, 1], [1, 0], [1, 1]], np.array([1, 2], ">i2"), shape=(2, 2, 2)),
    "complex": sparse.COO([[0], [1]], [1 + 2j], shape=(2, 2)),
}


class Cells(HTMLParser):
    """The texts of the cells of a page, row by row."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(body.decode())

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        self.inside = tag in {"td", "th"}

    def handle_data(self, data):
        if self.inside and data.strip():
            self.rows[-1].append(data)


def from_page(body: bytes) -> pd.DataFrame:
    head, *rows = Cells(body).rows
    return pd.DataFrame(rows, columns=head).astype(float)


def from_sheet(body: bytes) -> pd.DataFrame:
    head, *rows = openpyxl.load_workbook(io.BytesIO(body)).worksheets[0].iter_rows(values_only=True)
    return pd.DataFrame(rows, columns=head)


READ: dict[str, Callable[[bytes], pd.DataFrame]] = {
    "arrow": lambda body: pyarrow.ipc.open_file(body).read_all().to_pandas(),
    "parquet": lambda body: pyarrow.parquet.read_table(io.BytesIO(body)).to_pandas(),
    "csv": lambda body: pd.read_csv(io.BytesIO(body)),
    "txt": lambda body: pd.read_csv(io.BytesIO(body)),
    "json": lambda body: pd.DataFrame(json.loads(body)),
    "html": from_page,
    "xlsx": from_sheet,
}


@pytest.fixture(scope="module")
def get() -> Iterator[Callable[[str], httpx.Response]]:
    """Ask a server with all plugins of the workspace."""
    app = build_app(TREE, settings=Settings(allow_anonymous_access=True), composition=Composition(discover()))
    with asyncio.Runner() as loop:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://data.example/api/v1/")
        yield lambda path: loop.run(client.get(path))
        app.state.service.close()
        loop.run(client.aclose())


def body(get, path: str) -> bytes:
    response = get(path)
    assert response.status_code == 200, response.text
    return response.content


def frame_of(array) -> pd.DataFrame:
    columns = {f"dim{axis}": places for axis, places in enumerate(array.coords)}
    return pd.DataFrame(columns | {"data": array.data})


@pytest.mark.parametrize("key", ["matrix", "line", "cube"])
@pytest.mark.parametrize("name", [name for name in READ if name != "html"])
def test_one_row_for_each_stored_element(get, name, key):
    found = READ[name](body(get, f"array/full/{key}?format={name}"))
    pd.testing.assert_frame_equal(found, frame_of(TREE[key]), check_dtype=False)


def test_a_page_shows_the_same_rows(get):
    pd.testing.assert_frame_equal(
        from_page(body(get, "array/full/matrix?format=html")), frame_of(MATRIX), check_dtype=False
    )


@pytest.mark.parametrize("name", READ)
def test_an_empty_array_has_its_columns_and_no_rows(get, name):
    found = READ[name](body(get, f"array/full/empty?format={name}"))
    assert list(found.columns) == ["dim0", "dim1", "data"]
    assert len(found) == 0


@pytest.mark.parametrize("name", [*READ, "h5"])
def test_a_slice_leaves_with_coordinates_of_its_own(get, name):
    content = body(get, f"array/full/matrix?format={name}&slice=1:,::-1")
    expected = sparse.COO.from_numpy(MATRIX.todense()[1:, ::-1])
    if name == "h5":
        assert np.array_equal(h5py.File(io.BytesIO(content))["coords"], expected.coords)
    else:
        pd.testing.assert_frame_equal(READ[name](content), frame_of(expected), check_dtype=False)


@pytest.mark.parametrize("key", list(TREE))
def test_hdf5_holds_what_the_library_takes(get, key):
    file = h5py.File(io.BytesIO(body(get, f"array/full/{key}?format=h5")))
    found = sparse.COO(file["coords"][:], file["data"][:], shape=tuple(file.attrs["shape"]))
    assert np.array_equal(found.todense(), TREE[key].todense())


@pytest.mark.parametrize("name", READ)
def test_elements_that_no_column_holds_are_406(get, name):
    response = get(f"array/full/complex?format={name}")
    assert response.status_code == 406
    assert "complex128" in response.json()["detail"]


def test_a_scalar_selection_is_one_row(get):
    assert READ["csv"](body(get, "array/full/matrix?format=csv&slice=0,2")).to_dict("list") == {"data": [1.5]}


def test_the_file_is_named_after_the_node(get):
    assert get("array/full/matrix?format=xlsx").headers["content-disposition"] == 'inline; filename="matrix.xlsx"'


@pytest.mark.parametrize("name", [*READ, "h5"])
def test_too_many_elements_are_refused(name):
    settings = Settings(allow_anonymous_access=True, response_bytesize_limit=50)
    app = build_app(TREE, settings=settings, composition=Composition(discover()))
    with asyncio.Runner() as loop:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://data.example/api/v1/")
        response = loop.run(client.get(f"array/full/matrix?format={name}"))
        loop.run(client.aclose())
        app.state.service.close()
    assert response.status_code == 400
    assert "more than the 50" in response.json()["detail"]
