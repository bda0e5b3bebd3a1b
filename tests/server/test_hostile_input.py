"""Whatever a caller sends: a 4xx with a sentence, soon; never a 500."""

from __future__ import annotations

import json

import pytest

from tiledkernel.access.protocols import Credentials
from tiledkernel.errors import Unauthorized


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("metadata/\x00", 422),
        ("metadata/a\x00b", 422),
        ("array/full/a\x00", 422),
        ("metadata/\ud800", 404),
        ("metadata/\udcff/x", 404),
        ("metadata/c/\ud800", 404),
        ("table/full/t\udcff", 404),
        ("metadata/" + "a/" * 5000, 404),
        ("metadata/" + "x" * 100_000, 404),
        ("metadata/" + "é" * 8000, 404),
        ("metadata/" + "/" * 15_000 + "a", 200),
        ("metadata/" + "/" * 100_000, 404),
        ("metadata/../../etc/passwd", 404),
        ("metadata/..", 404),
        ("asset/bytes/../a", 422),
        ("metadata/.", 404),
        ("metadata/%00", 404),
        ("metadata/\u202e", 404),
        ("metadata/ a", 404),
        ("metadata/A", 404),
        ("metadata/a.json", 404),
        ("metadata/a\r\nset-cookie: x=y", 404),
        ("metadata/{path}", 404),
        ("metadata/__class__", 404),
        ("\x00", 404),
        ("\ud800", 404),
    ],
)
def test_strange_paths(ask, path, status) -> None:
    assert ask(f"/api/v1/{path}")[0] == status


@pytest.mark.parametrize(
    "path", ["/\x00", "/\ud800", "/" + "x" * 100_000, "//", "/..", "/docs/\x00", "/api", "/api/", "/api/v1\x00"]
)
def test_strange_paths_outside_the_api(ask, path) -> None:
    assert ask(path)[0] in (200, 404, 405)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (b"slice=\x00", 422),
        (b"slice=%00", 422),
        (b"%00=1", 422),
        (b"slice=%FF", 422),
        (b"slice=\xff", 422),
        (b"slice=%C3%28", 422),
        (b"slice=%ED%A0%80", 422),
        (b"slice=%zz", 422),
        (b"slice=%", 422),
        (b"slice=%u0030", 422),
        (b"%FF=1", 422),
        (b"slice=" + b"0," * 50_000, 422),
        (b"slice=" + b"9" * 100_000, 422),
        (b"slice=" + b":" * 100_000, 422),
        (b"slice=" + b"-" * 1000, 422),
        (b"slice=0:0:0:0", 422),
        (b"slice=99999999999999999999", 422),
        (b"slice=9999999999999999999", 400),
        (b"slice=-9999999999999999999", 400),
        (b"slice=::9223372036854775807", 200),
        (b"slice=::-9999999999999999999", 200),
        (b"expected_shape=" + b"9" * 100_000, 422),
        (b"expected_shape=" + b"1," * 10_000, 422),
        (b"expected_shape=\xef\xbc\x91", 422),
        (b"format=" + b"x" * 100_000, 406),
        (b"format=" + b"a/b," * 100_000, 406),
        (b"format=%0d%0ax:%20y", 406),
        (b"format=..%2f", 406),
        (b"filename=" + b"x" * 100_000, 200),
        (b"filename=%0d%0a", 200),
        (b"filename=" + b"%F0%9F%92%A9" * 1000, 200),
        (b"x" * 100_000, 422),
        (b"=" * 1000, 200),
        (b"&" * 1999, 200),
        (b"&" * 5000, 422),
        (b"x=1&" * 5000, 422),
        (b"a" * (1 << 21), 422),
        (b"slice=0&slice=1", 200),
        (b"slice=0&slice=x", 422),
        (b"slice[]=0", 422),
        (b"slice=0;format=json", 422),
        (b"__class__=1", 422),
        (b"slice=0#", 422),
        (b"api_key=%00", 422),
        (b"api_key=" + b"x" * 100_000, 401),
        (b"csrf=%C3%A9", 200),
    ],
)
def test_strange_queries(ask, query, status) -> None:
    assert ask("/api/v1/array/full/a", query)[0] == status


@pytest.mark.parametrize("query", [b"filename=%FF", b"filename=\xff", b"filename=%ED%A0%80", b"%FF=1"])
def test_texts_that_are_no_utf8_are_never_guessed(ask, query) -> None:
    status, detail = ask("/api/v1/array/full/a", query)
    assert status == 422
    assert "percent-encode texts as UTF-8" in detail[0]["msg"]


@pytest.mark.parametrize("query", ["é".encode(), b"%C3%A9", b"%c3%a9"])
def test_texts_in_utf8_are_understood_encoded_or_not(hostile_caller, query) -> None:
    message = hostile_caller.raw("/api/v1/array/full/a", b"filename=" + query)[0]
    assert dict(message["headers"])[b"content-disposition"].endswith(b"UTF-8''%C3%A9")


@pytest.mark.parametrize(
    "query",
    [
        b"page[limit]=1" + b"0" * 30,
        b"page[limit]=" + b"9" * 100_000,
        b"page[limit]=-1",
        b"page[limit]=1.5",
        b"page[limit]=NaN",
        b"page[limit]=Infinity",
        b"page[limit]=1e309",
        b"page[limit]=0x10",
        b"page[limit]=",
        b"page[limit]=%20",
        b"page[limit]=null",
        b"page[offset]=-1",
        b"page[offset]=1" + b"0" * 30,
        b"page[cursor]=" + b"9" * 40,
        b"page[cursor]=x",
        b"max_depth=1" + b"0" * 30,
        b"page[limit]=\xd9\xa1",
        b"sort=" + b"a" * 100 + b"!",
        b"sort=" + b"-" * 10_000,
        b"&".join([b"sort=k%d" % n for n in range(100)]),
        b"fields=" + b"x" * 100_000,
        b"fields=metadata&fields=%00",
        b"select_metadata=" + b"a" * 3000,
        b"select_metadata=" + b"[" * 1900,
        b"select_metadata=" + b"(" * 1900,
        b"select_metadata=" + b"!" * 1900,
        b"select_metadata=" + b"`" * 1900,
        b"select_metadata=%60",
        b"select_metadata=%60" + b"[" * 1900,
        b"select_metadata=@." * 3,
        b"select_metadata=list[::0]",
        b"select_metadata=to_number('x').y(",
        b"omit_links=2",
        b"omit_links=" + b"t" * 100_000,
        b"include_data_sources=maybe",
    ],
)
def test_absurd_parameters(ask, query) -> None:
    assert ask("/api/v1/search/c", query)[0] in (400, 422)


def test_many_sort_keys_and_fields_are_taken_or_refused_quickly(ask) -> None:
    assert ask("/api/v1/search/c", b"&".join(b"sort=k%d" % n for n in range(30)))[0] == 200
    assert ask("/api/v1/search/c", b"&".join([b"fields=metadata"] * 1500))[0] == 200


@pytest.mark.parametrize(
    "block",
    [b"99999999999,0", b"0,99999999999", b"9" * 18 + b",0", b"1" * 5000, b"0," * 400, b"-0,0", b"%2B0,0", b"0x0,0"],
)
def test_absurd_blocks(ask, block) -> None:
    assert ask("/api/v1/array/block/a", b"block=" + block)[0] == 422


@pytest.mark.parametrize("number", [b"99999999999", b"-1", b"1" + b"0" * 30, b"1e3", b"x", b"9" * 10_000])
def test_absurd_numbers_of_partitions_and_assets(ask, number) -> None:
    assert ask("/api/v1/table/partition/t", b"partition=" + number)[0] in (400, 422)
    assert ask("/api/v1/asset/bytes/a", b"id=" + number)[0] in (405, 422)


@pytest.mark.parametrize(
    "headers",
    [
        {"accept": "x" * 60_000},
        {"accept": "text/csv;" * 5000},
        {"accept": "\xff\xfe"},
        {"accept": ";q=0.5,,;="},
        {"accept": "*/*;q=nan"},
        {"accept_encoding": "gzip," * 10_000},
        {"accept_encoding": "\xff"},
        {"accept_encoding": "gzip;q=" + "9" * 5000},
        {"if_none_match": '"x",' * 10_000},
        {"if_none_match": "\xff"},
        {"if_none_match": 'W/"'},
        {"range": "bytes=0-1"},
        {"cookie": "=;" * 10_000},
        {"cookie": "tiled_api_key"},
        {"cookie": "\xff=\xff"},
        {"cookie": "tiled_csrf=" + "x" * 50_000},
        {"user_agent": "python-tiled/" + "9" * 5000},
        {"user_agent": "\xff"},
        {"x_tiled_request_id": "x" * 50_000},
        {"x_forwarded_host": "x" * 50_000},
        {"x_forwarded_proto": "\xff"},
        {"origin": "x" * 50_000},
        {"content_length": "-5"},
        {"content_type": "\xff"},
        {"transfer_encoding": "x"},
        {"expect": "x"},
        {"x_csrf": "\xff"},
        {"content_encoding": "gzip"},
    ],
)
@pytest.mark.parametrize("path", ["array/full/a", "metadata/a", "search/c", "nope"])
def test_strange_headers(ask, headers, path) -> None:
    assert ask(f"/api/v1/{path}", **headers)[0] in (200, 401, 404, 406)


@pytest.mark.parametrize(
    "header", ["Apikey \xff", "Apikey " + "x" * 60_000, "Bearer \x7f", "Apikey a b c", "Apikey\ta"]
)
def test_strange_credentials(ask, header) -> None:
    assert ask("/api/v1/metadata/a", authorization=header)[0] in (400, 401)


def test_a_key_with_half_a_character_is_wrong_and_no_more(hostile_caller) -> None:
    with pytest.raises(Unauthorized):
        hostile_caller.app.state.service.accounts.recognise(Credentials(api_key="\ud800"))


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"\x00", "application/json", 422),
        (b"[", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"{}", "application/json", 422),
        (b'"A"', "application/json", 422),
        (b"1", "application/json", 422),
        (b"[[]]", "application/json", 422),
        (b"[null]", "application/json", 422),
        (b'["A"', "application/json", 422),
        (b'["\xff"]', "application/json", 422),
        (b"[NaN]", "application/json", 422),
        (b"A=1", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "application/xml", 415),
        (b"\x92", "application/x-msgpack", 422),
        (b"\x91\xa1\xff", "application/x-msgpack", 422),
        (b"\xdd\xff\xff\xff\xff", "application/x-msgpack", 422),
        (b"\x91" * 50_000, "application/x-msgpack", 422),
        (b" " * (1 << 21), "application/json", 400),
        (b'["A"]' + b" " * (1 << 20), "application/json", 400),
        (b'["' + b"x" * 100_000 + b'"]', "application/json", 400),
        (json.dumps(["A"] * 100_000).encode(), "application/json", 200),
        (json.dumps([f"c{n}" for n in range(50_000)]).encode(), "application/json", 400),
        (b'["A"]', "\xff", 415),
        (b'["\\u0000"]', "application/json", 400),
    ],
)
def test_strange_bodies(ask, body, content_type, status) -> None:
    assert ask("/api/v1/table/full/t", method="POST", body=body, content_type=content_type)[0] == status


@pytest.mark.parametrize("body", [b"x", b"[" * 1000, b" " * (1 << 21)])
def test_bodies_where_none_belongs_are_ignored(ask, body) -> None:
    assert ask("/api/v1/metadata/a", body=body)[0] == 200


def test_the_same_strange_request_twice_is_no_different(ask) -> None:
    for _ in range(2):
        for path in ("metadata/\x00", "metadata/nope", "nope", "metadata/" + "x" * 600):
            assert ask(f"/api/v1/{path}")[0] in (404, 422)


def test_many_different_paths_do_not_fill_the_memory(hostile_caller) -> None:
    table = hostile_caller.app.state.tables["/api/v1"]
    for number in range(6000):
        table.find("GET", f"/metadata/{number}")
        table.find("GET", f"/metadata/{'x' * 10_000}{number}")
    assert len(table._found) <= 4096
    assert max(len(path) for _, path in table._found) <= 500
