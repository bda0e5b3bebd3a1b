"""Logging in at a provider with a browser: the authorization code flow, with PKCE."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from tiled_oidc.id_tokens import verify_id_token
from tiled_oidc.identities import id_of
from tiled_oidc.options import ClientAuth, LoginOptions
from tiled_oidc.provider import Provider
from tiled_oidc.transport import RETRY, shown
from tiledkernel.access.logins import Departure, Identity
from tiledkernel.errors import NotReady, Unauthorized

logger = logging.getLogger(__name__)

OFFLINE = "offline_access"  # the scope for tokens that are good for long
_OURS = {"invalid_client", "unauthorized_client", "unsupported_grant_type"}  # errors that no user can cause
_WAYS: tuple[ClientAuth, ...] = ("client_secret_basic", "client_secret_post")  # the better one first
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class OidcLogin:
    """Sends browsers to a provider, and learns from it who came back."""

    def __init__(self, options: LoginOptions, provider: Provider | None = None) -> None:
        self.confirmation_message = options.confirmation_message
        self.redirect_on_success = options.redirect_on_success
        self.redirect_on_failure = options.redirect_on_failure
        self._options = options
        self._provider = provider or Provider(options)

    def depart(self, redirect_uri: str, state: str) -> Departure:
        """Where the provider asks for the login; NotReady if it does not answer."""
        description, options = self._provider.description, self._options
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        scopes, prompts = {"openid", *options.extra_scopes}, (options.prompt or "").split()
        if options.keep_tokens and OFFLINE in description.scopes_supported:
            scopes.add(OFFLINE)
            prompts = [*prompts, "consent"]  # without which nobody gets what is good for long
        asked = {
            "client_id": options.client_id,
            "response_type": "code",
            "scope": " ".join(sorted(scopes)),
            "redirect_uri": redirect_uri,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        if prompts:
            asked["prompt"] = " ".join(dict.fromkeys(prompts))
        url = httpx.URL(description.authorization_endpoint).copy_merge_params(asked)
        return Departure(url=str(url), remember={"nonce": nonce, "verifier": verifier})

    def arrive(self, redirect_uri: str, parameters: Mapping[str, str], remembered: Mapping[str, str]) -> Identity:
        """Who has logged in; Unauthorized if nobody did, NotReady if the provider does not answer."""
        try:
            return self._arrive(redirect_uri, parameters, remembered)
        except Unauthorized as error:
            logger.warning("a login at %s was refused: %s", shown(self._options.well_known_uri), error)
            raise

    def close(self) -> None:
        """Let go of connections."""
        self._provider.close()

    def _arrive(self, redirect_uri: str, parameters: Mapping[str, str], remembered: Mapping[str, str]) -> Identity:
        description = self._provider.description
        if parameters.get("iss", description.issuer) != description.issuer:
            raise Unauthorized("the answer is that of another provider (iss)")
        if "error" in parameters:
            raise Unauthorized(f"the provider refused the login: {_error(parameters['error'])}")
        if not parameters.get("code"):
            raise Unauthorized("the browser came back without a code: begin again")
        if not remembered.get("nonce") or not remembered.get("verifier"):
            raise Unauthorized("nothing is known of the beginning of this login: begin again")
        tokens = self._redeem(parameters["code"], redirect_uri, remembered["verifier"])
        access_token = _text(tokens, "access_token")
        id_token = _text(tokens, "id_token")
        if id_token is None:
            raise Unauthorized("the provider sent no ID token: is this client allowed the scope 'openid'?")
        claims = verify_id_token(self._provider, id_token, remembered["nonce"], access_token)
        identity = id_of(self._completed(claims, access_token), self._options)
        return Identity(id=identity, state=_kept(tokens) if self._options.keep_tokens else {})

    def _redeem(self, code: str, redirect_uri: str, verifier: str) -> Mapping[str, Any]:
        """What the provider gives for a code, which it does only once."""
        endpoint = self._provider.description.token_endpoint
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, own = self._authentication()
        answer = self._provider.transport.post(endpoint, form | own, headers)
        if answer.status == 200:
            return answer.document
        error = _error(answer.document.get("error"))
        if answer.status >= 500 or error in _OURS:
            logger.error("%s answers with status %d: %s", shown(endpoint), answer.status, error)
            raise NotReady("the provider does not take codes from this server: its log says more", RETRY)
        raise Unauthorized(f"the provider refused the code: {error}; begin again")

    def _authentication(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form fields with which this server proves that it is the client."""
        identity, secret = self._options.client_id, self._options.client_secret
        methods = self._provider.description.token_endpoint_auth_methods_supported
        if not secret:
            return {}, {"client_id": identity}
        way = self._options.client_auth or next((known for known in _WAYS if known in methods), None)
        if way == "client_secret_basic":
            pair = f"{quote(identity, safe='')}:{quote(secret, safe='')}".encode()
            return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}, {}
        if way == "client_secret_post":
            return {}, {"client_id": identity, "client_secret": secret}
        logger.error("the provider takes a client secret in no way that is known here: %s", ", ".join(methods))
        raise NotReady("the provider takes no client secret: the log of this server says more", RETRY)

    def _completed(self, claims: Mapping[str, Any], access_token: str | None) -> Mapping[str, Any]:
        """The claims, with those of the user info endpoint if any is wanted that the ID token does not have."""
        wanted = {self._options.user_id_claim, *self._options.required_claims}
        if self._options.user_id_claim == "email":
            wanted.add("email_verified")
        endpoint = self._provider.description.userinfo_endpoint
        if wanted <= claims.keys() or endpoint is None or access_token is None:
            return claims
        answer = self._provider.transport.get(endpoint, {"authorization": f"Bearer {access_token}"})
        if answer.status != 200:
            raise NotReady(f"{shown(endpoint)} answers with status {answer.status}", RETRY)
        if answer.document.get("sub") != claims["sub"]:
            raise Unauthorized("what the provider tells of the user is about somebody else (sub)")
        return {**answer.document, **claims}


def build_login(options: LoginOptions) -> OidcLogin:
    """The login; ConfigurationError if it cannot work. A provider that is not there now may be there later."""
    options.check()
    provider = Provider(options)
    check_now(provider)
    return OidcLogin(options, provider)


def check_now(provider: Provider) -> None:
    """ConfigurationError if the provider is another one; if it does not answer, the log says so."""
    try:
        provider.check()
    except NotReady:  # why, the log says already
        logger.warning("nobody can log in until %s answers", shown(provider.options.well_known_uri))


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _error(found: object) -> str:
    """A provider's name for what went wrong; anything that is none, such as a text to show, is not repeated."""
    return found if isinstance(found, str) and _CODE.fullmatch(found) else "without a reason"


def _text(tokens: Mapping[str, Any], name: str) -> str | None:
    found = tokens.get(name)
    return found if isinstance(found, str) and found else None


def _kept(tokens: Mapping[str, Any]) -> dict[str, str]:
    return {name: found for name in ("access_token", "refresh_token") if (found := _text(tokens, name)) is not None}
