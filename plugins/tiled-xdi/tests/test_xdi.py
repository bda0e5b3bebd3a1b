"""XDI files in both directions: what stands in them, what is wrong with them, and what is written."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
import tiled_xdi
from hypothesis import given, settings
from hypothesis import strategies as st
from tiled_xdi import reader
from tiled_xdi.reader import open_xdi
from tiled_xdi.writer import encode

from tiledkernel.composition import Composition
from tiledkernel.encoding import Encoding
from tiledkernel.errors import NotAcceptable
from tiledkernel.families.table.memory import MemoryTable
from tiledkernel.families.table.payload import TablePayload
from tiledkernel.media_types import Offer
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app
from tiledkernel.specs import Spec
from tiledkernel.testing import ReaderContract, Sample

COPPER = """\
# XDI/1.0 GSE/1.0
# Column.1: energy eV
# Column.2: i0
# Column.3: itrans
# Element.edge: K
# Element.symbol: Cu
# Scan.start_time: 2001-06-26T22:27:31
# Mono.d_spacing: 3.13553
# GSE.EXTRA:  config 1
# Sample.empty:
# ///
# Cu foil at room temperature
#
#   two  spaces kept, é
#----
# energy i0 itrans
  8779.0  149013.7  550643
  .8789E+04  144864.7  -531876

  8799  132978.7 489591
"""
ROWS = pa.table(
    {"energy": [8779.0, 8789.0, 8799.0], "i0": [149013.7, 144864.7, 132978.7], "itrans": [550643, -531876, 489591]}
)
FIELDS = {
    "Column": {"1": "energy eV", "2": "i0", "3": "itrans"},
    "Element": {"edge": "K", "symbol": "Cu"},
    "Scan": {"start_time": "2001-06-26T22:27:31"},
    "Mono": {"d_spacing": "3.13553"},
    "GSE": {"EXTRA": "config 1"},
    "Sample": {"empty": ""},
}
METADATA = {
    "xdi_version": "1.0",
    "extra_version": "GSE/1.0",
    "fields": FIELDS,
    "comments": "Cu foil at room temperature\n\n  two  spaces kept, é",
}


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path) -> pa.Table:
    return open_xdi(path).read_partition(0, None)


def written(node: MemoryTable, columns: list[str] | None = None) -> str:
    payload = TablePayload(node, columns, range(node.structure.npartitions))
    body = encode(payload, Encoding(Offer("application/x-xdi"), "a", node.metadata, node.specs))
    return b"".join(body).decode()


def table(metadata: object = None, **columns: object) -> MemoryTable:
    return MemoryTable(pa.table(columns or {"energy": [1.5]}), metadata=metadata or {})


class TestXdi(ReaderContract):
    """A file with everything that the format has."""

    reader = tiled_xdi.READER
    heavy = ("numpy", "pyarrow", "pandas")
    tells_damage = False  # a file without its last rows is a file of a shorter scan

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        return Sample(path=write(tmp_path / "a.xdi", COPPER), tables={"": ROWS}, metadata={"": METADATA})


def test_a_file_is_written_as_it_was_read(tmp_path: Path) -> None:
    first = open_xdi(write(tmp_path / "a.xdi", COPPER))
    again = open_xdi(write(tmp_path / "b.xdi", written(first)))
    assert again.metadata == first.metadata == METADATA
    assert again.table.equals(first.table)
    assert again.specs == first.specs == (Spec("xdi", version="1.0"),)
    assert written(again) == written(first)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_line_ends_and_encodings_of_all_systems_are_read(tmp_path: Path, end: str, encoding: str) -> None:
    node = open_xdi(write(tmp_path / "a.xdi", COPPER.replace("\n", end).encode(encoding)))
    assert node.metadata == METADATA
    assert node.table.equals(ROWS)


def test_the_case_of_field_names_does_not_matter_and_the_last_value_counts(tmp_path: Path) -> None:
    text = "# XDI/1.0\n# Element.symbol: Cu\n# ELEMENT.Symbol: Fe\n# column.1: e eV\n# ---\n1 2\n"
    node = open_xdi(write(tmp_path / "a.xdi", text))
    assert node.metadata["fields"] == {"Element": {"symbol": "Fe"}, "column": {"1": "e eV"}}
    assert node.structure.columns == ("e", "column2")


def test_lines_that_are_no_fields_are_ignored(tmp_path: Path) -> None:
    lines = ["1Bad.name: x", "no colon", "Two.dots.here: x", "_Bad.name: x", "Good.name: a: b"]
    node = open_xdi(write(tmp_path / "a.xdi", "# XDI/1.0\n" + "".join(f"# {line}\n" for line in lines) + "# ---\n1\n"))
    assert node.metadata["fields"] == {"Good": {"name": "a: b"}}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("# ---\n# energy i0", ("energy", "i0")),
        ("# ---", ("column1", "column2")),
        ("# Column.2: i0\n# ---", ("column1", "i0")),
        ("# Column.1: energy eV\n# ---\n# x y", ("energy", "y")),
        ("# ---\n# only_one", ("column1", "column2")),
        ("# ---\n# same same", ("same", "same_2")),
    ],
)
def test_columns_are_named_by_fields_then_labels_then_numbers(tmp_path: Path, header: str, names: tuple) -> None:
    assert open_xdi(write(tmp_path / "a.xdi", f"# XDI/1.0\n{header}\n1 2\n")).structure.columns == names


def test_a_scan_without_rows_has_its_columns(tmp_path: Path) -> None:
    node = open_xdi(write(tmp_path / "a.xdi", "# XDI/1.0\n# ---\n# energy i0\n"))
    assert node.table.equals(pa.table({"energy": pa.array([], pa.float64()), "i0": pa.array([], pa.float64())}))
    assert open_xdi(write(tmp_path / "b.xdi", written(node))).table.equals(node.table)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no XDI file"),
        ("energy i0\n1 2\n", "no XDI file"),
        ("# XDI/x\n# ---\n", "no XDI file"),
        ("# XDI/1.0\n# Element.symbol: Cu\n", "no end"),
        ("# XDI/1.0\n1 2\n", "line 2 does not begin with '#'"),
        ("# XDI/1.0\n# ---\n1 2\n3\n", "line 4 has 1 values, the lines above it have 2"),
        ("# XDI/1.0\n# ---\n1 2\n\n3 4 5\n", "line 5 has 3 values"),
        ("# XDI/1.0\n# ---\n1 2\n# 3 4\n", "line 4 begins with '#'"),
        ("# XDI/1.0\n# ---\n# e i0\n1 x\n", "column 'i0': could not convert string to float: 'x'"),
        ("# XDI/1.0\n# ---\n1.2.3\n", "could not convert"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        open_xdi(write(tmp_path / "a.xdi", text))


def test_a_file_that_is_no_scan_by_its_size_is_not_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reader, "MAX_SIZE", 10)
    with pytest.raises(ValueError, match="at most 10"):
        open_xdi(write(tmp_path / "a.xdi", COPPER))


def test_the_header_of_a_table_is_made_from_its_metadata() -> None:
    node = table(METADATA, energy=[8979.0, 8980.0], i0=[1, 2], itrans=[3, 4])
    assert written(node) == (
        "# XDI/1.0 GSE/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n# Element.edge: K\n"
        "# Element.symbol: Cu\n# Scan.start_time: 2001-06-26T22:27:31\n# Mono.d_spacing: 3.13553\n"
        "# GSE.EXTRA: config 1\n# Sample.empty:\n# /////////////\n# Cu foil at room temperature\n#\n"
        "#   two  spaces kept, é\n# -------------\n# energy i0 itrans\n  8979.0  1  3\n  8980.0  2  4\n"
    )


def test_columns_that_are_chosen_keep_their_units() -> None:
    node = table(METADATA, energy=[8979.0], i0=[1], itrans=[3])
    lines = written(node, ["itrans", "energy"]).splitlines()
    assert lines[1:3] == ["# Column.1: itrans", "# Column.2: energy eV"]
    assert lines[-2:] == ["# itrans energy", "  3  8979.0"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"fields": {"Element": {"symbol": "Cu"}}},
        {"fields": {"Element.symbol": "Cu"}},
        {"Element": {"symbol": "Cu"}},
        {"Element.symbol": "Cu"},
    ],
)
def test_fields_may_be_nested_or_flat_and_stand_alone(metadata: dict) -> None:
    assert "\n# Element.symbol: Cu\n" in written(table(metadata))


@pytest.mark.parametrize(
    ("metadata", "line"),
    [
        ({"sample": 5}, "# Metadata.sample: 5"),
        ({"a b": {"c/d": "x\ny\u2028z"}}, "# a_b.c_d: x y z"),
        ({"1a": {"": 1.5}}, "# X1a._: 1.5"),
        (
            {"Scan": {"list": [1, {"a": None}], "time": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}},
            '# Scan.list: [1,{"a":null}]',
        ),
        ({"Scan": {"time": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}}, "# Scan.time: 2026-01-01T00:00:00Z"),
        ({"Scan": {"array": np.arange(3), "none": None}}, "# Scan.array: [0,1,2]"),
    ],
)
def test_whatever_metadata_hold_is_one_line_with_a_name_that_the_format_has(metadata: dict, line: str) -> None:
    assert line in written(table(metadata)).split("\n")


@settings(deadline=None, max_examples=50)
@given(
    fields=st.dictionaries(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.none())),
    comments=st.text() | st.lists(st.text()) | st.none(),
    names=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4, unique=True),
)
def test_no_metadata_break_a_file(tmp_path_factory, fields: dict, comments: object, names: list[str]) -> None:
    node = MemoryTable(
        pa.table({name: [1.5, -2.0] for name in names}), metadata={"fields": fields, "comments": comments}
    )
    body = written(node)
    again = open_xdi(write(tmp_path_factory.getbasetemp() / "broken.xdi", body))
    assert [column.to_pylist() for column in again.table.columns] == [[1.5, -2.0]] * len(names)


def test_missing_and_infinite_values_are_spelled_as_c_reads_them(tmp_path: Path) -> None:
    node = table(None, a=[1.5, None, np.inf], b=[1, None, 3])
    assert written(node).splitlines()[-3:] == ["  1.5  1", "  nan  nan", "  inf  3"]
    np.testing.assert_array_equal(read(write(tmp_path / "a.xdi", written(node)))["a"], [1.5, np.nan, np.inf])


@pytest.mark.parametrize("values", [["text"], [True], [dt.date(2026, 1, 1)], [[1.0]], [b"x"]])
def test_a_column_that_holds_no_numbers_is_refused_by_name(values: list) -> None:
    with pytest.raises(NotAcceptable, match=r"'notes' holds .* choose others with 'column='"):
        written(table(None, energy=[1.0], notes=values))


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(NotAcceptable, match="this table has none"):
        written(MemoryTable(pa.table({})))


@pytest.fixture
def get(tmp_path: Path) -> Iterator[Callable[..., httpx.Response]]:
    """Ask a server of a folder with a file, and of a table with the spec; it has this plugin and the kernel."""
    node = MemoryTable(pa.table({"energy": [1.5]}), specs=["xdi"])
    tree = {"scan": open_xdi(write(tmp_path / "scan.xdi", COPPER)), "table": node, "other": table()}
    composition = Composition(discover(third_party=False, extra={"xdi": tiled_xdi}))
    app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=composition)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://data.example/api/v1/")
    with asyncio.Runner() as loop:
        yield lambda path, **options: loop.run(client.get(path, **options))
        loop.run(client.aclose())
    app.state.service.close()


def test_the_format_is_offered_to_tables_with_the_spec(get) -> None:
    about = get("").json()
    assert about["formats"]["xdi"] == ["application/x-xdi"]
    assert about["aliases"]["xdi"] == {"application/x-xdi": ["xdi"]}
    refused = get("table/full/other?format=xdi")
    assert refused.status_code == 406
    assert "text/csv" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["table/full/scan?", "table/full/table?", "table/partition/scan?partition=0&"])
def test_every_spelling_of_the_format_is_answered_alike(get, path: str) -> None:
    answers = [
        get(f"{path}format=xdi"),
        get(f"{path}format=application/x-xdi"),
        get(path, headers={"accept": "application/x-xdi"}),
    ]
    assert [(answer.status_code, answer.headers["content-type"]) for answer in answers] == [
        (200, "application/x-xdi")
    ] * 3
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].text.startswith("# XDI/1.0")


def test_a_scan_leaves_in_the_formats_of_tables_too(get) -> None:
    assert get("table/full/scan?format=csv&column=itrans").text == "itrans\n550643\n-531876\n489591\n"
    assert get("table/full/scan?format=json").json() == ROWS.to_pydict()


def test_the_metadata_of_a_scan_can_be_asked_for(get) -> None:
    attributes = get("metadata/scan").json()["data"]["attributes"]
    assert attributes["metadata"] == METADATA
    assert attributes["specs"] == [{"name": "xdi", "version": "1.0"}]
