"""Control messages: what scientists put into metadata, in both encodings."""

from __future__ import annotations

import datetime
import enum
import json
import math
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import msgspec
import numpy as np
import pytest

from tiledkernel.wire import (
    BYTES_PREFIX,
    Written,
    decode_json,
    digest,
    encode_json,
    encode_msgpack,
    plain,
    prefers_msgpack,
)

NOON = datetime.datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=datetime.UTC)


class Color(enum.Enum):
    RED = "red"


class Lazy(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return {"a": np.int64(1)}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


def as_json(value: Any) -> Any:
    body = encode_json(plain(value))
    json.loads(body, parse_constant=pytest.fail)  # NaN and Infinity are no JSON
    return decode_json(body)


def as_msgpack(value: Any) -> Any:
    return msgspec.msgpack.decode(encode_msgpack(plain(value)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (1.5, 1.5),
        ("é", "é"),
        ((1, 2), [1, 2]),
        ({3}, [3]),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (OrderedDict(a=1), {"a": 1}),
        (Lazy(), {"a": 1}),
        (np.int16(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.float16(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.bool_(1), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(3), 3),
        (np.array([0.5], np.longdouble), [0.5]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([(1, "a")], dtype=[("x", "i4"), ("y", "U1")]), [[1, "a"]]),
        (np.array([1, None], dtype=object), [1, None]),
        (1 + 2j, [1.0, 2.0]),
        (np.complex64(1 + 2j), [1.0, 2.0]),
        (np.array([1 + 2j], np.clongdouble), [[1.0, 2.0]]),
        (np.datetime64("2026-01-02T03:04:05.123456789", "ns"), "2026-01-02T03:04:05.123456789"),
        (np.array(["2026-01-02", "NaT"], "M8[D]"), ["2026-01-02", None]),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Color.RED, "red"),
        (PurePosixPath("/a/b"), "/a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (range(2), "range(0, 2)"),
    ],
)
def test_a_value_is_the_same_in_json_and_in_msgpack(value: Any, expected: Any) -> None:
    assert as_json(value) == expected
    assert as_msgpack(value) == expected


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_json_has_no_number_for_is_null_there_and_itself_in_msgpack(value: float) -> None:
    assert as_json([value]) == [None]
    np.testing.assert_equal(as_msgpack([value]), [float(value)])


@pytest.mark.parametrize("value", [b"ab", bytearray(b"ab"), memoryview(b"ab"), np.bytes_(b"ab"), np.void(b"ab")])
def test_bytes_are_a_data_uri_in_json_and_binary_in_msgpack(value: Any) -> None:
    assert as_json({"a": value}) == {"a": BYTES_PREFIX + "YWI="}
    assert as_msgpack({"a": value}) == {"a": b"ab"}


def test_a_moment_is_iso_text_in_json_and_a_timestamp_in_msgpack() -> None:
    assert as_json(NOON) == "2026-01-02T12:00:00.123456Z"
    assert as_msgpack(NOON) == NOON


def test_a_moment_without_an_offset_is_local_time() -> None:
    assert as_msgpack(NOON.astimezone().replace(tzinfo=None)) == NOON


@pytest.mark.parametrize(
    "moment",
    [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)],  # noqa: DTZ001 - without an offset on purpose
)
def test_the_ends_of_the_calendar_can_be_written(moment: datetime.datetime) -> None:
    assert as_json(moment).startswith(str(moment.year).rjust(4, "0"))


def test_integers_of_any_size_are_numbers() -> None:
    assert as_json(2**70) == 2**70
    assert as_msgpack([2**70, -(2**70)]) == [2.0**70, -(2.0**70)]
    assert as_msgpack(10**400) == math.inf


def test_integers_of_any_size_are_numbers_also_in_what_rests_as_json() -> None:
    message = {"metadata": Written(f'{{"a":[{2**70}],"b":1}}')}
    assert decode_json(encode_json(message)) == {"metadata": {"a": [2**70], "b": 1}}
    assert msgspec.msgpack.decode(encode_msgpack(message)) == {"metadata": {"a": [2.0**70], "b": 1}}


@pytest.mark.parametrize("text", ["\ud800", "caf\udce9"])
def test_text_that_is_no_unicode_is_readable_all_the_same(text: str) -> None:
    message = {text: [text, b"a", 2**70]}
    assert as_json(message) == {text[:-1] + "?": [text[:-1] + "?", BYTES_PREFIX + "YQ==", 2**70]}
    assert as_msgpack(message) == {text[:-1] + "?": [text[:-1] + "?", b"a", 2.0**70]}


def test_json_is_compact() -> None:
    assert encode_json({"a": [1, 2]}) == b'{"a":[1,2]}'


@pytest.mark.parametrize(
    ("accept", "msgpack"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/x-msgpack", True),
        ("application/x-msgpack, application/json", True),
        ("application/json, application/x-msgpack", False),
        ("application/x-msgpack;q=1", True),
        ("application/x-msgpack;q=0, */*", False),
        ("application/x-msgpack;q=0.0", False),
        ("text/html, application/x-msgpack", True),
        ("text/html,*/*;q=0.1,application/x-msgpack", False),
        ("image/png", False),
        ("nonsense;;;,,,", False),
    ],
)
def test_msgpack_is_sent_to_those_who_name_it_first(accept: str, *, msgpack: bool) -> None:
    assert prefers_msgpack(accept) is msgpack


def test_a_digest_tells_bodies_apart() -> None:
    assert digest(b"a") == digest(b"a") != digest(b"b")
