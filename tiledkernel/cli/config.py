"""`tiledkernel config`: check and describe configurations."""

from __future__ import annotations

import click
import msgspec

from tiledkernel.composition import Composition
from tiledkernel.config.compose import compose
from tiledkernel.config.declared import declared_specs
from tiledkernel.config.files import configuration_path, load_files
from tiledkernel.config.mounts import plan_mounts
from tiledkernel.config.schema import json_schema
from tiledkernel.config.security import check_security
from tiledkernel.plugins import discover
from tiledkernel.references import modules_beside


@click.command()
@click.argument("path", required=False, metavar="[PATH]")
def check(path: str | None) -> None:
    """Check a configuration: a YAML file or a directory of them.

    Without PATH it is TILED_CONFIG, or ./config.yml. Plugins are loaded and references are looked up; nothing is
    opened or served.
    """
    loaded = load_files(configuration_path(path))
    with modules_beside(loaded.directory):
        declared_specs(loaded)
        composition = compose(loaded)
        check_security(loaded, composition)
        plan_mounts(loaded, composition)
    click.echo("No errors found in configuration.")


@click.command()
def schema() -> None:
    """Print the JSON Schema of configurations, with the options that the installed plugins take."""
    text = msgspec.json.encode(json_schema(Composition(discover())))
    click.echo(msgspec.json.format(text, indent=2).decode())
