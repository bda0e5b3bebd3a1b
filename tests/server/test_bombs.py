"""Filters and selections that would cost a naive server its time or its memory."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest


def pairs(name: str, **fields: str) -> bytes:
    return urlencode({f"filter[{name}][condition][{field}]": text for field, text in fields.items()}).encode()


BOMB = "(a+)+$"


@pytest.mark.parametrize(
    "query",
    [
        pairs("regex", key="text", pattern=BOMB),
        pairs("regex", key="text", pattern="(a|aa)+$"),
        pairs("regex", key="text", pattern="(.*a){25}$"),
        pairs("regex", key="text", pattern="(" * 500),
        pairs("regex", key="text", pattern="[a" * 400),
        pairs("regex", key="text", pattern="x" * 5000),
        pairs("eq", key="a", value="[" * 10_000),
        pairs("eq", key="a", value="{" + '"a":' * 2000),
        pairs("eq", key="a", value='"\\ud800'),
        pairs("eq", key="a", value="nan"),
        pairs("in", key="a", value="[" * 90_000),
        pairs("like", key="text", pattern=json.dumps("%a" * 2000)),
        pairs("comparison", operator="lt", key="color", value="[" * 5000),
        pairs("fulltext", text="-" * 90_000),
        pairs("fulltext", text="a" * 200_000),
        pairs("specs", include="{}", exclude="[]"),
        pairs("specs", include="[1]", exclude="[]"),
        pairs("keys_filter", keys="x"),
        pairs("structure_family", value="x" * 50_000),
        b"filter[" * 1000 + b"=1",
        b"filter[regex][condition][key]=a&" * 1500,
        b"&".join(b"filter[eq][condition][key]=k%d&filter[eq][condition][value]=%d" % (n, n) for n in range(900)),
        b"filter[%00][condition][key]=1",
        b"filter[eq][condition][" + b"x" * 50_000 + b"]=1",
        b"filter[" + b"x" * 50_000 + b"][condition][key]=1",
    ],
)
def test_bombs_in_filters(ask, query) -> None:
    assert ask("/api/v1/search/c", query)[0] in (400, 422)
    assert ask("/api/v1/distinct/c", query)[0] in (400, 422)


@pytest.mark.parametrize(
    "query",
    [
        pairs("like", key="text", pattern=json.dumps("%a%a%a%a%a%a%a%a%a%a%b")),
        pairs("regex", key="text", pattern="a*a*a*b"),
        pairs("regex", key="text", pattern="a{1,99999999}"),
        pairs("eq", key="." * 50_000, value="1"),
        pairs("eq", key="a." * 40_000, value="1"),
        pairs("eq", key="a", value="[" * 400 + "]" * 400),
        pairs("in", key="list", value=json.dumps(list(range(10_000)))),
        pairs("fulltext", text="word " * 15_000),
        pairs("keys_filter", keys=json.dumps([f"k{n}" for n in range(10_000)])),
        b"&".join(pairs("fulltext", text=f"w{n}") for n in range(99)),
        b"&".join(pairs("lookup", key=f"n{n}") for n in range(99)),
    ],
)
def test_costly_filters_are_answered_soon(ask, query) -> None:
    assert ask("/api/v1/search/c", query)[0] in (200, 400, 422)


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@,@]"] * 300),
        "[@,@][]|" * 200 + "@",
        "|".join(["[@,@][]"] * 100),
        "|".join(["{a:@,b:@}"] * 200),
        "|".join(["map(&[@,@],[@,@])[]"] * 80),
        "list[*].`[" + ",".join("1" * 300) + "]`[]|[*].`[" + ",".join("1" * 300) + "]`[]",
        "list|" + "|".join(["[*].[@,@][]"] * 100),
        "to_string([@,@])|" * 80 + "@",
        "[to_string(@)]|" * 100 + "@",
        "join(text, [text,text,text])|" + "|".join(["join(@,[@,@,@])"] * 60),
        "[@,@]|" * 100 + "abs(@)",
        "[@,@]|" * 100 + "length(@) == length(@)",
        "([@,@]|" * 60 + "@" + ")" * 60,
        "merge({a:@,b:@},{c:@,d:@})|" * 60 + "@",
        "sort_by([@,@,@,@], &to_string(" + "|".join(["[@,@]"] * 16) + "))",
    ],
)
@pytest.mark.parametrize("path", ["metadata/a", "search/c"])
def test_bombs_in_selections(ask, expression, path) -> None:
    status, detail = ask(f"/api/v1/{path}", urlencode({"select_metadata": expression}).encode())
    assert status == 400
    assert "select_metadata" in detail


@pytest.mark.parametrize(
    "expression",
    [
        "deep" + ".a" * 900,
        "a|" * 900 + "a",
        "[[[[[[[[[[@]]]]]]]]]]",
        "`123456789012345678901234567890`",
        "&color",
        "max(list)",
        "sum(list)",
        "list[99999999999999999999]",
        "list[-99999999999999999999:99999999999999999999]",
        "@",
        "*",
        "list[*]",
        "[].[].[]",
        "list | sort(@) | reverse(@)",
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "application/x-msgpack"])
def test_odd_selections_are_answered(ask, expression, accept) -> None:
    query = urlencode({"select_metadata": expression}).encode()
    assert ask("/api/v1/metadata/a", query, accept=accept)[0] in (200, 400)


@pytest.mark.parametrize(
    "query", [pairs("regex", key="color", pattern="[[a]]"), pairs("regex", key="color", pattern="[a--b]")]
)
def test_patterns_that_libraries_warn_of_are_answered_where_warnings_are_errors(ask, query) -> None:
    assert ask("/api/v1/search/c", query)[0] in (200, 422)
