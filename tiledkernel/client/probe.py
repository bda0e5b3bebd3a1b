"""Find out whether a server wants to be talked to over https, before anything secret is sent to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tiledkernel.client.exchanges import UNREACHABLE
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import note_request, note_response
from tiledkernel.client.patience import Patience
from tiledkernel.client.retries import attempts


def adopt_https(uri: str, *, verify: bool = True, trust_env: bool = True, offline: bool = False) -> str:
    """The URI, with https if a plain request to it is redirected to https on the same host.

    `offline`: a server that cannot be reached is no error yet, for there may be a cache.
    """
    parsed = httpx.URL(uri)
    if parsed.scheme != "http":
        return uri
    try:
        where = _ask_where(str(parsed.copy_with(query=None)), verify=verify, trust_env=trust_env, once=offline)
    except UNREACHABLE:
        if not offline:
            raise
        return uri
    target = parsed.join(where)
    if target.scheme == "https" and target.host == parsed.host:
        return str(parsed.copy_with(scheme="https", port=target.port))
    return uri


def _ask_where(uri: str, *, verify: bool, trust_env: bool, once: bool) -> str:
    """Where a request without credentials is redirected to; the URI itself if it is answered, however."""
    hooks: dict[str, list[Callable[..., Any]]] = {"request": [note_request], "response": [note_response]}
    with httpx.Client(verify=verify, trust_env=trust_env, event_hooks=hooks) as client, Patience() as patience:
        for attempt in attempts(1 if once else None):
            patience.note(attempt.num)
            with attempt, client.stream("GET", uri) as response:
                return str(response.headers["location"]) if response.has_redirect_location else uri
    raise AssertionError("the last attempt returns or raises")
