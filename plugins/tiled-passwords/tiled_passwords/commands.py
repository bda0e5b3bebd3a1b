"""`tiledkernel config hash-password`."""

from __future__ import annotations

import sys

import click

from tiled_passwords.hashes import make_hash


@click.command()
def hash_password() -> None:
    """Make of a password what a configuration may hold, for the authenticator 'dictionary'.

    The password is asked for twice, or read from the first line of a pipe.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    click.echo(make_hash(password))
