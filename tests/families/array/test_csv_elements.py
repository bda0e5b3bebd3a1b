"""CSV cells of elements that are no plain numbers."""

from __future__ import annotations

import numpy as np
import pytest

RECORDS = np.array(
    [("=1+1", 1.5, "2026-01-02T03:04:05.123456789", (1, 2)), ("b", np.nan, "NaT", (3, 4))],
    [("name", "U4"), ("x", ">f8"), ("when", ">M8[ns]"), ("pair", "i2", (2,))],
)


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (RECORDS, "'=1+1,1.5,2026-01-02T03:04:05.123456789,[1 2]\nb,nan,NaT,[3 4]\n"),
        (np.array([(90,)], [("lasts", "m8[s]")]), "90 seconds\n"),
        (np.array([[b"\1\2", b"\3\4"]], "V2"), "0102,0304\n"),
        (np.array([b"\1\2"], "V2"), "0102\n"),
    ],
)
def test_records_and_raw_bytes_have_cells(connect, array, text) -> None:
    response = connect({"a": array}).get("array/full/a?format=csv")
    assert response.status_code == 200
    assert response.text == text
