"""What a configuration says of an identity provider."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1)]
Page = Annotated[str, Meta(pattern=r"^https?://[^\s\\]+$(?!\n)", description="a page, https://...")]


class SAMLOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The provider and this server, as each knows the other.

    - `saml_settings`: the settings of python3-saml, `sp`, `idp` and `security`.
    - `idp_metadata_file`: what the provider says of itself, in place of `saml_settings.idp`.
    - `attribute_name`: the attribute that is the user's id, by its name or friendly name; None: the NameID.
    - `redirect_on_success`, `redirect_on_failure`: pages to which the browser goes in the end.
    """

    saml_settings: dict[str, Any]
    idp_metadata_file: Text | None = None
    attribute_name: Text | None = None
    confirmation_message: str = ""
    redirect_on_success: Page | None = None
    redirect_on_failure: Page | None = None

    def __repr__(self) -> str:
        return f"<SAMLOptions with attribute_name={self.attribute_name!r}>"
