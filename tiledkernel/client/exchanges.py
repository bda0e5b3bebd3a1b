"""One attempt to get an answer, without I/O of the network: what to send, and what to make of what comes back."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tiledkernel.client.bodies import with_body
from tiledkernel.client.decoders import decoders_of
from tiledkernel.client.errors import error_of
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import note_request, note_response, redact_url
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Ask
from tiledkernel.client.sinks import Collected, Decoding, Filling

if TYPE_CHECKING:
    from tiledkernel.client.cache import Cache

UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout)

logger = logging.getLogger("tiledkernel.client")


class OfflineWarning(UserWarning):
    """The server cannot be reached; what is shown is what it said before."""


class Exchange:
    """A request, and whoever takes in the body of its answer.

    The face that runs it asks first whether the answer is `at_hand`. If not, it sends `request`, hands the head of the
    response to `begin`, then the body as it comes to `receive`, and takes the result of `finish`. If the server cannot
    be reached, `do_without` may know what it said before. What goes wrong on the way is told with `abandon`.
    `who` names the person for the cache, if that is not told by the headers of the request.
    """

    def __init__(self, ask: Ask, request: httpx.Request, cache: Cache | None = None, who: str | None = None) -> None:
        self._ask = ask
        self._cache = cache
        self._who = who
        self._sink: Decoding | None = None
        self._raw: list[Any] | None = None
        self._kept = 0
        self._response: httpx.Response | None = None
        self._stored = None if cache is None else cache.get(request, who=who)
        self.request = request
        self.at_hand = self._stored is not None and self._stored.fresh(time.time())
        if self._stored is not None and not self.at_hand:
            request.headers.update(self._stored.revalidation_headers())

    # From the server

    def begin(self, response: httpx.Response) -> bool:
        """Look at the head of a response; whether its body is wanted.

        An error must have been read whole, and is raised.
        """
        if response.is_error:
            raise error_of(response)
        if response.status_code == 304 and self._stored is not None:
            assert self._cache is not None
            self._stored = self._cache.refresh(self.request, self._stored, response.headers)
            return False
        if response.status_code != 200 and (self._ask.is_data or not response.is_success):
            raise UnexpectedAnswer(f"the answer is {response.status_code} {response.reason_phrase}, not the data")
        if self._cache is not None and self._cache.wants(self.request, response):
            self._raw = []
        self._response = response
        self._sink = self._sink_for(response.headers)
        return True

    def _sink_for(self, headers: httpx.Headers) -> Decoding:
        decoders = decoders_of(headers.get("content-encoding", ""))  # before a file is made
        return Decoding(self._ask.receive(headers), decoders)

    def receive(self, piece: Any) -> None:
        """Take the next piece of the body, as it travels."""
        assert self._sink is not None
        if self._raw is not None:
            self._raw.append(piece)
            self._kept += len(piece)
            if self._cache is not None and self._kept > self._cache.max_item_size:
                self._raw = None
        self._sink.write(piece)

    def rest(self, length: int) -> Iterator[memoryview] | None:
        """The memory that the rest of an uncoded body of this length belongs in, if that is so simple."""
        sink = self._sink.sink if self._sink is not None and self._raw is None else None
        if isinstance(sink, Collected):
            return sink.rest(length)
        return sink.rest() if isinstance(sink, Filling) and length == self._ask.size else None

    def finish(self) -> Any:
        """What the answer is."""
        assert self._sink is not None
        result = self._sink.finish()
        if self._raw is not None and self._cache is not None and self._response is not None:
            self._cache.set(self.request, self._response, b"".join(self._raw), who=self._who)
        return result

    def abandon(self) -> None:
        """This attempt has failed: leave nothing behind."""
        if self._sink is not None:
            self._sink.abandon()

    # From the cache

    def recall(self) -> Any:
        """What the stored answer is."""
        assert self._stored is not None
        if self.at_hand:  # nothing was sent
            note_request(self.request)
            note_response(self._stored.response(self.request))
        logger.debug("   (from the cache, %.0f s old)", self._stored.age(time.time()))
        self._sink = sink = self._sink_for(self._stored.headers)
        try:
            sink.write(self._stored.body)
            return sink.finish()
        except BaseException:
            sink.abandon()
            raise

    def note(self, error: httpx.TransportError) -> None:
        """Say in an error of the network which request it ended."""
        error.add_note(f"{self.request.method} {redact_url(self.request.url)}")

    def do_without(self, error: httpx.TransportError) -> Any:
        """What the server said before, as it cannot be reached now; the error is raised if nothing is stored."""
        if self._stored is None:
            raise error
        text = f"{self.request.url.host} cannot be reached ({error}): what is shown is what it said before"
        warnings.warn(text, OfflineWarning, stacklevel=2)
        note_response(self._stored.response(self.request))
        return self.recall()


def build_request(client: httpx.Client | httpx.AsyncClient, ask: Ask, coding: str | None, url: str) -> httpx.Request:
    """The request that a question stands for, to `url`; `coding` are the codings to offer, if not the client's own."""
    call = ask.call
    headers = dict(call.headers) if coding is None else {"accept-encoding": coding, **call.headers}
    request = client.build_request(
        call.method,
        url,
        params=httpx.QueryParams(tuple(call.parameters)) if call.parameters else None,
        headers=headers,
        json=call.json,
    )
    return request if call.content is None else with_body(request, call.content)
