"""Where a login is begun, renewed and ended: at the server, or at the provider that it leaves this to."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from tiledkernel.client.errors import LoginError
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import Provider

if TYPE_CHECKING:
    from tiledkernel.client.identity import Identity


def delegate(connection: Identity) -> Provider | None:
    """The provider that renews the tokens itself, if the server leaves that to one."""
    authentication = connection.server_info.authentication
    url = (authentication.links or {}).get("refresh_session")
    for provider in authentication.providers:
        links = provider.links or {}
        if "client_id" in links and url is not None and links.get("token_endpoint") == url:
            return provider
    return None


def trusted(connection: Identity, url: str) -> str:
    """An address of somebody else, if secrets may travel there: not in the clear where they do not here."""
    parsed = httpx.URL(url)
    is_safe = parsed.scheme == "https" or (parsed.scheme == "http" and connection.api_uri.scheme == "http")
    if not (is_safe or (parsed.scheme == "http" and _is_this_machine(parsed.host))):
        raise LoginError(
            f"the server sends those who log in to {url!r}, where what they say could be read on the way: expected an "
            "address that begins with 'https://'; tell the administrator of the server"
        )
    return url


def csrf(connection: Identity) -> dict[str, str]:
    """The header that tells the server that a cookie of its own is not all that we have."""
    tokens = [cookie.value for cookie in connection.http_client.cookies.jar if cookie.name == "tiled_csrf"]
    return {"x-csrf": tokens[-1]} if tokens and tokens[-1] else {}


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
