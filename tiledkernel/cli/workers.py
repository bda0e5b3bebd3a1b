"""Run a configuration in several processes."""

from __future__ import annotations

import os
from typing import Any

import uvicorn

from tiledkernel.cli.announce import announce
from tiledkernel.cli.logs import logging_config
from tiledkernel.cli.options import ServeOptions
from tiledkernel.cli.process import uvicorn_options
from tiledkernel.cli.refusal import Refusal
from tiledkernel.config.environment import CONFIG
from tiledkernel.config.files import configuration_path, load_files
from tiledkernel.config.load import Loaded
from tiledkernel.config.model import Configuration
from tiledkernel.server.access_log import AccessLog
from tiledkernel.server.from_config import build_app_from_config

APP = "tiledkernel.cli.workers:app"  # made by `__getattr__`, once in each process


def check_scalable(configuration: Configuration) -> None:
    """Refuse what cannot run in several processes: each would make a key of its own, or know other accounts."""
    if configuration.authentication.providers:
        _check_accounts(configuration)
    elif configuration.authentication.single_user_api_key is None:
        raise Refusal(
            "several processes need a fixed key: set 'single_user_api_key' under 'authentication', "
            "or TILED_SINGLE_USER_API_KEY, or --api-key; otherwise each process makes a key of its own"
        )


def _check_accounts(configuration: Configuration) -> None:
    if not configuration.authentication.secret_keys:
        raise Refusal(
            "several processes need the same keys to sign tokens: set 'secret_keys' under 'authentication', or "
            "TILED_SECRET_KEYS; `openssl rand -hex 32` prints a good one"
        )
    uri = configuration.database.uri
    if uri is None or _is_memory(uri):
        raise Refusal(
            "several processes need one database of accounts: set 'uri' under 'database' to a file of SQLite, or, for "
            "several machines, to PostgreSQL"
        )


def _is_memory(uri: str) -> bool:
    """Whether a database lies in the memory of one process."""
    kind, _, place = uri.rpartition("://")
    return ":memory:" in place or (kind.startswith("sqlite") and (not place.strip("/") or "mode=memory" in place))


def serve_workers(loaded: Loaded, path: str, options: ServeOptions) -> None:
    """Let several processes serve one socket; each reads the configuration, and the flags from the environment."""
    check_scalable(loaded.configuration)
    if options.no_plugins:
        raise Refusal("--no-plugins works in one process only: set 'workers: 1' under 'uvicorn'")
    listen = loaded.configuration.uvicorn
    authentication = loaded.configuration.authentication
    os.environ[CONFIG] = path
    if authentication.single_user_api_key is not None:
        os.environ["TILED_SINGLE_USER_API_KEY"] = authentication.single_user_api_key
    os.environ["TILED_ALLOW_ANONYMOUS_ACCESS"] = str(authentication.allow_anonymous_access).lower()
    os.environ["TILED_UVICORN_ACCESS_LOG"] = str(listen.access_log).lower()
    log_config = logging_config(listen.log_config, timestamps=options.log_timestamps)
    if authentication.allow_anonymous_access:
        announce("", generated_key=None, public=True, logins=bool(authentication.providers))
    uvicorn.run(APP, workers=listen.workers, **uvicorn_options(listen, log_config))


def __getattr__(name: str) -> Any:
    """The application of a worker, built when uvicorn asks for it."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    loaded = load_files(configuration_path())
    app = build_app_from_config(loaded)
    return AccessLog(app) if loaded.configuration.uvicorn.access_log else app
