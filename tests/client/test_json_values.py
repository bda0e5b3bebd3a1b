"""What scientists put into metadata, as it is stored."""

from __future__ import annotations

import datetime
import enum
import math
import uuid
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tiledkernel.client.json_values import as_json

BERLIN = datetime.timezone(datetime.timedelta(hours=1))


class Shape(enum.Enum):
    ROUND = "round"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=BERLIN), "2026-01-02T03:04:05+01:00"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC), "2026-01-02T03:04:05.000006Z"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (pd.Timestamp("2026-01-02T03:04:05", tz="UTC"), "2026-01-02T03:04:05Z"),
        (pd.NaT, None),
        (np.datetime64("2026-01-02T03:04:05.123456789"), "2026-01-02T03:04:05.123456789"),
        (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
        (np.float32(0.5), 0.5),
        (np.array([1.0, math.nan]), [1.0, None]),
        (np.bool_(1), True),
        (math.nan, None),
        (-math.inf, None),
        (b"\x00\xff", "data:application/octet-stream;base64,AP8="),
        (1 + 2j, [1.0, 2.0]),
        ((1, {2}), [1, [2]]),
        (Shape.ROUND, "round"),
        (PurePosixPath("/a/b"), "/a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({1: {"x": None}}, {"1": {"x": None}}),
        (2**63, 2**63),
    ],
)
def test_each_kind_of_value_becomes_what_json_has(value: Any, stored: Any) -> None:
    found = as_json({"key": value})["key"]
    assert (found, type(found)) == (stored, type(stored))


def test_a_time_without_a_zone_is_that_of_the_writers_clock() -> None:
    local = datetime.datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - that is what is tested
    assert datetime.datetime.fromisoformat(as_json(local)) == local.astimezone()


def test_the_copy_shares_nothing_with_the_original() -> None:
    inner = {"a": [1]}
    stored = as_json({"inner": inner})
    inner["a"].append(2)
    assert stored == {"inner": {"a": [1]}}


def test_what_cannot_be_stored_is_named() -> None:
    with pytest.raises(TypeError, match=r"metadata.a\[1\].b cannot be stored: <object .* is of type 'object'"):
        as_json({"a": [1, {"b": object()}]})


@pytest.mark.parametrize("number", [1 << 64, -(1 << 63) - 1])
def test_a_number_that_most_readers_would_not_get_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=rf"metadata.a.b\[1\] cannot be stored: {number} has more than 64 bits"):
        as_json({"a": {"b": [1, number]}})


def test_metadata_that_contain_themselves_are_refused() -> None:
    inner: dict[str, Any] = {}
    inner["again"] = inner
    with pytest.raises(ValueError, match="nested too deeply, or contain themselves"):
        as_json(inner)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="half of a character"):
        as_json({"name": "\ud800"})
