"""The connection to a server: what all its nodes share."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, TypeVar

from tiledkernel import __version__
from tiledkernel.client.bodies import read_bytes
from tiledkernel.client.calls import Call, call_about, call_message
from tiledkernel.client.decoders import ACCEPT_ENCODING, accept_encoding
from tiledkernel.client.http import exchange
from tiledkernel.client.in_process import App, AppTransport
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.logs import note_request, note_response
from tiledkernel.client.messages import About, parse_about, parse_message
from tiledkernel.client.uris import parse_address

T = TypeVar("T")

USER_AGENT = f"python-tiled/0.2.20+tiledkernel.{__version__}"  # servers look at the version of the protocol
DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=5.0)
_IN_PROCESS_URI = "http://local-tiled-app/api/v1"


class AppClient(httpx.Client):
    """An HTTP client of an application in this process."""

    app: App


class Context:
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
        Of the network; `httpx.Timeout(None)` waits for ever.
    max_connections
        How many connections, and how many requests for data, may be open at once.
    auth
        Another way to authenticate, instead of a key.
    app
        An ASGI application in this process, instead of a server; see `Context.from_app`.
    """

    def __init__(  # noqa: PLR0913 - the settings of a connection
        self,
        uri: str,
        *,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
        timeout: httpx.Timeout | None = None,
        verify: bool = True,
        auth: httpx.Auth | None = None,
        app: App | None = None,
        raise_server_exceptions: bool = True,
        max_connections: int = 16,
        trust_env: bool = True,
    ) -> None:
        address = parse_address(uri)
        if api_key is not None and address.api_key is not None:
            raise ValueError("the key is given both in the URI and as api_key=: pick one")
        if auth is not None and not isinstance(auth, httpx.Auth):
            raise ValueError(f"auth must be an httpx.Auth, not {auth!r}: a key is given as api_key=")
        if max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {max_connections}")
        self.api_uri = httpx.URL(address.api_uri)
        self.max_connections = max_connections
        self._settings: dict[str, Any] = {
            "headers": dict(headers or {}),
            "timeout": timeout,
            "verify": verify,
            "max_connections": max_connections,
            "trust_env": trust_env,
            "auth": auth,
        }
        self._app = app
        self._slots = threading.BoundedSemaphore(max_connections)
        self.http_client = self._connect(raise_server_exceptions=raise_server_exceptions)
        try:
            self.server_info: About = parse_about(self.message(call_about(address.api_uri)))  # before a key is set
        except BaseException:
            self.http_client.close()
            raise
        self._api_key: str | None = None
        self.api_key = api_key if api_key is not None else address.api_key
        if auth is not None:
            self.http_client.auth = auth
        self._auth = auth

    def _connect(self, *, raise_server_exceptions: bool) -> httpx.Client:
        settings = self._settings
        common: dict[str, Any] = {
            "headers": {"accept-encoding": ACCEPT_ENCODING, "user-agent": USER_AGENT, **settings["headers"]},
            "follow_redirects": True,
            "event_hooks": {"request": [note_request], "response": [note_response]},
        }
        if self._app is not None:
            transport = AppTransport(self._app, raise_server_exceptions=raise_server_exceptions)
            client = AppClient(transport=transport, timeout=None, trust_env=False, **common)
            client.app = self._app
            return client
        count = settings["max_connections"]
        return httpx.Client(
            timeout=settings["timeout"] or DEFAULT_TIMEOUT,
            verify=settings["verify"],
            trust_env=settings["trust_env"],
            limits=httpx.Limits(max_connections=count, max_keepalive_connections=count),
            **common,
        )

    @classmethod
    def from_any_uri(cls, uri: str, **settings: Any) -> tuple[Self, list[str]]:
        """A connection, and the path of the node that the URI names.

        The key comes from the argument, else the URI, else the environment variable TILED_API_KEY.
        """
        address = parse_address(uri)
        if settings.get("api_key") is None and address.api_key is None and settings.get("auth") is None:
            settings["api_key"] = os.environ.get("TILED_API_KEY") or None
        return cls(uri, **settings), list(address.path)

    @classmethod
    def from_app(  # noqa: PLR0913 - the settings of a connection
        cls,
        app: App,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        api_key: str | None = None,
        raise_server_exceptions: bool = True,
        uri: str | None = None,
        max_connections: int = 16,
    ) -> Self:
        """A connection to an ASGI application in this process, without sockets.

        What the application raises surfaces as itself. The application's own key is used if it has one.

        >>> context = Context.from_app(build_app(tree))
        >>> client = from_context(context)
        """
        if api_key is None:
            api_key = getattr(getattr(app, "state", None), "api_key", None)
        return cls(
            uri or _IN_PROCESS_URI,
            app=app,
            headers=headers,
            timeout=timeout,
            api_key=api_key,
            raise_server_exceptions=raise_server_exceptions,
            max_connections=max_connections,
        )

    # Requests

    def message(self, call: Call) -> Any:
        """The control message that answers a call."""
        return exchange(self.http_client, call, _read_message)

    def data(self, call: Call, read: Callable[[httpx.Response], T], *, size: int | None = None) -> T:
        """What `read` makes of the data that answer a call; `size` is how many bytes they are, if known.

        At most `max_connections` such requests run at once.
        """
        coding = "identity" if self._app is not None else accept_encoding(size)
        headers = {"accept-encoding": coding, **call.headers}
        asked = Call(url=call.url, method=call.method, parameters=call.parameters, headers=headers, json=call.json)
        with self.throttle():
            return exchange(self.http_client, asked, read)

    def data_bytes(self, call: Call, *, size: int | None = None) -> bytes:
        """The bytes of the data that answer a call."""
        return self.data(call, read_bytes, size=size)

    @contextmanager
    def throttle(self) -> Iterator[None]:
        """One of `max_connections` permissions to ask for data."""
        with self._slots:
            yield

    # Identity

    @property
    def api_key(self) -> str | None:
        """The key that is sent with every request, or None."""
        return self._api_key

    @api_key.setter
    def api_key(self, key: str | None) -> None:
        """Send another key from now on, or none."""
        self._api_key = key
        if key is None:
            self.http_client.headers.pop("authorization", None)
        else:
            self.http_client.headers["authorization"] = f"Apikey {key}"

    @property
    def authenticated(self) -> bool:
        """Whether requests carry credentials."""
        return self._api_key is not None or self._auth is not None

    def whoami(self) -> dict[str, Any] | None:
        """Who the server takes us for; None, with a warning, if it knows no persons."""
        links = self.server_info.authentication.links
        if not links or "whoami" not in links:
            warnings.warn("This server has no login: it knows keys, not persons.", UserWarning, stacklevel=2)
            return None
        answer: dict[str, Any] = self.message(call_message(links["whoami"]))
        return answer

    def __repr__(self) -> str:
        return f"<Context {self._describe()}>"

    def _describe(self) -> str:
        if not self.authenticated:
            return "(unauthenticated)"
        who = ""
        if self.server_info.authentication.providers:
            person = self.whoami() or {}
            names = ",".join(repr(identity["id"]) for identity in person.get("identities") or [])
            who = f" as {names}" if names else f" as service {person.get('uuid')!r}"
        if self._api_key is None:
            return f"authenticated{who}"
        shown = self._api_key[: min(8, len(self._api_key) // 2)]
        return f"authenticated{who} with API key '{shown}...'"

    # Life

    def close(self) -> None:
        """Close all connections."""
        self.http_client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        if self._app is not None:
            raise TypeError("a connection to an application in this process cannot be pickled: serve it, then connect")
        settings = {**self._settings, "api_key": self._api_key}
        return {"version": __version__, "api_uri": str(self.api_uri), "settings": settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["version"] != __version__:
            raise TypeError(
                f"this connection was pickled by tiledkernel {state['version']} and cannot be used by {__version__}: "
                "install the same version on both sides"
            )
        Context.__init__(self, state["api_uri"], **state["settings"])


def _read_message(response: httpx.Response) -> Any:
    return parse_message(response.headers.get("content-type", ""), response.read())
