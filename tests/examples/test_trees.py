"""The example trees hold what the tutorials show."""

from __future__ import annotations

import string
import subprocess
import sys
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tiledkernel.examples import generated, generated_minimal, nested, numpy_structured_dtypes
from tiledkernel.examples.dynamic import CountingArray
from tiledkernel.slices import cut_shape


def read(node: Any) -> np.ndarray:
    return node.read(cut_shape((), node.structure.shape))


def frame(table: Any) -> Any:
    import pyarrow as pa

    parts = [table.read_partition(number, None) for number in range(table.structure.npartitions)]
    return pa.concat_tables(parts).to_pandas()


def test_the_entries_of_the_demo_come_in_their_order() -> None:
    assert list(generated.tree) == [
        "big_image",
        "small_image",
        "medium_image",
        "sparse_image",
        "awkward_array",
        "tiny_image",
        "tiny_cube",
        "tiny_hypercube",
        "short_table",
        "long_table",
        "wide_table",
        "structured_data",
        "flat_array",
        "low_entropy",
        "high_entropy",
        "dynamic",
    ]
    assert generated.tree.metadata == {}
    assert generated.tree.stale_after == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("key", "shape", "blocks"),
    [
        ("big_image", (10_000, 10_000), 256),
        ("small_image", (300, 300), 1),
        ("medium_image", (1000, 1000), 1),
        ("tiny_image", (50, 50), 1),
        ("tiny_cube", (50, 50, 50), 1),
        ("tiny_hypercube", (50,) * 5, 625),
        ("flat_array", (100,), 1),
        ("low_entropy", (100, 100), 1),
        ("high_entropy", (100, 100), 1),
        ("dynamic", (3, 3), 1),
    ],
)
def test_the_arrays_of_the_demo_are_of_float64(key, shape, blocks) -> None:
    node = generated.tree[key]
    assert node.structure.shape == shape
    assert (node.structure.data_type.kind, node.structure.data_type.itemsize) == ("f", 8)
    assert np.prod([len(lengths) for lengths in node.structure.chunks]) == blocks
    assert node.metadata == {}


def test_one_array_is_orderly_and_one_is_not() -> None:
    assert np.all(read(generated.tree["low_entropy"]) == 1)
    assert len(np.unique(read(generated.tree["high_entropy"]))) == 10_000


@pytest.mark.parametrize(
    ("key", "columns", "rows", "partitions", "color"),
    [
        ("short_table", "ABC", 100, 1, "red"),
        ("long_table", "ABC", 100_000, 5, "green"),
        ("wide_table", string.ascii_uppercase, 10, 1, "red"),
    ],
)
def test_the_tables_of_the_demo_are_multiples_of_a_column(key, columns, rows, partitions, color) -> None:
    table = generated.tree[key]
    assert table.structure.columns == tuple(columns)
    assert table.structure.npartitions == partitions
    assert table.metadata == {"animal": "dog", "color": color}
    read_back = frame(table)
    assert read_back.index.name == "index"
    assert read_back.index.tolist() == list(range(rows))
    for factor, column in enumerate(columns, start=1):
        np.testing.assert_allclose(read_back[column], factor * read_back["A"])


def test_the_pets_are_records() -> None:
    container = generated.tree["structured_data"]
    assert container.metadata == {"animal": "cat", "color": "green"}
    pets = read(container["pets"])
    assert pets.dtype == np.dtype([("name", "<U10"), ("age", "<i4"), ("weight", "<f4")])
    assert pets.tolist() == [("Rex", 9, 81.0), ("Fido", 3, 27.0)]
    assert read(numpy_structured_dtypes.tree["A"]).tolist() == pets.tolist()


def test_the_dynamic_array_counts_every_three_seconds_from_one() -> None:
    now = [100.0]
    node = CountingArray(lambda: now[0])
    seen = []
    for now[0] in (100.0, 102.9, 103.0, 109.5):
        assert node.stamp(None) == node.count
        (value,) = np.unique(read(node))
        seen.append(value)
    assert seen == [1, 1, 2, 4]


def test_the_demo_imports_neither_pandas_nor_pyarrow_before_a_table_is_touched() -> None:
    script = (
        "import sys, tiledkernel.examples.generated as g; heavy = {'pandas', 'pyarrow', 'litestar'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "g.tree['short_table'].metadata, g.tree['short_table'].stamp(None), repr(g.tree['long_table']);"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "g.tree['short_table'].structure;"
        "assert {'pandas', 'pyarrow'} <= set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_table_is_made_once() -> None:
    table = generated.tree["short_table"]
    assert table.read_partition(0, None) is not None
    assert table._table is table._table


def test_the_minimal_tree_holds_constants() -> None:
    tree = generated_minimal.tree
    assert list(tree) == ["A", "B", "C", "D"]
    assert tree.metadata == {"thing": "stuff"}
    assert np.all(read(tree["A"]) == 1)
    assert tree["B"].structure.shape == (100, 100, 100)
    assert tree["C"].structure.npartitions == 3
    table = frame(tree["C"])
    assert len(table) == 100
    assert {name: table[name].unique().tolist() for name in table} == {"x": [1], "y": [2], "z": [3]}


def test_the_nested_tree_has_the_places_of_the_manual() -> None:
    tree = nested.tree
    assert list(tree) == [
        "scalars",
        "nested",
        "tables",
        "structured_data",
        "flat_array",
        "low_entropy",
        "high_entropy",
        "dynamic",
    ]
    assert list(tree["nested"]["images"]) == ["tiny_image", "small_image", "medium_image", "big_image"]
    assert tree["nested"]["images"]["medium_image"].structure.chunks == ((250,) * 4, (100,) * 10)
    assert list(tree["nested"]["cubes"]) == ["tiny_cube", "tiny_hypercube"]
    assert read(tree["nested"]["complex"]).dtype == np.complex128
    assert read(tree["low_entropy"]).dtype == np.int32


def test_scalars_have_no_dimensions() -> None:
    scalars = nested.tree["scalars"]
    assert scalars.metadata == {"numbers": "constants", "precision": 5}
    assert {key: read(scalars[key]).tolist() for key in scalars} == {
        "pi": 3.14159,
        "e_arr": ["2.71828"],
        "fsc": "1/137",
        "fortytwo": 42,
    }


def test_high_entropy_of_the_nested_tree_is_of_small_integers() -> None:
    numbers = read(nested.tree["high_entropy"])
    assert numbers.dtype == np.int64
    assert (numbers.min(), numbers.max()) == (-10, 9)


def test_one_table_of_the_nested_tree_has_many_types() -> None:
    table = frame(nested.tree["tables"]["short_table"])
    assert [dtype.kind for dtype in table.dtypes.drop("C")] == ["u", "f", "M", "b"]
    assert table["C"].str.len().unique().tolist() == [3]
    assert str(table["D"][0].date()) == "2025-01-01"
