"""`tiledkernel profile`: names and settings of servers to connect to."""

from __future__ import annotations

import click
import msgspec
import yaml

from tiledkernel.cli.refusal import Refusal
from tiledkernel.client.profiles.directories import search_path
from tiledkernel.client.profiles.errors import ProfileError
from tiledkernel.client.profiles.reading import read_profiles
from tiledkernel.client.profiles.schema import json_schema
from tiledkernel.client.profiles.writing import (
    create_profile,
    delete_profile,
    get_default_profile_name,
    set_default_profile_name,
)


@click.command()
def paths() -> None:
    """Print the directories that are searched for profiles; a profile in a later one wins."""
    for directory in search_path():
        click.echo(str(directory))


@click.command("list")
def list_() -> None:
    """List the profiles with their files."""
    profiles = read_profiles()
    width = max(map(len, profiles), default=0)
    for name, (file, _) in profiles.items():
        click.echo(f"{name.ljust(width)}    {file}")
    if not profiles:
        click.echo("No profiles found.")
    for problem in profiles.problems:
        warn(problem)


@click.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a profile as it is written: `$NAME` stays `$NAME`."""
    profiles = read_profiles(variables={})
    written = profiles.written(name)
    click.echo(f"Source: {written.file}\n--", err=True)
    click.echo(yaml.safe_dump(written.content, sort_keys=False, allow_unicode=True), nl=False)
    for problem in profiles.problems:
        warn(problem)
    _warn_of_mistakes(name)


@click.command()
@click.argument("name")
def edit(name: str) -> None:
    """Open the file of a profile in your editor, and check it when you are done."""
    file = read_profiles().written(name).file
    try:
        click.edit(filename=str(file))
    except click.ClickException as error:
        raise Refusal(f"{error.message}; set EDITOR to the editor that you use") from error
    _warn_of_mistakes(name)


@click.command()
@click.argument("uri")
@click.option("--name", default="auto", show_default=True, help="What to call it.")
@click.option(
    "--set-default/--no-set-default", default=True, show_default=True, help="Commands use it if none is named."
)
@click.option("--overwrite", is_flag=True, help="Replace a profile of that name.")
@click.option("--no-verify", is_flag=True, help="Do not check certificates of https.")
def create(uri: str, name: str, *, set_default: bool, overwrite: bool, no_verify: bool) -> None:
    """Write a profile for the server or node at URI.

    The URI may hold a key ('?api_key=...'); only you may read the file.
    """
    file = create_profile(uri, name, verify=not no_verify, overwrite=overwrite)
    if set_default:
        set_default_profile_name(name)
    click.echo(f"Profile {name!r} created{' and set as the default' if set_default else ''}: {file}", err=True)


@click.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete a profile of your own, with its file."""
    file = delete_profile(name)
    click.echo(f"Profile {name!r} deleted: {file}", err=True)


@click.command()
def get_default() -> None:
    """Print the name of the profile that commands use if none is named."""
    name = get_default_profile_name()
    if name is None:
        click.echo("No default.", err=True)
        return
    click.echo(name)
    if name not in read_profiles():
        warn(f"there is no profile named {name!r} any more; choose another: tiledkernel profile set-default NAME")


@click.command()
@click.argument("name")
def set_default(name: str) -> None:
    """Choose the profile that commands use if none is named."""
    set_default_profile_name(name)


@click.command()
def clear_default() -> None:
    """From now on commands use no profile unless one is named."""
    set_default_profile_name(None)


@click.command()
def schema() -> None:
    """Print the JSON Schema of files with profiles."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode())


def warn(problem: str) -> None:
    """Tell the person at the terminal what is not as it should be."""
    click.echo(f"WARNING: {problem}", err=True)


def _warn_of_mistakes(name: str) -> None:
    try:
        read_profiles().written(name).checked()
    except ProfileError as error:
        for line in str(error).splitlines():
            warn(line)
