"""API keys: made, looked at, and made worthless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tiledkernel.client.calls import call_message, call_writing
from tiledkernel.client.durations import parse_duration
from tiledkernel.client.errors import ClientError, LoginError
from tiledkernel.client.login_links import csrf
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Plan, ask_change, ask_message
from tiledkernel.wire import MSGPACK

if TYPE_CHECKING:
    from tiledkernel.client.identity import Identity

_TIMES = {"accept": MSGPACK}  # in which the answer has times, not texts
_SHOWN = 8  # characters of a key that are no secret


def creating(
    connection: Identity,
    scopes: Sequence[str] | None,
    expires_in: float | str | None,
    note: str | None,
    access_tags: Sequence[str] | None,
) -> Plan[dict[str, Any]]:
    """A new key of one's own."""
    url = _endpoint(connection, "this server cannot create keys: it knows one key only, which its owner has set")
    return (yield from creating_at(url, scopes, expires_in, note, access_tags))


def creating_at(
    url: str,
    scopes: Sequence[str] | None,
    expires_in: float | str | None,
    note: str | None,
    access_tags: Sequence[str] | None,
) -> Plan[dict[str, Any]]:
    """A new key, of whom the address says."""
    for name, listed in (("scopes", scopes), ("access_tags", access_tags)):
        if isinstance(listed, str):
            raise TypeError(f"{name} is {listed!r}: expected a list, as in [{listed!r}]")
    wanted = {
        "scopes": ["inherit"] if scopes is None else list(scopes),
        "access_tags": None if access_tags is None else list(access_tags),
        "expires_in": None if expires_in is None else parse_duration(expires_in),
        "note": note,
    }
    # Not repeated where an answer was lost: there would be a key whose secret nobody has.
    made = yield from ask_message(call_writing("POST", url, json=wanted, headers=_TIMES, repeatable=False))
    if not isinstance(made, dict) or not isinstance(made.get("secret"), str):
        raise UnexpectedAnswer("the server has made a key, but does not say its secret")
    return made


def revoking(connection: Identity, first_eight: str) -> Plan[None]:
    """Make a key of one's own worthless."""
    url = _endpoint(connection, "this server knows one key only, which cannot be revoked: change its configuration")
    yield from revoking_at(url, first_eight, csrf(connection))


def revoking_at(url: str, first_eight: str, headers: Mapping[str, str]) -> Plan[None]:
    """Make a key worthless; that there is none is an error, unless it is gone by an attempt of our own."""
    parameters = [("first_eight", first_eight[:_SHOWN])]  # never more: the rest is a secret
    try:
        yield from ask_change(call_writing("DELETE", url, parameters=parameters, headers=headers))
    except ClientError as error:
        if error.response.status_code != 404 or not error.after_doubt:
            raise


def describing(connection: Identity) -> Plan[dict[str, Any]]:
    """What the server says of the key in use."""
    if connection.api_key is None:
        raise LoginError("no API key is in use: give one when you connect, or set `context.api_key`")
    url = _endpoint(connection, "this server knows one key only, and nothing of it but whether it is right")
    found: dict[str, Any] = yield from ask_message(call_message(url))
    return found


def _endpoint(connection: Identity, refusal: str) -> str:
    links = connection.server_info.authentication.links
    if not links or "apikey" not in links:
        raise LoginError(refusal)
    return links["apikey"]
