"""Accounts, sessions and API keys of those who log in to tiledkernel, in SQLite or PostgreSQL."""

from __future__ import annotations

from tiledkernel import AccountKeeper, Command, hookimpl


@hookimpl
def register_account_keepers() -> list[AccountKeeper]:
    """Accounts in a database, for any kind of login."""
    return [AccountKeeper(name="accounts", build="tiled_accounts.keeper:build_accounts")]


@hookimpl
def register_commands() -> list[Command]:
    """Look after the database of accounts."""
    own = "tiled_accounts.commands"
    return [
        Command(
            name="admin initialize-database",
            command=f"{own}:initialize",
            help="Make room for accounts in an empty database.",
        ),
        Command(
            name="admin upgrade-database",
            command=f"{own}:upgrade",
            help="Bring a database of accounts to the layout of this version.",
        ),
        Command(
            name="admin downgrade-database",
            command=f"{own}:downgrade",
            help="Bring a database of accounts back to an earlier layout.",
        ),
    ]
