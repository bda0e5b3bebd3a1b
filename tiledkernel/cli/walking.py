"""The options that say how files become nodes, for all commands that look at directories."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click
from msgspec import Struct

from tiledkernel.cli.refusal import Refusal


class WalkOptions(Struct, frozen=True, kw_only=True):
    """What was said on the command line."""

    keep_ext: bool = False
    include_ext: tuple[str, ...] = ()
    ext: dict[str, str] = {}
    mimetype_hook: str | None = None
    adapters: dict[str, str] = {}
    walkers: tuple[str, ...] = ()


_OPTIONS = (
    click.option("--keep-ext", is_flag=True, help="Keep the extensions of files in their names."),
    click.option("--include-ext", multiple=True, metavar=".x", help="Only files with this extension; may be repeated."),
    click.option("--ext", multiple=True, metavar=".x=TYPE", help="What files with an extension are; may be repeated."),
    click.option(
        "--mimetype-hook", metavar="MODULE:FUNCTION", help="A function of path and media type that tells the type."
    ),
    click.option(
        "--adapter", multiple=True, metavar="TYPE=MODULE:OBJECT",
        help="A reader of your own: a function of a path, or a class with from_uris; may be repeated.",
    ),
    click.option(
        "--walker", multiple=True, metavar="MODULE:FUNCTION",
        help="A function that groups files in its own way, before the rules do; may be repeated.",
    ),
)  # fmt: skip


def walk_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command; they arrive together, as `walk`."""

    @functools.wraps(function)
    def command(*arguments: Any, **given: Any) -> None:
        walk = WalkOptions(
            keep_ext=given.pop("keep_ext"),
            include_ext=tuple(given.pop("include_ext")),
            ext=_pairs("--ext", given.pop("ext"), ".x=media/type", "for example '.stuff=text/csv'", _is_extension),
            mimetype_hook=given.pop("mimetype_hook"),
            adapters=_pairs(
                "--adapter", given.pop("adapter"), "media/type=module:object",
                "for example 'application/x-mca=our_readers:read_mca'", _is_adapter,
            ),
            walkers=tuple(given.pop("walker")),
        )  # fmt: skip
        function(*arguments, walk=walk, **given)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _is_extension(name: str, value: str) -> bool:
    return name.startswith(".") and "/" in value


def _is_adapter(name: str, value: str) -> bool:
    return "/" in name and ":" in value


def _pairs(
    option: str, given: Sequence[str], expected: str, example: str, is_pair: Callable[[str, str], bool]
) -> dict[str, str]:
    pairs = {}
    for item in given:
        name, _, value = item.rpartition("=")  # a media type may have parameters
        if not is_pair(name.strip(), value.strip()):
            raise Refusal(f"{option} {item!r}: expected '{expected}', {example}")
        pairs[name.strip()] = value.strip()
    return pairs
