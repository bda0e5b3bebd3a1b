"""`tiledkernel serve demo`."""

from __future__ import annotations

import click
import msgspec

from tiledkernel.cli.options import ServeOptions, serve_options
from tiledkernel.cli.process import serve
from tiledkernel.config.load import load_command_line

TREE = "tiledkernel.examples.generated:tree"


@click.command()
@serve_options
def demo(options: ServeOptions) -> None:
    """Serve example data to everyone who can connect."""
    public = msgspec.structs.replace(options, public=True)
    serve(load_command_line([{"tree": TREE, "path": "/"}], public.flags()), options)
