"""`tiledkernel tree`: what a server holds, at a glance."""

from __future__ import annotations

from collections.abc import Mapping

import click

from tiledkernel.cli.connection import connected, profile_option
from tiledkernel.cli.refusal import Refusal
from tiledkernel.client.outline import gen_tree


@click.command()
@click.argument("max_lines", metavar="[N]", type=click.IntRange(1), default=20)
@profile_option
def tree(max_lines: int, profile: str | None) -> None:
    """Print the keys of a server's nodes as a tree, up to N lines (20)."""
    with connected(profile) as client:
        if not isinstance(client, Mapping):
            raise Refusal(f"the profile leads to no container, but to {client!r}")
        for number, line in enumerate(gen_tree(client), start=1):
            if number > max_lines:
                click.echo(f"<Output truncated at {max_lines} lines. Give a larger N to see more.>")
                break
            click.echo(line)
