"""Talk to an ASGI application in this process: no sockets, and its exceptions surface as themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeVar
from urllib.parse import unquote

from tiledkernel.client.light_httpx import httpx

App: TypeAlias = Callable[[Any, Any, Any], Any]

_PIECES_AHEAD = 8  # of a body, made before the reader has taken the first
_LONGEST_SHUTDOWN = 10.0  # seconds
_LOCAL = ("127.0.0.1", 0)


class AppTransport(httpx.BaseTransport):
    """Runs an ASGI application on an event loop in a thread of its own.

    Bodies stream with back-pressure. If the application raises, so does the request, unless
    `raise_server_exceptions` is False; then the application's answer (500) is all there is.
    """

    def __init__(self, app: App, *, raise_server_exceptions: bool = True) -> None:
        self._raise = raise_server_exceptions
        self._running = RunningApp.share(app)
        self._release = weakref.finalize(self, self._running.release)
        self._process = os.getpid()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The application's response; its body is made while it is read."""
        return self.submit(request, _SyncExchange).respond()

    def submit(self, request: httpx.Request, kind: type[E]) -> E:
        """An exchange that the application has begun to work on."""
        if os.getpid() != self._process:
            raise RuntimeError("the application runs in the process that this one was forked from: make a new client")
        if not self._release.alive:
            raise RuntimeError("this in-process client is closed: make a new one with Context.from_app(app)")
        exchange = kind(self._running.app, self._running.loop, request, raise_exceptions=self._raise)
        self._running.submit(exchange.run())
        return exchange

    def close(self) -> None:
        """Shut the application down and end the thread, if nobody else uses it."""
        if self._release.alive:
            self._release()
            self._running.wait()


class AsyncAppTransport(httpx.AsyncBaseTransport):
    """The same for asynchronous programs: the application still runs on the loop in its own thread."""

    def __init__(self, app: App, *, raise_server_exceptions: bool = True) -> None:
        self._app = app
        self._raise = raise_server_exceptions
        self._transport: AppTransport | None = None
        self._starting = asyncio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The application's response; its body is made while it is read."""
        if not isinstance(request.stream, httpx.SyncByteStream):
            await request.aread()  # into memory, which the application's own thread can read from
        if self._transport is None:
            # Starting up may take its time. Who gives up meanwhile leaves the transport to the next one.
            async with self._starting:
                if self._transport is None:
                    make = partial(AppTransport, self._app, raise_server_exceptions=self._raise)
                    self._transport = await asyncio.to_thread(make)
        exchange = self._transport.submit(request, _AsyncExchange)
        return await exchange.respond()

    async def aclose(self) -> None:
        """Shut the application down and end the thread, if nobody else uses it."""
        if self._transport is not None:
            await asyncio.to_thread(self._transport.close)


class RunningApp:
    """An application between start-up and shut-down; all its clients in this process share it."""

    _all: ClassVar[dict[int, RunningApp]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, app: App) -> None:
        self.app = app
        self.loop = asyncio.new_event_loop()
        self._users = 0
        self._thread = threading.Thread(target=_run, args=(self.loop,), name="tiledkernel-app", daemon=True)
        self._thread.start()
        self._lifespan = _Lifespan(app)
        try:
            self.submit(self._lifespan.start()).result()
        except BaseException:
            self.loop.call_soon_threadsafe(self.loop.stop)
            raise

    @classmethod
    def share(cls, app: App) -> RunningApp:
        """The application, started if it is not running yet."""
        with cls._lock:
            running = cls._all.get(id(app))
            if running is None:
                running = cls._all[id(app)] = cls(app)
            running._users += 1
            return running

    def release(self) -> None:
        """One user less; the last one shuts the application down, in its own time."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            del self._all[id(self.app)]
        self.submit(self._end())

    async def _end(self) -> None:
        try:
            await asyncio.wait_for(self._lifespan.stop(), _LONGEST_SHUTDOWN)
        finally:
            self.loop.stop()

    def wait(self) -> None:
        """Return when the thread has ended, if it is about to."""
        if not self._users:
            self._thread.join(_LONGEST_SHUTDOWN)

    def submit(self, coroutine: Any) -> Any:
        """Run a coroutine on the loop; its future."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    """The thread: run the loop until it is stopped, then leave nothing behind."""
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(_gather(tasks))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _gather(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


class _Lifespan:
    """Start-up and shut-down of an application; one without such a thing is left alone."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.ensure_future(self._live())
        await self._events.put("lifespan.startup")
        answer = await self._answers.get()
        if answer == "lifespan.startup.complete":
            return
        error = await self._outcome()  # an application that ends here without a word has no start-up
        if answer == "lifespan.startup.failed":
            raise error if error is not None else RuntimeError("the application could not start")

    async def stop(self) -> None:
        if self._task is not None and not self._task.done():
            await self._events.put("lifespan.shutdown")
            await self._answers.get()
            await self._outcome()

    async def _live(self) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": await self._events.get()}

        async def send(message: dict[str, Any]) -> None:
            await self._answers.put(message["type"])

        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._app(scope, receive, send)
        finally:
            await self._answers.put("ended")

    async def _outcome(self) -> BaseException | None:
        """What ended the application, freed from the groups that frameworks wrap it in."""
        assert self._task is not None
        error = (await asyncio.gather(self._task, return_exceptions=True))[0]
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        return error


class ClientDisconnected(OSError):
    """What an application gets that goes on sending to a caller who has read enough."""


class _Exchange:
    """One request, and the application's messages about it, which it makes on its loop."""

    def __init__(
        self, app: App, loop: asyncio.AbstractEventLoop, request: httpx.Request, *, raise_exceptions: bool
    ) -> None:
        self._app = app
        self._loop = loop
        self._request = request
        self._raise = raise_exceptions
        self._scope = _scope_of(request, raise_exceptions=raise_exceptions)
        self._room = asyncio.Semaphore(_PIECES_AHEAD)
        self._gone = asyncio.Event()
        self._complete = False

    def deliver(self, message: Any) -> None:
        """Hand a message, an exception, or None at the end, to who waits for it."""
        raise NotImplementedError

    # On the application's loop

    async def run(self) -> None:
        pieces = _pieces_of(self._request)

        async def receive() -> dict[str, Any]:
            message = next(pieces, None)
            if message is None:
                await self._gone.wait()
                return {"type": "http.disconnect"}
            return message

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                await self._room.acquire()
                if self._gone.is_set():
                    self._room.release()
                    raise ClientDisconnected
            self.deliver(message)

        try:
            await self._app(self._scope, receive, send)
        except Exception as error:  # noqa: BLE001 - it surfaces where the answer is waited for
            self.deliver(error)
        finally:
            self.deliver(None)

    # Where the answer is waited for

    def head(self, message: Any) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers in the first message."""
        if message is None or isinstance(message, Exception):
            raise message if message is not None else RuntimeError("the application ended without an answer")
        return message["status"], list(message.get("headers", []))

    def piece(self, message: Any) -> Any:
        """What a later message brings of the body, perhaps nothing."""
        if isinstance(message, Exception):
            if self._raise or not self._complete:
                raise message
            return b""
        self._loop.call_soon_threadsafe(self._room.release)
        self._complete = not message.get("more_body", False)
        return message.get("body")

    def check_complete(self) -> None:
        """Raise if the body has not been sent whole."""
        if not self._complete:
            raise httpx.RemoteProtocolError("the application ended in the middle of its answer")

    def leave(self) -> None:
        """The caller has read enough: the application learns that nobody listens."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._leave)

    def _leave(self) -> None:
        self._gone.set()
        for _ in range(_PIECES_AHEAD):
            self._room.release()


class _SyncExchange(_Exchange, httpx.SyncByteStream):
    """For a caller whose thread waits."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pieces: Iterator[Any] = iter(())

    def deliver(self, message: Any) -> None:
        self._messages.put(message)

    def respond(self) -> httpx.Response:
        """The response; a failure is waited for, to raise what caused it."""
        try:
            status, headers = self.head(self._messages.get())
            self._pieces = iter(list(self._take())) if status >= 500 else self._take()
        except BaseException:
            self.leave()
            raise
        return httpx.Response(status, headers=headers, stream=self)

    def _take(self) -> Iterator[Any]:
        while (message := self._messages.get()) is not None:
            if piece := self.piece(message):
                yield piece
        self.check_complete()

    def __iter__(self) -> Iterator[Any]:
        return self._pieces

    def close(self) -> None:
        """The caller has read enough."""
        self.leave()


class _AsyncExchange(_Exchange, httpx.AsyncByteStream):
    """For a caller on an event loop of its own."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._messages: asyncio.Queue[Any] = asyncio.Queue()
        self._caller = asyncio.get_running_loop()
        self._pieces: AsyncIterator[Any] | None = None

    def deliver(self, message: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop has ended
            self._caller.call_soon_threadsafe(self._messages.put_nowait, message)

    async def respond(self) -> httpx.Response:
        """The response; a failure is waited for, to raise what caused it."""
        try:
            status, headers = self.head(await self._messages.get())
            self._pieces = self._take()
            if status >= 500:
                self._pieces = _again([piece async for piece in self._pieces])
        except BaseException:
            self.leave()
            raise
        return httpx.Response(status, headers=headers, stream=self)

    async def _take(self) -> AsyncIterator[Any]:
        while (message := await self._messages.get()) is not None:
            if piece := self.piece(message):
                yield piece
        self.check_complete()

    def __aiter__(self) -> AsyncIterator[Any]:
        assert self._pieces is not None
        return self._pieces

    async def aclose(self) -> None:
        """The caller has read enough."""
        self.leave()


async def _again(pieces: list[Any]) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece


E = TypeVar("E", bound=_Exchange)


def _pieces_of(request: httpx.Request) -> Iterator[dict[str, Any]]:
    """The messages that bring the body to the application, the last one marked as such."""
    assert isinstance(request.stream, httpx.SyncByteStream)
    pieces = iter(request.stream)
    piece: Any = next(pieces, b"")
    for following in pieces:
        yield {"type": "http.request", "body": bytes(piece), "more_body": True}
        piece = following
    yield {"type": "http.request", "body": bytes(piece), "more_body": False}


def _scope_of(request: httpx.Request, *, raise_exceptions: bool) -> dict[str, Any]:
    raw_path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port or 80),
        "client": _LOCAL,
        "state": {},
        "extensions": {"tiledkernel.raise_exceptions": raise_exceptions},
    }
