"""`tiledkernel register`: files that a server can reach become nodes of its catalog."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from tiledkernel import references
from tiledkernel.cli.refusal import Refusal
from tiledkernel.cli.walking import WalkOptions, walk_options
from tiledkernel.client.connect import from_uri
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.register import Report, identity, register, watch
from tiledkernel.errors import ConfigurationError
from tiledkernel.registering.planning import plan
from tiledkernel.registering.walking import Choices, place_of

LOGGER = "tiledkernel.client.register"


@click.command("register")
@click.argument("url")
@click.argument("path", type=click.Path())
@click.option("--api-key", metavar="KEY", help="The key. [default: that of the URL, or TILED_API_KEY]")
@click.option("--prefix", default="/", metavar="/a/b", help="Keys of the container to register in; made if missing.")
@walk_options
@click.option("--no-overwrite", is_flag=True, help="Only add and update: remove nothing that is registered there.")
@click.option("-w", "--watch", "watches", is_flag=True, help="Go on registering what changes, until interrupted.")
@click.option("--plan", "plans", is_flag=True, help="Print what would become of each file, and do nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Say what becomes of each file.")
def command(  # noqa: PLR0913 - the options of a command
    url: str,
    path: str,
    *,
    api_key: str | None,
    prefix: str,
    walk: WalkOptions,
    no_overwrite: bool,
    watches: bool,
    plans: bool,
    verbose: bool,
) -> None:
    """Register the files below PATH in the server, or the node of it, at URL.

    The files stay where they are: the server needs the same readers, and must be allowed to read PATH. Doing so again
    changes nothing but what has changed. The exit status is 1 if a file failed.

    Hooks, walkers and readers may lie in a module in the current directory.
    """
    sys.path.insert(0, str(Path.cwd()))
    choices = _choices(walk)
    if plans:
        _print_plan(path, choices, prefix)
        return
    with _shown_log(verbose=verbose, again=watches), _connected(url, api_key) as client:
        settings = {**_settings(choices), "prefix": prefix, "overwrite": not no_overwrite}
        if watches:
            _watch(client, path, settings)
        else:
            report = asyncio.run(register(client, path, **settings))
            click.echo(str(report))
            if report.failures:
                raise click.exceptions.Exit(1)


def _choices(walk: WalkOptions) -> Choices:
    """What the options name, loaded."""
    return Choices(
        walkers=[references.load(walker) for walker in walk.walkers],
        adapters_by_mimetype={media_type: references.load(adapter) for media_type, adapter in walk.adapters.items()},
        mimetypes_by_file_ext=walk.ext,
        mimetype_detection_hook=references.load(walk.mimetype_hook) if walk.mimetype_hook else None,
        key_from_filename=identity if walk.keep_ext else None,
        include_ext=walk.include_ext,
    )


def _settings(choices: Choices) -> dict[str, Any]:
    return {name: getattr(choices, name) for name in choices.__struct_fields__}


def _print_plan(path: str, choices: Choices, prefix: str) -> None:
    """A line for each node that there would be, and for each file that would be skipped."""
    try:
        rules = choices.rules()
        place = place_of(path, rules)
    except (OSError, ValueError) as error:
        raise Refusal(str(error)) from error
    if choices.walkers:
        click.echo("Walkers are not run: they may do anything. This is what the rules alone would do.", err=True)
    nodes = skipped = 0
    for planned in plan(place, rules, prefix):
        click.echo(str(planned))
        nodes += not planned.remark
        skipped += bool(planned.remark)
    click.echo(f"{nodes} nodes, {skipped} skipped; nothing was changed", err=True)


def _watch(client: Any, path: str, settings: dict[str, Any]) -> None:
    """Register, and follow changes until a signal comes."""
    first = True
    failed = False

    def tell(report: Report) -> None:
        nonlocal first, failed
        failed = failed or (first and bool(report.failures))
        if first or report.has_changed or report.failures:
            click.echo(str(report))
        if first:
            click.echo("Initial indexing complete. Watching for changes...", err=True)
        first = False

    async def run() -> None:
        task = asyncio.ensure_future(watch(client, path, on_change=tell, **settings))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
    if failed:
        raise click.exceptions.Exit(1)


@contextmanager
def _connected(url: str, api_key: str | None) -> Iterator[Any]:
    """The client of the node; what the server, the network or the arguments refuse becomes a refusal."""
    client = None
    try:
        client = from_uri(url, api_key=api_key)
        yield client
    except httpx.HTTPStatusError as error:
        raise Refusal(str(error)) from error
    except httpx.RequestError as error:
        raise Refusal(f"{url}: {error or type(error).__name__}") from error
    except (ConfigurationError, click.exceptions.Exit):  # the latter is a RuntimeError, and says all that it has to
        raise
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise Refusal(str(error)) from error
    finally:
        if client is not None:
            client.context.close()


class _Lines(logging.Formatter):
    """One line for each record; where in a library a file failed is for `--verbose`."""

    def __init__(self, *, traces: bool) -> None:
        super().__init__()
        self._traces = traces

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        text = f"{record.levelname}: {text}" if record.levelno == logging.WARNING else text
        return f"{text}\n{self.formatException(record.exc_info)}" if self._traces and record.exc_info else text


@contextmanager
def _shown_log(*, verbose: bool, again: bool) -> Iterator[None]:
    """While files are registered, what there is to say goes to stderr; of what is done `again`, what it changes."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(traces=verbose))
    logger = logging.getLogger(LOGGER)
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING if not verbose else logging.INFO if again else logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before[0]
        logger.setLevel(before[1])
