"""`tiledkernel plugins`: which plugins are there, whether they work, and what each contributes."""

from __future__ import annotations

import difflib
import logging
import traceback
from typing import Any

import click
import msgspec

from tiledkernel.cli.refusal import Refusal
from tiledkernel.plugins import Plugin, Plugins, discover


class _Tracebacks(logging.Handler):
    """Keeps where each plugin failed, instead of writing it."""

    def __init__(self) -> None:
        super().__init__()
        self.by_plugin: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.args, tuple):
            self.by_plugin[str(record.args[0])] = "".join(traceback.format_exception(*record.exc_info))


def _discover() -> tuple[Plugins, dict[str, str]]:
    logger, tracebacks = logging.getLogger("tiledkernel.plugins"), _Tracebacks()
    logger.addHandler(tracebacks)
    logger.propagate = False
    try:
        return discover(strict=False), tracebacks.by_plugin
    finally:
        logger.removeHandler(tracebacks)
        logger.propagate = True


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins(ctx: click.Context, *, as_json: bool) -> None:
    """List the installed plugins."""
    if ctx.invoked_subcommand is not None:
        return
    found, _ = _discover()
    if as_json:
        _print_json([_summary(plugin) for plugin in found])
        return
    rows = [("NAME", "VERSION", "DISTRIBUTION", "STATE", "CONTRIBUTES")]
    rows += [
        (plugin.name, plugin.version, plugin.distribution, plugin.state, plugin.reason or _counts(plugin))
        for plugin in found
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, *, as_json: bool) -> None:
    """Show everything that a plugin contributes, or why it failed."""
    found, tracebacks = _discover()
    plugin = found.by_name.get(name)
    if plugin is None:
        raise Refusal(_miss(name, found))
    if as_json:
        _print_json(_details(plugin))
        return
    for label in ("name", "version", "distribution", "module", "state", "reason"):
        if value := getattr(plugin, label):
            click.echo(f"{label}: {value}")
    if name in tracebacks:
        click.echo(f"\n{tracebacks[name].rstrip()}")
    for hook, records in plugin.contributions.items():
        if records:
            click.echo(f"\n{hook}")
        for record in records:
            click.echo(f"  {label_of(record)}")
            for field, value in _fields(record).items():
                click.echo(f"    {field}: {', '.join(map(str, value)) if isinstance(value, list) else value}")


@plugins.command()
@click.option("--require", multiple=True, metavar="NAME", help="A plugin that must be there and work; may be repeated.")
def check(require: tuple[str, ...]) -> None:
    """Fail if a plugin does not work."""
    found, _ = _discover()
    problems = [f"plugin {plugin.name!r} is set aside: {plugin.reason}" for plugin in found.set_aside]
    problems += [_miss(name, found) for name in require if name not in found.by_name]
    if problems:
        raise Refusal("\n".join(problems))
    click.echo(f"{len(found.by_name)} plugins work.")


def label_of(record: Any) -> str:
    """What a record is known by."""
    if isinstance(record, msgspec.Struct):
        parts = [getattr(record, field, None) for field in ("name", "coding", "target", "media_type")]
        return " ".join(part for part in parts if isinstance(part, str))
    return repr(record)


def _miss(name: str, found: Plugins) -> str:
    near = difflib.get_close_matches(name, found.by_name, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"no plugin named {name!r}{hint}; installed: {', '.join(found.by_name)}"


def _counts(plugin: Plugin) -> str:
    counted = {
        hook.removeprefix("register_"): len(records) for hook, records in plugin.contributions.items() if records
    }
    return ", ".join(f"{count} {kind if count > 1 else _singular(kind)}" for kind, count in counted.items())


def _singular(kind: str) -> str:
    return {"families": "family", "queries": "query"}.get(kind, kind.removesuffix("s"))


def _summary(plugin: Plugin) -> dict[str, Any]:
    about = {name: getattr(plugin, name) for name in ("name", "version", "distribution", "module", "state", "reason")}
    records = {hook: [label_of(record) for record in given] for hook, given in plugin.contributions.items() if given}
    return {**about, "contributions": records}


def _details(plugin: Plugin) -> dict[str, Any]:
    records = {hook: [_fields(record) for record in given] for hook, given in plugin.contributions.items() if given}
    return {**_summary(plugin), "contributions": records}


def _fields(record: Any) -> dict[str, Any]:
    """The fields that say something, as plain values."""
    plain = msgspec.to_builtins(record, enc_hook=repr, builtin_types=(bytes,))
    return {
        name: repr(value) if isinstance(value, bytes) else _plain(value)
        for name, value in plain.items()
        if value not in (None, [], (), "", {})
    }


def _plain(value: Any) -> Any:
    return (
        [_plain(inner) for inner in value]
        if isinstance(value, (list, tuple))
        else str(value)
        if isinstance(value, bytes)
        else value
    )


def _print_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
