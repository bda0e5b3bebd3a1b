"""A server of one's own inside a Python program: a catalog in a folder, served to this machine."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Self, TypeAlias

from tiledkernel.composition import Composition
from tiledkernel.config.load import load
from tiledkernel.config.one_folder import catalog_in, table_storage
from tiledkernel.errors import ConfigurationError
from tiledkernel.nodes.protocols import Closing
from tiledkernel.plugins import discover
from tiledkernel.server.access_log import AccessLog
from tiledkernel.server.app import Application
from tiledkernel.server.background import HOST, Background, listen
from tiledkernel.server.from_config import build_app_from_config
from tiledkernel.server.log_files import log_access, log_errors

READY = 20.0  # seconds until a server counts as hanging

Paths: TypeAlias = "str | PathLike[str] | Sequence[str | PathLike[str]]"


class SimpleTiledServer:
    """A server with a catalog, on a thread of this process, which takes and keeps data.

    It is there when the constructor returns, and ends with `close()`, with the `with` block, or when nothing refers to
    the object any more. Several may run at once; none knows the key of another.

    Parameters
    ----------
    directory
        Where everything is kept: the database of the catalog (`catalog.db`), uploaded data (`data`), tables that grow
        (`storage.duckdb`), `access.log` and `error.log`. What an earlier server has left there is served again.
        Without it, a temporary directory, which is removed in the end.
    api_key
        Letters and digits. Without it, a random one is made.
    port
        Of this machine, 127.0.0.1; 0: any that is free.
    readable_storage
        A folder, or several, in which files may lie that are registered.
    enable_webhooks
        Needs a plugin for webhooks, which is not part of this server.

    Examples
    --------
    >>> from tiledkernel.client import from_uri
    >>> with SimpleTiledServer("my_data") as server:
    ...     client = from_uri(server.uri)
    """

    webhook_secret_key: None = None

    def __init__(
        self,
        directory: str | PathLike[str] | None = None,
        api_key: str | None = None,
        port: int = 0,
        readable_storage: Paths | None = None,
        enable_webhooks: bool = False,  # noqa: FBT001, FBT002 - positional in published code
    ) -> None:
        if enable_webhooks:
            raise ConfigurationError("enable_webhooks: webhooks come with a plugin, which is not part of this server")
        self.api_key = secrets.token_hex(8) if api_key is None else api_key
        with contextlib.ExitStack() as afterwards:
            self.directory = _folder(directory, afterwards)
            bound = afterwards.enter_context(listen(port))
            self.port: int = bound.getsockname()[1]
            log_errors(self.directory, self.port, afterwards)
            composition = Composition(discover())
            self.storage = table_storage(self.directory, composition)
            self.app = self._build(composition, _folders(readable_storage))
            self.catalog = self.app.state.root_tree
            if isinstance(self.catalog, Closing):
                afterwards.callback(self.catalog.close)
            listener = AccessLog(self.app, log_access(self.directory, afterwards))
            self._background = Background(listener, bound, afterwards.pop_all())
        self._start()

    def _build(self, composition: Composition, readable: list[str]) -> Application:
        """The application; what the environment says of servers is not about this one."""
        configuration = {
            "catalog": catalog_in(self.directory, composition) | {"readable_storage": readable},
            "authentication": {"single_user_api_key": self.api_key},
        }
        return build_app_from_config(load(configuration, environ={}))

    def _start(self) -> None:
        self._end = weakref.finalize(self, self._background.ask_to_stop)
        self._end.atexit = False  # at the exit all servers are waited for, too
        self._background.start()
        if self._background.wait_until_it_answers(READY):
            return
        was_running = self._background.is_running
        self.close()
        if was_running:
            raise TimeoutError(f"the server does not answer after {READY:.0f} seconds; its log is in {self.directory}")
        raise RuntimeError(f"the server ended before it answered; its log is in {self.directory}")

    @property
    def uri(self) -> str:
        """Of the API, with the key: what `from_uri` takes."""
        return f"http://{HOST}:{self.port}/api/v1?api_key={self.api_key}"

    @property
    def web_ui_link(self) -> str:
        """For a browser, with the key."""
        return f"http://{HOST}:{self.port}?api_key={self.api_key}"

    def close(self) -> None:
        """End the server, and wait until it is gone; a temporary directory goes with it."""
        self._end.detach()
        self._background.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SimpleTiledServer {self.uri!r}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        page, api = escape(self.web_ui_link), escape(self.uri)
        return (
            "<table>"
            f'<tr><td>Web Interface</td><td><a href="{page}">{page}</a></td></tr>'
            f"<tr><td>API</td><td><code>{api}</code></td></tr>"
            "</table>"
        )


def _folder(given: str | PathLike[str] | None, afterwards: contextlib.ExitStack) -> Path:
    """The folder of a server; a temporary one is removed afterwards."""
    if given is None:
        directory = Path(tempfile.mkdtemp(prefix="tiledkernel-"))
        afterwards.callback(shutil.rmtree, directory, ignore_errors=True)
        return directory
    directory = Path(given).expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _folders(given: Paths | None) -> list[str]:
    if given is None:
        return []
    several = [given] if isinstance(given, (str, PathLike)) else list(given)
    return [str(Path(one).expanduser().resolve()) for one in several]
