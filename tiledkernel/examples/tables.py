"""The tables of the example trees."""

from __future__ import annotations

import string

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SHORT = 100  # rows
LONG = 100_000
WIDE = 10


def short_table() -> pd.DataFrame:
    """Columns A (random), B = 2 A and C = 3 A."""
    return _multiples(SHORT, "ABC", seed=101)


def long_table() -> pd.DataFrame:
    """The same columns with many rows."""
    return _multiples(LONG, "ABC", seed=102)


def wide_table() -> pd.DataFrame:
    """Columns A (random) to Z = 26 A."""
    return _multiples(WIDE, string.ascii_uppercase, seed=103)


def short_table_of_types() -> pd.DataFrame:
    """Columns of numbers (A, B), text (C), dates (D) and truth values (E)."""
    generator = np.random.Generator(np.random.Philox(key=104))
    letters = generator.choice(list(string.ascii_letters), SHORT)
    return pd.DataFrame(
        {
            "A": generator.integers(0, 10, SHORT, dtype=np.uint8),
            "B": generator.random(SHORT),
            "C": [letter * 3 for letter in letters],
            "D": pd.date_range("2025-01-01", periods=SHORT, freq="D"),
            "E": generator.random(SHORT) < 0.5,
        },
        index=_index(SHORT),
    )


def constants() -> pd.DataFrame:
    """Columns x, y and z of ones, twos and threes."""
    return pd.DataFrame({"x": np.ones(SHORT), "y": 2 * np.ones(SHORT), "z": 3 * np.ones(SHORT)})


def _multiples(rows: int, columns: str, seed: int) -> pd.DataFrame:
    numbers: NDArray[np.float64] = np.random.Generator(np.random.Philox(key=seed)).random(rows)
    return pd.DataFrame({name: factor * numbers for factor, name in enumerate(columns, start=1)}, index=_index(rows))


def _index(rows: int) -> pd.Index:
    return pd.Index(np.arange(rows), name="index")
