"""Bytes that stand for values compare as the values do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiled_sql_catalog.sortable import MAX_KEY, identity, sort_key

from tiledkernel.nodes import values

numbers = (
    st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -0.0, 5e-324, 2**53, 2**53 + 1, 2.0**53, 10**30, 1e30, 1.7976931348623157e308, 10**400])
)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=5)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


@given(numbers, numbers)
def test_numbers_are_in_the_order_of_their_size(one, other):
    assert (sort_key(one) < sort_key(other)) == (one < other)
    assert (sort_key(one) == sort_key(other)) == (one == other)


@given(st.text(max_size=8), st.text(max_size=8))
def test_texts_are_in_the_order_of_code_points(one, other):
    assert (sort_key(one) < sort_key(other)) == (one < other)


@given(anything, anything)
def test_types_and_values_are_in_the_order_of_the_kernel(one, other):
    keys = None if one is None or other is None else (sort_key(one), sort_key(other))
    if keys is not None and max(map(len, keys)) < MAX_KEY:  # of longer ones only the beginning is in order
        assert (keys[0] < keys[1]) == (values.order(one) < values.order(other))


@given(anything, anything)
def test_identities_are_equal_exactly_if_the_values_are(one, other):
    assert (identity(one) == identity(other)) == (values.frozen(one) == values.frozen(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1, "b": [1]}, {"b": [1.0], "a": 1.0}), ([1], [1.0]), (0, -0.0), (2**60, float(2**60))],
)
def test_values_written_differently_have_one_identity(one, other):
    assert identity(one) == identity(other)


def test_long_values_keep_their_identity_in_a_bounded_key():
    one, other = sort_key("x" * 5000 + "a"), sort_key("x" * 5000 + "b")
    assert one != other
    assert one[:MAX_KEY] == other[:MAX_KEY]
    assert len(one) == len(other) < MAX_KEY + 20
