"""The command `tiledkernel`."""

from __future__ import annotations

import gc
import logging

import click

from tiledkernel import __version__
from tiledkernel.cli.commands import CommandGroup
from tiledkernel.cli.completion import install_completion, show_completion

PROGRAM = "tiledkernel"


class _Brief(logging.Formatter):
    """One line for each record: where a plugin failed is for its author, who asks for it with `plugins show`."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname}: {record.getMessage()}"


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", message="%(version)s")
@click.option(
    "--show-completion",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_completion,
    help="Print the script that completes commands in your shell.",
)
@click.option(
    "--install-completion",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=install_completion,
    help="Install that script for your shell.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Serve slices of scientific data over HTTP."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Brief())
    logging.getLogger(PROGRAM).addHandler(handler)
    gc.disable()  # while modules are imported there is nothing to collect; a server turns it on again
    cli(prog_name=PROGRAM)
