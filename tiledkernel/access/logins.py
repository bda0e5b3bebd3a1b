"""What a way to log in is to those who keep accounts.

A login says who somebody is, and nothing else: accounts, sessions and tokens are made elsewhere. There are three kinds,
told apart by their methods: one that takes a password, one that sends a browser to a provider, and one that believes
the tokens of a provider. Methods may be coroutines; plain ones are called in a thread and may block.

An optional attribute `confirmation_message` is shown to a user who has logged in, with `{id}` filled in. An optional
method `close` is called when the server ends; whoever logs in later finds the login open again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tiledkernel.ability import Ability


class Identity(Struct, frozen=True, kw_only=True):
    """Who has logged in: `id` is unique at the provider, and stays the same.

    `state` is kept with the session, for trees that want it (`with_session_state`); it must be JSON, and small.
    """

    id: str
    state: Mapping[str, Any] = {}


class PasswordLogin(Ability):
    """A login with user name and password."""

    @abstractmethod
    def authenticate(self, username: str, password: str) -> Identity | str | None:
        """Who that is (an id will do); None if name and password do not belong together."""


class Departure(Struct, frozen=True, kw_only=True):
    """Where a browser is sent to log in, and what has to be remembered until it comes back, such as a nonce."""

    url: str
    remember: Mapping[str, str] = {}


class BrowserLogin(Ability):
    """A login at a provider, to which the browser is sent and from which it comes back.

    Optional attributes: `redirect_on_success` and `redirect_on_failure`, pages to which the browser is sent in the end.
    """

    @abstractmethod
    def depart(self, redirect_uri: str, state: str) -> Departure:
        """Where to send the browser; the provider sends it back to `redirect_uri` with `state` unchanged."""

    @abstractmethod
    def arrive(self, redirect_uri: str, parameters: Mapping[str, str], remembered: Mapping[str, str]) -> Identity:
        """Who has logged in, from the parameters with which the browser came back; Unauthorized if nobody did."""


class Bearer(Struct, frozen=True, kw_only=True):
    """Who a provider's token is of, which scopes it confers, and when it expires (seconds since 1970)."""

    identity: Identity
    scopes: frozenset[str]
    expires: float


class TokenLogin(Ability):
    """A login whose tokens are presented to this server as they are; it must be the only one of a server."""

    @abstractmethod
    def verify(self, token: str) -> Bearer:
        """Whose token that is; Unauthorized if it is not valid here."""

    @abstractmethod
    def endpoints(self) -> Mapping[str, Any]:
        """Where a client logs in by itself.

        `auth_endpoint` (device authorization), `token_endpoint`, `client_id`, `end_session_endpoint` or None, and
        `extra_scopes`, a list.
        """
