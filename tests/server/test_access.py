"""Who may ask what: keys in all their places, forged requests, and every route with every credential."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tiledkernel.access.scopes import ANONYMOUS, SINGLE_USER
from tiledkernel.composition import Composition
from tiledkernel.errors import ConfigurationError
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

KEY = "secret"
TREE = {"a": np.arange(4.0), "t": pd.DataFrame({"A": [1]}), "c": {"x": np.arange(2)}}
KERNEL = Composition(discover(third_party=False))
NEEDED = {
    "/array/full/{path}": "a",
    "PATCH /array/full/{path}": "a?offset=0&shape=4",
    "/array/block/{path}": "a?block=0",
    "/table/full/{path}": "t",
    "/table/partition/{path}": "t?partition=0",
    "/container/full/{path}": "c?format=json",
    "/distinct/{path}": "c",
    "/search/{path}": "c",
    "/search-deep/{path}": "c",
    "/metadata/{path}": "a",
    "/asset/bytes/{path}": "a?id=1",
    "/asset/manifest/{path}": "a?id=1",
    "/asset/{path}": "a?id=1",
    "/data_source/{path}": "a",
    "/register/{path}": "c",
    "/revisions/{path}": "a",
    "DELETE /revisions/{path}": "a?number=1",
    "/node/full/{path}": "t",
}


def routes() -> list[tuple[str, str, frozenset[str]]]:
    """Every route of a server: method, a path that it answers, and the scopes that it needs."""
    app = build_app(TREE, composition=KERNEL)
    found = []
    for prefix, table in app.state.tables.items():
        for route in table.routes:
            for method in route.methods:
                needed = NEEDED.get(f"{method} {route.path}") or NEEDED.get(route.path, "")
                found.append((method, prefix + route.path.replace("{path}", needed), route.scopes))
    return found


MATRIX = [
    (method, path, scopes, who)
    for method, path, scopes in routes()
    for who in ("nobody, private", "nobody, public", "key", "wrong key")
]


@pytest.mark.parametrize(("method", "path", "scopes", "who"), MATRIX)
def test_every_route_asks_who_is_there(connect, method, path, scopes, who) -> None:
    caller = connect(TREE, public=who == "nobody, public")
    headers = {"authorization": f"Apikey {KEY if who == 'key' else 'wrong'}"} if "key" in who else {}
    response = caller.request(method, path, headers=headers)
    held = {"nobody, private": frozenset(), "nobody, public": ANONYMOUS, "key": SINGLE_USER, "wrong key": frozenset()}
    refused = who == "wrong key" or not scopes <= held[who]
    if refused:
        assert response.status_code == 401
        assert response.headers["x-tiled-root"] == "http://data.example/api/v1"
        assert response.headers["www-authenticate"].startswith("Bearer")
    else:
        assert response.status_code in (200, 405)  # 405: no files stand behind these nodes, nor can they be changed
    wrong_hosts = response.headers.get("set-cookie", "")
    assert "tiled_api_key" not in wrong_hosts


def test_every_route_declares_its_scopes() -> None:
    app = build_app(TREE, composition=KERNEL)
    for table in app.state.tables.values():
        for route in table.routes:
            assert route.scopes <= SINGLE_USER
            reads = route.methods == ("GET",) or (route.methods == ("POST",) and "full" in route.path)
            assert not reads or route.scopes <= ANONYMOUS
            assert reads or not ANONYMOUS.issuperset(route.scopes) or route.methods == ("POST",)


def test_a_refusal_names_the_scopes(connect) -> None:
    response = connect(TREE, public=False).get("array/full/a")
    assert response.headers["www-authenticate"] == 'Bearer scope="read:data"'
    assert response.json()["detail"] == "not enough permissions: this needs the scopes [read:data], yours are [none]"


def test_a_private_server_does_not_tell_which_nodes_there_are(connect) -> None:
    caller = connect(TREE, public=False)
    there, not_there = caller.get("metadata/a"), caller.get("metadata/nope")
    assert (there.status_code, there.json()) == (not_there.status_code, not_there.json()) != (200, None)


@pytest.mark.parametrize("scheme", ["Apikey", "apikey", "APIKEY", "ApiKey "])
def test_a_key_may_come_in_a_header(connect, scheme) -> None:
    assert (
        connect(TREE, public=False).get("metadata/a", headers={"authorization": f"{scheme} {KEY}"}).status_code == 200
    )


def test_a_key_in_the_query_becomes_a_cookie(connect) -> None:
    caller = connect(TREE, public=False)
    response = caller.get(f"metadata/a?api_key={KEY}")
    assert response.status_code == 200
    assert f"tiled_api_key={KEY}; HttpOnly; Path=/; SameSite=lax" in response.headers.get_list("set-cookie")
    assert caller.get("metadata/a").status_code == 200


def test_over_https_the_cookie_is_for_https_only(connect) -> None:
    caller = connect(TREE, public=False)
    start = caller.raw("/api/v1/metadata/a", f"api_key={KEY}".encode(), scheme="https")[0]
    cookies = [value for name, value in start["headers"] if name == b"set-cookie"]
    assert f"tiled_api_key={KEY}; HttpOnly; Path=/; SameSite=lax; Secure".encode() in cookies


@pytest.mark.parametrize("public", [True, False])
def test_a_wrong_key_is_refused_everywhere_and_never_kept(connect, public) -> None:
    caller = connect(TREE, public=public)
    for options in (
        {"params": {"api_key": "wrong"}},
        {"params": {"api_key": ""}},
        {"headers": {"authorization": "Apikey wrong"}},
        {"headers": {"cookie": "tiled_api_key=wrong"}},
        {"params": {"api_key": "sécret"}},
    ):
        response = caller.get("metadata/a", **options)
        assert response.status_code == 401
        assert response.json()["detail"] == "this API key is not valid"
        assert "tiled_api_key" not in caller.cookies


def test_the_query_wins_over_the_header_and_the_header_over_the_cookie(connect) -> None:
    caller = connect(TREE, public=False)
    right, wrong = {"authorization": f"Apikey {KEY}"}, {"authorization": "Apikey wrong"}
    assert caller.get(f"metadata/a?api_key={KEY}", headers=wrong).status_code == 200
    assert caller.get("metadata/a?api_key=wrong", headers=right).status_code == 401
    assert caller.get("metadata/a", headers=right | {"cookie": "tiled_api_key=wrong"}).status_code == 200
    assert caller.get("metadata/a", headers=wrong | {"cookie": f"tiled_api_key={KEY}"}).status_code == 401
    token = {"authorization": "Bearer x"}
    assert caller.get("metadata/a", headers=token | {"cookie": f"tiled_api_key={KEY}"}).status_code == 200


def test_of_several_keys_in_the_query_the_last_counts(connect) -> None:
    caller = connect(TREE, public=False)
    assert caller.get(f"metadata/a?api_key=wrong&api_key={KEY}").status_code == 200
    assert caller.get(f"metadata/a?api_key={KEY}&api_key=wrong").status_code == 401


@pytest.mark.parametrize(
    "header", ["Basic dXNlcjpwYXNz", "secret", "Apikey", "Apikey ", "", "Bearer", "Digest a=b", "\xff\xfe"]
)
@pytest.mark.parametrize("public", [True, False])
def test_other_schemes_are_not_understood(connect, header, public) -> None:
    response = connect(TREE, public=public).get("metadata/a", headers={"authorization": header.encode("latin-1")})
    assert response.status_code == 400
    assert "expected 'Apikey <secret>' or 'Bearer <access token>'" in response.json()["detail"]


def test_a_token_is_not_for_this_server(connect) -> None:
    response = connect(TREE, public=True).get("metadata/a", headers={"authorization": "Bearer a.b.c"})
    assert response.status_code == 401
    assert "takes an API key" in response.json()["detail"]


# Requests that a browser sends without its user knowing


def test_reading_with_a_cookie_needs_no_more(connect) -> None:
    caller = connect(TREE, public=False)
    assert caller.get("metadata/a", headers={"cookie": f"tiled_api_key={KEY}"}).status_code == 200


@pytest.mark.parametrize(
    ("cookie", "given", "status"),
    [
        ("", {}, 403),
        ("; tiled_csrf=abc", {}, 403),
        ("", {"headers": {"x-csrf": "abc"}}, 403),
        ("; tiled_csrf=abc", {"headers": {"x-csrf": "abd"}}, 403),
        ("; tiled_csrf=abc", {"headers": {"x-csrf": "é".encode()}}, 403),
        ("; tiled_csrf=", {"headers": {"x-csrf": ""}}, 403),
        ("; tiled_csrf=abc", {"headers": {"x-csrf": "abc"}}, 200),
        ("; tiled_csrf=abc", {"params": {"csrf": "abc"}}, 200),
    ],
)
def test_posting_with_a_cookie_needs_the_token_twice(connect, cookie, given, status) -> None:
    caller = connect(TREE, public=True)
    headers = {"cookie": f"tiled_api_key={KEY}{cookie}"} | given.get("headers", {})
    response = caller.post("table/full/t", headers=headers, params=given.get("params"))
    assert response.status_code == status
    if status == 403:
        assert "tiled_csrf" in response.json()["detail"]


def test_posting_with_a_header_needs_no_token(connect) -> None:
    caller = connect(TREE, public=False)
    assert caller.post("table/full/t", headers={"authorization": f"Apikey {KEY}"}).status_code == 200
    assert caller.post(f"table/full/t?api_key={KEY}", headers={"cookie": ""}).status_code == 200


def test_the_key_is_made_when_none_is_given() -> None:
    first, second = build_app(TREE), build_app(TREE)
    assert first.state.api_key_generated
    assert len(first.state.api_key) >= 32
    assert first.state.api_key != second.state.api_key
    assert not build_app(TREE, settings=Settings(single_user_api_key="mine")).state.api_key_generated


@pytest.mark.parametrize("key", ["", "a-b", "a b", "é", "a;b"])
def test_a_key_is_made_of_letters_and_digits(key) -> None:
    with pytest.raises(ConfigurationError, match="letters and digits"):
        build_app(TREE, settings=Settings(single_user_api_key=key))
