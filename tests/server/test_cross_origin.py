"""Pages of other origins: who may read answers, and who may not (CORS)."""

from __future__ import annotations

import numpy as np
import pytest

GOOD, BAD = "https://good.example", "https://bad.example"
ASK = {"access-control-request-method": "GET", "access-control-request-headers": "authorization, x-csrf"}


@pytest.fixture
def caller(connect):
    return connect({"a": np.zeros(3)}, allow_origins=(GOOD,))


@pytest.mark.parametrize("path", ["array/full/a", "metadata/a", "/", "/nope", "metadata/nope", "search/?page[limit]=x"])
def test_a_listed_origin_may_read_every_answer(caller, path) -> None:
    headers = caller.get(path, headers={"origin": GOOD}).headers
    assert headers["access-control-allow-origin"] == GOOD
    assert headers["access-control-allow-credentials"] == "true"
    assert "X-Tiled-Request-ID" in headers["access-control-expose-headers"]
    assert "Origin" in headers["vary"]


@pytest.mark.parametrize("origin", [BAD, "null", GOOD + ".evil.example", GOOD.upper()[:-1], ""])
def test_others_may_not(caller, origin) -> None:
    response = caller.get("array/full/a", headers={"origin": origin})
    assert response.status_code == 200
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_answers_do_not_mix_in_shared_caches(caller) -> None:
    assert "Origin" in caller.get("array/full/a", headers={"origin": BAD}).headers["vary"]


@pytest.mark.parametrize("path", ["array/full/a", "/", "/nope"])
def test_a_preflight_of_a_listed_origin_is_answered(caller, path) -> None:
    response = caller.request("OPTIONS", path, headers={"origin": GOOD} | ASK)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == GOOD
    assert response.headers["access-control-allow-credentials"] == "true"
    assert response.headers["access-control-allow-headers"] == "authorization, x-csrf"
    assert response.headers["access-control-max-age"] == "600"
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert method in response.headers["access-control-allow-methods"]


@pytest.mark.parametrize("path", ["array/full/a", "/", "/nope"])
def test_a_preflight_of_a_foreign_origin_is_refused(caller, path) -> None:
    response = caller.request("OPTIONS", path, headers={"origin": BAD} | ASK)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


def test_without_configuration_no_origin_is_listed(connect) -> None:
    caller = connect({"a": 1})
    assert caller.request("OPTIONS", "metadata/a", headers={"origin": GOOD} | ASK).status_code == 400
    assert "access-control-allow-origin" not in caller.get("metadata/a", headers={"origin": GOOD}).headers


def test_a_star_opens_to_all_but_without_credentials(connect) -> None:
    caller = connect({"a": 1}, allow_origins=("*",))
    for response in (
        caller.get("metadata/a", headers={"origin": BAD}),
        caller.request("OPTIONS", "metadata/a", headers={"origin": BAD} | ASK),
    ):
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers


def test_a_request_of_the_same_origin_needs_no_headers(caller) -> None:
    assert not [name for name in caller.get("array/full/a").headers if name.startswith("access-control")]
