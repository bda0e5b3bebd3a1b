"""`tiledkernel login`, `whoami`, `logout`: who one is for a server."""

from __future__ import annotations

import click
import msgspec

from tiledkernel.cli.connection import introduced, profile_option, recognised
from tiledkernel.client.identity import NO_PERSONS


@click.command()
@profile_option
@click.option("--show-secret-tokens", is_flag=True, help="Print the tokens as JSON: who has them is you.")
def login(profile: str | None, *, show_secret_tokens: bool) -> None:
    """Log in; later commands and programs of yours go on as you, until you log out.

    The password is not kept.
    """
    with introduced(profile) as context:
        context.authenticate()
        if show_secret_tokens:
            click.echo(msgspec.json.format(msgspec.json.encode(dict(context.tokens)), indent=2).decode())


@click.command()
@profile_option
def whoami(profile: str | None) -> None:
    """Print who the server takes you for."""
    with recognised(profile) as context:
        if not context.server_info.authentication.providers:
            click.echo(NO_PERSONS, err=True)
            return
        person = context.whoami() if context.authenticated else None
        if person is None:
            click.echo("Not authenticated.")
            return
        names = ",".join(str(identity["id"]) for identity in person.get("identities") or [])
        click.echo(names or f"{person.get('type')} {person.get('uuid')}")


@click.command()
@profile_option
def logout(profile: str | None) -> None:
    """Log out: what is remembered of a login is forgotten, here and by the server."""
    with introduced(profile) as context:
        context.logout()
