"""Users of the facility log in with the password that the user office gave them."""

from __future__ import annotations

from tiledkernel import Authenticator, hookimpl


@hookimpl
def register_authenticators() -> list[Authenticator]:
    """The one login of this plugin."""
    own = "tiled_user_office.login"
    return [Authenticator(name="user-office", build=f"{own}:build", options=f"{own}:Options")]
