"""`tiledkernel serve pyobject`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tiledkernel.cli.options import ServeOptions, serve_options
from tiledkernel.cli.process import serve
from tiledkernel.cli.refusal import Refusal
from tiledkernel.cli.workers import check_scalable
from tiledkernel.config.load import load_command_line


@click.command()
@click.argument("reference", metavar="MODULE:OBJECT")
@serve_options
@click.option("--scalable", is_flag=True, help="Refuse what could not run in several processes.")
def pyobject(options: ServeOptions, reference: str, *, scalable: bool) -> None:
    """Serve a Python object: a tree, a function that makes one, or any array, table or dict of such.

    Modules in the current directory are found, too.
    """
    if ":" not in reference:
        raise Refusal(f"{reference!r}: expected MODULE:OBJECT, for example 'my_package.my_module:tree'")
    sys.path.insert(0, str(Path.cwd()))
    loaded = load_command_line([{"tree": reference, "path": "/"}], options.flags())
    if scalable:
        check_scalable(loaded.configuration)
    serve(loaded, options)
