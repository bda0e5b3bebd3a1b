"""`tiledkernel serve config`."""

from __future__ import annotations

import click

from tiledkernel.cli.options import ServeOptions, serve_options
from tiledkernel.cli.process import serve
from tiledkernel.cli.workers import check_scalable, serve_workers
from tiledkernel.config.files import configuration_path, load_files


@click.command()
@click.argument("path", required=False, metavar="[PATH]")
@serve_options
@click.option("--scalable", is_flag=True, help="Refuse what could not run in several processes.")
def config(options: ServeOptions, path: str | None, *, scalable: bool) -> None:
    """Serve what a configuration says: a YAML file or a directory of them.

    Without PATH it is TILED_CONFIG, or ./config.yml.
    """
    where = configuration_path(path)
    loaded = load_files(where, flags=options.flags())
    if scalable:
        check_scalable(loaded.configuration)
    if loaded.configuration.uvicorn.workers > 1:
        serve_workers(loaded, str(where), options)
    else:
        serve(loaded, options)
