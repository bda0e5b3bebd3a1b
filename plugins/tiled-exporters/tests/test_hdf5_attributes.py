"""Metadata as HDF5 attributes."""

from __future__ import annotations

import datetime
import json

import h5py
import numpy as np
import pytest
from tiled_exporters.hdf5_attributes import link_name, write_attributes


@pytest.fixture
def file():
    with h5py.File.in_memory() as opened:
        yield opened


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "日本",
        "",
        True,
        7,
        -(2**63),
        2**64 - 1,
        2.5,
        float("inf"),
        1 + 2j,
        [1, 2],
        [1.5, 2],
        ["a", "b"],
        [],
        [[1, 2], [3, 4]],
    ],
)
def test_numbers_texts_and_lists_are_attributes_of_their_own_types(file, value):
    write_attributes(file, {"x": value})
    found = file.attrs["x"]
    assert (found.tolist() if isinstance(found, np.ndarray | np.generic) else found) == value


@pytest.mark.parametrize(
    "value", [np.float32(1.5), np.arange(6, dtype=">i2").reshape(2, 3), np.array([True]), np.zeros(0)]
)
def test_values_of_numpy_keep_their_type(file, value):
    write_attributes(file, {"x": value})
    assert file.attrs["x"].dtype == value.dtype
    assert np.array_equal(file.attrs["x"], value)


def test_a_missing_value_is_an_empty_attribute(file):
    write_attributes(file, {"x": None})
    assert isinstance(file.attrs["x"], h5py.Empty)


@pytest.mark.parametrize(
    "value", [{"a": {"b": [1, None]}}, [1, "a"], [[1], [2, 3]], [None], {}, 2**70, "a\0b", [{"a": 1}]]
)
def test_anything_else_is_json(file, value):
    write_attributes(file, {"x": value})
    assert json.loads(file.attrs["x"]) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (np.array(["a", "b"]), ["a", "b"]),
    ],
)
def test_dates_are_texts(file, value, text):
    write_attributes(file, {"x": value})
    found = file.attrs["x"]
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == text


def test_halves_of_characters_do_not_stop_an_export(file):
    write_attributes(file, {"\udcff": "\udcff"})
    assert json.loads(file.attrs["?"]) == "?"


def test_names_that_hdf5_cannot_have_are_spelled_out(file):
    write_attributes(file, {"a\0b": 1, "": 2, "a/b": 3})
    assert dict(file.attrs) == {"a%00b": 1, "%": 2, "a/b": 3}


def test_metadata_may_be_large(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", libver=("v108", "v110")) as file:
        write_attributes(
            file, {"text": "x" * 1_000_000, "numbers": list(range(100_000)), **{str(n): n for n in range(500)}}
        )
        assert len(file.attrs["text"]) == 1_000_000
        assert len(file.attrs) == 502


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("a", "a"),
        ("日本", "日本"),
        ("a/b", "a%2Fb"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("", "%"),
        ("a\0b", "a%00b"),
        ("a.b", "a.b"),
    ],
)
def test_a_key_becomes_one_name_in_the_file(key, name):
    assert link_name(key) == name
    with h5py.File.in_memory() as file:
        file.create_group(link_name(key))
        assert list(file) == [name]
