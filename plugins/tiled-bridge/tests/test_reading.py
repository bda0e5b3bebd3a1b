"""Adapters of every family, written by hand: described, read whole and in part, with plain methods and coroutines."""

from __future__ import annotations

import numpy as np
import pytest

from tiledkernel.testing.comparisons import basic_indices

STYLES = ["plain", "promising"]


@pytest.fixture(params=STYLES)
def adapter(request, site):
    """Make an adapter of one of the site's classes, as it is or with coroutines."""

    def make(name, *arguments):
        made = getattr(site, name)(*arguments)
        return made if request.param == "plain" else site.promising(made)

    return make


def test_an_array_is_described_as_its_adapter_says(serve, ask, adapter):
    client = serve({"a": adapter("Image")})
    found = ask(client, "metadata/a").json()["data"]["attributes"]
    assert found["structure_family"] == "array"
    assert found["structure"] == {
        "data_type": {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None},
        "chunks": [[2, 2, 2], [10]],
        "shape": [6, 10],
        "dims": None,
        "resizable": False,
    }
    assert found["specs"] == [{"name": "image", "version": "2"}, {"name": "plain", "version": None}]


def test_every_slice_of_an_array_is_what_numpy_gives(serve, adapter, site):
    client = serve({"a": adapter("Image")})["a"]
    for index in basic_indices((6, 10), 20):
        np.testing.assert_array_equal(client[index], site.NUMBERS[index])


def test_what_lies_in_one_block_is_read_from_that_block(serve, ask, site):
    image = site.Image()
    client = serve({"a": image})
    assert ask(client, "array/block/a?block=1,0&format=json").json() == site.NUMBERS[2:4].tolist()
    assert ask(client, "array/block/a?block=1,0&slice=1,::-3&format=json").json() == site.NUMBERS[3, ::-3].tolist()
    assert ask(client, "array/full/a?slice=4&format=json").json() == site.NUMBERS[4].tolist()
    assert image.calls == [
        ("read_block", (1, 0), ()),
        ("read_block", (1, 0), (1, slice(0, 10, 3))),
        ("read_block", (2, 0), (0, slice(0, 10, 1))),
    ]


def test_what_touches_several_blocks_is_read_at_once(serve, ask, site):
    image = site.Image()
    client = serve({"a": image})
    assert ask(client, "array/full/a?format=json").json() == site.NUMBERS.tolist()
    assert ask(client, "array/full/a?slice=1:3,0&format=json").json() == [10, 20]
    assert image.calls == [("read", ()), ("read", (slice(1, 3, 1), 0))]


def test_an_array_that_cannot_be_read_by_block_is_read_by_slice(serve, site):
    class Whole(site.Image):
        def read_block(self, block, index=()):
            raise NotImplementedError

    np.testing.assert_array_equal(serve({"a": Whole()})["a"].read_block((1, 0)), site.NUMBERS[2:4])


def test_methods_that_take_no_slice_are_sliced_here(serve, site):
    class Simple(site.Image):
        def read(self):
            return self.array

        def read_block(self, block):
            return self.array[2 * block[0] : 2 * block[0] + 2]

    client = serve({"a": Simple()})["a"]
    np.testing.assert_array_equal(client[3, 2:5], site.NUMBERS[3, 2:5])
    np.testing.assert_array_equal(client[1:4:2], site.NUMBERS[1:4:2])


def test_nothing_is_read_of_an_empty_selection(serve, site):
    image = site.Image()
    assert serve({"a": image})["a"][2:2].shape == (0, 10)
    assert image.calls == []


def test_what_is_lazy_is_computed(serve, site):
    class Lazy:
        """Can be awaited, as collections of dask can, but must not be."""

        __dask_graph__ = None

        def __init__(self, array):
            self.array = array

        def __await__(self):
            raise AssertionError("this means something else")

        def compute(self):
            return self.array

    class Image(site.Image):
        def read(self, index=()):
            return Lazy(self.array[index])

    np.testing.assert_array_equal(serve({"a": Image()})["a"][1:4], site.NUMBERS[1:4])


@pytest.mark.parametrize("rows", [6, 8])
def test_an_array_stored_in_another_shape_is_fitted(serve, site, rows):
    """Flat, or with more rows than there were when the structure was told."""

    class Other(site.Image):
        def read(self, index=()):
            stored = np.arange(rows * 10).reshape(rows, 10)
            return stored.reshape(-1) if rows == 6 else stored

    np.testing.assert_array_equal(serve({"a": Other()})["a"][:], site.NUMBERS)


def test_a_table_is_read_by_partition_and_by_column(serve, ask, adapter, site):
    client = serve({"t": adapter("Table")})["t"]
    whole = client.read()
    assert whole["x"].tolist() == [1, 2, 3, 4]
    assert whole.index.tolist() == [10, 11, 12, 13]
    assert whole.index.name == "n"
    assert whole["label"].isna().tolist() == [False, False, True, False]
    assert client.read(["label"]).columns.tolist() == ["label"]
    assert client.read_partition(1)["x"].tolist() == [3, 4]
    assert client["x"][:].tolist() == [1, 2, 3, 4]
    assert ask(client, "array/full/t/x?slice=1:3&format=json").json() == [2, 3]


@pytest.mark.parametrize("shape", ["frame", "arrow", "dict"])
def test_a_table_may_be_read_as_a_frame_arrow_or_a_dictionary(serve, site, shape):
    import pyarrow as pa

    class Other(site.Table):
        def read_partition(self, partition, fields=None):
            frame = super().read_partition(partition, fields)
            if shape == "frame":
                return frame
            table = pa.Table.from_pandas(frame)
            return table if shape == "arrow" else table.to_pydict()

    assert serve({"t": Other()})["t"].read().reset_index().to_dict("list")["x"] == [1, 2, 3, 4]


def test_a_sparse_array_is_read_whole_sliced_and_by_block(serve, adapter, site):
    client = serve({"s": adapter("Sparse")})["s"]
    dense = site.Sparse.coo.todense()
    np.testing.assert_array_equal(client.read().todense(), dense)
    np.testing.assert_array_equal(client[1:3, ::-1].todense(), dense[1:3, ::-1])
    np.testing.assert_array_equal(client.read_block((1, 0)).todense(), dense[2:])
    assert client[3, 3].todense() == 4.0
    assert client[3, 0].todense() == 0.0


def test_an_awkward_array_is_read_by_the_buffers_that_are_wanted(serve, adapter):
    events = adapter("Awkward")
    client = serve({"e": events})["e"]
    assert client["time"].to_list() == [1.5, 2.5]
    assert None not in events.asked
    assert client.read().to_list() == events.array.to_list()


def test_an_awkward_array_without_buffers_of_its_own_is_taken_apart(serve, site):
    class Whole(site.Awkward):
        read_buffers = property()

    assert serve({"e": Whole()})["e"].read().to_list() == site.Awkward.array.to_list()


def test_a_ragged_array_is_read_whole_and_sliced(serve, ask, adapter):
    client = serve({"r": adapter("Ragged")})
    assert ask(client, "ragged/full/r?format=json").json() == [[1.0, 2.0], [3.0], []]
    assert ask(client, "ragged/full/r?slice=0:2,:1&format=json").json() == [[1.0], [3.0]]
    assert ask(client, "ragged/full/r?slice=0,1&format=json").json() == 2.0
    assert ask(client, "ragged/full/r?slice=2,1&format=json").status_code == 422


def test_opaque_bytes_are_listed(serve, site):
    assert serve({"b": site.Opaque({"n": 1})})["b"].metadata == {"n": 1}


def test_an_adapter_is_a_tree_of_its_own(serve, site):
    client = serve(site.Image(metadata={"title": "alone"}))
    assert client.metadata == {"title": "alone"}
    assert client[0, :3].tolist() == [0, 1, 2]
