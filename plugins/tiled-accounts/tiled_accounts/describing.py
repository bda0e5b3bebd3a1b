"""What the root document says about logging in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from tiled_accounts.logins import Calls
from tiledkernel.access.logins import BrowserLogin, PasswordLogin, TokenLogin
from tiledkernel.access.settings import AccountSettings, Provider
from tiledkernel.errors import KernelError

logger = logging.getLogger(__name__)


class Describing:
    """Describes the providers of a server.

    Those of a provider whose tokens are taken as they are have to be asked of it, which may block: that is done in a
    thread, once, and again if it did not succeed.
    """

    def __init__(self, settings: AccountSettings, calls: Calls) -> None:
        self._settings = settings
        self._calls = calls
        self._proxied = next((each for each in settings.providers if isinstance(each.login, TokenLogin)), None)
        self._endpoints: Mapping[str, Any] | None = None
        self._asking = threading.Lock()
        if self._proxied is not None:
            self._ask(self._proxied)

    def describe(self, base: str) -> dict[str, Any]:
        """The section `authentication` of the root document."""
        return {
            "required": not self._settings.allow_anonymous_access,
            "providers": [self._provider(provider, base) for provider in self._settings.providers],
            "links": {
                "whoami": f"{base}/auth/whoami",
                "apikey": f"{base}/auth/apikey",
                "refresh_session": f"{base}/auth/session/refresh",
                "revoke_session": f"{base}/auth/session/revoke/{{session_id}}",
                "logout": f"{base}/auth/logout",
            }
            | self._links(),
        }

    def _links(self) -> dict[str, str]:
        """Where a provider whose tokens are taken as they are refreshes and ends sessions."""
        if self._proxied is None:
            return {}
        known = self._known(self._proxied)
        found = {"refresh_session": known.get("token_endpoint"), "logout": known.get("end_session_endpoint")}
        return {name: link for name, link in found.items() if link is not None}

    def _provider(self, provider: Provider, base: str) -> dict[str, Any]:
        own = f"{base}/auth/provider/{provider.name}"
        extra_scopes = None
        mode = "external"
        if isinstance(provider.login, TokenLogin):
            known = self._known(provider)
            links = {name: known[name] for name in ("auth_endpoint", "token_endpoint", "client_id") if name in known}
            if isinstance(provider.login, BrowserLogin):
                links["authorize_endpoint"] = f"{own}/authorize"
            extra_scopes = list(known.get("extra_scopes") or ())
        elif isinstance(provider.login, BrowserLogin):
            links = {"auth_endpoint": f"{own}/authorize"}
        else:
            assert isinstance(provider.login, PasswordLogin), "there are three kinds"
            mode, links = "internal", {"auth_endpoint": f"{own}/token"}
        return {
            "provider": provider.name,
            "mode": mode,
            "links": links,
            "confirmation_message": getattr(provider.login, "confirmation_message", None),
            "extra_scopes": extra_scopes,
        }

    def _known(self, provider: Provider) -> Mapping[str, Any]:
        """The endpoints; none while they are being asked for, since keys are good without the provider."""
        if self._endpoints is None:
            threading.Thread(target=self._ask, args=(provider,), name="tiled-accounts-endpoints", daemon=True).start()
            return {}
        return self._endpoints

    def _ask(self, provider: Provider) -> None:
        if not self._asking.acquire(blocking=False):
            return
        try:
            self._endpoints = dict(self._calls.ask(provider.name, provider.login.endpoints))
        except KernelError as error:
            logger.warning("the login %r does not tell its endpoints: %s", provider.name, error)
        finally:
            self._asking.release()
