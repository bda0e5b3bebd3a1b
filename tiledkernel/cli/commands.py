"""The commands that plugins registered, the kernel's own like everyone's, as a tree of groups loaded when needed.

A name of several words, such as 'serve demo', lies in a group, so that a plugin can add 'serve catalog' beside it.
The kernel's commands are found without loading any other plugin: they work when a plugin does not, and none can
take their place.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator
from typing import Any

import click

from tiledkernel import references
from tiledkernel.cli.refusal import Refusal
from tiledkernel.errors import AmbiguousName, ConfigurationError, KernelError
from tiledkernel.plugins import KERNEL, Plugins, discover
from tiledkernel.records import Command
from tiledkernel.registry import Registry

GROUPS = {
    "access": "Check, compare and explain access rules.",
    "admin": "Administrate a server.",
    "api-key": "Keys of others.",
    "api_key": "Make, list and revoke API keys of your own.",
    "catalog": "Look after the databases of catalogs.",
    "config": "Check and describe configurations.",
    "profile": "Keep names and settings of servers to connect to.",
    "serve": "Serve data over HTTP.",
}


@functools.cache
def kernel_commands() -> Registry[Command]:
    """The kernel's own commands."""
    plugins = discover(third_party=False, strict=False)
    kernel = plugins.by_name[KERNEL]
    if kernel.state != "active":
        raise Refusal(f"the kernel's own plugin failed: {kernel.reason}")
    return register(plugins)


@functools.cache
def all_plugins() -> Plugins:
    """All plugins that are installed, also those that failed."""
    return discover(strict=False)


@functools.cache
def all_commands() -> Registry[Command]:
    """The commands of all plugins."""
    return register(all_plugins())


def register(plugins: Plugins) -> Registry[Command]:
    """Commands by name; one that another plugin has, or that cannot stand beside another, is reported and left out."""
    commands: Registry[Command] = Registry("command")
    for command, plugin in plugins.records("register_commands"):
        try:
            _check_place(commands, command.name, plugin)
            commands.add(command.name, command, plugin)
        except AmbiguousName:
            holder = commands.plugin_of(command.name)
            _warn(f"command {command.name!r} of plugin {plugin!r} is left out: plugin {holder!r} has one of that name")
        except ConfigurationError as error:
            _warn(str(error))
    return commands


def _check_place(commands: Registry[Command], name: str, plugin: str) -> None:
    for other in commands:
        if name != other and (f"{name} ".startswith(f"{other} ") or f"{other} ".startswith(f"{name} ")):
            raise ConfigurationError(
                f"command {name!r} of plugin {plugin!r} is left out: "
                f"it cannot stand beside command {other!r} of plugin {commands.plugin_of(other)!r}"
            )


def _warn(message: str) -> None:
    click.echo(f"WARNING: {message}", err=True)


class CommandGroup(click.Group):
    """The commands whose names begin with certain words."""

    def __init__(self, *, words: tuple[str, ...] = (), **settings: Any) -> None:
        super().__init__(**settings)
        self.words = words

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; errors of the kernel become refusals."""
        try:
            return super().invoke(ctx)
        except KernelError as error:
            raise Refusal.of(error) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The next words of all names here."""
        del ctx
        return list(dict.fromkeys(name.split()[len(self.words)] for name in self._names(all_commands())))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command or a group; imports the command's module."""
        del ctx
        words = (*self.words, cmd_name)
        for find in (kernel_commands, all_commands):
            commands = find()
            record = commands.get(" ".join(words))
            if record is not None:
                return _load(record, commands.plugin_of(record.name))
            if any(self._names(commands, words)):
                return CommandGroup(words=words, name=cmd_name, help=_group_help(cmd_name), no_args_is_help=True)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say what is near, and which plugins failed, if there is no such command."""
        if (
            args
            and not ctx.resilient_parsing
            and not args[0].startswith("-")
            and self.get_command(ctx, args[0]) is None
        ):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}{all_plugins().hint()}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing any command."""
        rows = [(name, self._line(name)) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def _line(self, word: str) -> str:
        record = all_commands().get(" ".join((*self.words, word)))
        return record.help if record is not None else _group_help(word)

    def _names(self, commands: Registry[Command], words: tuple[str, ...] | None = None) -> Iterator[str]:
        within = self.words if words is None else words
        return (name for name in commands if tuple(name.split()[: len(within)]) == within)


def _group_help(word: str) -> str:
    return GROUPS.get(word, f"Commands about {word}.")


def _load(record: Command, plugin: str) -> click.Command:
    command = references.load(record.command)
    if not isinstance(command, click.Command):
        raise ConfigurationError(
            f"command {record.name!r} of plugin {plugin!r}: {record.command!r} is no click command, "
            f"but {type(command).__name__}"
        )
    return command
