"""The client for asynchronous programs.

Everything is as in `tiledkernel.client`, but what asks the server is awaited:

    from tiledkernel.client.aio import from_uri

    client = await from_uri("http://localhost:8000")
    image = await client["small_image"]
    corner = await image[:10, :10]
    async for key in client:
        print(key)
    first = await client.keys().head(3)
    await client.context.aclose()

What Python does not let one await is spelled out: `await client.count()` instead of `len(client)`,
`await client.has(key)` instead of `key in client`.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NoReturn, Self, TypeVar, cast

from tiledkernel.client.classes import StructureClients
from tiledkernel.client.connection import (
    IN_PROCESS_URI,
    CannotWait,
    Connection,
    ConnectionSettings,
    key_for,
)
from tiledkernel.client.context import key_of_app
from tiledkernel.client.exchanges import UNREACHABLE, Exchange, build_request
from tiledkernel.client.finding import finding
from tiledkernel.client.identity import NO_PERSONS
from tiledkernel.client.in_process import App, AsyncAppTransport
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import note_request, note_response
from tiledkernel.client.pace import Pace
from tiledkernel.client.patience import Patience
from tiledkernel.client.plans import Ask, Elsewhere, Pause, Plan, Step, Together, check_step
from tiledkernel.client.probe import adopt_https_async
from tiledkernel.client.progress import Progress
from tiledkernel.client.retries import Doubt, attempts
from tiledkernel.client.uris import parse_address

T = TypeVar("T")


async def from_uri(
    uri: str,
    structure_clients: StructureClients = "numpy",
    *,
    include_data_sources: bool = False,
    remember_me: bool = True,
    **settings: Any,
) -> Any:
    """Connect to the node at `uri`; see `tiledkernel.client.from_uri` for the settings."""
    of_the_probe = {name: settings[name] for name in ("verify", "trust_env", "timeout") if name in settings}
    adopted = await adopt_https_async(uri, offline=settings.get("cache") is not None, **of_the_probe)
    context, path = await AsyncContext.from_any_uri(adopted, **settings)
    try:
        of_the_node = {"include_data_sources": include_data_sources, "remember_me": remember_me}
        return await from_context(context, structure_clients, path, **of_the_node)
    except BaseException:
        await context.aclose()
        raise


async def from_context(
    context: AsyncContext,
    structure_clients: StructureClients = "numpy",
    node_path_parts: Sequence[str] | None = None,
    *,
    include_data_sources: bool = False,
    remember_me: bool = True,
) -> Any:
    """The client of the node at a path, through an existing connection; logins as in `tiledkernel.client`."""
    return await context.run(
        finding(
            context,
            structure_clients,
            node_path_parts or (),
            include_data_sources=include_data_sources,
            remember_me=remember_me,
        )
    )


class AsyncContext(Connection):
    """A connection to one server, for asynchronous programs; made by `await AsyncContext.connect(uri)`.

    The settings are those of `tiledkernel.client.Context`. It belongs to the event loop in which it was made.
    """

    http_client: httpx.AsyncClient

    def __init__(
        self,
        uri: str,
        *,
        api_key: str | None = None,
        app: App | None = None,
        raise_server_exceptions: bool = True,
        headers: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        checked = ConnectionSettings(headers=dict(headers or {}), **settings)
        super().__init__(uri, checked, api_key, app)
        self._progress = Progress(checked.show_progress)
        self._pace = Pace(self.max_connections)
        self._room = asyncio.Condition()
        common = checked.client_options(_HOOKS)
        if app is None:
            self.http_client = httpx.AsyncClient(**common, **checked.network_options())
        else:
            transport = AsyncAppTransport(app, raise_server_exceptions=raise_server_exceptions)
            self.http_client = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False, **common)

    @classmethod
    async def connect(cls, uri: str, **settings: Any) -> Self:
        """A connection to the server at `uri`."""
        context = cls(uri, **settings)
        try:
            await context.run(context._introduce())
        except BaseException:
            await context.aclose()
            raise
        return context

    @classmethod
    async def from_any_uri(cls, uri: str, **settings: Any) -> tuple[Self, list[str]]:
        """A connection, and the path of the node that the URI names; the key as in `Context.from_any_uri`."""
        address = parse_address(uri)
        settings["api_key"] = key_for(address, settings, os.environ)
        return await cls.connect(uri, **settings), list(address.path)

    @classmethod
    async def from_app(cls, app: App, *, api_key: str | None = None, uri: str | None = None, **settings: Any) -> Self:
        """A connection to an ASGI application in this process, without sockets."""
        key = key_of_app(app) if api_key is None else api_key
        return await cls.connect(uri or IN_PROCESS_URI, app=app, api_key=key, **settings)

    # Running plans

    async def run(self, plan: Plan[T]) -> T:
        """Do what a plan says; what it comes to."""
        return await self._drive(plan)

    async def run_once(self, plan: Plan[T]) -> T:
        """As `run`, but what fails is not tried again: whoever asked for it tries all again."""
        return await self._drive(plan, once=True)

    async def _drive(self, plan: Plan[T], *, once: bool = False) -> T:
        answer: Any = None
        failure: BaseException | None = None
        while True:
            try:
                step = plan.send(answer) if failure is None else plan.throw(failure)
            except StopIteration as end:
                found: T = end.value
                return found
            finally:
                failure = None  # an exception that refers to this frame would be a cycle
            try:
                answer = await self._answer(step, once=once)
            except BaseException as error:  # noqa: BLE001 - the plan cleans up, and raises it again
                failure = error

    def run_now(self, plan: Plan[T], instead: str) -> T:
        """What a plan comes to that asks nobody; others are refused, for Python cannot await them here."""
        try:
            next(plan)
        except StopIteration as end:
            found: T = end.value
            return found
        plan.close()
        raise CannotWait(f"this asks the server, for which Python cannot wait here: use `{instead}`")

    async def _answer(self, step: Step, *, once: bool) -> Any:
        check_step(step)
        if isinstance(step, Ask):
            return await (self._ask(step) if once or step.once else self._insist(step))
        if isinstance(step, Together):
            return await self._together(step)
        if isinstance(step, Elsewhere):
            return await step.context.run(step.plan)
        return await (asyncio.sleep(step.seconds) if isinstance(step, Pause) else asyncio.to_thread(step.do))

    async def _insist(self, step: Ask) -> Any:
        doubt = Doubt(repeatable=step.call.is_repeatable)
        with Patience() as patience:
            async for attempt in attempts(wanted=lambda: doubt.allows_another):
                patience.note(attempt.num)
                with attempt, doubt:
                    return await self._ask(step)
        raise AssertionError("the last attempt returns or raises")

    async def _together(self, step: Together) -> list[Any]:
        limit = asyncio.Semaphore(step.workers or self.max_connections)

        async def run(plan: Plan[Any]) -> Any:
            async with limit:
                return advance(await self.run(plan))

        with self._progress.tracking(len(step.plans)) as advance:
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(run(plan)) for plan in step.plans]
            except BaseExceptionGroup as failures:
                first = failures.exceptions[0]  # the one that ended the others
            else:
                return [task.result() for task in tasks]
        raise first

    async def _ask(self, ask: Ask) -> Any:
        if ask.abroad:
            return await self._ask_abroad(ask)
        exchange = Exchange(ask, self._request_of(ask), self._usable_cache, self._who)
        if exchange.at_hand:
            return exchange.recall()
        send = partial(self.http_client.send, auth=None) if ask.bare else self.http_client.send
        if not ask.is_data:
            return await self._send(send, exchange)
        async with self._data_slot() as note_status:
            return await self._send(send, exchange, note_status)

    async def _ask_abroad(self, ask: Ask) -> Any:
        async with httpx.AsyncClient(**self._settings.options_abroad(_HOOKS)) as client:
            return await self._send(client.send, Exchange(ask, build_request(client, ask, None, ask.call.url)))

    async def _send(
        self,
        send: Callable[..., Awaitable[httpx.Response]],
        exchange: Exchange,
        note_status: Any = lambda _: None,
    ) -> Any:
        try:
            sent = response = await send(exchange.request, stream=True)
        except UNREACHABLE as error:
            exchange.note(error)
            return exchange.do_without(error)
        except httpx.TransportError as error:
            exchange.note(error)
            raise
        try:
            note_status(response.status_code)
            # Its stream itself: httpx's own iterators close the connection within this task, which may be cancelled.
            body = cast("httpx.AsyncByteStream", response.stream)
            if response.is_error:
                response = _whole(response, b"".join([piece async for piece in body]))
            if not exchange.begin(response):
                return exchange.recall()
            async for piece in body:
                exchange.receive(piece)
            return exchange.finish()
        except BaseException:
            exchange.abandon()
            raise
        finally:
            await _closed(sent)

    @asynccontextmanager
    async def _data_slot(self) -> AsyncIterator[Any]:
        async with self._room:
            try:
                await self._room.wait_for(lambda: self._pace.has_room)
            except asyncio.CancelledError:
                self._room.notify(self._pace.room)  # the news may have come to this one, who leaves
                raise
            begun = self._pace.begin()
        status: int | None = None

        def note(answered: int) -> None:
            nonlocal status
            status = answered

        try:
            yield note
        finally:
            self._pace.end(begun, status)
            await asyncio.shield(self._tell_those_who_wait())

    async def _tell_those_who_wait(self) -> None:
        async with self._room:
            self._room.notify(self._pace.room)  # not all: each would look, and wait again

    @asynccontextmanager
    async def throttle(self) -> AsyncIterator[None]:
        """One of `max_connections` permissions to ask for data."""
        async with self._data_slot():
            yield

    # Identity

    async def whoami(self) -> dict[str, Any] | None:
        """Who the server takes us for; None, with a warning, if it knows no persons."""
        found = await self.run(self.asking_whoami())
        if found is None:
            warnings.warn(NO_PERSONS, UserWarning, stacklevel=2)
        return found

    def __repr__(self) -> str:
        return f"<AsyncContext {self._describe(None)}>"

    # Life

    async def aclose(self) -> None:
        """Close all connections."""
        await self.http_client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self.aclose()

    def __getstate__(self) -> NoReturn:
        raise TypeError("an asynchronous connection belongs to its event loop and cannot be pickled")


def _whole(response: httpx.Response, body: bytes) -> httpx.Response:
    """A response that has been read."""
    headers = httpx.Headers([pair for pair in response.headers.raw if pair[0].lower() != b"transfer-encoding"])
    stream = httpx.ByteStream(body)
    whole = httpx.Response(response.status_code, headers=headers, stream=stream, request=response.request)
    whole.read()
    return whole


async def _closed(response: httpx.Response) -> None:
    """Give the connection back, also if this task is cancelled meanwhile."""
    closing = asyncio.ensure_future(response.aclose())
    try:
        await asyncio.shield(closing)
    except asyncio.CancelledError:
        await closing
        raise


async def _note_request(request: httpx.Request) -> None:
    note_request(request)


async def _note_response(response: httpx.Response) -> None:
    note_response(response)


_HOOKS: dict[str, list[Any]] = {"request": [_note_request], "response": [_note_response]}
