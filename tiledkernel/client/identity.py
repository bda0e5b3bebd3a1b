"""Who a connection asks for: by a key, by a login, or by nobody in particular.

What logins and keys take is loaded when it is used: most connections need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tiledkernel import references
from tiledkernel.client.calls import call_message
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import About
from tiledkernel.client.plans import Plan, ask_message

if TYPE_CHECKING:
    from tiledkernel.client.admin import Admin
    from tiledkernel.client.login_state import Login
    from tiledkernel.client.tokens import TokenFiles

NO_PERSONS = "This server has no login: it knows keys, not persons."
_NO_TOKENS: Mapping[str, str] = MappingProxyType({})
_AUTH = "tiledkernel.client.auth"
_KEYS = "tiledkernel.client.api_keys"
_LOGIN = "tiledkernel.client.login"
_STATE = "tiledkernel.client.login_state"


class Identity:
    """The credentials of a connection, and what can be done with them.

    With an `AsyncContext`, methods that ask the server give what is to be awaited instead of the result.
    """

    api_uri: httpx.URL
    cache: Any
    http_client: httpx.Client | httpx.AsyncClient
    server_info: About
    run: Callable[..., Any]
    run_once: Callable[..., Any]
    _settings: Any
    _app: Any

    def __init__(self) -> None:
        self._api_key: str | None = None
        self._login: Login | None = None

    # A key

    @property
    def api_key(self) -> str | None:
        """The key that is sent with every request, or None."""
        return self._api_key

    @api_key.setter
    def api_key(self, key: str | None) -> None:
        """Send another key from now on, or none; a key is used instead of a login."""
        self._api_key = key
        if key is None:
            self.http_client.headers.pop("authorization", None)
            return
        self.use_login(None)
        self.http_client.headers["authorization"] = f"Apikey {key}"

    @property
    def authenticated(self) -> bool:
        """Whether requests carry credentials: a key, the token of a login, or others of the user's own."""
        has_header = "authorization" in httpx.Headers(self._settings.headers)
        is_logged_in = self._login is not None and bool(self._login.tokens)
        return self._api_key is not None or is_logged_in or self._settings.auth is not None or has_header

    # A login

    def authenticate(self, *, remember_me: bool = True) -> Any:
        """Ask the person at the terminal to log in; later requests are made in that name.

        Parameters
        ----------
        remember_me
            Whether the login is kept on disk for other programs of the same user, until `logout()`. The password is
            not kept.
        """
        return self.run(references.load(f"{_LOGIN}:logging_in")(self, remember_me=remember_me))

    login = authenticate

    def configure_auth(self, tokens: Mapping[str, Any], remember_me: bool = True) -> None:  # noqa: FBT001, FBT002 - positional in published code
        """Use tokens that were got elsewhere: `access_token`, and `refresh_token` if they are to be renewed.

        Parameters
        ----------
        tokens
            As `password_grant` and `device_code_grant` give them.
        remember_me
            Whether they are kept on disk. If not, those that are there are forgotten.
        """
        references.load(f"{_AUTH}:refuse_key")(self)
        files = self._token_files()
        if not remember_me and files is not None:
            files.forget()
        login = references.load(f"{_STATE}:Login")(tokens, files if remember_me else None)
        login.remember()
        self.use_login(login)

    def use_cached_tokens(self) -> Any:
        """Log in with what is remembered, if the server still takes it; whether it does."""
        return self.run(references.load(f"{_LOGIN}:using_cached_tokens")(self))

    @property
    def tokens(self) -> Mapping[str, str]:
        """The tokens of the login, by name; empty without one."""
        return _NO_TOKENS if self._login is None else self._login.tokens

    def force_auth_refresh(self) -> Any:
        """Have new tokens now; the tokens."""
        return self.run(references.load(f"{_LOGIN}:refreshing")(self))

    def logout(self) -> Any:
        """End the login, here and on the server, and forget what is remembered of it."""
        return self.run(references.load(f"{_LOGIN}:logging_out")(self))

    def revoke_session(self, session_id: str) -> Any:
        """End one of one's logins, of those that `whoami()` lists: it cannot be renewed any more."""
        return self.run(references.load(f"{_LOGIN}:revoking_session")(self, session_id))

    # Keys

    def create_api_key(
        self,
        scopes: Sequence[str] | None = None,
        expires_in: float | str | None = None,
        note: str | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> Any:
        """Make a key, which is a credential for programs; what the server says of it, with its `secret`.

        The secret is not told a second time.

        Parameters
        ----------
        scopes
            What it may be used for, such as `["read:metadata", "read:data"]`; None: whatever its owner may do.
        expires_in
            Seconds, or a number with a unit: "30s", "5m", "1h", "3d", "3y"; None: it does not expire.
        note
            A reminder of what it is for.
        access_tags
            If it is to reach only what has one of these.

        Examples
        --------
        >>> key = client.context.create_api_key(expires_in="30d", note="for the beamline")
        >>> key["secret"]
        """
        return self.run(references.load(f"{_KEYS}:creating")(self, scopes, expires_in, note, access_tags))

    def revoke_api_key(self, first_eight: str) -> Any:
        """Make one of one's keys worthless, which is named by its first eight characters; more are ignored."""
        return self.run(references.load(f"{_KEYS}:revoking")(self, first_eight))

    def which_api_key(self) -> Any:
        """What the server says of the key that is in use: its note, its scopes, when it expires."""
        return self.run(references.load(f"{_KEYS}:describing")(self))

    @property
    def admin(self) -> Admin:
        """What administrators can do with the accounts and keys of others."""
        made: Admin = references.load("tiledkernel.client.admin:Admin")(self)
        return made

    # For those who do these things

    @property
    def current_login(self) -> Login | None:
        """The login that is in use, or has just ended."""
        return self._login

    def use_login(self, login: Login | None) -> None:
        """Put a login's token into every request, or none."""
        if login is None and self._login is None:
            return
        self._login = login
        own = self._settings.auth
        self.http_client.auth = own if login is None else references.load(f"{_AUTH}:TokenAuth")(self, login)

    def remembered_login(self) -> Login | None:
        """The login that is kept on disk, if a key does not take its place."""
        files = self._token_files()
        if files is None or self._api_key is not None:
            return None
        found: Login | None = references.load(f"{_STATE}:Login").remembered(files)
        return found

    def _token_files(self) -> TokenFiles | None:
        """Where a login is remembered; None if the server's address means nothing to other programs."""
        root: Path | None = self._settings.token_cache
        if self._app is not None and root is None:
            return None
        found: TokenFiles = references.load("tiledkernel.client.tokens:TokenFiles")(str(self.api_uri), root)
        return found

    @property
    def _who(self) -> str | None:
        """Who answers are kept for, where the credentials change while the person stays the same."""
        return None if self._login is None else self._login.principal

    # Whose they are

    def asking_whoami(self, *, once: bool = False) -> Plan[dict[str, Any] | None]:
        """Who the server takes us for; None: for nobody."""
        links = self.server_info.authentication.links
        if not links or "whoami" not in links:
            return None
        answer: dict[str, Any] | None = yield from ask_message(call_message(links["whoami"]), once=once)
        if self._login is not None and answer is not None and isinstance(answer.get("uuid"), str):
            self._login.belongs_to(answer["uuid"])
        return answer

    def _describe(self, person: Mapping[str, Any] | None) -> str:
        if not self.authenticated:
            return "(unauthenticated)"
        who = ""
        if person is not None:
            names = ",".join(repr(identity["id"]) for identity in person.get("identities") or [])
            who = f" as {names}" if names else f" as service {person.get('uuid')!r}"
        if self._api_key is None:
            return f"authenticated{who}"
        shown = self._api_key[: min(8, len(self._api_key) // 2)]
        return f"authenticated{who} with API key '{shown}...'"
