"""How a command refuses."""

from __future__ import annotations

import traceback
from typing import IO, Any

import click
import msgspec

from tiledkernel.errors import KernelError

# Errors whose message says everything; for others the author of a tree or a plugin wants to see where.
_PLAIN = (ImportError, OSError, msgspec.ValidationError, KernelError)


class Refusal(click.ClickException):
    """A sentence for the person at the terminal, then `Aborted.`; exit status 1."""

    def __init__(self, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.cause = cause

    @classmethod
    def of(cls, error: KernelError) -> Refusal:
        """The refusal that an error of the kernel amounts to, with the failure in foreign code behind it."""
        cause = error.__cause__
        while isinstance(cause, KernelError) and cause.__cause__ is not None:
            cause = cause.__cause__
        return cls(str(error), None if isinstance(cause, _PLAIN) else cause)

    def show(self, file: IO[Any] | None = None) -> None:
        """Write it to stderr."""
        if self.cause is not None:
            click.echo("".join(traceback.format_exception(self.cause)), file=file, err=True)
        click.echo(self.message, file=file, err=True)
        click.echo("Aborted.", file=file, err=True)
