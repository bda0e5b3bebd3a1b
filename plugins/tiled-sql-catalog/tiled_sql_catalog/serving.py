"""`tiledkernel serve catalog`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from tiled_sql_catalog import revisions
from tiled_sql_catalog.opening import opened
from tiledkernel.cli.options import ServeOptions, serve_options
from tiledkernel.cli.process import serve
from tiledkernel.cli.refusal import Refusal
from tiledkernel.cli.workers import check_scalable
from tiledkernel.composition import Composition
from tiledkernel.config.document import COMMAND_LINE, Document
from tiledkernel.config.load import Flag, Loaded, load
from tiledkernel.config.one_folder import catalog_in
from tiledkernel.nodes.storing import parse_location
from tiledkernel.plugins import discover

URI = "TILED_CATALOG_URI"

WHICH = """Which catalog? Serve a temporary one:

    tiledkernel serve catalog --temp

or make one that lasts, and serve it with a folder for uploads:

    tiledkernel catalog init catalog.db
    tiledkernel serve catalog catalog.db --write data

or serve one that is there:

    tiledkernel serve catalog catalog.db
"""
READ_ONLY = (
    "This catalog is served read-only: nothing can be uploaded. Say where uploads go to change that: --write FOLDER"
)


class Choices(Struct, frozen=True, kw_only=True):
    """What was said about the catalog; None and empty is what was not."""

    database: str | None
    read: tuple[str, ...]
    write: tuple[str, ...]
    temp: bool
    init: bool
    cache: str | None
    cache_data_ttl: int | None
    cache_seq_ttl: int | None

    def flags(self) -> tuple[Flag, ...]:
        """The keys of the configuration that the options override."""
        of_cache = {"uri": self.cache, "data_ttl": self.cache_data_ttl, "seq_ttl": self.cache_seq_ttl}
        given = (
            Flag(("catalog", "uri"), self.database, "DB"),
            Flag(("catalog", "readable_storage"), list(self.read), "--read"),
            Flag(("catalog", "writable_storage"), list(self.write), "--write"),
            Flag(("streaming_cache",), {key: value for key, value in of_cache.items() if value is not None}, "--cache"),
        )
        return tuple(flag for flag in given if flag.value)


_SECONDS = click.IntRange(1)
_OPTIONS = (
    click.argument("database", required=False, metavar="[DB]"),
    serve_options,
    click.option("-r", "--read", multiple=True, metavar="LOCATION", help="Registered files may lie here; repeatable."),
    click.option(
        "-w", "--write", multiple=True, metavar="LOCATION",
        help="Uploads go here: a folder, duckdb:///..., sqlite:///..., postgresql://...; repeatable.",
    ),
    click.option("--temp", is_flag=True, help="A new catalog in a temporary folder, removed in the end."),
    click.option("--init", is_flag=True, help="Make the catalog if the database holds none."),
    click.option("--cache", metavar="URI", help="Where live updates travel: memory, or redis://..."),
    click.option("--cache-data-ttl", type=_SECONDS, metavar="SECONDS", help="How long updates are kept."),
    click.option("--cache-seq-ttl", type=_SECONDS, metavar="SECONDS", help="How long their numbers are kept."),
    click.option("--scalable", is_flag=True, help="Refuse what could not run in several processes."),
    click.option("-v", "--verbose", is_flag=True, help="Log more."),
)  # fmt: skip


def _with_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command(
    "catalog", epilog="DB is the path of a file (SQLite), or a URI: sqlite:///..., postgresql://... Without it, "
    f"the environment variable {URI} says which.",
)  # fmt: skip
@_with_options
def serve_catalog(options: ServeOptions, *, scalable: bool, verbose: bool, **given: Any) -> None:
    """Serve a catalog: a tree in a database, which can be searched and written to."""
    choices = Choices(**given)
    if choices.temp and scalable:
        raise Refusal("--temp is for one process: it cannot be --scalable")
    with ExitStack() as stack:
        loaded = _temporary(choices, options, stack) if choices.temp else _lasting(choices, options)
        if scalable:
            check_scalable(loaded.configuration)
        serve(loaded, options, verbose=verbose)


def _lasting(choices: Choices, options: ServeOptions) -> Loaded:
    """The configuration for a database that there is, or that is made now; Refusal says what to do if there is none."""
    if choices.database is None and not os.environ.get(URI):
        raise Refusal(WHICH)
    loaded = _load({}, options, choices)
    with opened(str(loaded.document.at(("catalog", "uri"))), make=choices.init) as database:
        if choices.init:
            revisions.init(database, if_not_exists=True)
        else:
            revisions.check(database)
    if not loaded.document.at(("catalog", "writable_storage")):
        click.echo(READ_ONLY, err=True)
    return loaded


def _temporary(choices: Choices, options: ServeOptions, stack: ExitStack) -> Loaded:
    """The configuration for a folder that exists as long as the server."""
    if choices.database is not None:
        raise Refusal(f"--temp makes a database of its own: leave out either --temp or {choices.database!r}")
    folder = stack.enter_context(_temporary_folder())
    catalog = catalog_in(folder, Composition(discover(third_party=not options.no_plugins)))
    loaded = _load(catalog, options, choices)
    click.echo("A temporary catalog, which is removed when the server stops:", err=True)
    for place in (catalog["uri"], *loaded.document.at(("catalog", "writable_storage"))):
        click.echo(f"    {parse_location(place).public_uri if '://' in place else place}", err=True)
    return loaded


def _load(catalog: dict[str, Any], options: ServeOptions, choices: Choices) -> Loaded:
    """What the command says, over the environment; a temporary catalog has all its keys from here."""
    own = [Flag(("catalog", key), value, "--temp") for key, value in catalog.items()]
    document = Document(data={"catalog": {}}, origins={(): COMMAND_LINE})
    return load(document, flags=(*options.flags(), *own, *choices.flags()))


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder that is gone in the end, also when the process is told to end before it serves."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = Path(tempfile.mkdtemp(prefix="tiledkernel-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
