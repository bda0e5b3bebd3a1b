"""Run an application in this process until a signal stops it."""

from __future__ import annotations

import gc
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from tiledkernel.cli.announce import announce, base_url
from tiledkernel.cli.logs import logging_config
from tiledkernel.cli.options import ServeOptions
from tiledkernel.cli.refusal import Refusal
from tiledkernel.config.load import Loaded, normal_root_path
from tiledkernel.config.model import Uvicorn
from tiledkernel.server.access_log import AccessLog
from tiledkernel.server.from_config import build_app_from_config

KEEP_ALIVE = 65  # seconds; longer than what proxies usually wait, so that they never reuse a connection being closed
GRACE = 10  # seconds that running requests get when the server is stopped


class Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens, and why it cannot."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[int], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; then announce the real port, and spare the garbage collector what lives as long as the server."""
        try:
            await super().startup(sockets)
        except SystemExit as stop:
            where = f"{self.config.host}:{self.config.port}"
            if self.lifespan.should_exit:
                raise Refusal("the server could not start; see the log above") from stop
            raise Refusal(
                f"cannot listen on {where}: choose another address (--host) or port (--port; 0: any free one)"
            ) from stop
        if self.started:
            self._ready(self.servers[0].sockets[0].getsockname()[1])
            gc.collect()
            gc.freeze()


def serve(loaded: Loaded, options: ServeOptions, *, verbose: bool = False) -> None:
    """Build the application of a configuration and run it."""
    gc.enable()
    listen = loaded.configuration.uvicorn
    log_config = logging_config(listen.log_config, timestamps=options.log_timestamps, verbose=verbose)
    app = build_app_from_config(loaded, third_party=not options.no_plugins)
    listener = AccessLog(app) if listen.access_log else app
    config = uvicorn.Config(listener, workers=1, **uvicorn_options(listen, log_config))
    server = Server(config, lambda port: _announce(loaded, app, port))
    _run(server)


def _run(server: Server) -> None:
    # uvicorn stops gracefully and then raises the signal again; having stopped as asked is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    server.run()


def uvicorn_options(listen: Uvicorn, log_config: dict[str, Any] | str) -> dict[str, Any]:
    """Arguments for `uvicorn.Config`."""
    tls = {name: getattr(listen, name) for name in listen.__struct_fields__ if name.startswith("ssl_")}
    return {
        "host": listen.host,
        "port": listen.port,
        "proxy_headers": listen.proxy_headers,
        "forwarded_allow_ips": listen.forwarded_allow_ips,
        "log_config": log_config,
        "access_log": False,  # see tiledkernel.server.access_log
        "ws": "none",
        "lifespan": "on",
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": GRACE,
        **{name: value for name, value in tls.items() if value is not None},
    }


def _announce(loaded: Loaded, app: Any, port: int) -> None:
    configuration = loaded.configuration
    listen = configuration.uvicorn
    url = configuration.root_url or base_url(
        listen.host, port, secure=listen.ssl_certfile is not None, root_path=normal_root_path(listen.root_path)
    )
    announce(
        url.rstrip("/"),
        generated_key=app.state.api_key if app.state.api_key_generated else None,
        public=configuration.authentication.allow_anonymous_access,
        logins=bool(configuration.authentication.providers),
    )
