"""Log in to tiledkernel at any OpenID Connect provider."""

from __future__ import annotations

from tiledkernel import hookimpl
from tiledkernel.records import Authenticator

OIDC = Authenticator(
    name="oidc",
    build="tiled_oidc.login:build_login",
    options="tiled_oidc.options:LoginOptions",
    also=("OIDCAuthenticator",),
)
GOOGLE = Authenticator(name="google", build="tiled_oidc.login:build_login", options="tiled_oidc.presets:GoogleOptions")
ORCID = Authenticator(name="orcid", build="tiled_oidc.login:build_login", options="tiled_oidc.presets:OrcidOptions")
ENTRA = Authenticator(
    name="entra",
    build="tiled_oidc.presets:build_entra",
    options="tiled_oidc.presets:EntraOptions",
    also=("EntraAuthenticator",),
)
KEYCLOAK = Authenticator(
    name="keycloak", build="tiled_oidc.presets:build_keycloak", options="tiled_oidc.presets:KeycloakOptions"
)
PROXIED = Authenticator(
    name="oidc-proxied",
    build="tiled_oidc.proxied:build_proxied",
    options="tiled_oidc.options:ProxiedOptions",
    also=("ProxiedOIDCAuthenticator",),
)


@hookimpl
def register_authenticators() -> list[Authenticator]:
    """Logins in a browser at any provider, with presets for four of them; and a provider's tokens as they are."""
    return [OIDC, GOOGLE, ORCID, ENTRA, KEYCLOAK, PROXIED]
