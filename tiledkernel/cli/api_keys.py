"""`tiledkernel api_key`: keys of one's own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from tiledkernel.cli.connection import profile_option, recognised, require_login
from tiledkernel.client.durations import parse_duration

_HEADINGS = ("First 8", "Expires at (UTC)", "Latest activity", "Note", "Scopes", "Access tags")


def _seconds(ctx: click.Context, param: click.Parameter, given: str | None) -> int | None:
    try:
        return None if given is None else parse_duration(given)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


_OPTIONS = (
    click.option("--expires-in", callback=_seconds, metavar="10m", help="Seconds, or with a unit: s, m, h, d, y."),
    click.option(
        "--scopes",
        multiple=True,
        metavar="SCOPE",
        help="What it is good for; may be repeated. [default: all that its owner may do]",
    ),
    click.option("--access-tags", multiple=True, metavar="TAG", help="Reach only what has this tag; may be repeated."),
    click.option("--note", metavar="TEXT", help="A reminder of what it is for."),
    click.option("--no-verify", is_flag=True, help="Do not check certificates of https."),
)


def key_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a new key to a command; they arrive together, as `wanted`."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        wanted = {name: given.pop(name) for name in ("expires_in", "note")}
        wanted |= {name: list(given.pop(name)) or None for name in ("scopes", "access_tags")}
        function(**given, wanted=wanted)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def unverified(no_verify: bool) -> dict[str, Any]:  # noqa: FBT001 - the flag of that name
    """The setting of a connection that certificates are not checked."""
    return {"verify": False} if no_verify else {}


@click.command()
@profile_option
@key_options
def create(profile: str | None, *, no_verify: bool, wanted: Mapping[str, Any]) -> None:
    """Make a key, and print it: it is not shown a second time."""
    with recognised(profile, **unverified(no_verify)) as context:
        require_login(context)
        click.echo(context.create_api_key(**wanted)["secret"])


@click.command("list")
@profile_option
def list_(profile: str | None) -> None:
    """List your keys: the first eight characters of each, and what is known of it."""
    with recognised(profile) as context:
        require_login(context)
        print_keys((context.whoami() or {}).get("api_keys") or [])


@click.command()
@click.argument("first8")
@profile_option
def revoke(first8: str, profile: str | None) -> None:
    """Make a key of yours worthless, which is named by its first eight characters, or in full."""
    with recognised(profile) as context:
        require_login(context)
        context.revoke_api_key(first8)


def print_keys(keys: Sequence[Mapping[str, Any]]) -> None:
    """Print what a server says of keys."""
    if not keys:
        click.echo("No API keys found", err=True)
        return
    rows = [_HEADINGS, *map(_row, keys)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(key: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(key["first_eight"]),
        _moment(key.get("expiration_time")),
        _moment(key.get("latest_activity")),
        _plain(key.get("note")),
        _words(key.get("scopes")),
        _words(key.get("access_tags")),
    )


def _moment(given: datetime | str | None) -> str:
    """A time as the table has it, in UTC; servers send texts or times, and those without an offset are in UTC."""
    if given is None:
        return "-"
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        return _plain(str(given))
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _words(given: Iterable[str] | None) -> str:
    return _plain(" ".join(given or ()))


def _plain(given: str | None) -> str:
    """A text without what a terminal would take for a command; `-` for nothing."""
    return "".join(letter if letter.isprintable() else " " for letter in given or "") or "-"
