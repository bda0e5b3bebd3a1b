"""CSV files without a header as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiled_csv
from tiled_csv import layout
from tiled_csv.reader import open_csv_array

from tiledkernel.slices import cut_shape, parse_slice
from tiledkernel.testing import ReaderContract, Sample

ARRAY = np.random.default_rng(0).normal(size=(23, 5))


def write(path: Path, array: np.ndarray = ARRAY, **options) -> Path:
    np.savetxt(path, array, delimiter=",", **{"fmt": "%.17g", **options})
    return path


class TestContract(ReaderContract):
    reader = tiled_csv.ARRAY_READER
    tells_damage = False

    @pytest.fixture
    def sample(self, tmp_path: Path, monkeypatch) -> Sample:
        monkeypatch.setattr(layout, "PARTITION", 500)
        path = write(tmp_path / "a.csv", header="Beamline 7")
        return Sample(path=path, arrays={"": ARRAY}, metadata={"": {"comments": ["Beamline 7"]}})


class TestIntegerContract(ReaderContract):
    reader = tiled_csv.ARRAY_READER
    tells_damage = False

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        array = np.arange(6).reshape(3, 2)
        return Sample(path=write(tmp_path / "a.csv", array, fmt="%d"), arrays={"": array})


def read(path: Path, text: str = "") -> np.ndarray:
    node = open_csv_array(path)
    return node.read(cut_shape(parse_slice(text), node.structure.shape))


def test_the_first_row_is_data_even_where_a_table_would_take_it_for_names(tmp_path):
    (tmp_path / "a.csv").write_text("# x,y\n1,2\n3,4\n")
    assert read(tmp_path / "a.csv").tolist() == [[1, 2], [3, 4]]


def test_missing_values_are_nan(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,\n")
    found = read(tmp_path / "a.csv")
    assert found.dtype == np.float64
    assert np.array_equal(found, [[1, 2], [3, np.nan]], equal_nan=True)


def test_truth_values_are_booleans(tmp_path):
    (tmp_path / "a.csv").write_text("true,false\nfalse,true\n")
    assert read(tmp_path / "a.csv").tolist() == [[True, False], [False, True]]


def test_one_column_is_an_array_of_one_column(tmp_path):
    (tmp_path / "a.csv").write_text("1\n2\n")
    assert read(tmp_path / "a.csv").shape == (2, 1)


def test_words_are_refused_with_a_way_out(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"a\.csv is no array of numbers: column 0 is string; .*'text/csv'"):
        open_csv_array(tmp_path / "a.csv")


def test_only_the_pieces_and_columns_of_a_slice_are_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "PARTITION", 500)
    node = open_csv_array(write(tmp_path / "a.csv"))
    chunks = node.structure.chunks[0]
    assert len(chunks) > 3
    parsed = []
    original = layout.parse

    def noting(data, dialect, types, columns):
        parsed.append(list(columns))
        return original(data, dialect, types, columns)

    monkeypatch.setattr(layout, "parse", noting)
    row = chunks[0] + 1
    found = node.read(cut_shape(parse_slice(f"{row},2:4"), ARRAY.shape))
    assert np.array_equal(found, ARRAY[row, 2:4])
    assert parsed == [["2", "3"]]
