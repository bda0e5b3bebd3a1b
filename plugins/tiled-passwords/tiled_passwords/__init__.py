"""Log in to tiledkernel with user name and password: those of a configuration, or of the machine (PAM)."""

from __future__ import annotations

from tiledkernel import Authenticator, Command, hookimpl


@hookimpl
def register_authenticators() -> list[Authenticator]:
    """Passwords of a configuration, of the machine, and none at all."""
    own = "tiled_passwords"
    return [
        Authenticator(
            name="dictionary",
            build=f"{own}.dictionary:DictionaryLogin",
            options=f"{own}.dictionary:DictionaryOptions",
            also=("DictionaryAuthenticator",),
        ),
        Authenticator(
            name="dummy",
            build=f"{own}.dummy:DummyLogin",
            options=f"{own}.dummy:DummyOptions",
            also=("DummyAuthenticator",),
        ),
        Authenticator(
            name="pam",
            build=f"{own}.pam:PAMLogin",
            options=f"{own}.pam:PAMOptions",
            also=("PAMAuthenticator",),
        ),
    ]


@hookimpl
def register_commands() -> list[Command]:
    """Make the values that stand for passwords in a configuration."""
    return [
        Command(
            name="config hash-password",
            command="tiled_passwords.commands:hash_password",
            help="Make of a password what a configuration may hold.",
        )
    ]
