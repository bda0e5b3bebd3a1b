"""The connection to a server, for programs that wait for each answer."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from msgspec.structs import asdict

from tiledkernel import __version__, references
from tiledkernel.client.connection import IN_PROCESS_URI, Connection, ConnectionSettings, key_for
from tiledkernel.client.exchanges import UNREACHABLE, Exchange, build_request
from tiledkernel.client.identity import NO_PERSONS
from tiledkernel.client.in_process import App, AppTransport
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import note_request, note_response
from tiledkernel.client.pace import Pace
from tiledkernel.client.patience import Patience
from tiledkernel.client.plans import Ask, Elsewhere, Pause, Plan, Step, Together, check_step
from tiledkernel.client.progress import Progress
from tiledkernel.client.retries import Doubt, attempts
from tiledkernel.client.side_by_side import Stop, run_side_by_side
from tiledkernel.client.straight import plain_length, receive_straight, socket_of
from tiledkernel.client.uris import parse_address

T = TypeVar("T")


_HOOKS = {"request": [note_request], "response": [note_response]}
_LOOK_UP = 0.5  # seconds after which one who waits for a permission looks whether it is still wanted
_open: weakref.WeakSet[Context] = weakref.WeakSet()
_of_parents: list[httpx.Client] = []


class AppClient(httpx.Client):
    """An HTTP client of an application in this process."""

    app: App


class Context(Connection):
    """A connection to one server.

    Parameters
    ----------
    uri
        Of the server, its API or one of its nodes.
    api_key
        Sent with every request but the first.
    headers
        Sent with every request.
    timeout
        Of the network: until a connection is there, and until the next piece of an answer is; `httpx.Timeout(None)`
        waits for ever.
    max_connections
        How many connections, and how many requests for data, may be open at once. Fewer are, for a while, when the
        server says that it is overwhelmed.
    auth
        Another way to authenticate, instead of a key.
    cache
        A `tiledkernel.client.cache.Cache` that keeps answers, also for when the server cannot be reached. It is not
        used for an application in this process, nor with `auth`.
    show_progress
        Whether to show how far a read of many requests has come, to a person at a terminal or notebook; None asks the
        environment variable TILED_SHOW_PROGRESS.
    token_cache
        The folder in which a login is remembered, if not the usual one.
    app
        An ASGI application in this process, instead of a server; see `Context.from_app`.
    """

    http_client: httpx.Client

    def __init__(  # noqa: PLR0913 - the settings of a connection
        self,
        uri: str,
        *,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
        cache: Any = None,
        timeout: httpx.Timeout | None = None,
        verify: bool = True,
        auth: httpx.Auth | None = None,
        app: App | None = None,
        raise_server_exceptions: bool = True,
        max_connections: int = 16,
        show_progress: bool | None = None,
        token_cache: Path | None = None,
        trust_env: bool = True,
    ) -> None:
        settings = ConnectionSettings(
            headers=dict(headers or {}),
            timeout=timeout,
            verify=verify,
            auth=auth,
            max_connections=max_connections,
            trust_env=trust_env,
            show_progress=show_progress,
            cache=cache,
            token_cache=token_cache,
        )
        super().__init__(uri, settings, api_key, app)
        self._progress = Progress(show_progress)
        self._pace = Pace(max_connections)
        self._room = threading.Condition()
        self.http_client = self._connect(raise_server_exceptions=raise_server_exceptions)
        self._closing = weakref.finalize(self, self.http_client.close)
        _open.add(self)
        try:
            self.run(self._introduce())
        except BaseException:
            self.close()
            raise

    def _connect(self, *, raise_server_exceptions: bool) -> httpx.Client:
        common = self._settings.client_options(_HOOKS)
        if self._app is None:
            return httpx.Client(**common, **self._settings.network_options())
        transport = AppTransport(self._app, raise_server_exceptions=raise_server_exceptions)
        client = AppClient(transport=transport, timeout=None, trust_env=False, **common)
        client.app = self._app
        return client

    @classmethod
    def from_any_uri(cls, uri: str, **settings: Any) -> tuple[Self, list[str]]:
        """A connection, and the path of the node that the URI names.

        The key comes from the argument, else the URI, else the environment variable TILED_API_KEY.
        """
        address = parse_address(uri)
        settings["api_key"] = key_for(address, settings, os.environ)
        return cls(uri, **settings), list(address.path)

    @classmethod
    def from_app(  # noqa: PLR0913 - the settings of a connection
        cls,
        app: App,
        *,
        cache: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        api_key: str | None = None,
        raise_server_exceptions: bool = True,
        uri: str | None = None,
        max_connections: int = 16,
        show_progress: bool | None = None,
        token_cache: Path | None = None,
    ) -> Self:
        """A connection to an ASGI application in this process, without sockets.

        What the application raises surfaces as itself. The application's own key is used if it has one.

        >>> context = Context.from_app(build_app(tree))
        >>> client = from_context(context)
        """
        return cls(
            uri or IN_PROCESS_URI,
            app=app,
            cache=cache,
            headers=headers,
            timeout=timeout,
            api_key=key_of_app(app) if api_key is None else api_key,
            raise_server_exceptions=raise_server_exceptions,
            max_connections=max_connections,
            show_progress=show_progress,
            token_cache=token_cache,
        )

    # Running plans

    def run(self, plan: Plan[T]) -> T:
        """Do what a plan says; what it comes to."""
        return self._drive(plan, Stop())

    def run_once(self, plan: Plan[T]) -> T:
        """As `run`, but what fails is not tried again: whoever asked for it tries all again."""
        return self._drive(plan, Stop(), once=True)

    def run_now(self, plan: Plan[T], instead: str) -> T:
        """As `run`, where Python itself cannot wait in another way, as in len()."""
        del instead  # what to do where waiting is not possible at all
        return self.run(plan)

    def _drive(self, plan: Plan[T], stop: Stop, *, once: bool = False) -> T:
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
                answer = self._answer(step, stop, once=once)
            except BaseException as error:  # noqa: BLE001 - the plan cleans up, and raises it again
                failure = error

    def _answer(self, step: Step, stop: Stop, *, once: bool) -> Any:
        stop.check()
        check_step(step)
        if isinstance(step, Ask):
            return self._ask(step, stop) if once or step.once else self._insist(step, stop)
        if isinstance(step, Together):
            return self._together(step, stop)
        if isinstance(step, Elsewhere):
            return step.context.run(step.plan)
        return time.sleep(step.seconds) if isinstance(step, Pause) else step.do()

    def _insist(self, step: Ask, stop: Stop) -> Any:
        doubt = Doubt(repeatable=step.call.is_repeatable)
        with Patience() as patience:
            for attempt in attempts(wanted=lambda: doubt.allows_another and not stop.is_set()):
                patience.note(attempt.num)
                with attempt, doubt:
                    return self._ask(step, stop)
        raise AssertionError("the last attempt returns or raises")

    def _together(self, step: Together, outer: Stop) -> list[Any]:
        plans = step.plans
        workers = min(step.workers or self.max_connections, len(plans))
        with self._progress.tracking(len(plans)) as advance:
            if workers < 2:
                return [advance(self._drive(plan, outer)) for plan in plans]
            stop = Stop(outer)

            def carrying_out(plan: Plan[Any]) -> Callable[[], Any]:
                return lambda: advance(self._drive(plan, stop))

            return run_side_by_side([carrying_out(plan) for plan in plans], workers, stop)

    def _ask(self, ask: Ask, stop: Stop) -> Any:
        if ask.abroad:
            return self._ask_abroad(ask, stop)
        exchange = Exchange(ask, self._request_of(ask), self._usable_cache, self._who)
        if exchange.at_hand:
            return exchange.recall()
        send = partial(self.http_client.send, auth=None) if ask.bare else self.http_client.send
        if not ask.is_data:
            return self._send(send, exchange, stop)
        with self._data_slot(stop) as note_status:
            return self._send(send, exchange, stop, note_status)

    def _ask_abroad(self, ask: Ask, stop: Stop) -> Any:
        with httpx.Client(**self._settings.options_abroad(_HOOKS)) as client:
            exchange = Exchange(ask, build_request(client, ask, None, ask.call.url))
            return self._send(client.send, exchange, stop)

    def _send(
        self, send: Callable[..., httpx.Response], exchange: Exchange, stop: Stop, note_status: Any = lambda _: None
    ) -> Any:
        try:
            response = send(exchange.request, stream=True)
        except UNREACHABLE as error:
            exchange.note(error)
            return exchange.do_without(error)
        except httpx.TransportError as error:
            exchange.note(error)
            raise
        try:
            note_status(response.status_code)
            if response.is_error:
                response.read()
            if not exchange.begin(response):
                return exchange.recall()
            self._receive(response, exchange, stop)
            stop.check()
            return exchange.finish()
        except BaseException:
            exchange.abandon()
            raise
        finally:
            response.close()

    def _receive(self, response: httpx.Response, exchange: Exchange, stop: Stop) -> None:
        plain = plain_length(response, near=self._is_near)
        rest = None if plain is None else exchange.rest(plain)
        source = None if rest is None else socket_of(response)
        for piece in response.iter_raw():
            stop.check()
            exchange.receive(piece)
            if source is not None and rest is not None:
                # The parser has handed out all that it had; what is to come is in the socket.
                receive_straight(source, rest, exchange.request, stop.check)
                return

    @contextmanager
    def _data_slot(self, stop: Stop | None = None) -> Iterator[Any]:
        """One of the permissions to ask for data; it is to be told the status of the answer."""
        with self._room:
            while not self._room.wait_for(lambda: self._pace.has_room, timeout=_LOOK_UP):
                if stop is not None:
                    stop.check()
            begun = self._pace.begin()
        status: int | None = None

        def note(answered: int) -> None:
            nonlocal status
            status = answered

        try:
            yield note
        finally:
            with self._room:
                self._pace.end(begun, status)
                self._room.notify(self._pace.room)

    @contextmanager
    def throttle(self) -> Iterator[None]:
        """One of `max_connections` permissions to ask for data, for requests that are made in another way.

        What is read through this context while holding it takes a permission of its own.
        """
        with self._data_slot():
            yield

    # Other processes

    def _leave_to_parent(self) -> None:
        """After a fork: the connections belong to the parent, the child makes its own."""
        old = self.http_client
        _of_parents.append(old)  # not closed, which would end the parent's conversations
        self._closing.detach()
        self._pace, self._room = Pace(self.max_connections), threading.Condition()
        self._progress = Progress(self._settings.show_progress)
        if self._app is None:
            self.http_client = self._connect(raise_server_exceptions=True)
            self.http_client.headers, self.http_client.cookies = old.headers, old.cookies
            self.http_client.auth = old.auth  # type: ignore[assignment]  # it may be None, as it is at first
            if self._login is not None:
                self._login.leave_to_parent()
            self._closing = weakref.finalize(self, self.http_client.close)

    # Identity

    def whoami(self) -> dict[str, Any] | None:
        """Who the server takes us for; None, with a warning, if it knows no persons."""
        found = self.run(self.asking_whoami())
        if found is None:
            warnings.warn(NO_PERSONS, UserWarning, stacklevel=2)
        return found

    def __repr__(self) -> str:
        person = None
        if self.authenticated and self.server_info.authentication.providers:
            with contextlib.suppress(httpx.HTTPError):  # a repr does not fail because the server is away
                person = self.run(self.asking_whoami())
        return f"<Context {self._describe(person)}>"

    # Life

    def close(self) -> None:
        """Close all connections."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        if self._app is not None:
            raise TypeError("a connection to an application in this process cannot be pickled: serve it, then connect")
        settings = {**asdict(self._settings), "api_key": self._api_key, "show_progress": False}
        return {"version": __version__, "api_uri": str(self.api_uri), "settings": settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["version"] != __version__:
            raise TypeError(
                f"this connection was pickled by tiledkernel {state['version']} and cannot be used by {__version__}: "
                "install the same version on both sides"
            )
        Context.__init__(self, state["api_uri"], **state["settings"])


_OF_LOGINS = {  # loaded by those who log in
    "CannotPrompt": "prompts",
    "LoginFailed": "prompts",
    "PasswordRejected": "prompts",
    "device_code_grant": "grants",
    "password_grant": "grants",
}


def __getattr__(name: str) -> Any:
    if name not in _OF_LOGINS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return references.load(f"tiledkernel.client.{_OF_LOGINS[name]}:{name}")


def _leave_all_to_parent() -> None:
    for context in list(_open):
        context._leave_to_parent()  # noqa: SLF001 - its own


if hasattr(os, "register_at_fork"):  # where processes can fork, an open connection would be shared
    os.register_at_fork(after_in_child=_leave_all_to_parent)


def key_of_app(app: App) -> str | None:
    """The key of a single-user application."""
    key: str | None = getattr(getattr(app, "state", None), "api_key", None)
    return key
