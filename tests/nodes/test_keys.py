"""Keys for names that files give."""

from __future__ import annotations

import pytest

from tiledkernel.nodes.keys import distinct_keys


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["b", "a"], ["b", "a"]),
        (["Sheet 1", "ä", "a.b"], ["Sheet 1", "ä", "a.b"]),
        (["a/b", "a\0b"], ["a_b", "a_b.1"]),
        (["x", "x", "x.1", "x"], ["x", "x.2", "x.1", "x.3"]),
        (["", ".", "..", "..."], ["_", "_.", "_..", "_..."]),
        ([], []),
    ],
)
def test_every_name_has_a_key_of_its_own(names, keys):
    assert distinct_keys(names) == keys
