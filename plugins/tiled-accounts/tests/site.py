"""Servers with accounts, in this process, and logins that tests can see through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from tiled_accounts.keeper import Keeper, build_accounts

from tiledkernel.access.logins import Bearer, Departure, Identity
from tiledkernel.access.settings import AccountSettings, DatabaseSettings, Provider
from tiledkernel.client.in_process import AppTransport
from tiledkernel.errors import Unauthorized
from tiledkernel.server import build_app

SECRET = "s" * 40
PASSWORD = "the right one"
BASE = "http://local-tiled-app/api/v1"


class Passwords:
    """Lets everybody in who knows the one password."""

    confirmation_message = "You have logged in as {id}."

    def authenticate(self, username: str, password: str) -> str | None:
        return username if password == PASSWORD else None


class IdentityProvider:
    """Logs everybody in whose code is `code-of-<name>`, if state and nonce are those with which the browser left."""

    def __init__(self, **attributes: Any) -> None:
        self.departed: list[str] = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def depart(self, redirect_uri: str, state: str) -> Departure:
        self.departed.append(state)
        url = httpx.URL("https://provider.example/login", params={"redirect_uri": redirect_uri, "state": state})
        return Departure(url=str(url), remember={"nonce": f"nonce for {state}", "redirect_uri": redirect_uri})

    def arrive(self, redirect_uri: str, parameters: Mapping[str, str], remembered: Mapping[str, str]) -> Identity:
        state = parameters.get("state") or parameters.get("RelayState")
        if remembered != {"nonce": f"nonce for {state}", "redirect_uri": redirect_uri}:
            raise Unauthorized("another browser")
        kind, _, name = parameters.get("code", parameters.get("SAMLResponse", "")).partition("code-of-")
        if kind or not name:
            raise Unauthorized("the provider does not know this code")
        return Identity(id=name, state={"token": f"token of {name}"})


class Bearers:
    """Believes tokens such as `bearer of alice`."""

    def __init__(self) -> None:
        self.asked = 0
        self.expires = 4e9

    def verify(self, token: str) -> Bearer:
        self.asked += 1
        if not token.startswith("bearer-of-"):
            raise Unauthorized("this token is not of the provider")
        identity = Identity(id=token.removeprefix("bearer-of-"), state={"token": token})
        return Bearer(identity=identity, scopes=frozenset({"read:metadata", "read:data"}), expires=self.expires)

    def endpoints(self) -> dict[str, Any]:
        return {
            "auth_endpoint": "https://provider.example/device",
            "token_endpoint": "https://provider.example/token",
            "client_id": "tiled",
            "end_session_endpoint": None,
            "extra_scopes": ["offline"],
        }


class Site:
    """A server with accounts, and what can be asked of it."""

    def __init__(self, uri: str | None, *, tree: Any = None, address: str | None = None, **settings: Any) -> None:
        logins = settings.pop("logins", {"toy": Passwords()})
        chosen = {"secret_keys": (SECRET,), "database": DatabaseSettings(uri=uri, init_if_not_exists=True)} | settings
        providers = tuple(Provider(name, login) for name, login in logins.items())
        self.keeper: Keeper = build_accounts(AccountSettings(providers=providers, **chosen))
        app = build_app({"x": {}} if tree is None else tree, accounts=self.keeper)

        async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
            await app(scope | ({"client": (address, 1)} if address is not None else {}), receive, send)

        self.http = httpx.Client(
            transport=AppTransport(elsewhere), base_url=BASE, headers={"accept": "application/json"}
        )

    def __call__(
        self, method: str, path: str, *, token: str | None = None, key: str | None = None, **options: Any
    ) -> httpx.Response:
        """The response to a request with a token, a key, or neither; it keeps no cookies but those given."""
        headers = options.pop("headers", {})
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if key is not None:
            headers["authorization"] = f"Apikey {key}"
        if "cookies" in options:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in options.pop("cookies").items())
        response = self.http.request(method, path, headers=headers, **options)
        self.http.cookies.clear()
        return response

    def get(self, path: str, **options: Any) -> Any:
        """What JSON says there."""
        response = self("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def log_in(self, name: str = "alice", password: str = PASSWORD, provider: str = "toy") -> dict[str, Any]:
        """The tokens of somebody."""
        response = self.try_to_log_in(name, password, provider)
        assert response.status_code == 200, response.text
        tokens: dict[str, Any] = response.json()
        return tokens

    def try_to_log_in(self, name: str, password: str, provider: str = "toy") -> httpx.Response:
        form = {"grant_type": "password", "username": name, "password": password}
        return self("POST", f"/auth/provider/{provider}/token", data=form)

    def make_key(self, *, scopes: Any = None, expires_in: Any = None, to: str | None = None, **more: Any) -> str:
        """The secret of a new key; of another principal's, if its uuid is given."""
        credential = {name: more.pop(name) for name in ("token", "key") if name in more}
        response = self.try_to_make_key(scopes=scopes, expires_in=expires_in, to=to, **more, **credential)
        assert response.status_code == 200, response.text
        secret: str = response.json()["secret"]
        return secret

    def try_to_make_key(
        self, *, scopes: Any, expires_in: Any = None, to: str | None = None, **more: Any
    ) -> httpx.Response:
        credential = {name: more.pop(name) for name in ("token", "key") if name in more}
        path = "/auth/apikey" if to is None else f"/auth/principal/{to}/apikey"
        return self("POST", path, json={"scopes": scopes, "expires_in": expires_in, **more}, **credential)

    def refresh(self, token: str) -> httpx.Response:
        return self("POST", "/auth/session/refresh", json={"refresh_token": token})

    def status(self, path: str = "/metadata/", **options: Any) -> int:
        return self("GET", path, **options).status_code

    def close(self) -> None:
        self.http.close()
        self.keeper.close()
