"""The sample files can be written and served."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tiledkernel import references
from tiledkernel.examples.generate_files import generate_files, main
from tiledkernel.nodes.directory import DirectoryOptions, directory_tree
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.records import Reader

TIFF = Reader(
    media_type="image/tiff", suffixes=(".tif",), open="tifffile:imread", open_many="tifffile:imread", numbered=True
)
CSV = Reader(media_type="text/csv", suffixes=(".csv",), open="pandas:read_csv")


def test_images_are_ones(tmp_path: Path) -> None:
    generate_files(tmp_path)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "more" / "even_more" / "e.tif"), np.ones((100, 100)))


def test_served_as_a_directory_they_are_the_tree_of_the_manual(tmp_path: Path) -> None:
    generate_files(tmp_path)
    readers = ReaderTable([(TIFF, "tiff"), (CSV, "csv")])
    tree = directory_tree(DirectoryOptions(path=str(tmp_path)), readers, lambda live, *_: live)
    assert tree.keys() == ["a", "another_table", "b", "c", "more"]
    assert tree["more"].keys() == ["A", "B", "even_more"]
    assert tree["more"]["even_more"].keys() == ["e", "f"]
    assert tree["more"]["A"].open().shape == (3, 100, 100)
    assert tree["another_table"].open().columns.tolist() == ["Unnamed: 0", "A", "B"]


def test_a_missing_library_leaves_its_files_out_and_says_so(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(references, "installed", lambda _: False)
    assert generate_files(tmp_path) == [tmp_path / "another_table.csv"]
    message = capsys.readouterr().err
    assert "tables.xlsx: install pandas and openpyxl" in message
    assert "TIFF images: install numpy and tifffile" in message


def test_the_workbook_has_two_sheets(tmp_path: Path) -> None:
    import openpyxl

    generate_files(tmp_path)
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    sheets = {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}
    assert sheets == {
        "Sheet 1": [["A", "B"], [1, 4], [2, 5], [3, 6]],
        "Sheet 2": [["C", "D"], [10, 40], [20, 50], [30, 60]],
    }


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    target = tmp_path / "new"
    done = subprocess.run(
        [sys.executable, "-m", "tiledkernel.examples.generate_files", str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "wrote" in done.stderr
    assert (target / "more" / "A0003.tif").is_file()


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_other_arguments_are_explained(arguments, capsys) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_a_target_that_is_a_file_is_an_error_without_a_traceback(tmp_path, capsys) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file")]) == 1
    assert "cannot write" in capsys.readouterr().err
