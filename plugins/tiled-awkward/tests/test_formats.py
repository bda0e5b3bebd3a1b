"""Awkward and ragged arrays in every format that they are listed with: asked for in every way, and read back."""

from __future__ import annotations

import io
import json
import zipfile

import awkward as ak
import numpy as np
import pyarrow as pa
import pytest
import ragged
from pyarrow import parquet

ARROW = "application/vnd.apache.arrow.file"
FORMATS = {
    "application/zip": ["zip"],
    "application/json": ["json"],
    ARROW: ["arrow", "feather"],
    "application/x-parquet": ["parquet"],
}
SPELLED = [(media_type, spelling) for media_type, suffixes in FORMATS.items() for spelling in (media_type, *suffixes)]
ARRAYS = {
    "lists": ak.Array([[1, 2], [], [3]]),
    "records": ak.Array([{"x": 1, "y": [1.5]}, {"x": 2, "y": []}]),
    "missing": ak.Array([1, None, 3]),
    "missing records": ak.Array([{"x": 1}, None]),
    "texts": ak.Array([["a<b>", "é", "a\0b"], []]),
    "truth": ak.Array([[True], [False, True]]),
    "tuples": ak.Array([(1, 2.5), (2, 3.5)]),
    "regular": ak.Array(np.arange(6).reshape(2, 3)),
    "half floats": ak.Array(np.array([1, 2], "f2")),
    "categories": ak.str.to_categorical(ak.Array(["a", "b", "a"])),
    "nothing": ak.Array([]),
    "empty lists": ak.Array([[], []]),
    "only missing": ak.Array([None, None]),
    "records of nothing": ak.Array([{}, {}]),
    "odd names": ak.Array([{"": 1, "a.b": 2}]),
}
TABLES = {
    ARROW: lambda body: pa.ipc.open_file(body).read_all(),
    "application/x-parquet": lambda body: parquet.read_table(io.BytesIO(body)),
}


@pytest.mark.parametrize("family", ["awkward", "ragged"])
@pytest.mark.parametrize(("media_type", "spelling"), SPELLED)
def test_every_listed_format_is_answered_by_every_spelling(serve, ask, family, media_type, spelling) -> None:
    client = serve({"awkward": ARRAYS["lists"], "ragged": ragged.array([[1.0, 2.0], [3.0]])})
    by_format = ask(client, f"{family}/full/{family}", params={"format": spelling})
    by_accept = ask(client, f"{family}/full/{family}", headers={"accept": media_type})
    assert (by_format.status_code, by_accept.status_code) == (200, 200)
    assert by_format.content == by_accept.content
    assert by_format.headers["content-type"] == by_accept.headers["content-type"] == media_type


@pytest.mark.parametrize("name", ARRAYS)
def test_json_is_what_the_library_lists(serve, ask, name) -> None:
    body = ask(serve({"a": ARRAYS[name]}), "awkward/full/a?format=json").text
    assert json.loads(body, parse_constant=pytest.fail) == json.loads(json.dumps(ARRAYS[name].to_list()))


@pytest.mark.parametrize("media_type", TABLES)
@pytest.mark.parametrize("name", ARRAYS)
def test_columns_are_read_back_by_the_library(serve, ask, name, media_type) -> None:
    response = ask(serve({"a": ARRAYS[name]}), "awkward/full/a", params={"format": media_type})
    assert response.status_code == 200, response.text
    table = TABLES[media_type](response.content)
    if table.num_columns:
        assert ak.from_arrow(table).to_list() == ARRAYS[name].to_list()


@pytest.mark.parametrize("media_type", TABLES)
@pytest.mark.parametrize(
    "make",
    [lambda dates: dates, lambda dates: dates.reshape(1, 2), lambda dates: [{"t": date, "n": 1} for date in dates]],
)
def test_dates_that_are_missing_are_missing_in_columns(serve, ask, media_type, make) -> None:
    array = ak.Array(make(np.array(["2026-01-01", "NaT"], "M8[s]")))
    table = TABLES[media_type](ask(serve({"a": array}), "awkward/full/a", params={"format": media_type}).content)
    (values, *_) = table.to_pydict().values()
    assert [value is None for value in (values[0] if isinstance(values[0], list) else values)] == [False, True]


@pytest.mark.parametrize("media_type", FORMATS)
def test_complex_numbers_leave_as_buffers_or_are_refused_with_a_reason(serve, ask, media_type) -> None:
    response = ask(serve({"a": ak.Array([[1 + 2j]])}), "awkward/full/a", params={"format": media_type})
    assert response.status_code == (200 if media_type == "application/zip" else 406)
    if response.status_code == 406:
        assert "complex" in response.json()["detail"] or "type" in response.json()["detail"]


@pytest.mark.parametrize("media_type", FORMATS)
def test_ragged_arrays_read_back_equal(serve, ask, media_type) -> None:
    lists = [[1.5, 2.5], [], [3.5]]
    body = ask(serve({"r": ragged.array(lists)}), "ragged/full/r", params={"format": media_type}).content
    if media_type == "application/json":
        assert json.loads(body) == lists
    elif media_type == "application/zip":
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            form = json.loads(json.loads(archive.read("form")))
            length = int.from_bytes(archive.read("length"), "big")
            buffers = {name: archive.read(name) for name in archive.namelist() if name not in ("form", "length")}
        assert ak.from_buffers(form, length, buffers, byteorder="<").to_list() == lists
    else:
        assert ak.from_arrow(TABLES[media_type](body)).to_list() == lists
