"""Questions over HTTP: `{"input": ...}` is posted, `{"result": ...}` is the answer. Whatever else happens denies."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from tiled_access_service.answers import Answers
from tiledkernel.errors import NotReady

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

T = TypeVar("T")
MAX_BYTES = 4_000_000  # of an answer
CONNECTIONS = 20
PAUSE = 1.0  # seconds without questions after the service did not answer


class Service:
    """A service at a URL; connections are kept, and answers for `cache_seconds`. It may be asked by many threads."""

    def __init__(self, url: str, *, token: str | None, timeout: float, cache_seconds: float) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._answers = Answers(cache_seconds)
        self._client: httpx.Client | None = None
        self._connecting = threading.Lock()
        self._silent_until = 0.0

    def ask(self, endpoint: str, question: dict[str, Any], type_: type[T], *, anew: bool = False) -> T:
        """What the service says, of a type; NotReady if it says nothing of that kind. `anew`: not from memory."""
        body = msgspec.json.encode({"input": question})
        key = endpoint.encode() + b"\0" + body
        known = None if anew else self._answers.get(key)
        if known is None:
            asked = time.monotonic()
            known = self._result(endpoint, self._post(endpoint, body), type_)
            self._answers.put(key, known, asked)
        answer: T = known
        return answer

    def close(self) -> None:
        """Let connections go; a later question opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _post(self, endpoint: str, body: bytes) -> bytes:
        import httpx  # noqa: PLC0415 - it is loaded for the first question

        if time.monotonic() < self._silent_until:
            raise _silence()
        client = self._client or self._connect()
        deadline = time.monotonic() + self._timeout
        try:
            with client.stream("POST", f"{self._url}/{endpoint.lstrip('/')}", content=body) as response:
                if response.status_code != httpx.codes.OK:
                    self._refuse(endpoint, f"status {response.status_code}")
                received = bytearray()
                for part in response.iter_bytes():
                    received += part
                    if len(received) > MAX_BYTES:
                        self._refuse(endpoint, f"more than {MAX_BYTES} bytes")
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout(f"the answer takes longer than {self._timeout} s")
                return bytes(received)
        except httpx.HTTPError as error:
            self._silent_until = time.monotonic() + PAUSE
            logger.error(  # noqa: TRY400 - where in httpx it happened says nothing
                "the access service at %s does not answer, so access is denied: %s: %s",
                self._url, type(error).__name__, error,
            )  # fmt: skip
            raise _silence() from error

    def _connect(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 - it is loaded for the first question

        with self._connecting:
            if self._client is None:
                headers = {"content-type": "application/json", "accept": "application/json"}
                if self._token is not None:
                    headers["authorization"] = f"Bearer {self._token}"
                limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
                self._client = httpx.Client(headers=headers, timeout=self._timeout, limits=limits)
            return self._client

    def _result(self, endpoint: str, body: bytes, type_: type[T]) -> T:
        """The `result` of an answer, which may hold other things besides."""
        try:
            return msgspec.json.decode(body, type=_Answer[type_]).result  # type: ignore[valid-type]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._refuse(endpoint, f"{error}; expected {{'result': ...}} (an undefined rule? give it a default)")

    def _refuse(self, endpoint: str, reason: str) -> NoReturn:
        logger.error(
            "the access service at %s/%s answers nonsense, so access is denied: %s", self._url, endpoint, reason
        )
        raise NotReady("the service that decides about access gives no answer that makes sense: ask an administrator")


class _Answer(Struct, Generic[T]):
    result: T


def _silence() -> NotReady:
    return NotReady("the service that decides about access does not answer: ask again in a moment")
