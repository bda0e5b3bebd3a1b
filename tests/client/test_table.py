from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tiledkernel.client import ClientError, record_history
from tiledkernel.families.table.memory import MemoryTable

FRAME = pd.DataFrame(
    {"A": np.arange(10.0), "B": [f"text {n}" for n in range(10)], "C": pd.date_range("2020", periods=10)},
    index=pd.Index(range(100, 110), name="index"),
)


@pytest.fixture
def table(client_of: Any) -> Any:
    return client_of({"t": MemoryTable(FRAME, npartitions=3)})["t"]


def test_all_rows_arrive_with_their_index(table: Any) -> None:
    pd.testing.assert_frame_equal(table.read(), FRAME)


def test_each_partition_is_one_request(table: Any) -> None:
    with record_history() as history:
        table.read()
    assert len(history.requests) == table.npartitions == 3


@pytest.mark.parametrize("columns", [["A"], ["C", "A"], "B"])
def test_columns_are_selected_in_the_given_order(table: Any, columns: Any) -> None:
    expected = FRAME[[columns] if isinstance(columns, str) else columns]
    pd.testing.assert_frame_equal(table.read(columns), expected)


def test_a_partition_is_a_part_of_the_rows(table: Any) -> None:
    parts = [table.read_partition(number, "B") for number in range(3)]
    pd.testing.assert_frame_equal(pd.concat(parts), FRAME[["B"]])


@pytest.mark.parametrize("number", [3, -1])
def test_a_partition_out_of_range_is_an_index_error(table: Any, number: int) -> None:
    with pytest.raises(IndexError, match="this table has 3"):
        table.read_partition(number)


def test_an_unknown_column_is_refused_by_the_server_with_its_name(table: Any) -> None:
    with pytest.raises(ClientError, match=r"400.*'nope'"):
        table.read(["nope"])


def test_no_columns_are_not_all_columns(table: Any) -> None:
    with pytest.raises(ValueError, match="name at least one"):
        table.read([])


def test_a_column_is_an_array(table: Any) -> None:
    assert repr(table["A"]) == "<ArrayClient shape=(10,) chunks=((3, 3, 4)) dtype=float64>"
    assert table["A"][2:4].tolist() == [2.0, 3.0]


def test_a_column_is_reached_by_its_path(client_of: Any) -> None:
    client = client_of({"t": FRAME})
    assert client["t/A"][:2].tolist() == client["t", "A"][:2].tolist() == [0.0, 1.0]


def test_a_missing_column_is_a_key_error_without_a_request(table: Any) -> None:
    with record_history() as history, pytest.raises(KeyError, match="nope"):
        table["nope"]
    assert history.requests == []


def test_several_columns_are_read_not_indexed(table: Any) -> None:
    with pytest.raises(TypeError, match=r"\.read\("):
        table[["A", "B"]]


def test_it_says_its_columns(table: Any) -> None:
    assert repr(table) == "<DataFrameClient ['A', 'B', 'C']>"
    assert list(table) == table.columns == ["A", "B", "C"]
    assert "A" in table
    assert "index" not in table


def test_it_has_no_length(table: Any) -> None:
    with pytest.raises(TypeError):
        len(table)


def test_many_columns_are_sent_in_the_body(client_of: Any) -> None:
    names = [f"a column with a long name, number {number}" for number in range(100)]
    client = client_of({"t": pd.DataFrame({name: [1.0] for name in names})})["t"]
    with record_history() as history:
        frame = client.read(names[::-1])
    assert list(frame) == names[::-1]
    assert [request.method for request in history.requests] == ["POST"]
    assert all(len(str(request.url)) < 2000 for request in history.requests)


def test_an_export_holds_the_chosen_columns(table: Any, tmp_path: Any) -> None:
    table.export(tmp_path / "t.csv", ["A"])
    assert pd.read_csv(tmp_path / "t.csv")["A"].tolist() == FRAME["A"].tolist()
    buffer = io.BytesIO()
    table.export(buffer, "A", format="text/csv")
    assert buffer.getvalue() == (tmp_path / "t.csv").read_bytes()
