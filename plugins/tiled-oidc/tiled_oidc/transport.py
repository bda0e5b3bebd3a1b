"""Questions to a provider: with verified certificates, deadlines, and limits on what comes back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from tiledkernel.errors import NotReady

MAX_ANSWER = 1 << 20  # bytes
DEADLINE = 15.0  # seconds for a whole answer
TIMEOUT = httpx.Timeout(10.0, connect=5.0)
RETRY = 10  # seconds after which it is worth to ask again
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Answer(msgspec.Struct, frozen=True):
    """What a provider said: a status and a JSON object, empty if the body is something else."""

    status: int
    document: Mapping[str, Any]


class Transport:
    """Asks one provider. Redirects are not followed: an address is what the configuration or the provider says."""

    @cached_property
    def _client(self) -> httpx.Client:  # its TLS context takes a while to make
        return httpx.Client(
            timeout=TIMEOUT,
            follow_redirects=False,
            headers={"accept": "application/json", "accept-encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # nothing of one login goes into another
        )

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a GET; NotReady if none comes."""
        return self._ask("GET", url, headers=headers)

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to a form; NotReady if none comes."""
        return self._ask("POST", url, data=form, headers=headers)

    def close(self) -> None:
        """Let go of connections."""
        if "_client" in self.__dict__:
            self._client.close()
            del self.__dict__["_client"]

    def _ask(self, method: str, url: str, **content: Any) -> Answer:
        deadline = time.monotonic() + DEADLINE
        body = bytearray()
        try:
            with self._client.stream(method, url, **content) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > MAX_ANSWER:
                        raise NotReady(f"{shown(url)} answers with more than {MAX_ANSWER:_} bytes", RETRY)
                    if time.monotonic() > deadline:
                        raise NotReady(f"{shown(url)} takes more than {DEADLINE:.0f} seconds to answer", RETRY)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise NotReady(f"{shown(url)} cannot be reached: {reason}", RETRY) from error
        return Answer(response.status_code, _object(bytes(body)))


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def shown(url: str) -> str:
    """An address as logs and messages show it: without what may be secret in it."""
    return url.partition("?")[0].partition("#")[0]


def is_safe(url: str, *, allow_http: bool) -> bool:
    """Whether nobody can listen or answer in between: HTTPS, or this machine, or a configuration that says so."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and (allow_http or host in _LOOPBACK))
