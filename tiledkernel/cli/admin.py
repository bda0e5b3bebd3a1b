"""`tiledkernel admin`: the accounts and keys of others; only administrators may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import msgspec

from tiledkernel.cli.api_keys import key_options, print_keys, unverified
from tiledkernel.cli.connection import profile_option, recognised, require_login


@click.command()
@click.argument("offset", type=click.IntRange(0), default=0)
@click.argument("limit", type=click.IntRange(1), default=100)
@profile_option
def list_principals(offset: int, limit: int, profile: str | None) -> None:
    """Print users and services, with identities, roles and keys: LIMIT (100) of them, from number OFFSET (0) on."""
    with recognised(profile) as context:
        require_login(context)
        _print_json(context.admin.list_principals(offset, limit))


@click.command()
@click.argument("uuid")
@profile_option
def show_principal(uuid: str, profile: str | None) -> None:
    """Print what the server knows of one user or service."""
    with recognised(profile) as context:
        require_login(context)
        _print_json(context.admin.show_principal(uuid))


@click.command()
@click.option("--role", default="user", show_default=True, help="What it may do.")
@profile_option
def create_service_principal(role: str, profile: str | None) -> None:
    """Make an account for a program, which gets in with keys only."""
    with recognised(profile) as context:
        require_login(context)
        _print_json(context.admin.create_service_principal(role))


@click.command()
@click.argument("uuid")
@profile_option
@key_options
def create_key(uuid: str, profile: str | None, *, no_verify: bool, wanted: Mapping[str, Any]) -> None:
    """Make a key for a user or service, and print it: it is not shown a second time."""
    with recognised(profile, **unverified(no_verify)) as context:
        require_login(context)
        click.echo(context.admin.create_api_key(uuid, **wanted)["secret"])


@click.command()
@click.argument("uuid")
@profile_option
def list_keys(uuid: str, profile: str | None) -> None:
    """List the keys of a user or service."""
    with recognised(profile) as context:
        require_login(context)
        print_keys(context.admin.show_principal(uuid).get("api_keys") or [])


@click.command()
@click.argument("uuid")
@click.argument("first8")
@profile_option
def revoke_key(uuid: str, first8: str, profile: str | None) -> None:
    """Make a key of a user or service worthless."""
    with recognised(profile) as context:
        require_login(context)
        context.admin.revoke_api_key(uuid, first8)


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
