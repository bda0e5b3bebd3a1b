"""The awkward and ragged arrays of the example trees."""

from __future__ import annotations

import awkward
import ragged


def records() -> awkward.Array:
    """Three lists of records, each with a number and a list of numbers."""
    return awkward.Array(
        [
            [{"x": 1.1, "y": [1]}, {"x": 2.2, "y": [1, 2]}],
            [],
            [{"x": 3.3, "y": [1, 2, 3]}],
        ]
    )


def lists() -> ragged.array:
    """Four lists of lists of numbers."""
    return ragged.array([[[1.1, 2.2, 3.3], []], [[4.4]], [], [[5.5, 6.6, 7.7, 8.8], [9.9]]])
