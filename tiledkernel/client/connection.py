"""What a connection to a server is, whichever way its user waits for answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from tiledkernel import __version__
from tiledkernel.client.calls import Call, call_about
from tiledkernel.client.decoders import ACCEPT_ENCODING, accept_encoding
from tiledkernel.client.exchanges import build_request
from tiledkernel.client.identity import Identity
from tiledkernel.client.in_process import App
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import parse_about
from tiledkernel.client.plans import Ask, Plan, ask_bytes, ask_data, ask_message
from tiledkernel.client.sinks import Sink
from tiledkernel.client.uris import Address, parse_address

T = TypeVar("T")

USER_AGENT = f"python-tiled/0.2.20+tiledkernel.{__version__}"  # servers look at the version of the protocol
DEFAULT_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=5.0)
_FOR_MESSAGES = 4  # connections besides those for data, so that a look-up need not wait for a download
_KEPT_OPEN = 60.0  # seconds; a person at a prompt pauses to think
IN_PROCESS_URI = "http://local-tiled-app/api/v1"


class CannotWait(TypeError):
    """An asynchronous program used what Python does not let it await."""


class ConnectionSettings(Struct, frozen=True, kw_only=True):
    """How to connect; see `Context` for what each means."""

    headers: dict[str, str] = field(default_factory=dict)
    timeout: Any = None  # httpx.Timeout
    verify: bool = True
    auth: Any = None  # httpx.Auth
    max_connections: int = 16
    trust_env: bool = True
    show_progress: bool | None = None
    cache: Any = None  # tiledkernel.client.cache.Cache
    token_cache: Any = None  # the folder in which a login is remembered

    def check(self) -> None:
        """ValueError for what cannot be meant."""
        if self.auth is not None and not isinstance(self.auth, httpx.Auth):
            raise ValueError(f"auth must be an httpx.Auth, not {self.auth!r}: a key is given as api_key=")
        if self.max_connections < 1:
            raise ValueError(f"max_connections must be at least 1, not {self.max_connections}")

    def client_options(self, hooks: Mapping[str, list[Any]]) -> dict[str, Any]:
        """The arguments with which an HTTP client is made."""
        return {
            "headers": {"accept-encoding": ACCEPT_ENCODING, "user-agent": USER_AGENT, **self._own_headers()},
            "follow_redirects": True,
            "event_hooks": hooks,
        }

    def _own_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def options_abroad(self, hooks: Mapping[str, list[Any]]) -> dict[str, Any]:
        """The arguments of an HTTP client for one request to somebody else than the server."""
        headers = {"accept-encoding": ACCEPT_ENCODING, "user-agent": USER_AGENT}
        return {**self.network_options(), "headers": headers, "follow_redirects": False, "event_hooks": hooks}

    def network_options(self) -> dict[str, Any]:
        """The arguments of an HTTP client that talks to another machine."""
        count = self.max_connections + _FOR_MESSAGES
        return {
            "timeout": self.timeout or DEFAULT_TIMEOUT,
            "verify": self.verify,
            "trust_env": self.trust_env,
            "limits": httpx.Limits(max_connections=count, max_keepalive_connections=count, keepalive_expiry=_KEPT_OPEN),
        }


class Connection(Identity):
    """What `Context` and `AsyncContext` share: the settings, what the server says of itself, and the credentials.

    Each of them has `http_client`, `run`, which does what a plan says, `run_once`, which tries no step again, and
    `run_now`, which does so where Python cannot await.
    """

    run_now: Callable[..., Any]

    def __init__(self, uri: str, settings: ConnectionSettings, api_key: str | None, app: App | None) -> None:
        super().__init__()
        address = parse_address(uri)
        if api_key is not None and address.api_key is not None:
            raise ValueError("the key is given both in the URI and as api_key=: pick one")
        settings.check()
        self.api_uri = httpx.URL(address.api_uri)
        self._origin = str(self.api_uri.copy_with(raw_path=b"/"))
        self.max_connections = settings.max_connections
        self._settings = settings
        self._app = app
        self._is_near = app is not None or is_loopback(self.api_uri.host)
        self._given_key = api_key if api_key is not None else address.api_key

    def _introduce(self) -> Plan[None]:
        """Learn what the server is, before anything secret is sent to it."""
        message = yield from ask_message(call_about(str(self.api_uri)))
        self.server_info = parse_about(message)
        self.api_key = self._given_key
        if self._settings.auth is not None:
            self.http_client.auth = self._settings.auth

    def shares_server(self, other: Connection) -> bool:
        """Whether another connection leads to the same server; applications in this process have no address."""
        return self.api_uri == other.api_uri and self._app is other._app

    @property
    def cache(self) -> Any:
        """The cache that keeps answers, or None."""
        return self._settings.cache

    @cache.setter
    def cache(self, cache: Any) -> None:
        """Use another cache from now on, or none."""
        self._settings = replace(self._settings, cache=cache)

    @property
    def _usable_cache(self) -> Any:
        """Not that of an application in this process, which has no address; nor with credentials that change unseen."""
        is_unseen = self._settings.auth is not None or (self._login is not None and self._who is None)
        return None if self._app is not None or is_unseen else self._settings.cache

    # Requests

    def _request_of(self, ask: Ask) -> httpx.Request:
        request = build_request(self.http_client, ask, self._coding_of(ask), self._at_home(ask.call.url))
        if ask.bare:
            request.headers.pop("authorization", None)
        return request

    def _at_home(self, url: str) -> str:
        """A link of the server, at the address at which we talk to it.

        Behind a proxy or a tunnel a server may think that it has another address. A key goes to no other one than that
        which its user has named.
        """
        if url.startswith(self._origin):
            return url
        return str(httpx.URL(url).copy_with(scheme=self.api_uri.scheme, host=self.api_uri.host, port=self.api_uri.port))

    def _coding_of(self, ask: Ask) -> str | None:
        """The content codings to offer; for data that stay on this machine none pays."""
        if not ask.is_data or "accept-encoding" in httpx.Headers(self._settings.headers):
            return None
        return "identity" if self._is_near else accept_encoding(ask.size)

    def message(self, call: Call) -> Any:
        """The control message that answers a call."""
        return self.run(ask_message(call))

    def data(self, call: Call, receive: Callable[[httpx.Headers], Sink[T]], *, size: int | None = None) -> Any:
        """What the sink that `receive` makes has made of the data that answer a call.

        `size` is how many bytes they are, if that is known. At most `max_connections` such requests run at once.
        """
        return self.run(ask_data(call, receive, size=size))

    def data_bytes(self, call: Call, *, size: int | None = None) -> Any:
        """The bytes of the data that answer a call."""
        return self.run(ask_bytes(call, size=size))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def key_for(address: Address, settings: Mapping[str, Any], environment: Mapping[str, str]) -> str | None:
    """The key to use: the argument's, else the URI's (which is kept there), else that of the environment."""
    given: str | None = settings.get("api_key")
    if given is not None or address.api_key is not None or settings.get("auth") is not None:
        return given
    return environment.get("TILED_API_KEY") or None
