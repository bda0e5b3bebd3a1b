"""Which reader claims which file."""

from __future__ import annotations

import pytest

from tiledkernel.errors import AmbiguousName
from tiledkernel.nodes.readers import Claim, ReaderTable, suffixes_of
from tiledkernel.records import Reader


def reader(media_type: str = "image/tiff", **options) -> Reader:
    return Reader(media_type=media_type, open="module:open", **options)


def test_suffixes_are_tried_from_the_longest() -> None:
    assert list(suffixes_of("thing.TAR.gz")) == [".tar.gz", ".gz"]
    assert list(suffixes_of("thing")) == []


def test_a_reader_is_found_by_suffix_media_type_and_signature() -> None:
    tiff = reader(suffixes=(".TIF", ".tiff"), signatures=(b"II*\0", b"MM\0*"))
    table = ReaderTable([(tiff, "tiff")])
    claim = Claim(tiff, "tiff")
    assert table.of_suffix(".tif") == claim
    assert table.by_media_type("image/tiff") == claim
    assert table.by_signature(b"MM\0*rest") == claim
    assert table.by_signature(b"MM") is None
    assert table.of_suffix(".png") is None
    assert table.signature_length == 4


def test_the_longest_signature_decides() -> None:
    short, long = reader(signatures=(b"AB",)), reader("image/long", signatures=(b"ABCD",))
    table = ReaderTable([(short, "short"), (long, "long")])
    assert table.by_signature(b"ABCDE") == Claim(long, "long")
    assert table.by_signature(b"ABX") == Claim(short, "short")


def test_files_and_directories_may_share_a_suffix() -> None:
    file, directory = reader(suffixes=(".parquet",)), reader(suffixes=(".parquet",), directory=True)
    table = ReaderTable([(file, "p"), (directory, "p")])
    assert table.of_suffix(".parquet") == Claim(file, "p")
    assert table.of_suffix(".parquet", directory=True) == Claim(directory, "p")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (reader("a/a", suffixes=(".x",)), reader("b/b", suffixes=(".X",))),
        (reader(), reader()),
        (reader("a/a", signatures=(b"S",)), reader("b/b", signatures=(b"S",))),
    ],
)
def test_two_plugins_that_claim_one_thing_are_both_named(one, two) -> None:
    with pytest.raises(AmbiguousName, match=r"'first'.*'second'"):
        ReaderTable([(one, "first"), (two, "second")])


@pytest.mark.parametrize("preferred", ["first", "second"])
def test_the_configuration_decides_between_plugins(preferred) -> None:
    readers = [(reader("a/a", suffixes=(".x",)), "first"), (reader("b/b", suffixes=(".x",)), "second")]
    claim = ReaderTable(readers, {".x": preferred}).of_suffix(".x")
    assert claim is not None
    assert claim.plugin == preferred


def test_readers_that_want_one_call_share_a_lock_per_plugin() -> None:
    one, two = reader("a/a", concurrency="one"), reader("b/b", concurrency="one")
    assert Claim(one, "h5").guard is Claim(two, "h5").guard
    assert Claim(one, "h5").guard is not Claim(two, "other").guard


def test_the_guard_of_other_readers_excludes_nobody() -> None:
    claim = Claim(reader(), "tiff")
    with claim.guard, claim.guard:
        assert claim.guard is not Claim(reader(concurrency="one"), "tiff").guard
