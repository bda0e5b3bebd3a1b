"""Log in to tiledkernel with the passwords of an LDAP directory."""

from __future__ import annotations

from tiledkernel import Authenticator, hookimpl


@hookimpl
def register_authenticators() -> list[Authenticator]:
    """Passwords of a directory."""
    return [
        Authenticator(
            name="ldap",
            build="tiled_ldap.login:LDAPLogin",
            options="tiled_ldap.options:LDAPOptions",
            also=("LDAPAuthenticator",),
        )
    ]
