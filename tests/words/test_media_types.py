"""Media types: what `Accept` and `format=` ask for, and which suffixes stand for what."""

from __future__ import annotations

import pytest

from tiledkernel.errors import NotAcceptable
from tiledkernel.media_types import (
    ARROW_FILE,
    CSV,
    HDF5,
    JSON,
    Offer,
    join_media_types,
    media_type_of_suffix,
    parse_accept,
    parse_format,
    parse_media_type,
    suffixes_of,
)


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("text/csv", Offer("text/csv")),
        (" Text/CSV ", Offer("text/csv")),
        ("text/csv;header=absent", Offer("text/csv", (("header", "absent"),))),
        ("text/csv; Header=absent; q=0.5", Offer("text/csv", (("header", "absent"),), 0.5)),
        ('text/csv;header="absent"', Offer("text/csv", (("header", "absent"),))),
        ("text/csv;", Offer("text/csv")),
    ],
)
def test_a_media_type_has_a_base_parameters_and_a_quality(text: str, offer: Offer) -> None:
    assert parse_media_type(text) == offer


@pytest.mark.parametrize(
    ("text", "quality"), [("2", 1), ("-1", 0), ("0.25", 0.25), ("", 1), ("x", 1), ("nan", 1), ("inf", 1), ("1e999", 1)]
)
def test_a_quality_lies_between_0_and_1(text: str, quality: float) -> None:
    assert parse_media_type(f"text/csv;q={text}").quality == quality


def test_the_best_quality_comes_first_and_equal_ones_keep_their_order() -> None:
    offers = parse_accept("a/a;q=0.1, b/b, c/c;q=0, d/d, , e/e;q=0.5")
    assert [offer.base for offer in offers] == ["b/b", "d/d", "e/e", "a/a"]


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("csv", CSV),
        ("text/csv", CSV),
        (".csv", CSV),
        ("CSV", CSV),
        ("h5", HDF5),
        ("hdf5", HDF5),
        ("arrow", ARROW_FILE),
        ("feather", ARROW_FILE),
        ("json", JSON),
        ("png", "image/png"),
        ("tif", "image/tiff"),
        ("html", "text/html"),
        ("htm", "text/html"),
        ("txt", "text/plain"),
        ("text", "text/plain"),
        ("parquet", "application/x-parquet"),
        ("nc", "application/netcdf"),
        ("xls", "application/vnd.ms-excel"),
        ("zip", "application/zip"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("xslx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("zzz", "zzz"),
    ],
)
def test_a_format_is_a_suffix_or_a_media_type(text: str, base: str) -> None:
    assert [offer.base for offer in parse_format(text, {})] == [base]


def test_several_formats_are_tried_in_their_order() -> None:
    assert [offer.base for offer in parse_format("zzz,csv", {})] == ["zzz", CSV]


def test_a_format_keeps_its_parameters() -> None:
    assert str(parse_format("text/csv;header=absent", {})[0]) == "text/csv;header=absent"


def test_configured_suffixes_win() -> None:
    assert media_type_of_suffix("csv", {"csv": "text/x-mine"}) == "text/x-mine"
    assert suffixes_of("text/x-mine", {"mine": "text/x-mine", "csv": "text/x-mine"}) == ["mine", "csv"]


@pytest.mark.parametrize("parameter", ["a=b\r\nset-cookie: x=y", "a=b\nc", "a=é", "a b=c", 'a="b', "a=b c", "a=\x00"])
def test_a_format_with_what_no_header_can_hold_is_refused(parameter: str) -> None:
    with pytest.raises(NotAcceptable, match="parameter"):
        parse_format(f"text/csv;{parameter}", {})


def test_malformed_parameters_of_an_accept_header_are_left_out() -> None:
    assert str(parse_accept('text/csv;a="b;c=d')[0]) == "text/csv;c=d"


def test_a_list_for_a_sentence_is_never_empty() -> None:
    assert join_media_types([]) == "none"
    assert join_media_types([CSV, JSON]) == "text/csv, application/json"
