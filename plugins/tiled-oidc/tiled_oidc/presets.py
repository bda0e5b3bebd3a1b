"""Providers that many use: the same login, with their addresses and habits."""

from __future__ import annotations

import logging
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta, field, structs

from tiled_oidc.login import OidcLogin, build_login
from tiled_oidc.options import WELL_KNOWN, LoginOptions, Name, ProxiedOptions, RoleClaims, ScopesMap
from tiled_oidc.proxied import ProxiedLogin, build_proxied
from tiledkernel.errors import ConfigurationError

logger = logging.getLogger(__name__)

_USER_NAME = "preferred_username"
_PROXIED = set(ProxiedOptions.__struct_fields__) - {"scopes"}


class GoogleOptions(LoginOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Google, for its accounts and those of Workspace domains."""

    well_known_uri: str = f"https://accounts.google.com{WELL_KNOWN}"
    prompt: str | None = "select_account"  # Google refuses 'login'


class OrcidOptions(LoginOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ORCID; an id is an ORCID iD, such as 0000-0002-1825-0097."""

    well_known_uri: str = f"https://orcid.org{WELL_KNOWN}"


class EntraOptions(LoginOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Microsoft Entra ID; an id is the user name, in short if it is one of `domains`.

    With `device_flow_client_id`, as Tiled has it, tokens of Entra are presented to this server as they are.
    """

    tenant: Annotated[str | None, Meta(description="the id of the directory (tenant)")] = None
    user_id_claim: Name = _USER_NAME
    extra_scopes: list[Name] = field(default_factory=lambda: ["profile"])
    device_flow_client_id: Annotated[
        str | None, Meta(description="take tokens of Entra as they are, which this client gets")
    ] = None
    scopes_map: ScopesMap = None
    role_claims: RoleClaims = field(default_factory=lambda: ["roles"])


class KeycloakOptions(LoginOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keycloak; an id is the user name."""

    server: Annotated[str | None, Meta(description="the address of Keycloak, such as https://login.example.org")] = None
    realm: Annotated[str | None, Meta(description="the name of the realm")] = None
    user_id_claim: Name = _USER_NAME
    extra_scopes: list[Name] = field(default_factory=lambda: ["profile"])


def build_entra(options: EntraOptions) -> OidcLogin | ProxiedLogin:
    """The login at a directory of Entra."""
    if not options.well_known_uri and not options.tenant:
        raise ConfigurationError("'tenant' is missing: the id of the directory, as the Entra admin centre shows it")
    address = f"https://login.microsoftonline.com/{quote(options.tenant or '', safe='')}/v2.0{WELL_KNOWN}"
    addressed = structs.replace(options, well_known_uri=options.well_known_uri or address)
    if not options.domains and options.user_id_claim == _USER_NAME:
        logger.warning("people are known by their whole user names: 'domains' names those that are left out of them")
    if addressed.device_flow_client_id is None:
        return build_login(addressed)
    shared = {name: value for name, value in structs.asdict(addressed).items() if name in _PROXIED}
    return build_proxied(ProxiedOptions(**shared, scopes=options.extra_scopes))


def build_keycloak(options: KeycloakOptions) -> OidcLogin:
    """The login at a realm of Keycloak."""
    if not options.well_known_uri and not (options.server and options.realm):
        raise ConfigurationError("'server' and 'realm' are missing: the address of Keycloak, and the name of the realm")
    address = f"{(options.server or '').rstrip('/')}/realms/{quote(options.realm or '', safe='')}{WELL_KNOWN}"
    return build_login(structs.replace(options, well_known_uri=options.well_known_uri or address))
