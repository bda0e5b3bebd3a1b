"""Encrypted connections, as Python makes them: OpenSSL checks the certificate and the name in it."""

from __future__ import annotations

import ssl
from typing import Any

from tiled_ldap.library import Tls
from tiledkernel.errors import ConfigurationError


class CheckedTls(Tls):
    """ldap3 with a context of Python's; its own way checks certificates only if told to, and names by itself."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(validate=context.verify_mode)
        self._context = context

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 - as ldap3 calls it
        """Encrypt an open connection; it takes no longer than an answer may."""
        connection.socket = self._context.wrap_socket(
            connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
        )


def tls_context(ca_certs_file: str | None, *, verify: bool) -> ssl.SSLContext:
    """What is believed: certificates that the file, or this machine, trusts."""
    try:
        context = ssl.create_default_context(cafile=ca_certs_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"ca_certs_file: {ca_certs_file!r} cannot be read: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
