"""Errors carry their status, and a detail in the form that clients know."""

from __future__ import annotations

import inspect

import pytest

from tiledkernel import errors
from tiledkernel.errors import (
    KernelError,
    NotAllowed,
    NotReady,
    PluginError,
    RangeNotSatisfiable,
    Unauthorized,
    Unprocessable,
)

CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, KernelError)]


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if not issubclass(kind, PluginError)])
def test_every_error_that_a_request_may_meet_stands_in_the_tree_of_the_module(kind: type[KernelError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_a_status_that_clients_understand(kind: type[KernelError]) -> None:
    assert kind.status in {400, 401, 403, 404, 405, 406, 409, 410, 412, 415, 416, 422, 429, 500, 503, 507}


def test_a_validation_error_is_a_list_of_one_object() -> None:
    error = Unprocessable("too big", "query", "page[limit]", value=301)
    assert error.detail == [{"type": "value_error", "loc": ["query", "page[limit]"], "msg": "too big", "input": 301}]


def test_a_validation_error_shows_values_that_json_cannot_hold_as_text() -> None:
    assert Unprocessable("no", "body", value=object).detail[0]["input"] == "<class 'object'>"


def test_every_other_detail_is_a_sentence() -> None:
    assert NotAllowed("no").detail == "no"


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (NotAllowed("no", ("GET", "HEAD")), {"allow": "GET, HEAD"}),
        (NotAllowed("no"), {}),
        (RangeNotSatisfiable("no", 7), {"content-range": "bytes */7"}),
        (NotReady("wait"), {"retry-after": "1"}),
        (Unauthorized("no"), {}),
    ],
)
def test_headers_belong_to_the_error(error: KernelError, headers: dict[str, str]) -> None:
    assert dict(error.headers) == headers
