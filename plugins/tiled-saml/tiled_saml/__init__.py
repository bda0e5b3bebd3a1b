"""Log in to tiledkernel at a SAML identity provider."""

from __future__ import annotations

from tiledkernel import Authenticator, hookimpl


@hookimpl
def register_authenticators() -> list[Authenticator]:
    """Logins at an identity provider."""
    return [
        Authenticator(
            name="saml",
            build="tiled_saml.login:SAMLLogin",
            options="tiled_saml.options:SAMLOptions",
            also=("SAMLAuthenticator",),
        )
    ]
