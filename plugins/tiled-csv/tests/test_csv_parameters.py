"""What is said when a file is registered counts more than what would be guessed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiled_csv import ARRAY_READER, HEADED_READER, READER, register_readers

from tiledkernel.errors import BadRequest
from tiledkernel.nodes.readers import Claim
from tiledkernel.slices import cut_shape


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(text: str, name: str = "a.csv", encoding: str = "utf-8") -> Path:
        (tmp_path / name).write_bytes(text.encode(encoding))
        return tmp_path / name

    return make


def opened(*paths: Path, reader: Any = READER, **parameters: Any) -> Any:
    return Claim(reader, "csv").open(paths, parameters, many=len(paths) > 1)


def rows(table: Any) -> dict[str, list[Any]]:
    return table.read_partition(0, None).to_pydict()


@pytest.mark.parametrize("name", ["sep", "delimiter"])
def test_a_separator_that_would_not_be_guessed(write, name) -> None:
    path = write("a:b\n1,5:2\n2,5:3\n")
    assert rows(opened(path, **{name: ":"})) == {"a": [1.5, 2.5], "b": [2, 3]}


def test_a_decimal_sign(write) -> None:
    assert rows(opened(write("a;b\n1,5;2,000\n"), sep=";", decimal=".")) == {"a": ["1,5"], "b": ["2,000"]}


def test_an_encoding(write) -> None:
    path = write("name\nM\u00fcller\n", encoding="cp437")
    assert rows(opened(path, encoding="cp437")) == {"name": ["M\u00fcller"]}


def test_a_wrong_encoding_is_an_error_and_no_guess(write) -> None:
    with pytest.raises(UnicodeDecodeError):
        opened(write("name\nM\u00fcller\n", encoding="latin-1"), encoding="utf-8")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"header": 0}, {"1": [3], "2": [4]}),
        ({"header": None}, {"0": [1, 3], "1": [2, 4]}),
        ({"names": ["x", "y"]}, {"x": [1, 3], "y": [2, 4]}),
        ({"names": ["x", "y"], "header": 0}, {"x": [3], "y": [4]}),
        ({"skiprows": 1}, {"0": [3], "1": [4]}),
    ],
)
def test_headers_and_names_mean_what_they_mean_in_pandas(write, parameters, expected) -> None:
    assert rows(opened(write("1,2\n3,4\n"), **parameters)) == expected


@pytest.mark.parametrize("parameters", [{"header": 2}, {"skiprows": 2}, {"skiprows": 1, "header": 1}])
def test_lines_above_the_header_are_left_out(write, parameters) -> None:
    path = write("Instrument 7\nTuesday, late\nx,y\n1,2\n")
    assert rows(opened(path, **parameters)) == {"x": [1], "y": [2]}


def test_parameters_hold_for_all_files_of_a_table(write) -> None:
    table = opened(write("x:y\n1:2\n"), write("x:y\n3:4\n", "b.csv"), sep=":")
    assert [table.read_partition(part, None).to_pydict() for part in (0, 1)] == [
        {"x": [1], "y": [2]},
        {"x": [3], "y": [4]},
    ]


def test_a_file_is_known_by_the_parameters_with_which_it_was_opened(write) -> None:
    path = write("x:y\n1:2\n")
    assert opened(path, sep=":").structure.columns == ("x", "y")
    assert opened(path).structure.columns == ("x:y",)


def test_an_array_takes_parameters_too(write) -> None:
    array = opened(write("#\n1:2\n3:4\n"), reader=ARRAY_READER, sep=":")
    assert array.read(cut_shape((), (2, 2))).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"sep": "::"}, r"sep='::': expected one character"),
        ({"sep": ";", "delimiter": ","}, "give one of them"),
        ({"sep": ",", "decimal": ","}, "cannot both"),
        ({"skiprows": -1}, "count from 0"),
        ({"names": ["x", "x"]}, "name of its own"),
        ({"chunksize": 5}, "unknown field `chunksize`.*it knows: sep, delimiter, decimal"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(write, parameters, match) -> None:
    with pytest.raises(BadRequest, match=match):
        opened(write("a,b\n1,2\n"), **parameters)


def test_names_must_be_as_many_as_columns(write) -> None:
    with pytest.raises(ValueError, match=r"a.csv has 2 columns, but 3 names"):
        opened(write("1,2\n"), names=["x", "y", "z"])


def test_a_file_whose_header_is_said_to_be_present_is_a_table(write):
    assert HEADED_READER in register_readers()
    assert opened(write("a,b\n1,2\n"), reader=HEADED_READER).structure.columns == ("a", "b")
