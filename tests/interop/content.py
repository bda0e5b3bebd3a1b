"""What both servers serve: one description of a tree, without a word of either.

It runs in the environments of both, so it imports nothing but the libraries of the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import awkward
import numpy as np
import pandas as pd
import ragged
import sparse
import xarray


@dataclass
class Described:
    """What every node has besides its data."""

    metadata: dict[str, Any] = field(default_factory=dict, kw_only=True)
    specs: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass
class Box(Described):
    """A container."""

    children: dict[str, Any]


@dataclass
class Numbers(Described):
    """An array in chunks of these lengths, or in one chunk."""

    values: Any
    chunks: tuple[tuple[int, ...], ...] | None = None
    dims: tuple[str, ...] | None = None


@dataclass
class Frame(Described):
    """A table."""

    values: pd.DataFrame
    npartitions: int = 1


@dataclass
class Sparse(Described):
    """A sparse array."""

    values: sparse.COO


@dataclass
class Awkward(Described):
    """Nested lists and records."""

    values: awkward.Array


@dataclass
class Ragged(Described):
    """Nested lists of numbers."""

    values: Any


@dataclass
class Dataset(Described):
    """Variables with their coordinates."""

    values: xarray.Dataset


COUNTING = np.arange(600, dtype=np.float64).reshape(20, 30)
PETS = np.array([("Rex", 9, 81.0), ("Fido", 3, 27.0)], [("name", "<U10"), ("age", "<i4"), ("weight", "<f4")])
ROWS = pd.DataFrame(
    {
        "number": np.arange(9),
        "half": np.arange(9) / 2,
        "letter": list("abcdefghi"),
        "even": np.arange(9) % 2 == 0,
        "day": pd.date_range("2026-01-01", periods=9, unit="ns"),
        "gap": [1.0, np.nan, 3.0] * 3,
    },
    index=pd.Index(np.arange(9), name="index"),
)
EMPTY = pd.DataFrame({"x": np.zeros(0), "y": np.zeros(0, int)})
POINTS = sparse.COO(np.array([[0, 1, 3, 9], [0, 5, 2, 7]]), np.array([1.0, 2.5, -3.0, 4.0]), shape=(10, 8))
RECORDS = awkward.Array([[{"x": 1.1, "y": [1]}, {"x": 2.2, "y": [1, 2]}], [], [{"x": 3.3, "y": [1, 2, 3]}]])
LISTS = ragged.array([[[1.1, 2.2, 3.3], []], [[4.4]], [], [[5.5, 6.6, 7.7, 8.8], [9.9]]])
WEATHER = xarray.Dataset(
    {
        "warmth": (("x", "y", "time"), np.arange(12.0).reshape(2, 2, 3)),
        "rain": (("x", "y", "time"), np.arange(12.0).reshape(2, 2, 3) / 8),
    },
    coords={
        "lon": (("x", "y"), [[-99.83, -99.32], [-99.79, -99.23]]),
        "time": pd.date_range("2014-09-06", periods=3, unit="ns"),
    },
    attrs={"station": "roof"},
)
COOLING = xarray.Dataset({"warmth": ("time", [100, 99, 98])}, coords={"time": [1, 2, 3]})

KINDS = Box(
    {
        "bytes": Numbers(np.array([b"ab", b"c"], "S3")),
        "bool": Numbers(np.array([True, False, True])),
        "int8": Numbers(np.array([[-128, 127]], np.int8)),
        "uint64": Numbers(np.array([0, 2**64 - 1], np.uint64)),
        "big_endian": Numbers(np.arange(6, dtype=">i4").reshape(2, 3)),
        "half": Numbers(np.array([0.5, -1.5], np.float16)),
        "complex": Numbers(np.array([1 + 2j, 3 - 4j])),
        "text": Numbers(np.array(["red", "grün", "日本"])),
        "dates": Numbers(np.array(["2026-01-01", "NaT"], "datetime64[s]")),
        "spans": Numbers(np.array([1, -5], "timedelta64[ms]")),
        "nan": Numbers(np.array([np.nan, np.inf, -0.0])),
        "scalar": Numbers(np.array(42)),
        "empty": Numbers(np.zeros((0, 3))),
        "pets": Numbers(PETS),
    }
)
SEARCHED = Box(
    {
        "rose": Numbers(
            np.zeros(2),
            metadata={
                "color": "red",
                "n": 1,
                "tags": ["thorn", "scent"],
                "who": {"name": "Ann"},
                "note": "a red flower",
            },
            specs=("plant", "garden"),
        ),
        "brick": Numbers(np.ones(2), metadata={"color": "red", "n": 10, "tags": [], "none": None}),
        "sea": Box({}, metadata={"color": "blue", "n": 2, "who": {"name": "Bob"}, "note": "deep water"}),
        "moss": Numbers(np.zeros(1), metadata={"color": "green", "n": 2.5, "flag": True}, specs=("plant",)),
        "bare": Numbers(np.zeros(1)),
    },
    metadata={"title": "things to find"},
)
DESCRIPTION = Box(
    {
        "image": Numbers(COUNTING, ((10, 10), (10, 10, 10)), ("row", "column"), metadata={"units": "K"}),
        "cube": Numbers(np.arange(24, dtype=np.int32).reshape(2, 3, 4)),
        "line": Numbers(np.linspace(0, 1, 100), ((7,) * 14 + (2,),)),
        "kinds": KINDS,
        "rows": Frame(ROWS, 3, metadata={"animal": "dog"}, specs=("measured",)),
        "one_part": Frame(ROWS),
        "no_rows": Frame(EMPTY),
        "points": Sparse(POINTS, metadata={"kept": 4}),
        "records": Awkward(RECORDS, metadata={"kept": 3}),
        "lists": Ragged(LISTS),
        "weather": Dataset(WEATHER),
        "cooling": Dataset(COOLING),
        "search": SEARCHED,
        "many": Box({f"k{number:03}": Numbers(np.array(number), metadata={"n": -number}) for number in range(120)}),
        "empty": Box({}),
        "deep": Box({"er": Box({"est": Numbers(np.arange(3), metadata={"color": "red"})}, metadata={"color": "red"})}),
        "odd name": Numbers(np.arange(2)),
        "ü": Numbers(np.arange(3)),
        "a+b (c)": Numbers(np.arange(4)),
    },
    metadata={"made": "for two servers", "list": [1, 2.5, None, True]},
)
