"""What a configuration says of a directory; the names are those that configurations of Tiled have."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1)]
Attribute = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.;-]*$(?!\n)", description="the name of an attribute")]
Seconds = Annotated[float, Meta(gt=0, le=600)]
WholeSeconds = Annotated[int, Meta(ge=1, le=600)]  # as the library wants it
Port = Annotated[int, Meta(ge=1, le=65535)]
Several = Annotated[list[Text], Meta(min_length=1)]


class LDAPOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which directory is asked, and how.

    - `server_address`: names, or `ldap://` and `ldaps://` addresses; several are tried in turn.
    - `use_ssl`: TLS from the start; else `use_tls`: StartTLS, before anything is said.
    - `ca_certs_file`: who signs the certificates of the servers; None: whom this machine trusts.
    - `bind_dn_template`: who binds, with `{username}` in it; several are tried in turn.
    - `lookup_dn`: find the entry first, below `user_search_base`, by `user_attribute`.
    - `lookup_dn_user_dn_attribute`: the attribute that has the user's name; None: `user_attribute`.
    - `use_lookup_dn_username`: whether that name, or the one that was typed, is the user's id.
    - `search_filter`: what the entry has to match besides, with `{userattr}` and `{username}` in it.
    - `allowed_groups`: the DNs of groups; the user has to be in one of them.
    - `auth_state_attributes`: what the session remembers of the entry.
    - `attributes`: what is asked for with `search_filter`.
    """

    server_address: Text | Several
    server_port: Port | None = None
    use_ssl: bool = False
    use_tls: bool = True
    ca_certs_file: Text | None = None
    verify_certificates: bool = True
    connect_timeout: Seconds = 5
    receive_timeout: WholeSeconds = 60
    bind_dn_template: Text | Several | None = None
    allowed_groups: list[Text] | None = None
    valid_username_regex: Text = r"^[a-z][.a-z0-9_-]*$"
    lookup_dn: bool = False
    user_search_base: Text | None = None
    user_attribute: Attribute | None = None
    lookup_dn_search_filter: Text = "({login_attr}={login})"
    lookup_dn_search_user: Text | None = None
    lookup_dn_search_password: Text | None = None
    lookup_dn_user_dn_attribute: Attribute | None = None
    escape_userdn: bool = False
    search_filter: str = ""
    attributes: list[Attribute] | None = None
    auth_state_attributes: list[Attribute] | None = None
    use_lookup_dn_username: bool = True
    confirmation_message: str = ""

    def __repr__(self) -> str:
        return f"<LDAPOptions for {self.server_address!r}>"


def several(value: str | list[str] | None) -> tuple[str, ...]:
    """One or many, as many."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
