"""`/auth/provider/{provider}/authorize` and `device_code`: a device waits while its user logs in, in a browser."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tiled_accounts import attempts, devices, pages, sessions
from tiled_accounts.logins import identity_of
from tiled_accounts.routes.browser import MAX_FORM, browser_provider, departing, single_values, state_in
from tiled_accounts.routes.replies import secret
from tiled_accounts.routes.tokens import address_of
from tiled_accounts.times import now
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.errors import KernelError, Unauthorized
from tiledkernel.records import Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tiled_accounts.devices import Waiting
    from tiled_accounts.keeper import Keeper
    from tiledkernel.access.logins import Identity
    from tiledkernel.access.settings import Provider
    from tiledkernel.server.answers import Reply
    from tiledkernel.server.request import Request

logger = logging.getLogger(__name__)

USER_CODE = "user_code"
WRONG = "That is not the code that your device shows, or it has expired."


class DeviceRoutes:
    """Lets devices wait, and users tell which one is theirs; the device polls where tokens are given out."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    @property
    def routes(self) -> Sequence[Route]:
        """The routes."""
        here = "/auth/provider/{provider}"
        plain: dict[str, Any] = {"scopes": NO_SCOPES, "blocks": True, "open": True}
        page = f"{here}/device_code"
        form: dict[str, Any] = {"body": dict[str, str], "form": True, "body_limit": MAX_FORM}
        return [
            Route(path=f"{here}/authorize", methods=("POST",), handler=self.begin, **plain),
            Route(path=page, handler=self.ask, free_query=True, **plain),
            Route(path=page, methods=("POST",), handler=self.confirm, free_query=True, **plain, **form),
        ]

    def begin(self, request: Request) -> Reply:
        """Codes for a device whose user is about to log in."""
        keeper, provider = self._keeper, browser_provider(self._keeper, request)
        codes = devices.make_codes()
        departure = departing(keeper, provider, _redirect_uri(request, provider), codes.state)
        address, moment = attempts.network(address_of(request)), now()
        keeper.database.write(
            lambda connection: devices.create(connection, provider.name, codes, departure.remember, address, moment)
        )
        return secret(
            {
                "authorization_uri": departure.url,
                "verification_uri": f"{request.base}/auth/provider/{provider.name}/token",
                "interval": devices.INTERVAL,
                "device_code": codes.device,
                "expires_in": devices.LIFETIME,
                "user_code": codes.user,
            }
        )

    def ask(self, request: Request) -> Reply:
        """A form for the code that the device shows."""
        browser_provider(self._keeper, request)
        parameters = single_values(request)
        if "error" in parameters:
            return pages.failed("The provider did not let you log in.")
        return _form(parameters)

    def confirm(self, request: Request) -> Reply:
        """Whether the code is that of the device, which gets a session then."""
        provider = browser_provider(self._keeper, request)
        parameters = single_values(request) | dict(request.body or {})
        user_code = parameters.pop(USER_CODE, None)
        if user_code is None:  # a provider that sends browsers back with a form
            return _form(parameters)
        try:
            waiting = self._waiting(request, provider, state_in(parameters), user_code)
            if waiting is None:
                return _form(parameters, message=WRONG, status=401)
            identity = self._log_in(request, provider, parameters, waiting)
        except KernelError as error:
            logger.info("a login at %r failed: %s", provider.name, type(error).__name__)
            return pages.failed(str(error), error.status, error.headers)
        said = getattr(provider.login, "confirmation_message", None) or "You have logged in as {id}."
        return pages.done(said.replace("{id}", identity.id))

    def _waiting(self, request: Request, provider: Provider, state: str, user_code: str) -> Waiting | None:
        """The device that is meant; None if that is not its code."""
        keeper, moment = self._keeper, now()
        tried = attempts.of_address(address_of(request), "user code", 20)
        attempts.begin(keeper.database, tried)

        def work(connection: Connection) -> Waiting | None:
            waiting = devices.find(connection, provider.name, state, user_code, moment)
            if waiting is None or not devices.try_code(connection, waiting, user_code):
                return None
            attempts.take_back(connection, tried)
            return waiting

        return keeper.database.write(work)

    def _log_in(
        self, request: Request, provider: Provider, parameters: Mapping[str, str], waiting: Waiting
    ) -> Identity:
        keeper = self._keeper
        arrive = provider.login.arrive
        found = keeper.calls.call(
            provider.name, arrive, _redirect_uri(request, provider), dict(parameters), dict(waiting.remembered)
        )
        identity = identity_of(found, provider.name)
        kept = sessions.encode_state(identity.state)

        def work(connection: Connection) -> None:
            session = keeper.begin_session(connection, provider.name, identity, kept)
            if not devices.give(connection, waiting, session.number):
                raise Unauthorized("this device has its session already")

        keeper.database.write(work)
        return identity


def _form(parameters: Mapping[str, str], *, message: str = "", status: int = 200) -> Reply:
    action = f"?{urlencode({'code': parameters['code']})}" if "code" in parameters else "?"
    return pages.ask_user_code(action, parameters, message=message, status=status)


def _redirect_uri(request: Request, provider: Provider) -> str:
    return f"{request.base}/auth/provider/{provider.name}/device_code"
