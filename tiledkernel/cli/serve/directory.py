"""`tiledkernel serve directory`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tiledkernel.cli.options import ServeOptions, serve_options
from tiledkernel.cli.process import serve
from tiledkernel.cli.refusal import Refusal
from tiledkernel.cli.walking import WalkOptions, walk_options
from tiledkernel.config.load import load_command_line


@click.command()
@click.argument("path", metavar="DIR", type=click.Path())
@serve_options
@walk_options
@click.option("-w", "--watch", is_flag=True, help="Not needed: changes in the directory always show at once.")
@click.option("-v", "--verbose", is_flag=True, help="Log what becomes of each file.")
def directory(options: ServeOptions, path: str, *, walk: WalkOptions, watch: bool, verbose: bool) -> None:
    """Serve the files below a directory, as they are at any moment.

    Hooks, walkers and readers may lie in a module in the current directory.
    """
    if not Path(path).is_dir():
        raise Refusal(
            f"{path}: {'this is a file, expected a directory' if Path(path).exists() else 'no such directory'}"
        )
    sys.path.insert(0, str(Path.cwd()))
    args = {
        "path": path,
        "keep_ext": walk.keep_ext,
        "include_ext": list(walk.include_ext),
        "ext": walk.ext,
        "adapters_by_mimetype": walk.adapters,
        "walkers": list(walk.walkers),
        **({} if walk.mimetype_hook is None else {"mimetype_hook": walk.mimetype_hook}),
    }
    tree = {"tree": "directory", "path": "/", "args": args}
    loaded = load_command_line([tree], options.flags())
    if watch:
        click.echo("--watch is not needed: changes in the directory always show at once.", err=True)
    click.echo(f"Serving the files below {Path(path).resolve()}", err=True)
    serve(loaded, options, verbose=verbose)
