"""The rules of RFC 9111, on headers alone."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import httpx
import pytest

from tiledkernel.client import freshness

NOON = freshness.parse_date("Sat, 21 Nov 2026 12:00:00 GMT")
assert NOON is not None
DATE = ("date", "Sat, 21 Nov 2026 12:00:00 GMT")
TEN_MINUTES_LATER = "Sat, 21 Nov 2026 12:10:00 GMT"
TAG = ("etag", '"abc"')


def headers(*pairs: tuple[str, str], **values: str) -> httpx.Headers:
    return httpx.Headers([*pairs, *((name.replace("_", "-"), value) for name, value in values.items())])


NONE = headers()


def test_directives_are_read_with_and_without_quotes() -> None:
    said = freshness.directives(headers(cache_control='Private="set-cookie, x", max-age=10 ,no-cache'))
    assert said == {"private": "set-cookie, x", "max-age": "10", "no-cache": ""}


def test_directives_may_be_spread_over_several_headers() -> None:
    said = freshness.directives(headers(("cache-control", "private"), ("cache-control", "max-age=1")))
    assert said == {"private": "", "max-age": "1"}


def test_the_first_of_two_contradicting_directives_counts() -> None:
    assert freshness.directives(headers(cache_control="max-age=1, max-age=99"))["max-age"] == "1"


# May it be looked for, may it be stored


def test_a_plain_get_may_be_answered() -> None:
    assert freshness.may_answer("GET", headers(accept="application/json"))


@pytest.mark.parametrize(
    ("method", "request_headers"),
    [
        ("POST", NONE),
        ("HEAD", NONE),
        ("GET", headers(cache_control="no-cache, no-store")),
        ("GET", headers(range="bytes=0-9")),
        ("GET", headers(if_none_match='"abc"')),
        ("GET", headers(if_modified_since=DATE[1])),
    ],
)
def test_what_asks_for_something_else_is_not_answered(method: str, request_headers: httpx.Headers) -> None:
    assert not freshness.may_answer(method, request_headers)


@pytest.mark.parametrize(
    "response",
    [
        headers(TAG),
        headers(TAG, cache_control="private"),
        headers(TAG, cache_control="no-cache"),
        headers(TAG, cache_control="s-maxage=0"),
        headers(cache_control="max-age=10"),
        headers(DATE, expires=TEN_MINUTES_LATER),
        headers(TAG, vary="Accept, Accept-Encoding"),
    ],
)
def test_an_answer_that_can_be_of_use_again_may_be_stored(response: httpx.Headers) -> None:
    assert freshness.may_store("GET", headers(authorization="Apikey secret"), 200, response)


@pytest.mark.parametrize(
    "response",
    [
        NONE,
        headers(DATE),
        headers(TAG, cache_control="no-store"),
        headers(TAG, cache_control="max-age=60, No-Store"),
        headers(TAG, vary="*"),
        headers(TAG, vary="Accept, *"),
        headers(cache_control="max-age=0"),
        headers(cache_control="max-age=soon"),
        headers(cache_control="no-cache, max-age=60"),
        headers(DATE, expires="0"),
        headers(expires=TEN_MINUTES_LATER),
    ],
)
def test_an_answer_that_cannot_be_of_use_again_is_not_stored(response: httpx.Headers) -> None:
    assert not freshness.may_store("GET", NONE, 200, response)


@pytest.mark.parametrize("status", [201, 203, 206, 301, 304, 404, 500])
def test_only_a_whole_answer_is_stored(status: int) -> None:
    assert not freshness.may_store("GET", NONE, status, headers(TAG))


@pytest.mark.parametrize(
    ("method", "request_headers"),
    [("POST", NONE), ("HEAD", NONE), ("GET", headers(cache_control="no-store")), ("GET", headers(range="bytes=0-"))],
)
def test_what_the_request_rules_out_is_not_stored(method: str, request_headers: httpx.Headers) -> None:
    assert not freshness.may_store(method, request_headers, 200, headers(TAG))


# For how long


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (headers(TAG), None),
        (headers(cache_control="must-revalidate"), None),
        (headers(cache_control="max-age=60"), 60),
        (headers(cache_control='max-age="60"'), 60),
        (headers(cache_control="MAX-AGE=60"), 60),
        (headers(cache_control="max-age=-1"), 0),
        (headers(cache_control="max-age"), 0),
        (headers(cache_control="max-age=1.5"), 0),
        (httpx.Headers([(b"cache-control", b"max-age=\xb2")]), 0),  # a superscript is a digit, but no number
        (headers(cache_control="max-age=" + "9" * 5000), 2**31),
        (headers(cache_control="max-age=60, no-cache"), 0),
        (headers(cache_control='max-age=60, no-cache="x"'), 0),
        (headers(cache_control="s-maxage=60"), None),
        (headers(DATE, expires=TEN_MINUTES_LATER), 600),
        (headers(DATE, cache_control="max-age=60", expires=TEN_MINUTES_LATER), 60),
        (headers(DATE, expires=DATE[1]), 0),
        (headers(DATE, expires="-1"), 0),
        (headers(DATE, expires=""), 0),
        (headers(date=TEN_MINUTES_LATER, expires=DATE[1]), 0),
        (headers(expires=TEN_MINUTES_LATER), 600),
        (headers(date="yesterday", expires=TEN_MINUTES_LATER), 600),
    ],
)
def test_the_lifetime_is_what_the_server_says(response: httpx.Headers, seconds: float | None) -> None:
    assert freshness.lifetime(response, received=NOON) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 21 Nov 2026 12:00:00 GMT",
        "Saturday, 21-Nov-26 12:00:00 GMT",
        "Sat Nov 21 12:00:00 2026",
        "Sat, 21 Nov 2026 12:00:00 -0000",
    ],
)
def test_dates_of_all_three_forms_are_understood(text: str) -> None:
    assert freshness.parse_date(text) == 1795262400.0


@pytest.mark.parametrize("text", ["", "0", "tomorrow", "Sat, 99 Nov 2026 12:00:00 GMT", "Sat, 21 Nov 99999 1:0:0 GMT"])
def test_other_dates_are_none(text: str) -> None:
    assert freshness.parse_date(text) is None


@pytest.mark.parametrize(
    ("response", "received", "seconds"),
    [
        (NONE, NOON, 30),
        (headers(DATE), NOON, 30),
        (headers(DATE), NOON + 5, 35),  # five seconds on the way
        (headers(DATE), NOON - 5, 30),  # the server's clock is ahead of ours
        (headers(DATE, age="7"), NOON + 5, 37),  # another cache had it
        (headers(DATE, age="old"), NOON, 30),
    ],
)
def test_the_age_counts_the_way_and_the_rest_here(response: httpx.Headers, received: float, seconds: float) -> None:
    assert freshness.age(response, received, received + 30) == seconds


def test_after_the_clock_was_set_back_nothing_counts_as_young() -> None:
    assert freshness.age(NONE, NOON, NOON - 1) == math.inf


@pytest.mark.parametrize(("later", "fresh"), [(0, True), (599, True), (600, False), (10**9, False), (-1, False)])
def test_an_answer_is_fresh_until_it_expires(later: float, *, fresh: bool) -> None:
    response = headers(DATE, TAG, expires=TEN_MINUTES_LATER)
    assert freshness.is_fresh(NONE, response, NOON, NOON + later) is fresh


def test_an_answer_of_which_the_server_says_nothing_is_never_fresh() -> None:
    assert not freshness.is_fresh(NONE, headers(DATE, TAG), NOON, NOON)


@pytest.mark.parametrize(
    ("wish", "fresh"),
    [("no-cache", False), ("max-age=0", False), ("max-age=29", False), ("max-age=31", True), ("max-age=x", False)],
)
def test_a_request_may_want_a_younger_answer(wish: str, *, fresh: bool) -> None:
    response = headers(DATE, TAG, cache_control="max-age=60")
    assert freshness.is_fresh(headers(cache_control=wish), response, NOON, NOON + 30) is fresh


# Revalidation


@pytest.mark.parametrize("tag", ['"abc"', 'W/"abc"', "05d753f623b7a2ee46dda69c34ea7bf0", '"abc+zstd"'])
def test_the_tag_is_sent_back_letter_by_letter(tag: str) -> None:
    assert freshness.revalidation_headers(headers(etag=tag)) == {"if-none-match": tag}


def test_without_a_tag_there_is_nothing_to_ask_about() -> None:
    assert freshness.revalidation_headers(headers(DATE)) == {}


def test_a_tag_that_cannot_be_sent_back_is_no_tag() -> None:
    response = httpx.Headers([(b"etag", b'"\xff"')])
    assert freshness.revalidation_headers(response) == {}
    assert not freshness.may_store("GET", NONE, 200, response)


def test_what_belongs_to_the_connection_or_is_secret_is_not_stored() -> None:
    response = headers(
        TAG,
        ("set-cookie", "tiled_api_key=secret"),
        ("connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("x-tiled-request-id", "5ad7"),
        ("content-type", "application/json"),
    )
    assert freshness.to_store(response).multi_items() == [TAG, ("content-type", "application/json")]


def test_a_304_renews_the_headers_and_keeps_those_of_the_body() -> None:
    stored = headers(
        DATE, TAG, content_type="application/json", content_encoding="zstd", content_length="9", expires=DATE[1], x="1"
    )
    newer = headers(
        date=TEN_MINUTES_LATER, etag='"abc+zstd"', expires=TEN_MINUTES_LATER, content_length="0", set_cookie="secret"
    )
    assert freshness.merge(stored, newer) == headers(
        TAG,
        content_type="application/json",
        content_encoding="zstd",
        content_length="9",
        x="1",
        date=TEN_MINUTES_LATER,
        expires=TEN_MINUTES_LATER,
    )


def test_a_header_that_a_304_repeats_replaces_all_older_ones() -> None:
    merged = freshness.merge(headers(("X", "1"), ("X", "2")), headers(("x", "3"), ("x", "4")))
    assert merged.get_list("x") == ["3", "4"]


# Vary


@pytest.mark.parametrize(
    ("vary", "now", "same"),
    [
        ("", {}, True),
        ("Accept-Language", {}, False),
        ("Accept-Language", {"accept-language": "de,  en"}, True),
        ("accept-language , Origin", {"accept-language": "de, en"}, True),
        ("Origin", {"accept-language": "fr"}, True),
        ("Accept-Encoding", {"accept-encoding": "gzip"}, True),
    ],
)
def test_a_request_selects_an_answer_by_the_headers_in_vary(vary: str, now: Any, *, same: bool) -> None:
    asked = headers(("accept-language", "de"), ("accept-language", "en"), accept_encoding="zstd")
    values = freshness.varied(asked, headers(vary=vary))
    assert freshness.selects(httpx.Headers(now), values) is same


@pytest.mark.parametrize(
    ("coding", "offered", "taken"),
    [
        (None, "", True),
        ("identity", "", True),
        ("zstd", "gzip, deflate, zstd", True),
        ("zstd", "gzip, deflate, zstd, blosc2", True),
        ("blosc2", "gzip, deflate, zstd", False),
        ("ZSTD", "zstd;q=0.5", True),
        ("zstd", "gzip, zstd;q=0", False),
        ("zstd", "identity", False),
        ("gzip, zstd", "gzip", False),
        ("gzip, zstd", "zstd, gzip", True),
    ],
)
def test_the_stored_coding_must_be_among_those_offered(coding: str | None, offered: str, *, taken: bool) -> None:
    response = headers() if coding is None else headers(content_encoding=coding)
    assert freshness.accepts_coding(headers(accept_encoding=offered), response) is taken


def test_the_rules_need_no_clock_and_no_file() -> None:
    script = "import tiledkernel.client.freshness, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"sqlite3", "numpy", "litestar"} & set(loaded)
