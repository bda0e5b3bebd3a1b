"""How a connection gets a login, and how it ends."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tiledkernel.client.auth import CannotRefreshAuthentication, refuse_key, renewing
from tiledkernel.client.calls import call_form, call_writing
from tiledkernel.client.errors import ClientError, LoginError
from tiledkernel.client.exchanges import UNREACHABLE
from tiledkernel.client.grants import asking_for_code, asking_for_password
from tiledkernel.client.identity import NO_PERSONS, Identity
from tiledkernel.client.login_links import csrf, delegate, trusted
from tiledkernel.client.login_state import Login
from tiledkernel.client.messages import Provider, UnexpectedAnswer
from tiledkernel.client.plans import Plan, aside, ask_bare, ask_change
from tiledkernel.client.prompts import PasswordRejected, ask, ask_secret, choose, require_person, say
from tiledkernel.client.tokens import ACCESS, REFRESH
from tiledkernel.client.uuids import parse_uuid

_PASSWORDS = 3  # that may be tried
_SCOPES = frozenset({"openid", "offline_access"})


class LoginEnded(UserWarning):
    """A login that was remembered is over; what needs none goes on."""


def entering(connection: Identity, *, remember_me: bool) -> Plan[None]:
    """Be somebody, on a server that has logins: as is remembered, or, if it must be, as the person says."""
    remembered = connection.remembered_login() if remember_me else None
    if remembered is not None and (yield from _using(connection, remembered)):
        return
    if connection.server_info.authentication.required:
        yield from logging_in(connection, remember_me=remember_me)
    elif remembered is not None:
        text = f"your login at {connection.api_uri} has ended, so you see what everybody sees: log in again"
        warnings.warn(text, LoginEnded, stacklevel=2)


# Begin


def logging_in(connection: Identity, *, remember_me: bool) -> Plan[None]:
    """Ask the person who they are, and use what the server gives for that."""
    refuse_key(connection)
    providers = connection.server_info.authentication.providers
    if not providers:
        raise LoginError(f"{NO_PERSONS} Pass a key as api_key=, or in TILED_API_KEY.")
    require_person()
    provider = yield from aside(lambda: choose(providers))
    tokens = yield from _asking(connection, provider)
    connection.configure_auth(tokens, remember_me=remember_me)
    person = yield from connection.asking_whoami()
    if provider.confirmation_message:
        say(provider.confirmation_message.replace("{id}", _name(tokens, person)))


def _asking(connection: Identity, provider: Provider) -> Plan[dict[str, Any]]:
    """The tokens that the person gets."""
    if provider.mode in ("internal", "password"):
        return (yield from _by_password(provider))
    if provider.mode == "external":
        return (yield from _by_code(connection, provider))
    raise LoginError(f"this client cannot log in with {provider.provider!r}, which is of the kind {provider.mode!r}")


def _by_password(provider: Provider) -> Plan[dict[str, Any]]:
    username = yield from aside(lambda: ask("Username: "))
    if not username:
        raise PasswordRejected("the login is cancelled: no name was given")
    for _ in range(_PASSWORDS):
        password = yield from aside(lambda: ask_secret("Password: "))
        if not password:
            raise PasswordRejected("the login is cancelled: no password was given")
        try:
            return (yield from asking_for_password(_link(provider, "auth_endpoint"), username, password))
        except ClientError as error:
            if error.response.status_code != 401:
                raise
        say("Username or password not recognized. Retry, or press Enter to cancel.")
    raise PasswordRejected(f"{_PASSWORDS} passwords were not recognized: the login is cancelled")


def _by_code(connection: Identity, provider: Provider) -> Plan[dict[str, Any]]:
    links = provider.links or {}
    client_id, token_endpoint = links.get("client_id"), links.get("token_endpoint")
    auth_endpoint = _link(provider, "auth_endpoint")
    if client_id is not None and token_endpoint is not None:
        auth_endpoint, token_endpoint = trusted(connection, auth_endpoint), trusted(connection, token_endpoint)
    scopes = " ".join(sorted({*_SCOPES, *(provider.extra_scopes or ())}))
    return (yield from asking_for_code(auth_endpoint, client_id, token_endpoint, scopes))


def _link(provider: Provider, name: str) -> str:
    links = provider.links or {}
    if name not in links:
        raise LoginError(f"the server does not say how to log in with {provider.provider!r}: there is no {name!r}")
    return links[name]


def _name(tokens: Mapping[str, Any], person: Mapping[str, Any] | None) -> str:
    """What the person is called."""
    identity = tokens.get("identity")
    if isinstance(identity, Mapping) and isinstance(identity.get("id"), str):
        return str(identity["id"])
    return ",".join(str(known["id"]) for known in (person or {}).get("identities") or []) or "an external user"


def using_cached_tokens(connection: Identity) -> Plan[bool]:
    """Whether a login was remembered that the server still takes, and is used from now on."""
    login = connection.remembered_login()
    return login is not None and (yield from _using(connection, login))


def _using(connection: Identity, login: Login) -> Plan[bool]:
    connection.use_login(login)
    with_cache = connection.cache is not None
    try:
        person = yield from connection.asking_whoami(once=with_cache)
    except CannotRefreshAuthentication:
        person = None
    except ClientError as error:
        if error.response.status_code != 401:
            raise
        person = None
    except UNREACHABLE:
        if not with_cache:
            raise
        return True  # what it has said before is shown as long as it is away
    if person is None:
        connection.use_login(None)
    return person is not None


# Go on


def refreshing(connection: Identity) -> Plan[Mapping[str, str]]:
    """New tokens, now."""
    login = connection.current_login
    if login is None or REFRESH not in login.tokens:
        raise CannotRefreshAuthentication("there is no login that could be renewed: log in, with `context.login()`")
    yield from renewing(connection, login, login.tokens.get(ACCESS), force=True)
    return connection.tokens


# End


def logging_out(connection: Identity) -> Plan[None]:
    """End the login on the server, and forget it here."""
    login = connection.current_login
    if login is None:
        login = connection.remembered_login()
    if login is None:
        return
    token, hint = login.tokens.get(REFRESH), login.tokens.get("id_token")
    try:
        if token is not None:
            yield from _ending(connection, token, hint)
    except ClientError as error:
        if error.response.status_code not in (400, 401, 404, 409):  # it has ended already
            raise
    finally:
        login.end("you have logged out")
        connection.use_login(None)


def _ending(connection: Identity, refresh_token: str, hint: str | None) -> Plan[None]:
    provider = delegate(connection)
    if provider is None:
        url = f"{connection.api_uri}auth/session/revoke"
        body = {"refresh_token": refresh_token}
        yield from ask_bare(call_writing("POST", url, json=body, headers=csrf(connection)))
        return
    url = (connection.server_info.authentication.links or {}).get("logout", "")
    if url and not url.startswith(str(connection.api_uri)):
        form = {"client_id": (provider.links or {})["client_id"], "refresh_token": refresh_token}
        form |= {} if hint is None else {"id_token_hint": hint}
        with suppress(UnexpectedAnswer):  # providers answer with pages for people
            yield from ask_bare(call_form(trusted(connection, url), form), abroad=True)


def revoking_session(connection: Identity, session_id: str) -> Plan[None]:
    """End one of one's own sessions on the server."""
    links = connection.server_info.authentication.links or {}
    if "revoke_session" not in links:
        raise LoginError(NO_PERSONS)
    url = links["revoke_session"].replace("{session_id}", str(parse_uuid(session_id)))
    try:
        yield from ask_change(call_writing("DELETE", url, headers=csrf(connection)))
    except ClientError as error:
        if error.response.status_code != 404 or not error.after_doubt:
            raise
