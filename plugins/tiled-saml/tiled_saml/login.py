"""Logging in: the browser goes to the provider with a request, and comes back with an answer in a form."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from xml.sax.saxutils import escape

from onelogin.saml2.auth import OneLogin_Saml2_Auth

from tiled_saml.answer import Answer
from tiled_saml.options import SAMLOptions
from tiled_saml.settings import Settings
from tiledkernel.access.logins import Departure, Identity
from tiledkernel.errors import Unauthorized

logger = logging.getLogger(__name__)

_REQUEST = "request"  # the name under which the id of the request is remembered
_LIFETIME = 3600.0  # seconds after which no answer to a request is good any more


class SAMLLogin:
    """Sends browsers to an identity provider, and believes what that has signed."""

    def __init__(self, options: SAMLOptions) -> None:
        self.confirmation_message = options.confirmation_message
        self.redirect_on_success = options.redirect_on_success
        self.redirect_on_failure = options.redirect_on_failure
        self._attribute = options.attribute_name
        self._settings = Settings(options)
        self._answered = _Answered()

    def depart(self, redirect_uri: str, state: str) -> Departure:
        """Where the browser presents the request, which names the address for the answer."""
        # The library puts the address into XML as it is.
        settings = self._settings.at(escape(redirect_uri, {'"': "&quot;"}))
        request = OneLogin_Saml2_Auth({}, settings)
        url = request.login(return_to=state)
        return Departure(url=url, remember={_REQUEST: request.get_last_request_id()})

    def arrive(self, redirect_uri: str, parameters: Mapping[str, str], remembered: Mapping[str, str]) -> Identity:
        """Who the provider says that is; Unauthorized unless it is the answer to this request, and the first one."""
        encoded, request = parameters.get("SAMLResponse"), remembered.get(_REQUEST)
        if not encoded or not request:
            raise Unauthorized("no answer of the identity provider came along: begin to log in again")
        try:
            answer = Answer(self._settings, redirect_uri, encoded, request)
            identity = answer.name_id() if self._attribute is None else answer.attribute(self._attribute)
            self._answered.add(request)
        except Exception as error:  # noqa: BLE001 - the library raises all kinds; whatever it is, nobody is let in
            logger.warning("an answer of the identity provider is refused: %.300r", str(error))
            raise Unauthorized(
                "the answer of the identity provider is not accepted, the server's log says why: begin to log in again"
            ) from None
        return Identity(id=identity)


class _Answered:
    """Requests that have got their answer: another one, or the same once more, is refused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}

    def add(self, request: str) -> None:
        """ValueError if the request is there already."""
        now = time.monotonic()
        with self._lock:
            while self._until and next(iter(self._until.values())) < now:  # the oldest come first
                del self._until[next(iter(self._until))]
            if request in self._until:
                raise ValueError("this request has got its answer before")
            self._until[request] = now + _LIFETIME
