"""Columns of all kinds as arrays."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow
import pytest

from tiledkernel.families.table.columns import ColumnArray, as_numpy
from tiledkernel.families.table.memory import MemoryTable

FAR = datetime.date(9999, 12, 31)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([datetime.date(2020, 1, 2), None], np.array(["2020-01-02", "NaT"], "M8[ns]")),
        ([FAR, None], np.array(["9999-12-31", "NaT"], "M8[us]")),
        ([datetime.time(1, 2), None], np.array(["01:02:00.000000", ""])),
        (["a", None], np.array(["a", ""])),
        ([b"a", None], np.array([b"a", b""])),
        ([1, None], np.array([1.0, np.nan])),
        ([True, False], np.array([True, False])),
    ],
)
def test_a_column_is_an_array(values: list, expected: np.ndarray) -> None:
    found = as_numpy(pyarrow.chunked_array([values]))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pyarrow.array(["a", None], pyarrow.string_view()), np.array(["a", ""])),
        (pyarrow.array([b"a", None], pyarrow.binary_view()), np.array([b"a", b""])),
    ],
)
def test_a_column_of_views_is_one_of_texts_or_bytes(values: pyarrow.Array, expected: np.ndarray) -> None:
    found = as_numpy(pyarrow.chunked_array([values]))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_a_column_of_tensors_has_their_axes_too() -> None:
    tensors = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12.0).reshape(3, 4))
    column = ColumnArray(MemoryTable(pyarrow.table({"t": tensors}), npartitions=2), "t")
    assert column.structure.chunks == ((1, 2), (4,))
    assert column.structure.shape == (3, 4)
