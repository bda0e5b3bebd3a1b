"""A small server with accounts: it speaks the wire of logins, sessions and keys, and notes what it is asked.

It is not our own server, so that the client is held to the protocol, and not to what our server happens to do.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tiledkernel.wire import decode_json, encode_json

PASSWORDS = {"alice": "secret1", "bob": "secret2"}
UUIDS = {"alice": "9c65c692-178a-45a2-b2f6-a91212b8cca5", "bob": "746dc162-0000-4000-8000-000000000001"}
CSRF = "csrf-of-the-cookie"
NOTHING = object()  # an answer without a body
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Asked:
    """A request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return decode_json(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Session:
    """A login: what was given out last, and whether that still holds."""

    user: str
    access: str = ""
    refresh: str = ""


class Refused(Exception):
    """An answer that is an error: status, detail and headers."""

    def __init__(self, status: int, detail: Any, **headers: str) -> None:
        super().__init__(status, detail)
        self.status, self.body, self.headers = status, {"detail": detail}, headers


class RefusedToken(Refused):
    """An error as RFC 6749 has it."""

    def __init__(self, error: str) -> None:
        super().__init__(400, None)
        self.body = {"error": error}


@dataclass
class LoginServer:
    """An ASGI application. `modes` are its providers; `pending` how often a device is told to wait."""

    modes: dict[str, str] = field(default_factory=lambda: {"toy": "internal"})
    required: bool = True
    pending: int = 1
    expires_in: float = 900.0  # of access tokens
    code_expires_in: float = 900.0
    confirmation: str | None = "You have logged in as {id}."
    away: int = 0  # how many of the next refreshes fail
    slow: float = 0.0  # seconds that a refresh takes
    scopes: str = ""  # what the access tokens do not confer
    stubborn: bool = False  # whether no token is good for anything
    base: str = "http://local-tiled-app"
    provider_base: str = "http://local-tiled-app"

    def __post_init__(self) -> None:
        self.asked: list[Asked] = []
        self.sessions: list[Session] = []
        self.keys: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    # What tests look at, and do

    def paths(self, beginning: str = "/api/v1/auth") -> list[str]:
        """What was asked, without the part that all have in common."""
        return [asked.path.removeprefix("/api/v1/") for asked in self.asked if asked.path.startswith(beginning)]

    def count(self, path: str) -> int:
        """How often something was asked."""
        return self.paths("").count(path)

    def last(self, path: str) -> Asked:
        """The last request to a path."""
        return [asked for asked in self.asked if asked.path.removeprefix("/api/v1/") == path][-1]

    def expire(self) -> None:
        """No access token is valid any more."""
        for session in self.sessions:
            session.access = ""

    def end_sessions(self) -> None:
        """Nor can any be renewed."""
        self.sessions.clear()

    # The application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError("only HTTP")
        asked = await _read(scope, receive)
        self.asked.append(asked)
        headers = {"content-type": "application/json", "set-cookie": f"tiled_csrf={CSRF}; Path=/; HttpOnly"}
        headers |= {"etag": '"1"', "cache-control": "private, no-cache"} if asked.method == "GET" else {}
        try:
            found = await self._answer(asked)
            status, body = (204, b"") if found is NOTHING else (200, encode_json(found))
        except Refused as refusal:
            status, body, headers = refusal.status, encode_json(refusal.body), headers | refusal.headers
        raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, asked: Asked) -> Any:
        path = asked.path.removeprefix("/api/v1")
        for beginning, answer in (
            ("/auth/provider/", self._provider),
            ("/auth/session/", self._session),
            ("/auth/whoami", self._whoami),
            ("/auth/apikey", self._apikey),
            ("/auth/principal", self._principal),
            ("/idp/", self._identity_provider),
            ("/metadata", self._node),
        ):
            if path.startswith(beginning):
                return await answer(asked, path.removeprefix(beginning))
        if path == "/":
            return self._about()
        raise Refused(404, "there is no such thing")

    def _about(self) -> Any:
        base = f"{self.base}/api/v1"
        links = {
            "whoami": f"{base}/auth/whoami",
            "apikey": f"{base}/auth/apikey",
            "refresh_session": f"{base}/auth/session/refresh",
            "revoke_session": f"{base}/auth/session/revoke/{{session_id}}",
            "logout": f"{base}/auth/logout",
        }
        if "proxied" in self.modes.values():
            links |= {
                "refresh_session": f"{self.provider_base}/idp/token",
                "logout": f"{self.provider_base}/idp/logout",
            }
        providers = [self._about_provider(name, mode, base) for name, mode in self.modes.items()]
        authentication = {"required": self.required, "providers": providers, "links": links if providers else None}
        about = {"api_version": 0, "library_version": "0.2.20", "authentication": authentication}
        return about | {"formats": {}, "aliases": {}, "queries": [], "links": {"self": base}, "meta": {}}

    def _about_provider(self, name: str, mode: str, base: str) -> Any:
        links = {
            "internal": {"auth_endpoint": f"{base}/auth/provider/{name}/token"},
            "external": {"auth_endpoint": f"{base}/auth/provider/{name}/authorize"},
            "proxied": {
                "auth_endpoint": f"{self.provider_base}/idp/device",
                "authorize_endpoint": f"{base}/auth/provider/{name}/authorize",
                "token_endpoint": f"{self.provider_base}/idp/token",
                "client_id": "terminals",
            },
        }.get(mode, {})
        told = {"provider": name, "mode": "external" if mode == "proxied" else mode, "links": links}
        extra = ["beamlines"] if mode == "proxied" else None
        return told | {"confirmation_message": self.confirmation, "extra_scopes": extra}

    async def _provider(self, asked: Asked, rest: str) -> Any:
        name, _, what = rest.partition("/")
        if self.modes.get(name) == "internal":
            form = asked.form
            if "username" not in form or PASSWORDS.get(form["username"]) != form["password"]:
                raise Refused(401, "Username or password not recognized", www_authenticate="Bearer")
            return self._new_session(form["username"])
        if what == "authorize":
            return {
                "authorization_uri": "https://idp.example.org/authorize?client_id=1",
                "verification_uri": f"{self.base}/api/v1/auth/provider/{name}/token",
                "interval": 0.01, "device_code": "ab" * 32, "user_code": "793F-B9A6",
                "expires_in": self.code_expires_in,
            }  # fmt: skip
        assert asked.json == {"device_code": "ab" * 32, "grant_type": GRANT}
        if self.pending:
            self.pending -= 1
            raise Refused(400, {"error": "authorization_pending"})
        return self._new_session("alice")

    async def _identity_provider(self, asked: Asked, rest: str) -> Any:
        form = asked.form
        assert form["client_id"] == "terminals"
        if rest == "device":
            uri = "https://idp.example.org/device"
            return {
                "device_code": "code-of-the-device", "user_code": "WDJB-MJHT", "verification_uri": uri,
                "verification_uri_complete": f"{uri}?user_code=WDJB-MJHT", "expires_in": 600, "interval": 0.01,
            }  # fmt: skip
        if rest == "logout":
            return {}
        if form["grant_type"] == "refresh_token":
            given = self._renewed(form["refresh_token"])
            return {"access_token": given["access_token"], "expires_in": 60, "token_type": "Bearer"}
        assert (form["grant_type"], form["device_code"]) == (GRANT, "code-of-the-device")
        if self.pending:
            self.pending -= 1
            raise RefusedToken("authorization_pending" if self.pending else "slow_down")
        given = self._new_session("alice")
        names = ("access_token", "refresh_token")
        return {name: given[name] for name in names} | {"id_token": "id-1", "expires_in": 60, "token_type": "Bearer"}

    def _new_session(self, user: str) -> Any:
        self.sessions.append(Session(user))
        identity = {"id": user, "provider": next(iter(self.modes))}
        principal = UUIDS[user].replace("-", "")
        return self._issue(self.sessions[-1]) | {"identity": identity, "principal": principal}

    def _issue(self, session: Session) -> dict[str, Any]:
        number = next(self._numbers)
        session.access, session.refresh = f"access-{number}", f"refresh-{number}"
        ages = {"expires_in": self.expires_in, "refresh_token_expires_in": 604800.0, "token_type": "bearer"}
        return {"access_token": session.access, "refresh_token": session.refresh} | ages

    async def _session(self, asked: Asked, rest: str) -> Any:
        if rest == "refresh":
            if self.slow:
                await asyncio.sleep(self.slow)
            if self.away:
                self.away -= 1
                raise Refused(503, "come again later")
            assert asked.headers.get("x-csrf") == CSRF
            return self._renewed(asked.json["refresh_token"])
        if asked.method == "DELETE":
            user = self._user(asked)
            if rest != f"revoke/{UUIDS[user]}":
                raise Refused(404, "no such session")
            return NOTHING
        token = asked.json["refresh_token"]
        if not any(session.refresh == token for session in self.sessions):
            raise Refused(401, "this session has ended")
        self.sessions = [session for session in self.sessions if session.refresh != token]
        return NOTHING

    def _renewed(self, token: str) -> dict[str, Any]:
        for session in self.sessions:
            if session.refresh == token:
                return self._issue(session)
        raise Refused(401, "Session has expired. Please re-authenticate.")

    def _user(self, asked: Asked) -> str:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer":
            for session in self.sessions:
                if token and session.access == token:
                    return session.user
        if scheme == "Apikey" and token in self.keys:
            return "alice"
        raise Refused(401, "Access token has expired. Refresh token.", www_authenticate="Bearer")

    async def _whoami(self, asked: Asked, rest: str) -> Any:
        if "authorization" not in asked.headers:
            return None
        user = self._user(asked)
        listed = [{name: text for name, text in key.items() if name != "secret"} for key in self.keys.values()]
        identities = [{"id": user, "provider": "toy", "latest_login": None}]
        return {"uuid": UUIDS[user], "type": "user", "identities": identities, "roles": [], "api_keys": listed}

    async def _apikey(self, asked: Asked, rest: str) -> Any:
        if asked.method == "GET":
            secret = asked.headers["authorization"].removeprefix("Apikey ")
            if secret not in self.keys:
                raise Refused(401, "Invalid API key")
            return {name: text for name, text in self.keys[secret].items() if name != "secret"}
        self._user(asked)
        if asked.method not in ("POST", "DELETE"):
            raise Refused(405, "this cannot be done")
        return self._change_keys(asked)

    def _change_keys(self, asked: Asked) -> Any:
        if asked.method == "DELETE":
            chosen = [secret for secret in self.keys if secret[:8] == asked.query["first_eight"]]
            if not chosen:
                raise Refused(404, "no such key")
            del self.keys[chosen[0]]
            return NOTHING
        if "bogus" in (asked.json["scopes"] or ()):
            raise Refused(403, "Requested scopes ['bogus'] must be a subset of the principal's")
        secret = f"{next(self._numbers):08x}" + "ab" * 32
        expires = asked.json["expires_in"]
        self.keys[secret] = {
            "first_eight": secret[:8], "expiration_time": "2026-11-21T03:03:35" if expires else None,
            "note": asked.json["note"], "scopes": asked.json["scopes"], "access_tags": asked.json["access_tags"],
            "latest_activity": None, "secret": secret,
        }  # fmt: skip
        return self.keys[secret]

    async def _principal(self, asked: Asked, rest: str) -> Any:
        self._user(asked)
        if rest.endswith("/apikey"):
            return self._change_keys(asked)
        listed = [{name: text for name, text in key.items() if name != "secret"} for key in self.keys.values()]
        service = {"uuid": UUIDS["bob"], "type": "service", "identities": [], "roles": [], "api_keys": listed}
        if asked.method == "POST":
            return service | {"roles": [{"name": asked.query["role"], "scopes": []}]}
        return service if rest else [service]

    async def _node(self, asked: Asked, rest: str) -> Any:
        if self.stubborn:
            raise Refused(401, "not for you", www_authenticate="Bearer")
        if self.required or "authorization" in asked.headers:
            self._user(asked)
        if self.scopes:
            told = f'Bearer scope="{self.scopes}", error="insufficient_scope"'
            raise Refused(401, "not enough permissions", www_authenticate=told)
        base = f"{self.base}/api/v1"
        described = {"ancestors": [], "structure_family": "container", "specs": [], "metadata": {}, "structure": None}
        links = {"self": f"{base}/metadata/", "search": f"{base}/search/", "full": f"{base}/container/full/"}
        return {"data": {"id": "", "attributes": described, "links": links, "meta": None}}


async def _read(scope: Any, receive: Any) -> Asked:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    headers = {name.decode(): text.decode() for name, text in scope["headers"]}
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    return Asked(scope["method"], scope["path"], headers, query, body)
