"""The options that all `serve` commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from msgspec import Struct

from tiledkernel.config.load import Flag


class ServeOptions(Struct, frozen=True, kw_only=True):
    """What was said on the command line; None and False are what was not."""

    host: str | None = None
    port: int | None = None
    log_config: str | None = None
    log_timestamps: bool = False
    access_log: bool | None = None
    public: bool = False
    api_key: str | None = None
    no_plugins: bool = False

    def flags(self) -> tuple[Flag, ...]:
        """The keys of the configuration that the options override."""
        given = (
            Flag(("uvicorn", "host"), self.host, "--host"),
            Flag(("uvicorn", "port"), self.port, "--port"),
            Flag(("uvicorn", "log_config"), self.log_config, "--log-config"),
            Flag(("uvicorn", "access_log"), self.access_log, "--access-log"),
            Flag(("authentication", "allow_anonymous_access"), self.public or None, "--public"),
            Flag(("authentication", "single_user_api_key"), self.api_key, "--api-key"),
        )
        return tuple(flag for flag in given if flag.value is not None)


_OPTIONS = (
    click.option("--host", metavar="ADDRESS", help="Address to listen on. [default: 127.0.0.1]"),
    click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: any free one. [default: 8000]"),
    click.option("--log-config", metavar="FILE", help="Logging configuration: a .json, .yml or .ini file."),
    click.option("--log-timestamps", is_flag=True, help="Begin each line of the log with the time."),
    click.option("--access-log/--no-access-log", default=None, help="Write a line for each request. [default: no]"),
    click.option("--public", is_flag=True, help="Reading needs no key; writing still does."),
    click.option("--api-key", metavar="KEY", help="The key. [default: TILED_SINGLE_USER_API_KEY, or a random one]"),
    click.option("--no-plugins", is_flag=True, help="Use the kernel's own features only."),
)


def serve_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command; they arrive together, as its first argument."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        shared = {name: given.pop(name) for name in ServeOptions.__struct_fields__}
        function(ServeOptions(**shared), **given)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
