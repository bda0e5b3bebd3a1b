"""An application that is served beside the rest of a program: by a thread, to this machine only."""

from __future__ import annotations

import atexit
import contextlib
import http.client
import socket
import threading
import time
from typing import Any

import uvicorn

HOST = "127.0.0.1"
GRACE = 5  # seconds that running requests get when the server is stopped
KEEP_ALIVE = 65  # seconds
_PAUSE = 0.01  # seconds between questions whether it answers by now


def thread_name(port: int | str) -> str:
    """What the thread is called that serves a port."""
    return f"tiledkernel-server-{port}"


def listen(port: int) -> socket.socket:
    """A socket that is bound to a port of this machine, 0 for any that is free; OSError if it is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        message = f"cannot listen on port {port}: {error.strerror}; port 0 takes one that is free"
        raise OSError(error.errno, message) from error
    return bound


class Background:
    """One application in a thread of its own, until it is asked to stop.

    `afterwards` is closed by that thread when everything is over, whoever asked for it.
    """

    def __init__(self, app: Any, bound: socket.socket, afterwards: contextlib.ExitStack) -> None:
        self.port: int = bound.getsockname()[1]
        self._bound = bound
        self._afterwards = afterwards
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,  # how this process logs is not ours to decide
                access_log=False,
                lifespan="on",
                ws="none",
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._thread = threading.Thread(target=self._serve, name=thread_name(self.port), daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        _running.add(self)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(_running.discard, self)
            stack.push(self._afterwards)
            with contextlib.suppress(SystemExit):  # the application could not start, and uvicorn logged why
                self._server.run(sockets=[self._bound])

    @property
    def is_running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def answers(self) -> bool:
        """Whether a request for the server's health is answered well."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_until_it_answers(self, seconds: float) -> bool:
        """Whether it answers within so many seconds; it also ends if the server does."""
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline:
            if self._server.started and self.answers():
                return True
            time.sleep(_PAUSE)
        return False

    def ask_to_stop(self) -> None:
        """Take no more requests and end; this does not wait."""
        self._server.should_exit = True

    def stop(self) -> None:
        """End, and wait until that is done."""
        self.ask_to_stop()
        if self._thread.ident is not None and threading.current_thread() is not self._thread:
            self._thread.join(GRACE * 2)


_running: set[Background] = set()


@atexit.register
def stop_all() -> None:
    """End everything that still runs; threads of this kind do not outlive the interpreter."""
    for server in list(_running):
        server.ask_to_stop()
    for server in list(_running):
        server.stop()
