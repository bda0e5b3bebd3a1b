"""Completion of commands in bash, zsh and fish."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from tiledkernel.cli.refusal import Refusal

VARIABLE = "_TILEDKERNEL_COMPLETE"

# Where each shell looks for completions of its user, relative to the home directory.
PLACES = {
    "bash": Path(".local/share/bash-completion/completions/tiledkernel"),
    "fish": Path(".config/fish/completions/tiledkernel.fish"),
    "zsh": Path(".zfunc/_tiledkernel"),
}


def show_completion(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    """Print the script for the shell in use."""
    del parameter
    if value and not ctx.resilient_parsing:
        click.echo(_script(ctx, _shell()))
        ctx.exit()


def install_completion(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    """Write the script where the shell in use looks for it."""
    del parameter
    if value and not ctx.resilient_parsing:
        shell = _shell()
        path = Path.home() / PLACES[shell]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_script(ctx, shell))
        click.echo(f"Completion for {shell} is in {path}; it works in new shells.", err=True)
        if shell == "zsh":
            click.echo("zsh needs in ~/.zshrc: fpath+=~/.zfunc; autoload -Uz compinit; compinit", err=True)
        ctx.exit()


def _shell() -> str:
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in PLACES:
        raise Refusal(f"SHELL={os.environ.get('SHELL', '')!r}: expected one of {', '.join(sorted(PLACES))}")
    return shell


def _script(ctx: click.Context, shell: str) -> str:
    completion = get_completion_class(shell)
    assert completion is not None, f"click completes in {shell}"
    return completion(ctx.command, {}, "tiledkernel", VARIABLE).source()
