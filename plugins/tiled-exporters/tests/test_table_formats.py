"""Tables in every format that they are listed with: asked for in every way, read back, and with content that bites."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import decimal
import io
import json
from html.parser import HTMLParser

import h5py
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from openpyxl.utils.escape import unescape
from pyarrow import parquet

from tiledkernel.families.table.memory import MemoryTable, describe_table

ARROW = "application/vnd.apache.arrow.file"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_SPELLINGS = ["text/csv", "text/x-comma-separated-values", "text/plain", "application/vnd.ms-excel"]
FORMATS = {
    ARROW: ["arrow", "feather"],
    "application/x-parquet": ["parquet"],
    "text/csv": ["csv"],
    "text/x-comma-separated-values": [],
    "text/plain": ["txt", "text"],
    "application/vnd.ms-excel": ["xls"],
    "text/html": ["html", "htm"],
    SHEET: ["xlsx", "xslx"],
    "application/json": ["json"],
    "application/json-seq": [],
    "application/x-hdf5": ["h5", "hdf5"],
}
SPELLED = [(media_type, spelling) for media_type, suffixes in FORMATS.items() for spelling in (media_type, *suffixes)]

FRAME = pd.DataFrame(
    {
        "count": [1, -2, 3],
        "value": [0.1 + 0.2, 1e300, -5e-324],
        "text": ["a", "ä, b", 'say "x"'],
        "flag": [True, False, True],
    }
)


def from_hdf5(body: bytes) -> pd.DataFrame:
    with h5py.File(io.BytesIO(body)) as file:
        columns = {name.replace("%2F", "/"): file[name] for name in file}  # where a slash would make a group
        texts = {name: h5py.check_string_dtype(column.dtype) is not None for name, column in columns.items()}
        return pd.DataFrame({name: column.asstr()[:] if texts[name] else column[:] for name, column in columns.items()})


def from_workbook(body: bytes) -> pd.DataFrame:
    (sheet,) = openpyxl.load_workbook(io.BytesIO(body)).worksheets
    columns = [[as_excel_reads(cell.value) for cell in cells] for cells in sheet.iter_cols()]
    return pd.DataFrame({name: values for name, *values in columns})


def as_excel_reads(value: object) -> object:
    """openpyxl leaves Excel's spelling of control characters as it is."""
    return unescape(value) if isinstance(value, str) else value


def from_json_seq(body: bytes) -> pd.DataFrame:
    return pd.DataFrame([json.loads(row, parse_constant=pytest.fail) for row in body.split(b"\x1e")[1:]])


READ = {
    ARROW: lambda body: pa.ipc.open_file(body).read_all().to_pandas(),
    "application/x-parquet": lambda body: parquet.read_table(io.BytesIO(body)).to_pandas(),
    **dict.fromkeys(CSV_SPELLINGS, lambda body: pd.read_csv(io.BytesIO(body))),
    "text/html": lambda body: html_rows(body.decode()),
    SHEET: from_workbook,
    "application/json": lambda body: pd.DataFrame(json.loads(body, parse_constant=pytest.fail)),
    "application/json-seq": from_json_seq,
    "application/x-hdf5": from_hdf5,
}


def html_rows(page: str) -> pd.DataFrame:
    """The table of a page, as a program with a parser of its own reads it."""

    class Rows(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.rows: list[list[str]] = []
            self.cell = False

        def handle_starttag(self, tag: str, attrs: object) -> None:
            assert tag not in ("script", "b", "img"), "markup of a cell reached the page"
            if tag == "tr":
                self.rows.append([])
            self.cell = tag in ("td", "th")
            if self.cell:
                self.rows[-1].append("")

        def handle_data(self, data: str) -> None:
            if self.cell:
                self.rows[-1][-1] += data

        def handle_endtag(self, tag: str) -> None:
            self.cell = False

    parser = Rows()
    parser.feed(page)
    parser.close()
    written = io.StringIO()
    csv.writer(written).writerows(parser.rows)
    return pd.read_csv(io.StringIO(written.getvalue()))


def test_the_list_of_formats_is_complete(serve) -> None:
    about = json.loads(serve({}).body(""))
    assert about["formats"]["table"] == list(FORMATS)


@pytest.mark.parametrize(("media_type", "spelling"), SPELLED)
def test_every_listed_format_is_answered_by_every_spelling(serve, media_type, spelling) -> None:
    caller = serve({"t": FRAME})
    by_format = caller.get("table/full/t", params={"format": spelling})
    by_accept = caller.get("table/full/t", headers={"accept": media_type})
    assert (by_format.status_code, by_accept.status_code) == (200, 200)
    assert by_format.content == by_accept.content
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    assert by_format.headers["content-type"] == by_accept.headers["content-type"] == media_type + charset


@pytest.mark.parametrize("npartitions", [1, 3])
@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_reads_back_equal(serve, media_type, npartitions) -> None:
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    body = serve({"t": MemoryTable(table, npartitions=npartitions)}).body("table/full/t", params={"format": media_type})
    pd.testing.assert_frame_equal(READ[media_type](body), FRAME)


@pytest.mark.parametrize("parameter", ["column", "field"])
@pytest.mark.parametrize("media_type", FORMATS)
def test_columns_can_be_chosen_in_every_format(serve, media_type, parameter) -> None:
    caller = serve({"t": pa.Table.from_pandas(FRAME, preserve_index=False)})
    if parameter == "field":
        with pytest.warns(DeprecationWarning, match="use 'column'"):
            body = caller.body("table/full/t", params={"format": media_type, "field": ["text", "count"]})
    else:
        body = caller.body("table/full/t", params={"format": media_type, "column": ["text", "count"]})
    pd.testing.assert_frame_equal(READ[media_type](body), FRAME[["text", "count"]])


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_partition_leaves_in_every_format(serve, media_type) -> None:
    caller = serve({"t": MemoryTable(pa.Table.from_pandas(FRAME, preserve_index=False), npartitions=3)})
    body = caller.body("table/partition/t", params={"format": media_type, "partition": 1})
    pd.testing.assert_frame_equal(READ[media_type](body), FRAME[1:2].reset_index(drop=True))


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_name_for_the_download_is_passed_on(serve, media_type) -> None:
    response = serve({"t": FRAME}).get("table/full/t", params={"format": media_type, "filename": "run 7.dat"})
    assert response.headers["content-disposition"] == 'attachment; filename="run 7.dat"'


HOSTILE = {
    "formulas": {"=1+1": ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "-1.5"]},
    "markup": {"<script>alert(1)</script>": ["<script>alert(1)</script>", "</td><b>x", '"><img src=x>', "&amp;"]},
    "links": {"a": ["http://example.org", "mailto:a@example.org", "file:///etc/passwd"]},
    "NUL": {"a": ["a\0b", "\0", ""]},
    "control characters": {"a": ["".join(map(chr, range(1, 32))), "\x7f\x85\ufeff\ufffe\uffff", "_x0041_"]},
    "characters beyond the basic plane": {"😀": ["😀" * 100, "👨‍👩‍👧", "é"]},
    "long texts": {"a": ["x" * 100_000]},
    "no rows": {"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())},
    "no columns": {},
    "only missing values": {"a": pa.nulls(3), "b": pa.array([None, None, None], pa.int64())},
    "names that look alike": {"a": [1], "A": [2], "a ": [3], "\u0430": [4], "": [5], "a/b": [6], ".": [7], "..": [8]},
    "names that begin formulas": {"=cmd": [1], "-x": [2], "a,b": [3], 'a"b': [4], "a\nb": [5]},
    "moments with a time zone": {
        "t": pa.array([dt.datetime(2026, 7, 1, tzinfo=dt.UTC), None], pa.timestamp("us", "Europe/Berlin"))
    },
    "an unknown time zone": {"t": pa.array([0, None], pa.int64()).cast(pa.timestamp("ns", "Mars/Olympus"))},
    "moments out of reach": {"t": pa.array([-(10**12), 10**12], pa.int64()).cast(pa.timestamp("s"))},
    "days out of reach": {"t": pa.array([-800_000, 3_000_000], pa.int32()).cast(pa.date32())},
    "times": {"t": [dt.time(1, 2, 3, 4), None], "d": [dt.timedelta(-1, 5), dt.timedelta(10**6)]},
    "categories": {"a": pa.array(["x", None, "x"]).dictionary_encode()},
    "missing values": {"i": [1, None], "f": [np.nan, np.inf], "b": [True, None], "s": ["", None]},
    "bytes": {"a": [b"ab", b"\xff\0", None], "b": pa.array([b"ab", None, b"cd"], pa.binary(2))},
    "lists": {"a": [[1, None], [], None], "b": [[[1.5, np.nan]], [[]], []], "c": [[b"\xff"], [b"x"], None]},
    "structures": {"a": [{"x": 1, "y": ["<b>"]}, {"x": None, "y": None}, None]},
    "maps": {"a": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64()))},
    "unions": {"a": pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])},
    "large integers": {"a": [2**63 - 1, -(2**63)], "b": pa.array([2**64 - 1, 0], pa.uint64())},
    "decimals": {"a": [decimal.Decimal("1.10"), None, decimal.Decimal("-99999999999999999999.5")]},
    "half floats": {"a": pa.array(np.array([1.5, np.nan], np.float16))},
    "intervals": {"a": pa.array([(1, 2, 3), None], pa.month_day_nano_interval())},
    "bytes that are no text": {
        "a": pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff<")])
    },
    "views": {"a": pa.array(["=1", None], pa.string_view()), "b": pa.array([b"x", None], pa.binary_view())},
    "runs": {"a": pa.RunEndEncodedArray.from_arrays([2, 3], ["x", "y"])},
}
REFUSED = {
    ("application/x-hdf5", "NUL"),
    (SHEET, "long texts"),
    (SHEET, "bytes that are no text"),
    ("application/json", "bytes that are no text"),
    ("application/json-seq", "bytes that are no text"),
    ("application/x-hdf5", "bytes that are no text"),
    ("application/json", "days out of reach"),
    ("application/json-seq", "days out of reach"),
    ("application/json", "moments out of reach"),
    ("application/json-seq", "moments out of reach"),
    ("application/json", "an unknown time zone"),
    ("application/json-seq", "an unknown time zone"),
    ("application/x-parquet", "intervals"),
    ("application/x-parquet", "unions"),
    ("application/x-parquet", "runs"),
}


@pytest.mark.parametrize("content", HOSTILE)
@pytest.mark.parametrize("media_type", [ARROW, "application/x-parquet", "text/csv", *list(FORMATS)[6:]])
def test_whatever_a_table_holds_is_sent_or_refused_with_a_reason(serve, media_type, content) -> None:
    response = serve({"t": pa.table(HOSTILE[content])}).get("table/full/t", params={"format": media_type})
    if (media_type, content) in REFUSED:
        assert response.status_code == 406, response.text[:200]
        assert len(response.json()["detail"]) > 40
    else:
        assert response.status_code == 200, response.text[:200]


@pytest.mark.parametrize("content", ["formulas", "markup", "links", "characters beyond the basic plane"])
@pytest.mark.parametrize("media_type", ["application/x-parquet", SHEET, "application/json", "application/x-hdf5"])
def test_texts_arrive_to_the_letter(serve, media_type, content) -> None:
    body = serve({"t": pa.table(HOSTILE[content])}).body("table/full/t", params={"format": media_type})
    assert READ[media_type](body).to_dict("list") == HOSTILE[content]


def test_markup_in_cells_and_names_is_shown_and_not_obeyed(serve) -> None:
    page = serve({"t": pa.table(HOSTILE["markup"])}).body("table/full/t?format=html").decode()
    assert "<script" not in page
    assert html_rows(page).to_dict("list") == HOSTILE["markup"]


class Slow:
    """A table of many partitions, of which it notes which are read."""

    family = "table"
    metadata: dict = {}  # noqa: RUF012 - a node has metadata
    specs = ()

    def __init__(self, count: int = 12) -> None:
        self.table = pa.table({"A": np.random.default_rng(0).random(60_000), "B": ["some text"] * 60_000})
        self.structure = describe_table(self.table.schema, count)
        self.asked: list[int] = []

    def read_partition(self, partition: int, columns: object) -> pa.Table:
        self.asked.append(partition)
        return self.table


async def reads_until_first_bytes(app: object, path: str, query: str, node: Slow) -> int:
    """How many partitions had been read when the first bytes left."""
    seen: list[int] = []

    async def send(message: dict) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            seen.append(len(node.asked))

    forever = asyncio.Event()

    async def receive() -> dict:
        if seen:
            await forever.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(b"host", b"x")], "scheme": "http", "server": ("x", 80), "client": ("x", 1), "root_path": "",
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return seen[0]


@pytest.mark.parametrize("media_type", ["text/csv", "application/x-parquet", "text/html", "application/json-seq"])
def test_the_first_bytes_leave_long_before_the_last_partition_is_read(serve, media_type) -> None:
    node = Slow()
    caller = serve({"t": node})
    first = caller.call(reads_until_first_bytes(caller.app, "/api/v1/table/full/t", f"format={media_type}", node))
    assert first <= 4, f"{first} of 12 partitions were read before anything was sent"
    assert node.asked == list(range(12))


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_table_of_many_partitions_is_read_once(serve, media_type) -> None:
    node = Slow(3)
    serve({"t": node}).body("table/full/t", params={"format": media_type})
    assert node.asked == [0, 1, 2]
