"""What the person who starts a server is told."""

from __future__ import annotations

import click

# A server that listens everywhere is reached here, on its own machine.
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - it is only compared

PUBLIC = """
This server is public: anyone who can connect to it may read everything that no access policy restricts.
{} is needed only for writing.
"""


def base_url(host: str, port: int, *, secure: bool, root_path: str = "") -> str:
    """Where a browser on this machine finds the server."""
    shown = _EVERYWHERE.get(host) or (f"[{host}]" if ":" in host else host)
    return f"{'https' if secure else 'http'}://{shown}:{port}{root_path}"


def announce(url: str, *, generated_key: str | None, public: bool, logins: bool = False) -> None:
    """Write to stderr how to connect; a key only if it was made for this run, for nobody else knows it."""
    if public:
        click.echo(PUBLIC.format("A login" if logins else "The API key"), err=True)
    if generated_key is not None:
        click.echo(
            "\nOpen this address in a browser, or give it to a client (`from_uri`), to use the server:\n", err=True
        )
        click.echo(f"    {url}?api_key={generated_key}\n", err=True)
