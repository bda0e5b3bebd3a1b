"""`tiledkernel serve directory`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tiledkernel.cli.options import ServeOptions, serve_options
from tiledkernel.cli.process import serve
from tiledkernel.cli.refusal import Refusal
from tiledkernel.config.load import load_command_line


@click.command()
@click.argument("path", metavar="DIR", type=click.Path())
@serve_options
@click.option("--keep-ext", is_flag=True, help="Keep the extensions of files in their names.")
@click.option("--include-ext", multiple=True, metavar=".x", help="Only files with this extension; may be repeated.")
@click.option("--ext", multiple=True, metavar=".x=TYPE", help="What files with an extension are; may be repeated.")
@click.option(
    "--mimetype-hook", metavar="MODULE:FUNCTION", help="A function of path and media type that tells the type."
)
@click.option("-w", "--watch", is_flag=True, help="Not needed: changes in the directory always show at once.")
@click.option("-v", "--verbose", is_flag=True, help="Log what becomes of each file.")
def directory(options: ServeOptions, path: str, *, watch: bool, verbose: bool, **choices: Any) -> None:
    """Serve the files below a directory, as they are at any moment.

    A hook may lie in a module in the current directory.
    """
    if not Path(path).is_dir():
        raise Refusal(
            f"{path}: {'this is a file, expected a directory' if Path(path).exists() else 'no such directory'}"
        )
    sys.path.insert(0, str(Path.cwd()))
    args = {"path": path, **choices, "include_ext": list(choices["include_ext"]), "ext": _pairs(choices["ext"])}
    tree = {
        "tree": "directory",
        "path": "/",
        "args": {name: value for name, value in args.items() if value is not None},
    }
    loaded = load_command_line([tree], options.flags())
    if watch:
        click.echo("--watch is not needed: changes in the directory always show at once.", err=True)
    click.echo(f"Serving the files below {Path(path).resolve()}", err=True)
    serve(loaded, options, verbose=verbose)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [
        (name.strip(), separator, media_type.strip())
        for name, separator, media_type in (item.partition("=") for item in given)
    ]
    for item, (name, _, media_type) in zip(given, pairs, strict=True):
        if not name.startswith(".") or "/" not in media_type:
            raise Refusal(f"--ext {item!r}: expected '.x=media/type', for example '.stuff=text/csv'")
    return {name: media_type for name, _, media_type in pairs}
