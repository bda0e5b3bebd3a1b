"""Ways to get tokens: for a password, and by a code that a person enters in a browser.

As plans, and as functions for applications that have a login of their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from tiledkernel.client.calls import Call, call_form, call_writing
from tiledkernel.client.errors import ClientError, ServerError, error_of
from tiledkernel.client.exchanges import build_request
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Aside, Ask, Pause, Plan, aside, ask_bare, pause
from tiledkernel.client.prompts import LoginFailed, open_browser, say
from tiledkernel.client.retries import attempts
from tiledkernel.client.tokens import parse_tokens

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
_FAILURES = "TILED_DEVICE_FLOW_ATTEMPTS"  # how often asking for tokens may fail
_SLOWER = 5.0  # seconds longer after each request that came too early (RFC 8628, section 3.5)
_SHORTEST = 0.1


class Device(Struct, frozen=True):
    """What a terminal is told when it begins a login that its user completes in a browser."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    interval: float = 5.0
    authorization_uri: str | None = None
    verification_uri_complete: str | None = None


# For applications


def password_grant(
    http_client: httpx.Client, auth_endpoint: str, provider: str, username: str, password: str
) -> dict[str, Any]:
    """The tokens that a server gives for a name and a password; ClientError 401 if it does not take them.

    Parameters
    ----------
    http_client
        That of a context: `context.http_client`.
    auth_endpoint
        As the server names it: `context.server_info.authentication.providers[0].links["auth_endpoint"]`.
    provider
        The name of the provider.
    username, password
        Of the user. They are not kept.
    """
    url = auth_endpoint.replace("{provider}", quote(provider, safe=""))
    return _carried_out(asking_for_password(url, username, password), http_client)


def device_code_grant(
    http_client: httpx.Client,
    auth_endpoint: str,
    client_id: str | None = None,
    token_endpoint: str | None = None,
    scopes: str = "openid offline_access",
) -> dict[str, Any]:
    """The tokens that are given after a person has entered a code in a browser; the code is printed.

    Parameters
    ----------
    http_client
        That of a context, or any other.
    auth_endpoint, client_id, token_endpoint
        As the links of a provider have them. Without the latter two the server itself conducts the login.
    scopes
        What the tokens shall be good for.
    """
    return _carried_out(asking_for_code(auth_endpoint, client_id, token_endpoint, scopes), http_client)


# As plans


def asking_for_password(auth_endpoint: str, username: str, password: str) -> Plan[dict[str, Any]]:
    """Tokens for a name and a password."""
    form = {"grant_type": "password", "username": username, "password": password}
    return _checked((yield from ask_bare(call_form(auth_endpoint, form))))


def asking_for_code(
    auth_endpoint: str, client_id: str | None, token_endpoint: str | None, scopes: str
) -> Plan[dict[str, Any]]:
    """Tokens after a person has entered a code in a browser: conducted by the server, or, with `client_id`, by us."""
    abroad = client_id is not None and token_endpoint is not None
    if client_id is None or token_endpoint is None:
        begin = call_writing("POST", auth_endpoint)
    else:
        begin = call_form(auth_endpoint, {"client_id": client_id, "scope": scopes})
    device = _parse_device((yield from ask_bare(begin, abroad=abroad)))
    grant = {"device_code": device.device_code, "grant_type": DEVICE_CODE}
    if client_id is None or token_endpoint is None:
        poll = call_writing("POST", device.verification_uri, json=grant)
        page = device.authorization_uri or device.verification_uri
    else:
        poll = call_form(token_endpoint, {**grant, "client_id": client_id})
        page = device.verification_uri_complete or device.verification_uri
    deadline = time.monotonic() + device.expires_in
    _show(device, page)
    yield from aside(lambda: open_browser(page))
    try:
        return (yield from _polling(poll, device.interval, deadline, abroad=abroad))
    finally:
        say("\n")


def _show(device: Device, page: str) -> None:
    minutes = max(1, int(device.expires_in // 60))
    say(f"\nYou have {minutes} minute{'s' * (minutes > 1)} to visit this URL\n\n{page}\n")
    say(f"and enter the code:\n\n{device.user_code}\n")
    say("Waiting...", end="")


def _polling(call: Call, interval: float, deadline: float, *, abroad: bool) -> Plan[dict[str, Any]]:
    failures_left = _allowed_failures()
    while True:
        yield from pause(max(interval, _SHORTEST))
        if time.monotonic() > deadline:
            raise LoginFailed("the code has expired before it was entered: begin again")
        say(".", end="")
        try:
            return _checked((yield from ask_bare(call, abroad=abroad)))
        except ClientError as error:
            interval += _longer(error)
        except (httpx.TransportError, ServerError):
            failures_left -= 1
            if failures_left <= 0:
                raise


def _longer(error: ClientError) -> float:
    """How much longer to wait from now on; LoginFailed, with the reason, if there is nothing to wait for."""
    said = _oauth_error(error.response)
    code = said.get("error")
    if code == "authorization_pending":
        return 0.0
    if code == "slow_down":
        return _SLOWER
    if code is None:
        raise error
    raise LoginFailed(f"the login was refused: {said.get('error_description') or code}") from error


def _oauth_error(response: httpx.Response) -> Mapping[str, Any]:
    """The error of RFC 6749 in an answer, which servers of ours put under `detail`."""
    try:
        said = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return {}
    inner = said.get("detail", said) if isinstance(said, dict) else {}
    return inner if isinstance(inner, dict) else {}


def _allowed_failures() -> int:
    text = os.environ.get(_FAILURES, "100")
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"the environment variable {_FAILURES} is {text!r}: expected a whole number")
    return int(text)


def _parse_device(given: Any) -> Device:
    try:
        return msgspec.convert(given, Device, strict=False)
    except msgspec.ValidationError as error:
        raise UnexpectedAnswer(f"this is no beginning of a login with a code: {error}") from None


def _checked(given: Any) -> dict[str, Any]:
    parse_tokens(given)
    return dict(given)


def _carried_out(plan: Plan[dict[str, Any]], http_client: httpx.Client) -> dict[str, Any]:
    """What a plan comes to that asks for one thing after the other, through any HTTP client."""
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = plan.send(answer) if failure is None else plan.throw(failure)
        except StopIteration as end:
            found: dict[str, Any] = end.value
            return found
        finally:
            failure = None
        try:
            if isinstance(step, Ask):
                answer = _ask(step, http_client)
            elif isinstance(step, Pause):
                answer = None
                time.sleep(step.seconds)
            elif isinstance(step, Aside):
                answer = step.do()
        except Exception as error:  # noqa: BLE001 - the plan raises it again
            failure = error


def _ask(step: Ask, http_client: httpx.Client) -> Any:
    for attempt in attempts():
        with attempt:
            request = build_request(http_client, step, None, step.call.url)
            request.headers.pop("authorization", None)
            response = http_client.send(request, auth=None)
            if not response.is_success:
                raise error_of(response)
            sink = step.receive(response.headers)
            sink.write(response.content)
            return sink.finish()
    raise AssertionError("the last attempt returns or raises")
